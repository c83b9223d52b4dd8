"""The names of a version's files."""

MANIFEST = "manifest.json"
VOCABULARY = "vocabulary.json"

INT8_GRAPH = "model.int8.onnx"
"""The step graph that the service runs."""
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
"""The files that the service needs."""
PAPERS = (CARD, CURVES, EPOCHS, SAMPLES)
"""The files that a publisher writes for people."""
