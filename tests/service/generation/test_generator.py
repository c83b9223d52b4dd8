"""One generation from the cache and the engine, read piece by piece."""

import pytest

from service.cache.codec import CachedStream
from service.generation.generator import Caller
from service.stream.generation import Generation, Pattern, Sampling, Stream
from service.stream.job import SNAPSHOT_INTERVAL, Snapshot
from service.stream.pattern import automaton_of
from tests.factories import SYMBOLS
from tests.fake_engines import drawn
from tests.generations import FORM, STATE, STREAMING, Room, generation_of, stream_of, text_of


def test_a_miss_is_drawn_and_cached(room: Room) -> None:
    """An unknown stream is drawn whole, and the same request again is a hit without the engine."""
    first = room.open(generation_of(30))
    assert (first.cache, text_of(first)) == ("miss", drawn(0, 30))
    assert first.characters == 30
    again = room.open(generation_of(30))
    assert (again.cache, text_of(again)) == ("hit", drawn(0, 30))
    assert len(room.engine.sequences) == 1


def test_a_shorter_text_is_a_hit(room: Room) -> None:
    """A shorter text is cut from the known stream."""
    text_of(room.open(generation_of(30)))
    answer = room.open(generation_of(10))
    assert (answer.cache, text_of(answer), answer.characters) == ("hit", drawn(0, 10), 10)


def test_a_longer_text_resumes_at_the_end_state(room: Room) -> None:
    """Of a partly known stream the engine draws the rest, from the state at the known end."""
    text_of(room.open(generation_of(30)))
    answer = room.open(generation_of(50))
    assert (answer.cache, text_of(answer)) == ("partial", drawn(0, 50))
    resumed = room.engine.sequences[-1]
    assert (resumed.job.begin, resumed.job.end) == (30, 50)
    assert resumed.job.start.consumed == len("Hello") + 29  # every character but the last
    assert len(resumed.job.start.prompt) == 1
    assert resumed.job.start.state is not None
    assert resumed.job.start.state.tolist() == [[30]] * 2


def test_a_bypass_reads_nothing(room: Room) -> None:
    """Without `read_cache` the whole text is drawn, and the result is cached."""
    text_of(room.open(generation_of(10)))
    answer = room.open(generation_of(20), Caller(read_cache=False))
    assert (answer.cache, text_of(answer)) == ("bypass", drawn(0, 20))
    assert room.engine.sequences[-1].job.begin == 0
    assert room.open(generation_of(20)).cache == "hit"


def test_without_write_cache_nothing_is_cached(room: Room) -> None:
    """Without `write_cache` the same request is a miss again."""
    text_of(room.open(generation_of(10), Caller(read_cache=False, write_cache=False)))
    assert room.open(generation_of(10)).cache == "miss"


def test_a_stream_without_details_is_a_miss_for_details(room: Room) -> None:
    """A stream cached without details is drawn again with details, and a longer text keeps them."""
    text_of(room.open(generation_of(10)))
    explained = room.open(generation_of(10, details=True))
    assert explained.cache == "miss"
    assert all(piece.details is not None for piece in explained.pieces)
    assert room.open(generation_of(10, details=True)).cache == "hit"
    text_of(room.open(generation_of(20)))
    longer = room.open(generation_of(20, details=True))
    assert longer.cache == "hit"
    assert [len(piece.details or ()) for piece in longer.pieces] == [20]


@pytest.mark.parametrize(
    ("details", "caller"),
    [(True, Caller()), (False, Caller(read_cache=False))],
    ids=["details", "no-cache"],
)
def test_a_shorter_text_replaces_no_longer_one(room: Room, details: bool, caller: Caller) -> None:
    """Where a text is drawn again, of two texts the longer stays cached, of equal ones that with details."""
    text_of(room.open(generation_of(30)))
    text_of(room.open(generation_of(10, details=details), caller))
    assert room.open(generation_of(30)).cache == "hit"
    text_of(room.open(generation_of(30, details=True)))
    text_of(room.open(generation_of(30, details=details), caller))
    assert room.open(generation_of(30, details=True)).cache == "hit"


