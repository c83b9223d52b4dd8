"""Room on the disks, asked for before hours of training and not after them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf

from model_store import ModelStore, Vocabulary, require_free
from training.config import TrainingConfig
from training.errors import ConfigError
from training.network.cells import CELLS
from training.network.model import build_model

# Bytes for each weight. A checkpoint holds it, its running average and the two moments of AdamW,
# the file of the best weights holds it alone, both in fp32; a new file lies beside the old one.
RUN_BYTES = 2 * 4 * (4 + 1)
# A version has it twice in fp32, in ONNX and in the SavedModel, and once in int8; and in each ONNX graph
# the products of embedding and first kernel, a row of fp32 for each symbol.
VERSION_BYTES = 2 * 4 + 1
ROW_BYTES = 2 * 4
ONNX_BYTES = 2**31


def require_space(
    config: TrainingConfig, vocabulary: Vocabulary, folder: Path, store: ModelStore
) -> None:
    """Make sure that a run fits into its folder, and its version into the store and into ONNX.

    Raises:
        ConfigError: the network is larger than an ONNX file may be.
        StoreError: names the folder whose disk is too full, and how much is missing.
    """
    model = build_model(config, len(vocabulary), "float32", vocabulary.unknown_id)
    weights = model.count_params()
    rows = len(vocabulary) * CELLS[config.cell].gates * config.units
    if 4 * (weights + rows) >= ONNX_BYTES:
        raise ConfigError(
            f"the network has {weights:,} weights, more than the 2 GiB of an ONNX file hold: "
            "lower units or layers"
        )
    held = sum(path.stat().st_size for path in folder.glob("*.npz"))
    require_free(folder, RUN_BYTES * weights - held)
    version = VERSION_BYTES * weights + ROW_BYTES * rows
    require_free(Path(tempfile.gettempdir()), version)  # where it is exported
    store.require_writable(version)


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Raise what TensorFlow cannot write, such as on a full disk, as the `OSError` that it is."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(error.message.splitlines()[0].rpartition("}} ")[2]) from error
