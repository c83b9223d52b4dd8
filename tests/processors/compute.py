"""`python -m tests.processors.compute FOLDER`: digests of what this processor computes.

It prints a JSON object: "libraries" says what computes, and "results" has {subject: {quantity:
[SHA-256, …]}}. Subjects are every step graph of the folder, every bundled model and `service.engine.exact`.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime as ort

from service.engine.batch import Engine
from service.engine.exact import Doubles, log, steps_per_unit, weights
from service.engine.onnx_engine import OnnxEngine
from service.engine.sampler import BLOCK, uniform_block
from service.engine.schedule.scheduler import Scheduler
from service.stream.details import Details
from service.stream.generation import Sampling
from service.stream.job import Ids, Job, Start
from service.stream.sequence import Sequence

BUNDLED = Path(__file__).resolve().parents[2] / "model_store" / "bundled"
STEPS = 40
PIECES = 100  # of many numbers, to be compared one by one
PROMPT = 6
LENGTH = 100
# One row of the batch each; together they take every branch of the sampler.
SAMPLINGS = (
    Sampling(0.8, top_k=None, top_p=None, random_seed=1),
    Sampling(0.8, top_k=None, top_p=None, random_seed=2**63 - 1),
    Sampling(0.0, top_k=None, top_p=None, random_seed=3),
    Sampling(1.0, top_k=5, top_p=None, random_seed=4),
    Sampling(1.3, top_k=None, top_p=0.9, random_seed=5),
    Sampling(0.5, top_k=20, top_p=0.5, random_seed=6, frequency_penalty=0.7),
    Sampling(2.0, None, None, 7, presence_penalty=-1.1, logit_bias=((1, 0.3), (2, -100.0))),
    Sampling(1.2, None, 0.9, 8, min_p=0.01, typical_p=0.8),
    Sampling(1.0, None, None, 9, repetition_penalty=1.3, repetition_window=20),
)
ROWS = len(SAMPLINGS)
PLAIN = 3  # the first of them draw from the whole distribution

Digests = dict[str, list[str]]


def main() -> None:
    """Print the digests of everything."""
    results = {"service.engine.exact": _exact()}
    for name, path in _graphs(Path(sys.argv[1])):
        engine = OnnxEngine(path)
        results[name] = _fixed_path(engine) | _texts(engine)
    print(json.dumps({"libraries": _libraries(), "results": results}))


def _libraries() -> str:
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    used = " ".join(simd.get("found", []) or simd["baseline"])
    python = platform.python_version()
    return f"Python {python}, NumPy {np.__version__} on {used}, ONNX Runtime {ort.__version__}"


def _graphs(folder: Path) -> Iterable[tuple[str, Path]]:
    for graph in sorted(folder.glob("*.onnx")):
        yield graph.stem, graph
    for graph in sorted(BUNDLED.glob("*/*/model.int8.onnx")):
        yield f"{graph.parts[-3]}@{graph.parts[-2]}", graph


def _exact() -> Digests:
    """Digest many exponentials and logarithms: a wrong last bit seldom changes a text."""
    numbers = _uniforms(PIECES * 1024)
    logits = (100 * numbers).astype(np.float32).reshape(-1, 64)
    temperature = 2 * numbers[: len(logits)] + 0.01
    return {
        quantity: [_digest(piece) for piece in np.split(values, PIECES)]
        for quantity, values in (
            ("weights", weights(logits, steps_per_unit(temperature))),
            ("log", log(1000 * numbers + 0.001)),
        )
    }


def _fixed_path(engine: Engine) -> Digests:
    """Digest the logits and states of each step along one path of ids."""
    batch = engine.batch(ROWS)
    logits, states = [], []
    for ids in _ids(STEPS * ROWS, engine).reshape(STEPS, ROWS):
        logits.append(_digest(batch.step(ids)))
        states.append(_digest(batch.state))
    return {"logits": logits, "states": states}


def _texts(engine: Engine) -> Digests:
    """Digest the text and details of each row, and the texts of the rows that need no single steps."""
    detailed = _generate(engine, SAMPLINGS, wants_details=True)
    plain = _generate(engine, SAMPLINGS[:PLAIN], wants_details=False)
    return {
        "text": [_digest(sequence.ids) for sequence in detailed],
        "details": [_digest(*_arrays(sequence.details)) for sequence in detailed],
        "text, many steps in a call": [_digest(sequence.ids) for sequence in plain],
    }


def _generate(
    engine: Engine, samplings: Iterable[Sampling], *, wants_details: bool
) -> list[Sequence]:
    """Return a sequence for each sampling; one row after another ends and leaves the batch."""
    scheduler = Scheduler(engine.batch(ROWS), ROWS, PROMPT + LENGTH, engine.vocabulary_size)
    prompts = _ids(PROMPT * ROWS, engine).reshape(ROWS, PROMPT)
    sequences = [
        Sequence(Job(Start(prompts[row]), each, end=LENGTH - 9 * row, wants_details=wants_details))
        for row, each in enumerate(samplings)
    ]
    scheduler.waiting.extend(sequences)
    while not scheduler.idle:
        scheduler.step()
    return sequences


def _arrays(details: Details | None) -> tuple[np.ndarray, ...]:
    assert details is not None  # every sequence wants them
    return details.logprobs, details.top_ids, details.top_logprobs


def _ids(count: int, engine: Engine) -> Ids:
    ids: Ids = (_uniforms(count) * engine.vocabulary_size).astype(np.int64)
    return ids


def _uniforms(count: int) -> Doubles:
    """Return numbers that are the same on every processor: Philox computes in integers."""
    return np.concatenate([uniform_block(0, block) for block in range(-(-count // BLOCK))])[:count]


def _digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


if __name__ == "__main__":
    main()
