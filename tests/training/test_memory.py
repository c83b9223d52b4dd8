"""A training that may need more memory than is free says so before the system kills it."""

import pytest

from training import memory
from training.config import TrainingConfig
from training.memory import memory_needed, shortage

# Largest anonymous memory in MiB of whole jobs, by units, layers, batch, sequence and cell (AVX-512, bf16).
MEASURED = {
    (16, 1, 4, 32, "lstm"): 421,
    (64, 1, 32, 128, "lstm"): 471,
    (128, 1, 64, 256, "lstm"): 644,
    (384, 1, 8, 64, "lstm"): 567,
    (512, 1, 8, 64, "lstm"): 645,
    (512, 1, 32, 128, "lstm"): 1023,
    (512, 1, 128, 128, "lstm"): 1409,
    (512, 1, 32, 64, "gru"): 640,
    (1024, 1, 32, 128, "lstm"): 1333,
    (256, 3, 32, 128, "lstm"): 862,
}


@pytest.mark.parametrize(("sizes", "measured"), MEASURED.items())
def test_the_estimate_is_near_what_was_measured(
    sizes: tuple[int, int, int, int, str], measured: int
) -> None:
    """The estimated memory of small and large networks is within a quarter of the measured memory."""
    names = ("units", "layers", "batch_size", "sequence_length", "cell")
    config = TrainingConfig.model_validate(dict(zip(names, sizes, strict=True)))
    assert memory_needed(config, 90) / 2**20 == pytest.approx(measured, rel=0.25)


def test_a_shortage_names_both_numbers_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the memory needed, the memory free and the keys to lower; with enough memory there is none."""
    monkeypatch.setattr(memory, "free_memory", lambda: 700e6)
    said = shortage(TrainingConfig(), 90)
    assert "700 MB are free" in said
    assert "lower batch_size" in said
    assert shortage(TrainingConfig(batch_size=4, units=64), 90) == ""


def test_workers_share_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker needs memory for its own rows alone."""
    monkeypatch.setattr(memory, "free_memory", lambda: 1000e6)
    config = TrainingConfig(batch_size=128)
    assert shortage(config, 90)
    assert not shortage(config, 90, workers=8)
