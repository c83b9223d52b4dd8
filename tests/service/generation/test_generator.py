"""One generation from the cache and the engine, read piece by piece."""

from time import monotonic

import numpy as np
import pytest

from service.cache.codec import CachedStream
from service.cache.memory import MemoryBytes
from service.cache.streams import StreamCache
from service.errors import (
    ClientGone,
    DeadlineExceeded,
    Draining,
    EngineFailed,
    InvalidRequest,
    QueueFull,
)
from service.generation import generator as module
from service.generation import resumed, waiting
from service.generation.generator import Answer, Caller, TextGenerator, form_of
from service.generation.stopping import Stopping
from service.stream.generation import Generation, Pattern, Sampling, Stream
from service.stream.job import SNAPSHOT_INTERVAL, Snapshot
from service.stream.pattern import automaton_of
from service.telemetry import Telemetry
from tests.factories import SYMBOLS
from tests.fake_engines import FakeEngine, drawn, fake_model

STATE = np.ones((2, 1), np.float32)
FORM = form_of(fake_model())
STREAMING = Caller(streaming=True)


class Room:
    """A text generator with its cache, its metrics and a fake engine."""

    def __init__(self, draws_first: int | None = None) -> None:
        self.engine = FakeEngine(draws_first)
        self.cache = StreamCache(MemoryBytes(1_000_000))
        self.telemetry = Telemetry()
        self._model = fake_model(self.engine)
        self.stopping = Stopping()
        self._generator = TextGenerator(self.cache, self.telemetry, self.stopping)

    def open(self, generation: Generation, caller: Caller | None = None) -> Answer:
        return self._generator.open(generation, self._model, caller or Caller())

    def counted(self, sample: str) -> float:
        """The value of a sample in the metrics."""
        lines = self.telemetry.text().decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(sample)), 0.0)

    def cancellations(self) -> float:
        stages = ("queued", "running", "ended")
        return sum(
            self.counted(f'charloom_cancellations_total{{state="{stage}"}}') for stage in stages
        )


@pytest.fixture
def room() -> Room:
    """A room whose engine draws at once."""
    return Room()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Room:
    """A room whose engine draws when the test says; the connection is checked all the time."""
    monkeypatch.setattr(waiting, "POLL", 0.001)
    return Room(draws_first=0)


def _stream(prompt: str = "Hello") -> Stream:
    return Stream("identity", prompt, Sampling(1.0, None, None, 0))


def _generation(
    length: int, *stop: str, prompt: str = "Hello", details: bool = False
) -> Generation:
    return Generation(_stream(prompt), prompt, length, stop, details)


def _text(answer: Answer) -> str:
    return "".join(piece.characters for piece in answer.pieces)


def test_a_miss_is_drawn_and_cached(room: Room) -> None:
    """An unknown stream is drawn whole, and the same request again is a hit without the engine."""
    first = room.open(_generation(30))
    assert (first.cache, _text(first)) == ("miss", drawn(0, 30))
    assert first.characters == 30
    again = room.open(_generation(30))
    assert (again.cache, _text(again)) == ("hit", drawn(0, 30))
    assert len(room.engine.sequences) == 1


def test_a_shorter_text_is_a_hit(room: Room) -> None:
    """A shorter text is cut from the known stream."""
    _text(room.open(_generation(30)))
    answer = room.open(_generation(10))
    assert (answer.cache, _text(answer), answer.characters) == ("hit", drawn(0, 10), 10)


def test_a_longer_text_resumes_at_the_end_state(room: Room) -> None:
    """Of a partly known stream the engine draws the rest, from the state at the known end."""
    _text(room.open(_generation(30)))
    answer = room.open(_generation(50))
    assert (answer.cache, _text(answer)) == ("partial", drawn(0, 50))
    resumed = room.engine.sequences[-1]
    assert (resumed.job.begin, resumed.job.end) == (30, 50)
    assert resumed.job.start.consumed == len("Hello") + 29  # every character but the last
    assert len(resumed.job.start.prompt) == 1
    assert resumed.job.start.state is not None
    assert resumed.job.start.state.tolist() == [[30]] * 2


def test_a_bypass_reads_nothing(room: Room) -> None:
    """Without `read_cache` the whole text is drawn, and the result is cached."""
    _text(room.open(_generation(10)))
    answer = room.open(_generation(20), Caller(read_cache=False))
    assert (answer.cache, _text(answer)) == ("bypass", drawn(0, 20))
    assert room.engine.sequences[-1].job.begin == 0
    assert room.open(_generation(20)).cache == "hit"


