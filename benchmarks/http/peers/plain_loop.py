"""The step graph in a plain loop: one text at a time, with softmax and draw in NumPy."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort


class PlainLoop:
    """The model of the folder MODEL_FOLDER, on ONNX Runtime with its default threads."""

    def __init__(self) -> None:
        folder = Path(os.environ["MODEL_FOLDER"])
        vocabulary = (folder / "vocabulary.json").read_text(encoding="utf-8")
        self._symbols: list[str] = json.loads(vocabulary)["symbols"]
        self._ids = {symbol: number for number, symbol in enumerate(self._symbols)}
        self._session = ort.InferenceSession(folder / "model.int8.onnx")
        self._states = [node.name for node in self._session.get_inputs()[1:]]
        self._units: int = self._session.get_inputs()[1].shape[1]

    def text(self, seed: str, length: int, random_seed: int) -> str:
        """Write that many characters after a seed text, at temperature 1."""
        rng = np.random.default_rng(random_seed)
        states = [np.zeros((1, self._units), np.float32) for _ in self._states]
        logits = np.zeros(len(self._symbols))
        for symbol in seed:
            logits, states = self._step(self._ids[symbol], states)
        drawn: list[str] = []
        while len(drawn) < length:
            weights = np.exp(logits - logits.max())
            number = rng.choice(len(weights), p=weights / weights.sum())
            drawn.append(self._symbols[number])
            logits, states = self._step(number, states)
        return "".join(drawn)

    def _step(self, number: int, states: list[Any]) -> tuple[Any, list[Any]]:
        feed = dict(zip(self._states, states, strict=True), ids=np.array([number]))
        logits, *states = self._session.run(None, feed)
        return logits[0].astype(np.float64), states
