"""The unit that codes "inside a URL": the corpus, the measures, and the unit. The margins held for the seeds 0 to 9."""

import numpy as np
import pytest

from training.lecture.memory.links import corpus
from training.lecture.memory.urls import effects, separation, train


def test_the_marks_are_the_addresses() -> None:
    """The marked characters are the addresses of the links, and nothing else."""
    text, inside = corpus(3000, np.random.default_rng(1))
    assert len(text) == len(inside) == 3000
    marked = "".join(c if mark else " " for c, mark in zip(text, inside, strict=True)).split()
    assert len(marked) > 20
    assert all(address.startswith("http://www.") for address in marked[1:])
    assert "http://" not in "".join(np.array(list(text))[~inside])


def test_the_measures_find_a_unit_that_tells() -> None:
    """A unit that is higher inside has a large effect and tells all pairs apart; noise tells half of them."""
    rng = np.random.default_rng(1)
    inside = rng.random(2000) < 0.3
    states = rng.normal(size=(2000, 2))
    states[:, 1] += 9.0 * inside
    noise, told = effects(states, inside)
    assert abs(noise) < 0.3
    assert told > 8
    assert separation(states[:, 0], inside) == pytest.approx(0.5, abs=0.05)
    assert separation(states[:, 1], inside) > 0.999


@pytest.mark.slow
def test_a_unit_codes_inside_a_url() -> None:
    """After 150 updates one unit tells 70 % of the pairs apart, on a text that did not choose the unit."""
    text, inside = corpus(36_000, np.random.default_rng(1))
    reader = train(text[:30_000], iterations=150, seed=1)
    states, inside = reader.cell_states(text[30_000:]), inside[30_000:]
    size = effects(states[:3000], inside[:3000])
    unit = np.abs(size).argmax()
    assert separation(states[3000:, unit] * np.sign(size[unit]), inside[3000:]) > 0.7
