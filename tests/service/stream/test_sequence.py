"""Readers of a sequence wait for its characters, and all of them see its end."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from service.errors import Draining
from service.stream.details import Details
from service.stream.generation import Sampling
from service.stream.job import Ending, Job, Start
from service.stream.sequence import Sequence

SECONDS = 5.0


def _sequence(length: int = 4) -> Sequence:
    return Sequence(Job(Start(np.array([1])), Sampling(1.0, None, None, 0), end=length))


def _meanwhile(action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(0.02, action)
    timer.start()
    return timer


def test_begins_in_the_queue() -> None:
    """A sequence is queued, then running, then ended."""
    sequence = _sequence()
    stages = [sequence.stage]
    sequence.admit(1.0)
    stages.append(sequence.stage)
    sequence.finish(Ending())
    assert [*stages, sequence.stage] == ["queued", "running", "ended"]


def test_a_reader_wakes_with_the_wanted_characters() -> None:
    """A reader waits until the number of wanted characters is delivered, and no longer."""
    sequence = _sequence()
    sequence.deliver(np.array([7]), None)
    timer = _meanwhile(lambda: sequence.deliver(np.array([8, 9]), None))
    assert sequence.wait(3, SECONDS)
    timer.join()
    assert sequence.ids.tolist() == [7, 8, 9]
    assert not sequence.wait(4, timeout=0)


def test_a_reader_wakes_at_an_early_end() -> None:
    """A sequence that ends early wakes a reader who wants more."""
    sequence = _sequence()
    timer = _meanwhile(lambda: sequence.finish(Ending()))
    assert sequence.wait(4, SECONDS)
    timer.join()
    assert sequence.ended


def test_every_reader_gets_the_error() -> None:
    """The error that ends a sequence is raised for each reader, also after delivered characters."""
    sequence = _sequence()
    sequence.deliver(np.array([7]), None)
    sequence.finish(None, Draining("stopping"))
    for wanted in (1, 4):
        with pytest.raises(Draining):
            sequence.wait(wanted, SECONDS)


def test_the_first_impatient_reader_is_reported() -> None:
    """A reader of characters before the end is reported once; a reader of the end is not."""
    sequence, reports = _sequence(), []
    sequence.on_follow = lambda: reports.append("follow")
    sequence.wait(4, timeout=0)
    assert reports == []
    for _ in range(2):
        sequence.wait(1, timeout=0)
    assert reports == ["follow"]
    assert sequence.followed


def test_characters_that_come_again_change_nothing() -> None:
    """After a failure of the engine the characters come again, from the first on."""
    sequence = _sequence()
    sequence.deliver(np.array([7, 8, 9]), None)
    sequence.deliver(np.array([7]), None, place=0)
    assert sequence.ids.tolist() == [7, 8, 9]
    sequence.deliver(np.array([8, 9, 5]), None, place=1)
    assert sequence.ids.tolist() == [7, 8, 9, 5]


def test_details_grow_with_the_characters() -> None:
    """Details of several deliveries are joined in order."""
    sequence = _sequence()
    for logprob in (-1.0, -2.0):
        details = Details.empty(1, 5)
        details.logprobs[:] = logprob
        sequence.deliver(np.array([3]), details)
    assert sequence.details is not None
    assert sequence.details.logprobs.tolist() == [-1, -2]


def test_seconds_of_each_phase() -> None:
    """An ended sequence has the seconds of queue, prefill and decode, and a queued one has none."""
    sequence = _sequence()
    assert sequence.seconds() == {}
    sequence.created = 10.0
    sequence.admit(11.0)
    sequence.finish(Ending(first_time=13.0, last_time=16.0))
    assert sequence.seconds() == {"queue": 1.0, "prefill": 2.0, "decode": 3.0}