def test_a_known_part_of_the_seed_text_is_not_read_again(room: Room) -> None:
    """The prefill starts from the longest known part of the seed text, unless the cache is bypassed."""
    prompt = "a" * (SNAPSHOT_INTERVAL + 5)
    room.cache.put(
        stream_of(prompt), CachedStream("b", STATE), [Snapshot(SNAPSHOT_INTERVAL, STATE)]
    )
    other = prompt + "c"
    for caller, consumed in ((Caller(), SNAPSHOT_INTERVAL), (Caller(read_cache=False), 0)):
        text_of(room.open(generation_of(5, prompt=other), caller))
        start = room.engine.sequences[-1].job.start
        assert start.consumed == consumed
        assert len(start.prompt) == len(other) - consumed


def test_the_times_of_a_generation(room: Room) -> None:
    """A drawn text has times in cache, queue, prefill and decode; a cached one in cache alone."""
    answer = room.open(generation_of(10))
    text_of(answer)
    assert list(answer.seconds) == ["cache", "queue", "prefill", "decode"]
    hit = room.open(generation_of(10))
    text_of(hit)
    assert list(hit.seconds) == ["cache"]


def test_characters_are_counted(room: Room) -> None:
    """The metrics count the characters of seed texts and of answers, and the cache results."""
    text_of(room.open(generation_of(10)))
    text_of(room.open(generation_of(4)))
    assert room.counted("charloom_seed_characters_total") == 2 * len("Hello")
    assert room.counted("charloom_text_characters_total") == 14
    assert room.counted('charloom_cache_requests_total{result="miss"}') == 1
    assert room.counted('charloom_cache_requests_total{result="hit"}') == 1


def test_a_stop_string_across_pieces_ends_the_text(slow: Room) -> None:
    """The text ends before a stop string whose parts come in two pieces; no cancellation counts."""
    slow.engine.draws_first = 5
    answer = slow.open(generation_of(50, drawn(4, 7)), STREAMING)
    assert next(answer.pieces).characters == drawn(0, 4)  # the fifth may begin a stop string
    (sequence,) = slow.engine.sequences
    slow.engine.draw(sequence, 5)
    assert text_of(answer) == ""
    assert answer.finish_reason == "stop"
    assert sequence.ended
    assert slow.cancellations() == 0
    known = slow.cache.get(stream_of(), FORM)
    assert known is not None
    assert known.text == drawn(0, 10)


def test_a_held_back_beginning_is_shown_at_the_end(room: Room) -> None:
    """The beginning of a stop string that never comes is part of the text."""
    answer = room.open(generation_of(10, drawn(8, 12)))
    assert (text_of(answer), answer.finish_reason) == (drawn(0, 10), "length")


def test_a_stop_string_in_a_known_text_is_a_hit(room: Room) -> None:
    """A stop string within the known stream ends the text without the engine."""
    text_of(room.open(generation_of(20)))
    answer = room.open(generation_of(500, drawn(7, 9)))
    assert (answer.cache, text_of(answer), answer.finish_reason) == ("hit", drawn(0, 7), "stop")
    assert len(room.engine.sequences) == 1


def _with_pattern(length: int) -> Generation:
    """A text of the first characters of any stream of a fake engine, as far as an upper-case A."""
    sampling = Sampling(1.0, None, None, 0, pattern=Pattern("[^A]*", length))
    automaton = automaton_of("[^A]*", SYMBOLS, "")
    return Generation(Stream("identity", "a", sampling), "a", length, automaton=automaton)


def test_a_text_ends_where_its_pattern_does(room: Room) -> None:
    """A text ends before the character that cannot follow, cached or not, and is no cancellation."""
    for cache in ("miss", "hit"):
        answer = room.open(_with_pattern(30))
        assert (answer.cache, text_of(answer)) == (cache, drawn(0, SYMBOLS.index("A")))
        assert answer.finish_reason == "pattern"
    assert room.cancellations() == 0


def test_a_pattern_that_fills_the_length_is_whole(room: Room) -> None:
    """A complete text of the whole length has ended by its pattern."""
    answer = room.open(_with_pattern(3))
    assert (text_of(answer), answer.finish_reason) == (drawn(0, 3), "pattern")


def test_a_text_with_a_pattern_resumes_with_its_characters(room: Room) -> None:
    """The engine gets the earlier characters, from which the pattern's state follows."""
    generation = _with_pattern(30)
    room.cache.put(generation.stream, CachedStream(drawn(0, 3), STATE), [])
    answer = room.open(generation)
    assert (answer.cache, text_of(answer)) == ("partial", drawn(0, SYMBOLS.index("A")))
    job = room.engine.sequences[-1].job
    assert job.start.generated is not None
    assert (job.begin, job.start.generated.tolist()) == (3, [0, 1, 2])
    assert job.automaton is generation.automaton
