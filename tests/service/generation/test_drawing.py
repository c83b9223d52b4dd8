"""A drawing goes on where the known text ends, and its result is cached by one of its readers."""

import numpy as np
import pytest

from service.cache.codec import CachedStream
from service.cache.memory import MemoryBytes
from service.cache.streams import StreamCache
from service.errors import QueueFull
from service.generation.drawing import Drawing
from service.generation.generator import form_of
from service.stream.generation import Sampling, Stream
from service.stream.job import SNAPSHOT_INTERVAL, Job, Snapshot, Start
from service.stream.sequence import Sequence
from tests.fake_engines import FakeEngine, drawn, fake_model

STREAM = Stream("identity", "Hello", Sampling(1.0, None, None, 0))
STATE = np.ones((2, 1), np.float32)
FORM = form_of(fake_model())


@pytest.fixture
def engine() -> FakeEngine:
    """An engine that draws when the test says."""
    return FakeEngine(draws_first=0)


@pytest.fixture
def cache() -> StreamCache:
    return StreamCache(MemoryBytes(1_000_000))


def _drawing(engine: FakeEngine, end: int, known: str = "") -> Drawing:
    start = Start(np.zeros(1, np.int64))
    sequence = Sequence(Job(start, STREAM.sampling, begin=len(known), end=end))
    before = CachedStream(known, STATE) if known else None
    return Drawing(STREAM, fake_model(engine), before, sequence)


@pytest.mark.parametrize("shared", [True, False])
def test_the_engine_hears_what_is_shared(engine: FakeEngine, shared: bool) -> None:
    """A drawing that may be shared is submitted with the key of its stream."""
    with _drawing(engine, 10).begun(shared=shared):
        assert engine.keys == [STREAM.key if shared else None]


def test_a_reader_that_leaves_early_ends_the_sequence(engine: FakeEngine) -> None:
    """The sequence runs while it is read, and is cancelled at the end of the context."""
    drawing = _drawing(engine, 10)
    with drawing.begun(shared=True):
        engine.draw(drawing.sequence, 3)
        assert drawing.sequence.stage == "running"
    assert drawing.sequence.ended


def test_a_sequence_without_its_ending_is_cancelled(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sequence whose hub dies between the last character and the ending is not drawn again for nobody."""
    monkeypatch.setattr("service.generation.drawing.SECONDS_TO_ABORT", 0.0)
    complete = _drawing(engine, 10)
    with complete.begun(shared=True):
        complete.sequence.deliver(np.arange(10), None)
    assert complete.sequence.aborted


def test_an_engine_that_refuses_begins_nothing(engine: FakeEngine) -> None:
    """The error of the engine is raised, and nothing is cancelled."""
    engine.refusal = QueueFull("full")
    drawing = _drawing(engine, 10)
    with pytest.raises(QueueFull), drawing.begun(shared=True):
        pass
    assert not drawing.sequence.ended


def test_the_result_is_cached_with_its_states(engine: FakeEngine, cache: StreamCache) -> None:
    """An ended drawing leaves its text, its end state and the states on the way in the cache."""
    drawing = _drawing(engine, 2 * SNAPSHOT_INTERVAL)
    with drawing.begun(shared=True):
        engine.draw(drawing.sequence, SNAPSHOT_INTERVAL)
        engine.finish(drawing.sequence, [Snapshot(SNAPSHOT_INTERVAL, STATE)])
    drawing.keep(cache)
    kept = cache.get(STREAM, FORM)
    assert kept is not None
    assert kept.text == drawn(0, SNAPSHOT_INTERVAL)
    assert kept.end_state.tolist() == [[SNAPSHOT_INTERVAL]] * 2
    snapshot = cache.longest_prefix("identity", STREAM.prompt + kept.text, FORM)
    assert snapshot is not None
    assert snapshot.consumed == SNAPSHOT_INTERVAL


def test_one_of_several_readers_caches(engine: FakeEngine, cache: StreamCache) -> None:
    """A sequence whose characters another reader caches is not cached again."""
    drawing = _drawing(engine, 5)
    drawing.sequence.shared = True
    with drawing.begun(shared=True):
        engine.draw(drawing.sequence, 5)
    drawing.keep(cache)
    assert cache.get(STREAM, FORM) is None


def test_known_and_drawn_characters_are_one_text(engine: FakeEngine) -> None:
    """Places count from the beginning of the stream, and the result begins with the known text."""
    drawing = _drawing(engine, 20, drawn(0, 8))
    with drawing.begun(shared=True):
        assert drawing.landed == 8
        engine.draw(drawing.sequence, 4)
        assert drawing.landed == 12
        for begin, end in ((8, 12), (10, 11)):
            assert drawing.read(begin, end).characters == drawn(begin, end)
    result = drawing.result()
    assert result is not None
    assert result.text == drawn(0, 12)


def test_without_a_drawn_character_the_known_text_stays(
    engine: FakeEngine, cache: StreamCache
) -> None:
    """A drawing that is cancelled in the queue has the known text as its result."""
    drawing = _drawing(engine, 20, drawn(0, 8))
    with drawing.begun(shared=True):
        pass
    assert drawing.result() is drawing.known