def test_without_write_cache_nothing_is_cached(room: Room) -> None:
    """Without `write_cache` the same request is a miss again."""
    _text(room.open(_generation(10), Caller(read_cache=False, write_cache=False)))
    assert room.open(_generation(10)).cache == "miss"


def test_a_stream_without_details_is_a_miss_for_details(room: Room) -> None:
    """A stream cached without details is drawn again with details, and a longer text keeps them."""
    _text(room.open(_generation(10)))
    explained = room.open(_generation(10, details=True))
    assert explained.cache == "miss"
    assert all(piece.details is not None for piece in explained.pieces)
    assert room.open(_generation(10, details=True)).cache == "hit"
    _text(room.open(_generation(20)))
    longer = room.open(_generation(20, details=True))
    assert longer.cache == "hit"
    assert [len(piece.details or ()) for piece in longer.pieces] == [20]


@pytest.mark.parametrize(
    ("details", "caller"),
    [(True, Caller()), (False, Caller(read_cache=False))],
    ids=["details", "no-cache"],
)
def test_a_shorter_text_replaces_no_longer_one(room: Room, details: bool, caller: Caller) -> None:
    """Where a text is drawn again, of two texts the longer stays cached, of equal ones that with details."""
    _text(room.open(_generation(30)))
    _text(room.open(_generation(10, details=details), caller))
    assert room.open(_generation(30)).cache == "hit"
    _text(room.open(_generation(30, details=True)))
    _text(room.open(_generation(30, details=details), caller))
    assert room.open(_generation(30, details=True)).cache == "hit"


def test_a_known_part_of_the_seed_text_is_not_read_again(room: Room) -> None:
    """The prefill starts from the longest known part of the seed text, unless the cache is bypassed."""
    prompt = "a" * (SNAPSHOT_INTERVAL + 5)
    room.cache.put(_stream(prompt), CachedStream("b", STATE), [Snapshot(SNAPSHOT_INTERVAL, STATE)])
    other = prompt + "c"
    for caller, consumed in ((Caller(), SNAPSHOT_INTERVAL), (Caller(read_cache=False), 0)):
        _text(room.open(_generation(5, prompt=other), caller))
        start = room.engine.sequences[-1].job.start
        assert start.consumed == consumed
        assert len(start.prompt) == len(other) - consumed


def test_the_times_of_a_generation(room: Room) -> None:
    """A drawn text has times in cache, queue, prefill and decode; a cached one in cache alone."""
    answer = room.open(_generation(10))
    _text(answer)
    assert list(answer.seconds) == ["cache", "queue", "prefill", "decode"]
    hit = room.open(_generation(10))
    _text(hit)
    assert list(hit.seconds) == ["cache"]


def test_characters_are_counted(room: Room) -> None:
    """The metrics count the characters of seed texts and of answers, and the cache results."""
    _text(room.open(_generation(10)))
    _text(room.open(_generation(4)))
    assert room.counted("charloom_seed_characters_total") == 2 * len("Hello")
    assert room.counted("charloom_text_characters_total") == 14
    assert room.counted('charloom_cache_requests_total{result="miss"}') == 1
    assert room.counted('charloom_cache_requests_total{result="hit"}') == 1


def test_a_streaming_client_reads_along(slow: Room) -> None:
    """Each piece has the characters drawn since the piece before."""
    slow.engine.draws_first = 2
    pieces = slow.open(_generation(10), STREAMING).pieces
    assert next(pieces).characters == drawn(0, 2)
    (sequence,) = slow.engine.sequences
    assert sequence.followed
    for begin, end in ((2, 5), (5, 10)):
        slow.engine.draw(sequence, end - begin)
        assert next(pieces).characters == drawn(begin, end)
    assert list(pieces) == []


def test_a_whole_text_is_one_piece(room: Room) -> None:
    """A client that does not stream gets all drawn characters in one piece, and follows nothing."""
    assert [len(piece) for piece in room.open(_generation(10)).pieces] == [10]
    assert not room.engine.sequences[0].followed


