"""A flight draws a stream once for all its readers, and ends with the last of them."""

import numpy as np
import pytest

from service.cache.codec import CachedStream
from service.cache.memory import MemoryBytes
from service.cache.streams import StreamCache
from service.errors import QueueFull
from service.generation.flights import Flight, Flights
from service.models.loading import LoadedModel
from service.stream.generation import Sampling, Stream
from service.stream.job import SNAPSHOT_INTERVAL, Job, Snapshot, Start
from service.stream.sequence import Sequence
from tests.fake_engines import FakeEngine, drawn, fake_model

STREAM = Stream("identity", "Hello", Sampling(1.0, None, None, 0))
STATE = np.ones((2, 1), np.float32)


@pytest.fixture
def engine() -> FakeEngine:
    """An engine that draws when the test says."""
    return FakeEngine(draws_first=0)


@pytest.fixture
def model(engine: FakeEngine) -> LoadedModel:
    return fake_model(engine)


@pytest.fixture
def cache() -> StreamCache:
    return StreamCache(MemoryBytes(1_000_000))


@pytest.fixture
def flights(cache: StreamCache) -> Flights:
    return Flights(cache)


def _flight(
    model: LoadedModel, end: int, known: str = "", *, details: bool = False, keep: bool = True
) -> Flight:
    start = Start(np.zeros(1, np.int64))
    sequence = Sequence(
        Job(start, STREAM.sampling, begin=len(known), end=end, wants_details=details)
    )
    before = CachedStream(known, STATE) if known else None
    return Flight(STREAM, model, before, sequence, keep)


def test_readers_of_one_stream_share_a_sequence(
    flights: Flights, model: LoadedModel, engine: FakeEngine
) -> None:
    """A second reader joins the flight of the first, and the engine gets one sequence."""
    with (
        flights.board(_flight(model, 10), have=0, shared=True) as first,
        flights.board(_flight(model, 20), have=9, shared=True) as second,
    ):
        assert first is second
        engine.draw(first.sequence, 10)
    assert len(engine.sequences) == 1


@pytest.mark.parametrize(
    ("have", "shared", "details"),
    [(10, True, False), (0, False, False), (0, True, True)],
    ids=["has all of it", "shares nothing", "wants details"],
)
def test_a_flight_that_does_not_serve_is_not_joined(
    flights: Flights, model: LoadedModel, have: int, shared: bool, details: bool
) -> None:
    """A reader starts a flight of its own when the flight under way lacks what the reader wants."""
    wanted = _flight(model, 20, details=details)
    with (
        flights.board(_flight(model, 10), have=0, shared=True) as first,
        flights.board(wanted, have=have, shared=shared) as second,
    ):
        assert second is wanted is not first


def test_the_last_reader_ends_the_flight(
    flights: Flights, model: LoadedModel, engine: FakeEngine
) -> None:
    """The sequence runs while anybody reads, and is cancelled when the last reader leaves."""
    with flights.board(_flight(model, 10), have=0, shared=True) as flight:
        with flights.board(_flight(model, 10), have=0, shared=True):
            engine.draw(flight.sequence, 3)
        assert flight.sequence.stage == "running"
    assert flight.sequence.ended
    with flights.board(_flight(model, 10), have=0, shared=True) as later:
        assert later is not flight


def test_the_result_is_cached_with_its_states(
    flights: Flights, model: LoadedModel, engine: FakeEngine, cache: StreamCache
) -> None:
    """A flight that ends leaves its text, its end state and the states on the way in the cache."""
    end = 2 * SNAPSHOT_INTERVAL
    with flights.board(_flight(model, end), have=0, shared=True) as flight:
        engine.draw(flight.sequence, SNAPSHOT_INTERVAL)
        engine.finish(flight.sequence, [Snapshot(SNAPSHOT_INTERVAL, STATE)])
    kept = cache.get(STREAM)
    assert kept is not None
    assert kept.text == drawn(0, SNAPSHOT_INTERVAL)
    assert kept.end_state.tolist() == [[SNAPSHOT_INTERVAL]] * 2
    snapshot = cache.longest_prefix("identity", STREAM.prompt + kept.text)
    assert snapshot is not None
    assert snapshot.consumed == SNAPSHOT_INTERVAL


def test_a_result_is_kept_if_any_reader_lets_it(
    flights: Flights, model: LoadedModel, engine: FakeEngine, cache: StreamCache
) -> None:
    """A result is cached if one reader at least allows the caching."""
    for keep in (False, True):
        with (
            flights.board(_flight(model, 5, keep=False), have=0, shared=True) as flight,
            flights.board(_flight(model, 5, keep=keep), have=0, shared=True),
        ):
            engine.draw(flight.sequence, 5)
        assert (cache.get(STREAM) is not None) is keep


def test_known_and_drawn_characters_are_read_as_one(
    flights: Flights, model: LoadedModel, engine: FakeEngine
) -> None:
    """Places count from the beginning of the stream, in known and in drawn characters."""
    known = drawn(0, 8)
    with flights.board(_flight(model, 20, known), have=8, shared=True) as flight:
        assert flight.landed == 8
        engine.draw(flight.sequence, 4)
        assert flight.landed == 12
        for begin, end in ((0, 12), (5, 10), (8, 12), (10, 11), (2, 6)):
            assert flight.read(begin, end).characters == drawn(begin, end)
    result = flight.result()
    assert result is not None
    assert result.text == drawn(0, 12)


def test_without_a_drawn_character_the_known_text_stays(
    flights: Flights, model: LoadedModel
) -> None:
    """A flight that is cancelled in the queue has the known text as its result."""
    wanted = _flight(model, 20, drawn(0, 8))
    with flights.board(wanted, have=8, shared=True):
        pass
    assert wanted.result() is wanted.known


def test_a_refused_flight_is_not_joined(
    flights: Flights, model: LoadedModel, engine: FakeEngine
) -> None:
    """A sequence that the engine refuses leaves no flight behind."""
    engine.refusal = QueueFull("full")
    with (
        pytest.raises(QueueFull),
        flights.board(_flight(model, 5), have=0, shared=True),
    ):
        pass
    engine.refusal = None
    with flights.board(_flight(model, 5), have=0, shared=True):
        assert len(engine.sequences) == 1
