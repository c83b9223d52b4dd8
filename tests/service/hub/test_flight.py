"""A flight draws a stream once for all its readers, and ends with the last of them."""

from typing import Any

import numpy as np
import pytest

from service.hub.flight import Flight, Reader
from service.hub.messages import Admitted, Delivered, Finished, Submit
from service.stream.details import Details
from service.stream.generation import Sampling
from service.stream.job import Ending, Job, Snapshot, Start
from tests.fakes import VOCABULARY_SIZE


class _Read:
    """A reader, and the reports to the reader."""

    def __init__(self, end: int, begin: int = 0, *, details: bool = False, follows: bool = False):
        self.reports: list[Any] = []
        job = _job(begin, end, details=details)
        self.reader = Reader(Submit(7, 0, job, "key", follows, "", 60.0), self.reports.append)

    @property
    def got(self) -> list[tuple[int, list[int]]]:
        """The place and the characters of each delivery."""
        return [(r.place, r.ids.tolist()) for r in self.reports if isinstance(r, Delivered)]

    @property
    def ends(self) -> list[Finished]:
        return [report for report in self.reports if isinstance(report, Finished)]


def _job(begin: int, end: int, *, details: bool = False) -> Job:
    sampling = Sampling(1.0, None, None, 0)
    return Job(Start(np.array([1])), sampling, begin=begin, end=end, wants_details=details)


def _flight(first: _Read) -> Flight:
    return Flight(first.reader, VOCABULARY_SIZE, rows=lambda: 3, ended=lambda _: None)


def test_every_reader_gets_the_characters() -> None:
    """A reader who joins late gets at once what has landed, then the same as the others."""
    early, late = _Read(10), _Read(10)
    flight = _flight(early)
    flight.admit(5.0)
    flight.deliver(np.array([4, 5]), None)
    assert flight.join(late.reader)
    flight.deliver(np.array([6]), None)
    assert early.got == late.got == [(0, [4, 5]), (2, [6])]
    assert early.reports[0] == late.reports[0] == Admitted(7, 5.0, 3)


def test_a_resumed_reader_gets_the_rest() -> None:
    """A reader who knows the beginning gets what comes after, from place 0 of the reader's own."""
    flight, reader = _flight(_Read(10)), _Read(10, begin=2)
    flight.deliver(np.array([4, 5, 6]), None)
    flight.join(reader.reader)
    flight.deliver(np.array([7]), None)
    assert reader.got == [(0, [6]), (1, [7])]


def test_a_shorter_reader_gets_no_more_than_wanted() -> None:
    """A reader who wants less than the flight draws follows the flight, up to the reader's end."""
    flight, reader = _flight(_Read(10)), _Read(3)
    flight.join(reader.reader)
    assert flight.followed
    flight.deliver(np.array([4, 5, 6, 7]), None)
    assert reader.got == [(0, [4, 5, 6])]


@pytest.mark.parametrize(
    ("first", "reader"),
    [
        (_Read(10), _Read(20, begin=10)),
        (_Read(10, begin=5), _Read(10)),
        (_Read(10), _Read(10, details=True)),
    ],
    ids=["knows all of it", "begins before", "wants details"],
)
def test_a_flight_that_does_not_serve_is_not_joined(first: _Read, reader: _Read) -> None:
    """A reader does not join a flight that lacks what the reader wants."""
    assert not _flight(first).join(reader.reader)
    assert reader.reports == []


def test_details_come_with_the_characters() -> None:
    """The readers of a flight with details get the details of their characters."""
    flight, reader = _flight(_Read(10, details=True)), _Read(10, begin=1)
    flight.join(reader.reader)
    details = Details.empty(3, VOCABULARY_SIZE)
    details.logprobs[:] = [-1, -2, -3]
    flight.deliver(np.array([4, 5, 6]), details)
    (delivered,) = reader.reports
    assert delivered.details.logprobs.tolist() == [-2, -3]


def test_the_last_reader_ends_the_flight() -> None:
    """A reader who leaves ends alone; the last one is to get the ending, and nobody joins after."""
    first, last = _Read(10), _Read(10)
    flight = _flight(first)
    flight.join(last.reader)
    assert not flight.leave(first.reader)
    assert [(end.shared, end.ending.state) for end in first.ends if end.ending] == [(True, None)]
    assert flight.leave(last.reader)
    assert not flight.join(_Read(10).reader)
    ending = Ending(np.ones((2, 1), np.float32))
    flight.finish(ending)
    assert last.ends == [Finished(7, ending, shared=False)]


def test_one_reader_keeps_the_result() -> None:
    """Every reader gets the state at the end, and one of them the snapshots and the task to keep all."""
    readers = [_Read(10) for _ in range(3)]
    flight = _flight(readers[0])
    for each in readers[1:]:
        flight.join(each.reader)
    state = np.ones((2, 1), np.float32)
    kept = Ending(state, [Snapshot(5, state)])
    flight.finish(kept)
    assert [each.ends[0].shared for each in readers] == [False, True, True]
    assert [each.ends[0].ending for each in readers] == [kept, Ending(state), Ending(state)]


def test_a_failed_flight_has_no_ending() -> None:
    """The readers of a flight that the engine has failed get no ending, and nobody joins after."""
    reader = _Read(10)
    flight = _flight(reader)
    flight.finish(None)
    assert reader.ends == [Finished(7, None, shared=False)]
    assert not flight.join(_Read(10).reader)


def test_one_reader_gets_a_reported_state() -> None:
    """A state goes with the characters to one reader who follows and wants all of them."""
    whole, short, long = _Read(10), _Read(3, follows=True), _Read(10, follows=True)
    flight = _flight(whole)
    for each in (short, long, another := _Read(10, follows=True)):
        flight.join(each.reader)
    state = Snapshot(5, np.ones((2, 1), np.float32))
    flight.deliver(np.array([4, 5, 6, 7]), None, snapshot=state)
    told = [[report.snapshot for report in one.reports] for one in (whole, short, long, another)]
    assert told == [[None], [None], [state], [None]]


def test_who_follows_later_gets_reported_states_too() -> None:
    """A reader who begins to follow gets the next characters at once, and the state that goes with them."""
    reader = _Read(10)
    flight = _flight(reader)
    reader.reader.follow()
    assert flight.followed
    state = Snapshot(5, np.ones((2, 1), np.float32))
    flight.deliver(np.array([4, 5]), None, snapshot=state)
    assert [report.snapshot for report in reader.reports] == [state]
