"""A fingerprint tells apart engines that compute different numbers."""

import hashlib

import numpy as np
import pytest

from model_store import fingerprint, steps_to_walk


def counted(symbols: int, *, wrong_rows: int = 0) -> str:
    """The fingerprint of an engine whose state sums the ids, and which errs in some steps."""
    steps = steps_to_walk(symbols)
    state = np.zeros((2, max(map(len, steps)), 3), np.float32)
    logits = []
    for ids in steps:
        state[:, : len(ids)] += ids[:, None]
        right = np.repeat(state[0, : len(ids), :1], symbols, axis=1)
        wrong = np.nextafter(right, np.float32(9e9))
        logits.append(wrong if len(ids) == wrong_rows else right)
    return fingerprint(logits, state)


def test_equal_numbers_have_equal_fingerprints() -> None:
    """The fingerprint is a SHA-256 and depends on nothing but the numbers."""
    first, second = (counted(60) for _ in range(2))
    assert first == second
    assert len(first) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 8, 16, 33])
def test_a_fault_in_batches_of_one_size_shows(rows: int) -> None:
    """A difference in the last bit of the steps with one number of rows changes the fingerprint."""
    assert counted(60, wrong_rows=rows) != counted(60)


@pytest.mark.parametrize("symbols", [1, 2, 60, 375, 376, 1000, 5000])
def test_every_symbol_is_fed(symbols: int) -> None:
    """The path feeds each symbol of a vocabulary of any size, in no more steps than of a small one."""
    steps = steps_to_walk(symbols)
    assert set(np.concatenate(steps)) == set(range(symbols))
    assert len(steps) == len(steps_to_walk(60))


def test_the_path_never_changes() -> None:
    """The path is part of the manifest's format, so fingerprints of old manifests stay comparable."""
    assert counted(60)[:16] == "43fadb086dec7419"
