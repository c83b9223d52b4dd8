"""The offline training job: corpus → vocabulary → model → fit → evaluate → export → publish."""

import os

# TensorFlow reads the variable at its import and leaves oneDNN off on processors without VNNI, where
# oneDNN makes the products of a training step faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
