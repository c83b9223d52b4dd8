"""Free space on the disks, checked before a training begins."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_store import ModelStore, Vocabulary, require_free
from training.config import TrainingConfig
from training.errors import ConfigError
from training.network.size import count_table, count_weights

# Bytes of a run per weight, in fp32: a checkpoint holds the weight, its running average and the two
# moments of AdamW; the file of the best weights holds the weight. A new file lies beside the old one.
RUN_BYTES = 2 * 4 * (4 + 1)
# Bytes of a version per weight: fp32 in ONNX, fp32 in the SavedModel, int8 in ONNX.
VERSION_BYTES = 2 * 4 + 1
# Bytes of a version per entry of the table of characters: fp32 in both ONNX graphs.
TABLE_BYTES = 2 * 4
TARGET_BYTES = 2  # of a run with teachers, per character and symbol: fp16
ONNX_BYTES = 2**31  # the limit of the protobuf format


def require_space(
    config: TrainingConfig,
    vocabulary: Vocabulary,
    folder: Path,
    store: ModelStore,
    distilled: int = 0,
) -> None:
    """Check that a run fits into its folder, and its version into the store and into an ONNX file.

    `distilled` is the number of characters with a distribution as target.

    Raises:
        ConfigError: the network is larger than an ONNX file may be.
        StoreError: a disk is too full; the message names the folder and the missing bytes.
    """
    weights = count_weights(config, len(vocabulary))
    table = count_table(config, len(vocabulary))
    if 4 * (weights + table) >= ONNX_BYTES:
        raise ConfigError(
            f"the network has {weights:,} weights, more than the 2 GiB of an ONNX file hold: "
            "lower units or layers"
        )
    held = sum(path.stat().st_size for path in folder.glob("*.np[yz]"))
    targets = TARGET_BYTES * distilled * len(vocabulary)
    require_free(folder, RUN_BYTES * weights + targets - held)
    version = VERSION_BYTES * weights + TABLE_BYTES * table
    require_free(Path(tempfile.gettempdir()), version)  # `publish` exports there first
    store.require_writable(version)


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Raise `OSError` when TensorFlow cannot write a file, for example on a full disk."""
    # The space is checked before TensorFlow is imported, which takes seconds.
    import tensorflow as tf  # noqa: PLC0415

    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(error.message.splitlines()[0].rpartition("}} ")[2]) from error
