"""Clients take turns at the slots, and what is short is not kept behind what is long."""

from collections import Counter

import numpy as np
import pytest

from service.engine.schedule.scheduler import TURN, Scheduler
from service.engine.schedule.slot import Slot
from service.engine.schedule.waiting import FairQueue
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch

LONG = 20 * TURN


def _sequence(client: str, length: int = 5, seed: int = 0) -> Sequence:
    job = Job(Start(np.array([1])), Sampling(1.0, None, None, seed), end=length)
    return Sequence(job, client)


def _scheduler(waiting: FairQueue | None = None) -> Scheduler:
    return Scheduler(ScriptedBatch(2), 2, LONG + 10, VOCABULARY_SIZE, waiting=waiting)


def _steps_until(scheduler: Scheduler, sequence: Sequence) -> int:
    """Run until a sequence has ended, and return how many steps its row and others took."""
    steps = 0
    while not sequence.ended:
        steps += scheduler.step() // max(1, scheduler.running)
    return steps


def test_clients_take_turns() -> None:
    """The queue gives one sequence of each client in turn, and those of one client in order."""
    queue = FairQueue()
    many, few = [_sequence("many", seed=n) for n in range(3)], [_sequence("few", seed=9)]
    queue.extend([*many, *few])
    taken = [queue.take() for _ in range(4)]
    assert [slot.sequence for slot in taken if slot] == [many[0], few[0], *many[1:]]
    assert queue.take() is None
    assert len(queue) == 0


def test_what_has_not_run_comes_before_what_was_suspended() -> None:
    """Of one client a new sequence comes first, then the sequence that was suspended first."""
    queue, old = FairQueue(), [Slot(_sequence("one", seed=n)) for n in range(2)]
    for slot in old:
        queue.suspend(slot)
    queue.append(new := _sequence("one", seed=7))
    taken = [queue.take() for _ in range(3)]
    assert taken[0] is not None
    assert taken[0].sequence is new
    assert taken[1:] == old


def test_who_may_take_a_row() -> None:
    """A suspended sequence takes a row only of a client that then still has as many rows."""
    queue = FairQueue()
    queue.suspend(slot := Slot(_sequence("b")))
    assert queue.take_from("a", Counter(a=2, b=1)) is None
    assert queue.take_from("a", Counter(a=3, b=1)) is slot
    queue.append(fresh := _sequence("a"))
    taken = queue.take_from("a", Counter(a=2))
    assert taken is not None
    assert taken.sequence is fresh


def test_a_sequence_is_discarded_once() -> None:
    """A discarded sequence is out of the queue, and its client's line goes with the last sequence."""
    queue, sequence = FairQueue(), _sequence("one")
    queue.append(sequence)
    assert queue.discard(sequence)
    assert not queue.discard(sequence)
    assert queue.take() is None


@pytest.mark.parametrize("client", ["flooding", "other"])
def test_short_work_is_not_kept_behind_long_work(client: str) -> None:
    """A short sequence gets a row as soon as a long one has had its turn, whoever asked for both."""
    scheduler, short = _scheduler(), _sequence(client)
    scheduler.waiting.extend(_sequence("flooding", LONG, seed) for seed in range(8))
    scheduler.step()
    scheduler.waiting.append(short)
    waited = _steps_until(scheduler, short)
    assert waited < (2 * TURN if client == "other" else 5 * TURN)


def test_clients_share_the_rows() -> None:
    """A client with one long sequence beside a flood has it drawn as fast as with half the rows."""
    scheduler, lonely = _scheduler(), _sequence("other", LONG)
    scheduler.waiting.extend(_sequence("flooding", LONG, seed) for seed in range(8))
    scheduler.step()
    scheduler.waiting.append(lonely)
    assert _steps_until(scheduler, lonely) < 1.25 * LONG


def test_a_suspended_sequence_goes_on_as_if_it_had_never_stopped() -> None:
    """Suspended sequences have the same characters and states, also where another batch goes on."""
    queue = FairQueue()
    schedulers = [_scheduler(queue), _scheduler(queue)]
    sequences = [_sequence("ab"[n % 2], 4 * TURN, seed=n) for n in range(9)]
    queue.extend(sequences)
    while any(not scheduler.idle for scheduler in schedulers):
        for scheduler in schedulers:
            scheduler.step()
    for n, sequence in enumerate(sequences):
        alone, scheduler = _sequence("", 4 * TURN, seed=n), _scheduler()
        scheduler.waiting.append(alone)
        while not scheduler.idle:
            scheduler.step()
        assert sequence.ids.tolist() == alone.ids.tolist()
        assert sequence.ending is not None
        assert alone.ending is not None
        assert np.array_equal(sequence.ending.state, alone.ending.state)  # type: ignore[arg-type]
        assert len(sequence.ending.snapshots) == len(alone.ending.snapshots) == 4 * TURN // 256
