"""The offline training job: corpus → vocabulary → model → fit → evaluate → export → publish."""

import os

from model_store import cores

# TensorFlow reads the variable at its import and leaves oneDNN off on processors without VNNI, where
# oneDNN makes the products of a training step faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# TensorFlow would count the cores of the machine, also in a container with less processor time.
for _threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_threads, str(cores()))
