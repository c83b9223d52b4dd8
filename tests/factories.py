"""Small models with random weights, published into a store."""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import numpy_helper

from model_store import (
    Architecture,
    Corpus,
    Manifest,
    ModelDescription,
    ModelStore,
    Vocabulary,
    contents,
    write_known_texts,
)
from training.frozen.graph import step_graph
from training.frozen.runtime import fingerprint_of
from training.frozen.weights import Layer, Weights

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
    """Return the random weights of an untrained network, large enough for distinct logits."""
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


def eight_bit(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return an int8 graph of an early job, with 8-bit activations: scale 1/127, zero point 128."""
    early = onnx.ModelProto()
    early.CopyFrom(graph)
    for constant in early.graph.initializer:
        value = numpy_helper.to_array(constant)
        if constant.name == "activation_scale":
            value = np.float32(1 / 127)
        elif constant.name == "activation_zero_point":
            value = np.uint8(128)
        elif constant.name.endswith("_scale"):
            value = value * np.float32(63) / np.float32(127)
        constant.CopyFrom(numpy_helper.from_array(np.asarray(value), constant.name))
    return early


def write_graph(path: Path, weights: Weights, *, int8: bool = True) -> Path:
    """Write a step graph and return its path."""
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
    fingerprint: str | None = None,
    symbols: tuple[str, ...] = SYMBOLS,
    texts: int | None = None,
    known: Iterable[str] = (),
    int8: bool = True,
) -> Manifest:
    """Publish an untrained model that the service can serve, or one with another graph file.

    Without `int8` the version has the fp32 graph alone, and no fingerprint.

    `texts` is the number of texts of a corpus of many short texts; the model then begins each anew.
    `known` are texts that stand in such a corpus.

    The manifest has the graph's own fingerprint, another one that is given, or, with another graph
    file and none given, none.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights = random_weights(layers, units, len(symbols), seed, cell)
        if texts is not None:
            end = Vocabulary(symbols).text_end
            weights = replace(weights, text_end=symbols.index(end))
            write_known_texts(known, folder / contents.TEXTS)
        file = folder / (contents.INT8_GRAPH if int8 else contents.FP32_GRAPH)
        write_graph(file, weights, int8=int8)
        if graph is not None:
            file.write_bytes(graph)
        elif fingerprint is None and int8:
            fingerprint = fingerprint_of(file)
        (folder / contents.VOCABULARY).write_text(Vocabulary(symbols).to_json(), encoding="utf-8")
        said = description(layers, units, cell)
        corpus = said.corpus.model_copy(update={"texts": texts})
        changed = {"fingerprint": fingerprint, "corpus": corpus, "vocabulary_size": len(symbols)}
        said = said.model_copy(update=changed)
        return ModelStore(root).publish(name, folder, said)


def description(layers: int, units: int, cell: CellName = "lstm") -> ModelDescription:
    """Return the description of an untrained model."""
    return ModelDescription(
        architecture=Architecture(cell=cell, layers=layers, units=units, embedding=8),
        vocabulary_size=len(SYMBOLS),
        corpus=Corpus(name="none", sha256="0" * 64, characters=1),
        training={},
        libraries={},
        metrics={"validation_nats": 4.0, "validation_bits": 5.77},
        git_commit=None,
    )
