"""The names of a version's files."""

MANIFEST = "manifest.json"
VOCABULARY = "vocabulary.json"

INT8_GRAPH = "model.int8.onnx"
"""The step graph that the service runs."""
FP32_GRAPH = "model.onnx"
SAVED_MODEL = "saved_model"
"""A folder: TensorFlow's form of the same step."""

CARD = "card.md"
CURVES = "curves.png"
SAMPLES = "samples.txt"
EPOCHS = "epochs.json"

SERVING_FILES = (INT8_GRAPH, VOCABULARY)
"""What the service cannot do without."""
PAPERS = (CARD, CURVES, EPOCHS, SAMPLES)
"""What a publisher wrote for people."""
