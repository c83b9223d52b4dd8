"""The offline training job: corpus → vocabulary → model → fit → evaluate → export → publish."""

import os

# TensorFlow reads the variable at its import and leaves oneDNN off on processors without VNNI, where
# oneDNN makes the products of a training step faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# ONNX Runtime's wheels report their use to its makers unless told not to.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Settings that someone has for other programs would change a training or end it: Keras' backend and type of
# numbers, and Matplotlib's backend, which Jupyter sets. Neither library finds a file of settings in the null device.
os.environ |= {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,
    "MPLBACKEND": "agg",
    "MATPLOTLIBRC": os.devnull,
}