def test_a_sequence_that_ends_early_is_gone_on_with(slow: Room) -> None:
    """Where a shared sequence ends before the length, another resumes from its end state."""
    slow.engine.draws_first = 3
    answer = slow.open(_generation(8), STREAMING)
    assert next(answer.pieces).characters == drawn(0, 3)
    slow.engine.finish(slow.engine.sequences[0])
    slow.engine.draws_first = 5
    assert _text(answer) == drawn(3, 8)
    rest = slow.engine.sequences[1]
    assert (rest.job.begin, rest.job.end) == (3, 8)
    assert rest.job.start.state is not None
    assert rest.job.start.state.tolist() == [[3]] * 2


def test_a_stop_string_across_pieces_ends_the_text(slow: Room) -> None:
    """The text ends before a stop string whose parts come in two pieces; no cancellation counts."""
    slow.engine.draws_first = 5
    answer = slow.open(_generation(50, drawn(4, 7)), STREAMING)
    assert next(answer.pieces).characters == drawn(0, 4)  # the fifth may begin a stop string
    (sequence,) = slow.engine.sequences
    slow.engine.draw(sequence, 5)
    assert _text(answer) == ""
    assert answer.finish_reason == "stop"
    assert sequence.ended
    assert slow.cancellations() == 0
    known = slow.cache.get(_stream(), FORM)
    assert known is not None
    assert known.text == drawn(0, 10)


def test_a_held_back_beginning_is_shown_at_the_end(room: Room) -> None:
    """The beginning of a stop string that never comes is part of the text."""
    answer = room.open(_generation(10, drawn(8, 12)))
    assert (_text(answer), answer.finish_reason) == (drawn(0, 10), "length")


def test_a_stop_string_in_a_known_text_is_a_hit(room: Room) -> None:
    """A stop string within the known stream ends the text without the engine."""
    _text(room.open(_generation(20)))
    answer = room.open(_generation(500, drawn(7, 9)))
    assert (answer.cache, _text(answer), answer.finish_reason) == ("hit", drawn(0, 7), "stop")
    assert len(room.engine.sequences) == 1


def test_the_deadline_of_the_caller_ends_a_generation() -> None:
    """A generation past its caller's deadline fails, and its sequence is cancelled."""
    room = Room(draws_first=0)
    with pytest.raises(DeadlineExceeded):
        _text(room.open(_generation(10), Caller(deadline=monotonic() + 0.01)))
    assert room.engine.sequences[0].ended


@pytest.mark.parametrize(("drawn_before", "stage"), [(0, "queued"), (3, "running")])
def test_a_client_that_hangs_up_frees_its_slot(slow: Room, drawn_before: int, stage: str) -> None:
    """The sequence of a closed connection is cancelled, counted by its stage, and cached so far."""
    slow.engine.draws_first = drawn_before
    with pytest.raises(ClientGone):
        _text(slow.open(_generation(10), Caller(connected=lambda: False)))
    assert slow.engine.sequences[0].ended
    assert slow.counted(f'charloom_cancellations_total{{state="{stage}"}}') == 1
    known = slow.cache.get(_stream(), FORM)
    assert (known.text if known else "") == drawn(0, drawn_before)


def test_closing_the_pieces_frees_the_slot(slow: Room) -> None:
    """A reader that stops reading cancels the sequence."""
    slow.engine.draws_first = 3
    pieces = slow.open(_generation(10), STREAMING).pieces
    next(pieces)
    pieces.close()
    assert slow.engine.sequences[0].ended
    assert slow.cancellations() == 1


def test_errors_of_the_engine_are_raised_where_pieces_are_read(slow: Room) -> None:
    """A full queue and a failed engine are errors of the reading, not of the opening."""
    slow.engine.refusal = QueueFull("full")
    refused = slow.open(_generation(10))
    with pytest.raises(QueueFull):
        next(refused.pieces)
    slow.engine.refusal, slow.engine.draws_first = None, 1
    failing = slow.open(_generation(10), STREAMING)
    next(failing.pieces)
    slow.engine.sequences[0].finish(None, EngineFailed("failed"))
    with pytest.raises(EngineFailed):
        next(failing.pieces)


def _with_pattern(length: int) -> Generation:
    """A text of the first characters of any stream of a fake engine, as far as an upper-case A."""
    sampling = Sampling(1.0, None, None, 0, pattern=Pattern("[^A]*", length))
    automaton = automaton_of("[^A]*", SYMBOLS, "")
    return Generation(Stream("identity", "a", sampling), "a", length, automaton=automaton)


