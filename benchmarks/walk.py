"""`python -m benchmarks.walk FOLDER TEXT [--share 0.1]`: the loss of a version's int8 graph, walked alone.

The script reads the last share of a text character by character, and shares no code with the training job
or the service, so that its loss is a proof of the manifest's. A second loss adapts to the text: the
characters that followed the last five ones earlier in the text are mixed in.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import onnxruntime as ort
from rich.progress import track

CONTEXT = 5  # characters before the character of a 6-gram
MIXED = 0.2  # the share of the 6-grams in the prediction


def main() -> None:
    """Print the number of characters and both losses, in nats per character."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of a version")
    parser.add_argument("text", type=Path)
    parser.add_argument("--share", type=float, default=0.1, help="of the text, at its end")
    asked = parser.parse_args()
    text = asked.text.read_text(encoding="utf-8")
    held_out = text[int(len(text) * (1 - asked.share)) :]
    alone, adapted = walk(asked.folder, held_out)
    print(
        f"{len(held_out):,} characters: {alone:.4f} nats, adapting to the text {adapted:.4f} nats"
    )


def walk(folder: Path, text: str) -> tuple[float, float]:
    """Return the mean loss of all characters but the first, and the mean loss with the 6-grams mixed in."""
    symbols = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))["symbols"]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # one row alone has no work for a second thread
    session = ort.InferenceSession(folder / "model.int8.onnx", options)
    ids, *parts = (node.name for node in session.get_inputs())
    state = [np.zeros((1, node.shape[1]), np.float32) for node in session.get_inputs()[1:]]
    followers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    alone, adapted = [], []
    for place in track(range(1, len(text)), "walking", transient=True):
        read = np.array([symbols.index(text[place - 1])])
        logits, *state = session.run(None, {ids: read, **dict(zip(parts, state, strict=True))})
        z = logits[0].astype(np.float64)
        predicted = np.exp(z[symbols.index(text[place])] - np.logaddexp.reduce(z))
        alone.append(-np.log(predicted))
        seen = followers[text[max(0, place - CONTEXT) : place]]
        if total := seen.total():
            predicted = (1 - MIXED) * predicted + MIXED * seen[text[place]] / total
        adapted.append(-np.log(predicted))
        seen[text[place]] += 1
    return float(np.mean(alone)), float(np.mean(adapted))


if __name__ == "__main__":
    main()
