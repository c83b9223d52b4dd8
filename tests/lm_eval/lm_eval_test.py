"""`make lm-eval-test`: EleutherAI's lm-eval gives the perplexity that the training reported.

A small model is trained and served, and lm-eval's `local-completions` reads the held-out text over
OpenAI's route. The test skips where lm-eval is not installed in `.venv/lm-eval`.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from pydoc_data.topics import topics

from model_store import ModelStore
from tests.servers import ROOT, serving
from tests.training.commands import completed, job

LM_EVAL = ROOT / ".venv" / "lm-eval" / "bin" / "lm_eval"
CHARACTERS = 20_000  # of the held-out text
TOLERANCE = 0.001  # bits per character
TASK = """task: held_out
dataset_path: json
dataset_kwargs: {{data_files: {{test: {texts}}}}}
output_type: loglikelihood_rolling
test_split: test
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
metric_list: [{{metric: bits_per_byte}}]
"""


def main() -> int:
    """Return 1 where lm-eval and the training differ."""
    if not LM_EVAL.exists():
        print(f"lm-eval-test: skipped, there is no {LM_EVAL.relative_to(ROOT)}")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        reported, held_out = _train(folder)
        limits = {"max_seed_chars": CHARACTERS + 1, "deadline": 600}
        store = folder / "the store"
        with serving(folder / "log", store=store, model="small", **limits) as service:
            found = _evaluate(folder, held_out, service.port)
    print(f"the training reported {reported:.4f} bits per character, lm-eval found {found:.4f}")
    return int(abs(found - reported) > TOLERANCE)


def _train(folder: Path) -> tuple[float, str]:
    """Train a small model; return its reported bits per character, and the text that they are of."""
    text = "\n".join(map(topics.__getitem__, sorted(topics)))[:300_000]
    text = text.encode("ascii", "ignore").decode()
    (folder / "corpus.txt").write_text(text, encoding="utf-8")
    corpus = ["--corpus", str(folder / "corpus.txt"), "--name", "small"]
    values = {"units": 32, "epochs": 1, "validation_characters": CHARACTERS}
    options = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    done = completed(job(folder, *corpus, *options))
    assert done.returncode == 0, done.stderr
    metrics = ModelStore(folder / "the store").manifest("small", 1).metrics
    held_out = text[int(len(text) * 0.9) :][:CHARACTERS]
    return metrics["int8_nats"] / math.log(2), held_out


def _evaluate(folder: Path, text: str, port: int) -> float:
    """Return the bits per byte that lm-eval finds for a text of ASCII, with the default model."""
    (folder / "texts.jsonl").write_text(json.dumps({"text": text}), encoding="utf-8")
    tasks = folder / "tasks"
    tasks.mkdir()
    task = TASK.format(texts=folder / "texts.jsonl")
    (tasks / "held_out.yaml").write_text(task, encoding="utf-8")
    model = (
        f"base_url=http://127.0.0.1:{port}/v1/completions,model=small,max_length={len(text) + 2}"
    )
    subprocess.run(
        [
            *(LM_EVAL, "--model", "local-completions", "--model_args", model),
            *("--include_path", tasks, "--tasks", "held_out", "--output_path", folder / "out"),
        ],
        env=os.environ
        | {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder)},
        check=True,
    )
    (results,) = (folder / "out").rglob("results_*.json")
    found: float = json.loads(results.read_bytes())["results"]["held_out"]["bits_per_byte,none"]
    return found


if __name__ == "__main__":
    sys.exit(main())
