"""A fingerprint tells apart engines that compute different numbers."""

import hashlib

import numpy as np
import pytest

from model_store import fingerprint, rows_to_walk


class Counting:
    """A walker whose state sums the ids; steps of `wrong_rows` rows return wrong logits."""

    def __init__(self, symbols: int, *, wrong_rows: int = 0) -> None:
        self.state = np.zeros((2, rows_to_walk(symbols), 3), np.float32)
        self.fed: list[np.ndarray] = []
        self._symbols, self._wrong_rows = symbols, wrong_rows

    def step(self, ids: np.ndarray) -> np.ndarray:
        """Add the ids to the state and return it as logits."""
        self.fed.append(ids)
        self.state[:, : len(ids)] += ids[:, None]
        logits = np.repeat(self.state[0, : len(ids), :1], self._symbols, axis=1)
        return np.nextafter(logits, np.float32(9e9)) if len(ids) == self._wrong_rows else logits


def test_equal_numbers_have_equal_fingerprints() -> None:
    """The fingerprint is a SHA-256 and depends on nothing but the numbers."""
    first, second = (fingerprint(Counting(60), 60) for _ in range(2))
    assert first == second
    assert len(first) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 8, 16, 33])
def test_a_fault_in_batches_of_one_size_shows(rows: int) -> None:
    """A difference in the last bit of the steps with one number of rows changes the fingerprint."""
    assert fingerprint(Counting(60, wrong_rows=rows), 60) != fingerprint(Counting(60), 60)


@pytest.mark.parametrize("symbols", [1, 2, 60, 375, 376, 1000, 5000])
def test_every_symbol_is_fed(symbols: int) -> None:
    """The path feeds each symbol of a vocabulary of any size, in at most `rows_to_walk` rows."""
    walker = Counting(symbols)
    fingerprint(walker, symbols)
    assert set(np.concatenate(walker.fed)) == set(range(symbols))
    assert max(map(len, walker.fed)) == rows_to_walk(symbols)


def test_the_path_never_changes() -> None:
    """The path is part of the manifest's format, so fingerprints of old manifests stay comparable."""
    walker = Counting(60)
    assert fingerprint(walker, 60)[:16] == "43fadb086dec7419"
