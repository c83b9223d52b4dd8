"""A client is let in while it has less than its share, and its work can end in time."""

import numpy as np
import pytest

from service.hub.flight import Flight, Reader
from service.hub.messages import Submit
from service.hub.work import SHORTLY, seconds_too_many
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from tests.fakes import VOCABULARY_SIZE

PROMPT = 100


def _reader(client: str, length: int = 900, seconds: float = 60.0) -> Reader:
    job = Job(Start(np.ones(PROMPT, np.int64)), Sampling(1.0, None, None, 0), end=length)
    return Reader(Submit(0, 0, job, None, False, client, seconds), lambda _: None)


def _flights(client: str, number: int, *, admitted: bool = False) -> list[Flight]:
    made = [
        Flight(_reader(client), VOCABULARY_SIZE, lambda: 1, lambda _: None) for _ in range(number)
    ]
    for flight in made if admitted else []:
        flight.admit(0.0)
    return made


def test_there_is_room_up_to_the_capacity() -> None:
    """One client may fill the queue, and is then refused for a moment."""
    assert seconds_too_many(_reader("a"), _flights("a", 9), 10, None) is None
    assert seconds_too_many(_reader("a"), _flights("a", 10), 10, None) == SHORTLY


def test_a_full_queue_has_room_for_a_client_below_its_share() -> None:
    """Another client is let in beyond the capacity, up to an equal share."""
    full = _flights("a", 10)
    assert seconds_too_many(_reader("b"), full, 10, None) is None
    assert seconds_too_many(_reader("b"), [*full, *_flights("b", 5)], 10, None) == SHORTLY


@pytest.mark.parametrize(
    ("ahead", "clients", "seconds"),
    [(0, 1, None), (58, 1, None), (60, 1, 1.0), (60, 2, 62.0)],
)
def test_work_that_cannot_end_in_time_is_refused(
    ahead: int, clients: int, seconds: float | None
) -> None:
    """The own work ahead, at the share of the pace, must fit into the time that a reader has."""
    others = _flights("b", clients - 1)
    flights = [*_flights("a", ahead), *others]
    assert seconds_too_many(_reader("a"), flights, 1_000, 1_000.0) == seconds


def test_nothing_is_estimated_while_nobody_waits() -> None:
    """Where every flight has its slot, a reader of long work is let in."""
    running = _flights("a", 64, admitted=True)
    assert seconds_too_many(_reader("a", seconds=0.1), running, 1_000, 1_000.0) is None
