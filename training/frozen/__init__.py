"""The frozen forms of a network: into ONNX and TensorFlow graphs, and out of them again.

This room owns the step graph, its quantisation and the checks that it computes what was trained. A
trained Keras model or a published version comes in. Graphs, measurements and weights go out.
"""
