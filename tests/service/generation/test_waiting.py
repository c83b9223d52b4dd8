"""Waiting for characters ends with the characters, the client, the deadline or the service."""

from math import inf
from time import monotonic

import numpy as np
import pytest

from service.errors import ClientGone, DeadlineExceeded, Draining
from service.generation import waiting
from service.generation.stopping import Stopping
from service.generation.waiting import Patience
from service.stream.sequence import Sequence
from tests.hubs import sequence


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Sequence:
    """A sequence with one of its ten characters; the connection is looked at all the time."""
    monkeypatch.setattr(waiting, "POLL", 0.0)
    begun = sequence(10)
    begun.deliver(np.array([1]), None)
    return begun


def test_characters_end_the_waiting(begun: Sequence) -> None:
    """A client that is connected gets the characters that are there, and False where more take too long."""
    patience = Patience(lambda: True, Stopping())
    assert patience.wait_for(begun, 1)
    assert not patience.wait_for(begun, 2, until=0.0)


def test_who_has_left_gets_no_character_that_is_there(begun: Sequence) -> None:
    """A client that has left is noticed also where characters never keep the reader waiting."""
    with pytest.raises(ClientGone):
        Patience(lambda: False, Stopping()).wait_for(begun, 1)


def test_the_connection_is_looked_at_now_and_then() -> None:
    """Within POLL seconds of a look there is no other, so that pieces in quick succession cost nothing."""
    begun = sequence(10)
    begun.deliver(np.array([1]), None)
    assert Patience(lambda: False, Stopping()).wait_for(begun, 1)


def test_the_deadline_ends_the_waiting(begun: Sequence) -> None:
    """After the deadline characters that are there are read, and none is waited for."""
    patience = Patience(lambda: True, Stopping(), monotonic())
    assert patience.wait_for(begun, 1)
    with pytest.raises(DeadlineExceeded):
        patience.wait_for(begun, 2)


def test_the_end_of_the_service_ends_the_waiting(begun: Sequence) -> None:
    """Nothing is waited for once the service is over."""
    with pytest.raises(Draining):
        Patience(lambda: True, Stopping(over=True), inf).wait_for(begun, 1)
