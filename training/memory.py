"""The memory that a training needs, compared with the memory that is free, because Linux kills a process without a word."""

from model_store import free_memory
from training.config import TrainingConfig
from training.network.size import GATES, count_weights

# Least squares over the largest anonymous memory (RssAnon) of eleven trainings of one to three layers with 16 to
# 1,024 units, whole jobs from the start to the published version; the largest deviation is 21 %
# (docs/training.md, "Memory").
BASE = 500_000_000
WEIGHT_BYTES = 117
GATE_BYTES = 25  # for each gate of each unit at each position of a batch


def memory_needed(config: TrainingConfig, symbols: int) -> int:
    """Return the estimated memory of the whole job in bytes, without the teachers of a distillation."""
    positions = config.batch_size * config.sequence_length
    gates = GATES[config.cell] * config.units * config.layers
    return BASE + WEIGHT_BYTES * count_weights(config, symbols) + GATE_BYTES * gates * positions


def shortage(config: TrainingConfig, symbols: int, workers: int = 1) -> str:
    """Return a line that names the memory needed and the memory free if the training needs more, else nothing."""
    share = config.model_copy(update={"batch_size": config.batch_size // workers})
    needed, free = memory_needed(share, symbols), free_memory()
    if needed <= free:
        return ""
    return (
        f"the training needs about {needed / 1e6:,.0f} MB of memory and {free / 1e6:,.0f} MB are free, so the system "
        "may kill it: end other programs, raise the limit of the container, or lower batch_size, sequence_length or units"
    )
