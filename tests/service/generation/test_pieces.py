"""The pieces of a generation: as they are drawn, and at every kind of end."""

from time import monotonic

import pytest

from service.errors import (
    ClientGone,
    DeadlineExceeded,
    Draining,
    EngineFailed,
    InvalidRequest,
    QueueFull,
)
from service.generation import generator as module
from service.generation import resumed
from service.generation.generator import Caller
from service.stream.job import Snapshot
from tests.fake_engines import drawn
from tests.generations import FORM, STATE, STREAMING, Room, generation_of, stream_of, text_of


def test_a_streaming_client_reads_along(slow: Room) -> None:
    """Each piece has the characters drawn since the piece before."""
    slow.engine.draws_first = 2
    pieces = slow.open(generation_of(10), STREAMING).pieces
    assert next(pieces).characters == drawn(0, 2)
    (sequence,) = slow.engine.sequences
    assert sequence.followed
    for begin, end in ((2, 5), (5, 10)):
        slow.engine.draw(sequence, end - begin)
        assert next(pieces).characters == drawn(begin, end)
    assert list(pieces) == []


def test_a_whole_text_is_one_piece(room: Room) -> None:
    """A client that does not stream gets all drawn characters in one piece, and follows nothing."""
    assert [len(piece) for piece in room.open(generation_of(10)).pieces] == [10]
    assert not room.engine.sequences[0].followed


def test_a_sequence_that_ends_early_is_gone_on_with(slow: Room) -> None:
    """Where a shared sequence ends before the length, another resumes from its end state."""
    slow.engine.draws_first = 3
    answer = slow.open(generation_of(8), STREAMING)
    assert next(answer.pieces).characters == drawn(0, 3)
    slow.engine.finish(slow.engine.sequences[0])
    slow.engine.draws_first = 5
    assert text_of(answer) == drawn(3, 8)
    rest = slow.engine.sequences[1]
    assert (rest.job.begin, rest.job.end) == (3, 8)
    assert rest.job.start.state is not None
    assert rest.job.start.state.tolist() == [[3]] * 2


def test_the_deadline_of_the_caller_ends_a_generation() -> None:
    """A generation past its caller's deadline fails, and its sequence is cancelled."""
    room = Room(draws_first=0)
    with pytest.raises(DeadlineExceeded):
        text_of(room.open(generation_of(10), Caller(deadline=monotonic() + 0.01)))
    assert room.engine.sequences[0].ended


@pytest.mark.parametrize(("drawn_before", "stage"), [(0, "queued"), (3, "running")])
def test_a_client_that_hangs_up_frees_its_slot(slow: Room, drawn_before: int, stage: str) -> None:
    """The sequence of a closed connection is cancelled, counted by its stage, and cached so far."""
    slow.engine.draws_first = drawn_before
    with pytest.raises(ClientGone):
        text_of(slow.open(generation_of(10), Caller(connected=lambda: False)))
    assert slow.engine.sequences[0].ended
    assert slow.counted(f'charloom_cancellations_total{{state="{stage}"}}') == 1
    known = slow.cache.get(stream_of(), FORM)
    assert (known.text if known else "") == drawn(0, drawn_before)


def test_closing_the_pieces_frees_the_slot(slow: Room) -> None:
    """A reader that stops reading cancels the sequence."""
    slow.engine.draws_first = 3
    pieces = slow.open(generation_of(10), STREAMING).pieces
    next(pieces)
    pieces.close()
    assert slow.engine.sequences[0].ended
    assert slow.cancellations() == 1


def test_errors_of_the_engine_are_raised_where_pieces_are_read(slow: Room) -> None:
    """A full queue and a failed engine are errors of the reading, not of the opening."""
    slow.engine.refusal = QueueFull("full")
    refused = slow.open(generation_of(10))
    with pytest.raises(QueueFull):
        next(refused.pieces)
    slow.engine.refusal, slow.engine.draws_first = None, 1
    failing = slow.open(generation_of(10), STREAMING)
    next(failing.pieces)
    slow.engine.sequences[0].finish(None, EngineFailed("failed"))
    with pytest.raises(EngineFailed):
        next(failing.pieces)


def test_the_rest_of_a_text(room: Room) -> None:
    """A client gets the characters that it lacks, alone; they alone count as its text."""
    answer = room.open(generation_of(30, drawn(25, 27)), Caller(has=20))
    assert (text_of(answer), answer.characters) == (drawn(20, 25), 5)
    assert text_of(room.open(generation_of(30), Caller(has=30))) == ""
    with pytest.raises(InvalidRequest, match="which has 25 characters"):
        text_of(room.open(generation_of(30, drawn(25, 27)), Caller(has=26)))


def test_a_rest_that_is_long_in_coming(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the characters that the client has are drawn again, empty pieces say that it goes on."""
    monkeypatch.setattr(resumed, "QUIET", 0.0)
    pieces = room.open(generation_of(30), Caller(streaming=True, has=30)).pieces
    assert [len(piece) for piece in pieces] == [0]


def test_a_running_text_is_cached_up_to_its_last_state(slow: Room) -> None:
    """While a stream is drawn, each state that the engine reports goes to the cache with its text."""
    slow.engine.draws_first = 8
    pieces = slow.open(generation_of(50), STREAMING).pieces
    assert next(pieces).characters == drawn(0, 8)
    assert slow.cache.get(stream_of(), FORM) is None
    # A state that has consumed the prompt and five characters belongs to the text of six.
    slow.engine.draw(slow.engine.sequences[0], 2, Snapshot(len("Hello") + 5, STATE))
    assert next(pieces).characters == drawn(8, 10)
    known = slow.cache.get(stream_of(), FORM)
    assert known is not None
    assert (known.text, known.end_state.tolist()) == (drawn(0, 6), STATE.tolist())
    pieces.close()


def test_a_quiet_stream_says_that_it_goes_on(slow: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A streaming client gets empty pieces while it waits, which hold no character back."""
    monkeypatch.setattr(module, "QUIET", 0.0)
    pieces = slow.open(generation_of(10, "§"), STREAMING).pieces
    assert [len(next(pieces)) for _ in range(3)] == [0, 0, 0]
    slow.engine.draw(slow.engine.sequences[0], 10)
    assert "".join(piece.characters for piece in pieces) == drawn(0, 10)


def test_a_text_ends_with_the_service(slow: Room) -> None:
    """At the end of the service a running text is refused, freed and cached as far as it is drawn."""
    slow.engine.draws_first = 4
    pieces = slow.open(generation_of(10), STREAMING).pieces
    next(pieces)
    slow.stopping.over = True
    with pytest.raises(Draining):
        next(pieces)
    known = slow.cache.get(stream_of(), FORM)
    assert known is not None
    assert known.text == drawn(0, 4)


def test_no_text_begins_after_the_end_of_the_service(room: Room) -> None:
    """At the end of the service a known text is still answered, and no other reaches the engine."""
    text_of(room.open(generation_of(4)))
    room.stopping.over = True
    assert text_of(room.open(generation_of(4))) == drawn(0, 4)
    with pytest.raises(Draining):
        text_of(room.open(generation_of(5)))
    assert len(room.engine.sequences) == 1
