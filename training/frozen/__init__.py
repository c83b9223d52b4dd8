"""The frozen forms of a network: ONNX and TensorFlow graphs, written from weights and read back.

This room owns the step graph, its quantisation and the parity check. A trained Keras model or a
published version comes in. Graphs, measurements and weights go out.
"""
