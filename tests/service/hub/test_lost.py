"""What a worker sees of failed steps, lost engines and dead hubs."""

import errno
import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service.errors import Draining, EngineFailed
from service.hub import shared_engine
from service.hub.messages import Order, Submit
from service.hub.rendezvous import Rendezvous
from service.hub.worker.connection import HubConnection
from service.hub.worker.engine_client import EngineClient
from service.hub.worker.running import MAX_DRAWS
from service.stream.job import Start
from service.stream.pattern import automaton_of
from service.stream.sequence import Sequence
from tests.fakes import VOCABULARY_SIZE, ScriptedBatch, ScriptedEngine
from tests.hubs import LONG, SECONDS, HubInThreads, drawn_by, running_in, sequence, spec
from tests.servers import wait_until


def test_a_failed_step_fails_its_sequences(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a step raises, its sequences end with an error, and the next one runs."""
    engine = hub.engine()

    def fail(_batch: ScriptedBatch, _ids: np.ndarray) -> np.ndarray:
        raise ValueError("a scripted failure")

    with monkeypatch.context() as patched:
        patched.setattr(ScriptedBatch, "step", fail)
        with pytest.raises(EngineFailed):
            drawn_by(engine, 3).wait(3, SECONDS)
    assert len(drawn_by(engine, 3).ids) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"start": Start(np.array([VOCABULARY_SIZE]))},
        {"start": Start(np.array([], np.int64))},
        {"start": Start(np.array([1]), state=np.zeros((7, 7), np.float32))},
        {"automaton": automaton_of("ab", ("a", "b"), "")},
    ],
    ids=["unknown id", "no prompt", "a state of another model", "a pattern of another model"],
)
def test_a_sequence_that_cannot_be_drawn_fails_alone(
    hub: HubInThreads, change: dict[str, Any]
) -> None:
    """What would break a step is refused before, so that the other rows go on."""
    engine, innocent = hub.engine(), sequence(4_000)
    bad = Sequence(replace(innocent.job, **change))
    for each in (innocent, bad):
        engine.submit(each, None)
    with pytest.raises(EngineFailed):
        bad.wait(5, SECONDS)
    assert innocent.wait(4_000, SECONDS)
    assert len(innocent.ids) == 4_000


@pytest.mark.parametrize("given", [[1, VOCABULARY_SIZE], [1], [1, -1]])
def test_a_text_that_cannot_be_scored_fails_alone(hub: HubInThreads, given: list[int]) -> None:
    """A given text needs ids of the vocabulary, as many as the job has characters."""
    bad = sequence(2, given=np.array(given), wants_details=True)
    hub.engine().submit(bad, None)
    with pytest.raises(EngineFailed):
        bad.wait(2, SECONDS)


def test_an_engine_that_is_opened_twice_draws_a_sequence_once(hub: HubInThreads) -> None:
    """A hub that opens an engine a second time gets no running sequence a second time."""
    client = hub.client()
    engine = EngineClient(client, spec())
    running = sequence(LONG)
    engine.submit(running, None)
    running.wait(1, SECONDS)
    (wanted,) = client._engines.values()
    client._connection.send(wanted.order)
    assert drawn_by(engine, 3).ids.tolist() == drawn_by(hub.engine(), 3).ids.tolist()
    assert running_in(hub) == 1
    running.cancel()


def test_a_hub_that_dies_is_an_interruption(hub: HubInThreads) -> None:
    """The next hub draws running sequences again, with the same characters, also for followers."""
    engine = hub.engine()
    expected = drawn_by(engine, 6_000).ids.tolist()
    running = [sequence(6_000) for _ in range(2)]
    for each in running:
        engine.submit(each, "key")
    assert running[0].wait(1, SECONDS)
    before = running[0].ids.tolist()
    hub.die()
    for each in running:
        assert each.wait(6_000, SECONDS)
        assert each.ids.tolist() == expected
    assert before == expected[: len(before)]
    assert engine.alive


def test_the_next_hub_knows_a_reader_who_began_to_follow(hub: HubInThreads) -> None:
    """Who began to follow while the order was under way gets characters before the end from the next hub too."""
    engine, running = hub.engine(), sequence(LONG)
    engine.submit(running, None)
    assert running.wait(1, SECONDS)
    hub.die()
    assert running.wait(len(running.ids) + 1, SECONDS)
    assert not running.ended
    running.cancel()


def test_what_nobody_wants_is_not_drawn_again(hub: HubInThreads) -> None:
    """A sequence whose reader has left ends with its hub, also if the hub never heard of it."""
    engine, left, wanted = hub.engine(), sequence(LONG), sequence(LONG)
    for each in (left, wanted):
        engine.submit(each, None)
        assert each.wait(1, SECONDS)
    left.on_cancel = lambda: None  # as if the order were lost with the hub
    left.cancel()
    hub.die()
    left.wait_for_end(SECONDS)
    assert left.ended
    wait_until(lambda: running_in(hub) == 1 if hub.hub._engines else False, "the other sequence")
    wanted.cancel()


def test_a_reader_who_leaves_as_the_order_is_sent(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sequence ends also where the hub hears that the reader has left before it hears of the sequence."""
    engine, left, send = hub.engine(), sequence(LONG), HubConnection.send

    def sent_late(self: HubConnection, order: Order) -> None:
        if isinstance(order, Submit):
            left.cancel()
        send(self, order)

    monkeypatch.setattr(HubConnection, "send", sent_late)
    engine.submit(left, None)
    left.wait_for_end(SECONDS)
    assert left.ended
    assert len(left.ids) < LONG


def test_a_report_that_cannot_be_taken(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that fails at a report connects anew, and no sequence is lost or has a character twice."""
    engine, running = hub.engine(), sequence(4_000)
    expected, deliver = drawn_by(engine, 4_000), running.deliver
    errors = iter([MemoryError("a scripted failure")])

    def failing(*arguments: Any, **options: Any) -> None:
        for error in errors:
            raise error
        deliver(*arguments, **options)

    monkeypatch.setattr(running, "deliver", failing)
    engine.submit(running, None)
    assert running.wait(4_000, SECONDS)
    assert running.ids.tolist() == expected.ids.tolist()
    assert "cannot be taken" in caplog.text


def test_a_worker_without_descriptors_reaches_the_next_hub(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose system refuses a socket for a moment tries again."""
    engine, running, connect = hub.engine(), sequence(LONG), Rendezvous.connect
    engine.submit(running, None)
    assert running.wait(1, SECONDS)
    errors = iter([OSError(errno.EMFILE, "Too many open files")])

    def failing(self: Rendezvous) -> socket.socket:
        for error in errors:
            raise error
        return connect(self)

    monkeypatch.setattr(Rendezvous, "connect", failing)
    hub.die()
    assert running.wait(len(running.ids) + 1, SECONDS)
    assert next(errors, None) is None
    running.cancel()


def test_a_text_with_a_pattern_survives_its_hub(hub: HubInThreads) -> None:
    """The next hub draws a text with a pattern again, in the right state of the pattern."""
    engine = hub.engine()
    # Each group has one place for ids 0 to 4, and then one for the others.
    automaton = automaton_of("(?:[a-e][f-k]){1900}", tuple("abcdefghijk"), "")
    running, expected = (sequence(3_800, automaton=automaton) for _ in range(2))
    engine.submit(running, None)
    assert running.wait(1, SECONDS)
    hub.die()
    assert running.wait(3_800, SECONDS)
    engine.submit(expected, None)
    assert expected.wait(3_800, SECONDS)
    assert running.ids.tolist() == expected.ids.tolist()
    assert ((running.ids >= 5) == np.tile([False, True], 1_900)).all()


def test_a_sequence_that_kills_every_hub_ends(hub: HubInThreads) -> None:
    """A sequence is drawn a few times and then fails, so that no request kills hubs for ever."""
    engine, deadly = hub.engine(), sequence(LONG)
    engine.submit(deadly, None)
    for _ in range(MAX_DRAWS):
        wait_until(lambda: running_in(hub) == 1 if hub.hub._engines else False, "the flight")
        hub.die()
    with pytest.raises(EngineFailed):
        deadly.wait(LONG, SECONDS)


def test_an_engine_that_is_lost_with_its_hub(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that the next hub cannot open ends its sequences with an error, and is not alive."""
    engine, lost = hub.engine(), sequence(LONG)
    engine.submit(lost, None)

    def fail(_: object) -> ScriptedEngine:
        raise ValueError("a scripted failure")

    monkeypatch.setattr(shared_engine, "_open_engine", fail)
    hub.die()
    with pytest.raises(EngineFailed):
        lost.wait(LONG, SECONDS)
    assert not engine.alive


def test_an_engine_whose_files_were_replaced_is_lost(
    hub: HubInThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that computes other numbers in the next hub draws no sequence on, and is closed there."""

    class OtherBatch(ScriptedBatch):
        def step(self, ids: np.ndarray) -> np.ndarray:
            return -super().step(ids)

    class OtherEngine(ScriptedEngine):
        def batch(self, capacity: int) -> ScriptedBatch:
            return OtherBatch(capacity)

    engine, running = hub.engine(), sequence(LONG)
    engine.submit(running, None)
    assert running.wait(1, SECONDS)
    monkeypatch.setattr(shared_engine, "_open_engine", lambda _: OtherEngine())
    hub.die()
    with pytest.raises(EngineFailed, match="files were replaced"):
        running.wait(LONG, SECONDS)
    assert not engine.alive
    wait_until(lambda: not hub.hub._engines, "the engine's end")


def test_a_closed_worker_ends_what_runs(hub: HubInThreads) -> None:
    """Closing the client or the engine ends running sequences with `Draining`."""
    client = hub.client()
    engines = [EngineClient(client, spec()) for _ in range(2)]
    running = [sequence(LONG) for _ in engines]
    for engine, each in zip(engines, running, strict=True):
        engine.submit(each, None)
    engines[0].close()
    with pytest.raises(Draining):
        running[0].wait(LONG, SECONDS)
    client.close()
    with pytest.raises(Draining):
        running[1].wait(LONG, SECONDS)
    with pytest.raises(Draining):
        engines[1].submit(sequence(3), None)
