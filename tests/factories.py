"""Things that tests need made: small models with random weights, published for real."""

import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
import onnx

from model_store import Architecture, Corpus, Manifest, ModelDescription, ModelStore, Vocabulary
from training.graph import Layer, Weights, step_graph

SYMBOLS = tuple(sorted("\n !,.:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZäöü"))
CellName = Literal["lstm", "gru", "rnn"]
GATES: dict[CellName, int] = {"lstm": 4, "gru": 3, "rnn": 1}


def random_weights(
    layers: int = 1,
    units: int = 32,
    symbols: int = len(SYMBOLS),
    seed: int = 0,
    cell: CellName = "lstm",
) -> Weights:
    """Weights of a network that was never trained; large enough that its logits differ."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 1.5 / np.sqrt(shape[0]), shape).astype(np.float32)

    embedding, gates = 8, GATES[cell]
    inputs = [embedding, *([units] * (layers - 1))]
    return Weights(
        cell=cell,
        embedding=rng.normal(0, 1, (symbols, embedding)).astype(np.float32),
        layers=[
            Layer(draw(below, gates * units), draw(units, gates * units), draw(gates * units))
            for below in inputs
        ],
        output=3 * draw(units, symbols),
        output_bias=draw(symbols),
    )


def write_graph(path: Path, weights: Weights, *, int8: bool = True) -> Path:
    """Write a step graph and return where it is."""
    onnx.save(step_graph(weights, int8=int8), str(path))
    return path


def publish_random_model(
    root: Path | str,
    name: str = "tiny",
    *,
    layers: int = 1,
    units: int = 32,
    seed: int = 0,
    cell: CellName = "lstm",
    graph: bytes | None = None,
) -> Manifest:
    """Publish an untrained model that the service can serve, or one with another graph file."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_graph(folder / "model.int8.onnx", random_weights(layers, units, seed=seed, cell=cell))
        if graph is not None:
            (folder / "model.int8.onnx").write_bytes(graph)
        (folder / "vocabulary.json").write_text(Vocabulary(SYMBOLS).to_json(), encoding="utf-8")
        return ModelStore(root).publish(name, folder, description(layers, units, cell))


def description(layers: int, units: int, cell: CellName = "lstm") -> ModelDescription:
    """What a publisher says of an untrained model."""
    return ModelDescription(
        architecture=Architecture(cell=cell, layers=layers, units=units, embedding=8),
        vocabulary_size=len(SYMBOLS),
        corpus=Corpus(name="none", sha256="0" * 64, characters=1),
        training={},
        libraries={},
        metrics={"validation_nats": 4.0, "validation_bits": 5.77},
        git_commit=None,
    )
