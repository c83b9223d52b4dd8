"""Texts are scored in the engine, a bounded number at once."""

from collections.abc import Generator
from itertools import islice
from time import monotonic

import pytest

from service.errors import ClientGone, DeadlineExceeded, EngineFailed, QueueFull
from service.generation import scores, waiting
from service.generation.generator import Caller
from service.generation.scores import Given, TextScorer
from service.generation.stopping import Stopping
from service.stream.details import Details
from service.telemetry import Telemetry
from tests.fake_engines import FakeEngine, fake_model

SLOTS = 3
TEXTS = [Given("H", "a" * size) for size in range(1, 8)]


def _details(engine: FakeEngine, **caller: object) -> Generator[Details]:
    scorer = TextScorer(Telemetry(), SLOTS, Stopping())
    return scorer.details(TEXTS, fake_model(engine), Caller(**caller))  # type: ignore[arg-type]


def test_details_come_in_order() -> None:
    """Each text has the details of its own characters, in the order of the texts."""
    assert [len(each) for each in _details(FakeEngine())] == [1, 2, 3, 4, 5, 6, 7]


def test_a_bounded_number_is_in_the_engine() -> None:
    """As many texts are submitted at once as an engine has slots, each for the client."""
    engine = FakeEngine(draws_first=0)
    details = _details(engine, deadline=monotonic() + 0.01, client="someone")
    with pytest.raises(DeadlineExceeded):
        next(details)
    assert len(engine.sequences) == SLOTS
    assert {each.client for each in engine.sequences} == {"someone"}
    assert engine.idle, "the texts that ran are cancelled"


def test_who_stops_reading_cancels() -> None:
    """Closing the generator takes the texts that still run out of the engine."""
    engine = FakeEngine()
    details = _details(engine)
    engine.draws_first = None
    assert len([*islice(details, 1)]) == 1
    assert len(engine.sequences) == SLOTS
    details.close()
    assert engine.idle


def test_a_streaming_caller_hears_that_the_scoring_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """While no text is scored, a streaming caller gets details of no character, and then all details."""
    monkeypatch.setattr(scores, "QUIET", 0.0)
    engine = FakeEngine(draws_first=0)
    details = _details(engine, streaming=True)
    assert [len(next(details)) for _ in range(3)] == [0, 0, 0]
    engine.draws_first = None
    for sequence in engine.sequences:
        engine.draw(sequence, len(sequence.job))
    assert [len(each) for each in details if each] == [1, 2, 3, 4, 5, 6, 7]


def test_who_leaves_is_noticed_between_short_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that has gone ends the scoring, although each text is ready at once."""
    monkeypatch.setattr(waiting, "POLL", 0.0)
    connected = iter([True, True, False])
    details = _details(FakeEngine(), connected=lambda: next(connected))
    with pytest.raises(ClientGone):
        list(details)


def test_errors_of_the_engine_are_raised() -> None:
    """A refusal reaches the reader, and a text that ends early is an error."""
    engine = FakeEngine()
    engine.refusal = QueueFull("full")
    with pytest.raises(QueueFull):
        next(_details(engine))
    short = FakeEngine(draws_first=0)
    details = _details(short)
    with pytest.raises(EngineFailed):
        _end_early(short, details)


def _end_early(engine: FakeEngine, details: Generator[Details]) -> None:
    submit = engine.submit

    def finish_at_once(sequence: object, key: str | None) -> None:
        submit(sequence, key)  # type: ignore[arg-type]
        engine.finish(engine.sequences[-1])

    engine.submit = finish_at_once  # type: ignore[method-assign]
    next(details)
