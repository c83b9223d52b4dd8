"""The names of a version's files."""

from collections.abc import Container

MANIFEST = "manifest.json"
VOCABULARY = "vocabulary.json"

INT8_GRAPH = "model.int8.onnx"
FP32_GRAPH = "model.onnx"
SAVED_MODEL = "saved_model"
"""A folder with the same step as a TensorFlow graph."""

TEXTS = "texts.bin"
"""The hashes of the corpus's texts, where the corpus is one of lines; see `model_store.known_texts`."""

CARD = "card.md"
CURVES = "curves.png"
SAMPLES = "samples.txt"
EPOCHS = "epochs.json"

SERVING_FILES = (INT8_GRAPH, VOCABULARY)
"""The files that the service needs of a version with an int8 graph."""
PAPERS = (CARD, CURVES, EPOCHS, SAMPLES)
"""The files that a publisher writes for people."""


def served_graph(files: Container[str]) -> str:
    """Return the step graph that the service runs: int8, or fp32 of a version that has fp32 alone."""
    return FP32_GRAPH if FP32_GRAPH in files and INT8_GRAPH not in files else INT8_GRAPH