def test_a_text_ends_where_its_pattern_does(room: Room) -> None:
    """A text ends before the character that cannot follow, cached or not, and is no cancellation."""
    for cache in ("miss", "hit"):
        answer = room.open(_with_pattern(30))
        assert (answer.cache, _text(answer)) == (cache, drawn(0, SYMBOLS.index("A")))
        assert answer.finish_reason == "pattern"
    assert room.cancellations() == 0


def test_a_pattern_that_fills_the_length_is_whole(room: Room) -> None:
    """A complete text of the whole length has ended by its pattern."""
    answer = room.open(_with_pattern(3))
    assert (_text(answer), answer.finish_reason) == (drawn(0, 3), "pattern")


def test_a_text_with_a_pattern_resumes_with_its_characters(room: Room) -> None:
    """The engine gets the earlier characters, from which the pattern's state follows."""
    generation = _with_pattern(30)
    room.cache.put(generation.stream, CachedStream(drawn(0, 3), STATE), [])
    answer = room.open(generation)
    assert (answer.cache, _text(answer)) == ("partial", drawn(0, SYMBOLS.index("A")))
    job = room.engine.sequences[-1].job
    assert job.start.generated is not None
    assert (job.begin, job.start.generated.tolist()) == (3, [0, 1, 2])
    assert job.automaton is generation.automaton


def test_the_rest_of_a_text(room: Room) -> None:
    """A client gets the characters that it lacks, alone; they alone count as its text."""
    answer = room.open(_generation(30, drawn(25, 27)), Caller(has=20))
    assert (_text(answer), answer.characters) == (drawn(20, 25), 5)
    assert _text(room.open(_generation(30), Caller(has=30))) == ""
    with pytest.raises(InvalidRequest, match="which has 25 characters"):
        _text(room.open(_generation(30, drawn(25, 27)), Caller(has=26)))


def test_a_rest_that_is_long_in_coming(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the characters that the client has are drawn again, empty pieces say that it goes on."""
    monkeypatch.setattr(resumed, "QUIET", 0.0)
    pieces = room.open(_generation(30), Caller(streaming=True, has=30)).pieces
    assert [len(piece) for piece in pieces] == [0]


def test_a_running_text_is_cached_up_to_its_last_state(slow: Room) -> None:
    """While a stream is drawn, each state that the engine reports goes to the cache with its text."""
    slow.engine.draws_first = 8
    pieces = slow.open(_generation(50), STREAMING).pieces
    assert next(pieces).characters == drawn(0, 8)
    assert slow.cache.get(_stream(), FORM) is None
    # A state that has consumed the prompt and five characters belongs to the text of six.
    slow.engine.draw(slow.engine.sequences[0], 2, Snapshot(len("Hello") + 5, STATE))
    assert next(pieces).characters == drawn(8, 10)
    known = slow.cache.get(_stream(), FORM)
    assert known is not None
    assert (known.text, known.end_state.tolist()) == (drawn(0, 6), STATE.tolist())
    pieces.close()


def test_a_quiet_stream_says_that_it_goes_on(slow: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A streaming client gets empty pieces while it waits, which hold no character back."""
    monkeypatch.setattr(module, "QUIET", 0.0)
    pieces = slow.open(_generation(10, "§"), STREAMING).pieces
    assert [len(next(pieces)) for _ in range(3)] == [0, 0, 0]
    slow.engine.draw(slow.engine.sequences[0], 10)
    assert "".join(piece.characters for piece in pieces) == drawn(0, 10)


def test_a_text_ends_with_the_service(slow: Room) -> None:
    """At the end of the service a running text is refused, freed and cached as far as it is drawn."""
    slow.engine.draws_first = 4
    pieces = slow.open(_generation(10), STREAMING).pieces
    next(pieces)
    slow.stopping.over = True
    with pytest.raises(Draining):
        next(pieces)
    known = slow.cache.get(_stream(), FORM)
    assert known is not None
    assert known.text == drawn(0, 4)


def test_no_text_begins_after_the_end_of_the_service(room: Room) -> None:
    """At the end of the service a known text is still answered, and no other reaches the engine."""
    _text(room.open(_generation(4)))
    room.stopping.over = True
    assert _text(room.open(_generation(4))) == drawn(0, 4)
    with pytest.raises(Draining):
        _text(room.open(_generation(5)))
    assert len(room.engine.sequences) == 1
