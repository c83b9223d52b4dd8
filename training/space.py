"""Room on the disks, asked for before hours of training and not after them."""

import tempfile
from pathlib import Path

from model_store import ModelStore, Vocabulary
from model_store.files import require_free
from training.cells import CELLS
from training.config import TrainingConfig
from training.model import build_model

# Bytes for each weight. A checkpoint holds it, its running average and the two moments of AdamW,
# the file of the best weights holds it alone, both in fp32; a new file lies beside the old one.
RUN_BYTES = 2 * 4 * (4 + 1)
# A version has it twice in fp32, in ONNX and in the SavedModel, and once in int8; and in each ONNX graph
# the products of embedding and first kernel, a row of fp32 for each symbol.
VERSION_BYTES = 2 * 4 + 1
ROW_BYTES = 2 * 4


def require_space(
    config: TrainingConfig, vocabulary: Vocabulary, folder: Path, store: ModelStore
) -> None:
    """Make sure that a run fits into its folder, and its version into the store.

    Raises:
        StoreError: names the folder whose disk is too full, and how much is missing.
    """
    model = build_model(config, len(vocabulary), "float32", vocabulary.unknown_id)
    weights = model.count_params()
    held = sum(path.stat().st_size for path in folder.glob("*.npz"))
    require_free(folder, RUN_BYTES * weights - held)
    rows = len(vocabulary) * CELLS[config.cell].gates * config.units
    version = VERSION_BYTES * weights + ROW_BYTES * rows
    require_free(Path(tempfile.gettempdir()), version)  # where it is exported
    store.require_writable(version)
