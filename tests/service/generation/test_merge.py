"""Several answers are read at once, and none outlives the reading."""

import threading
from collections.abc import Callable, Generator

import pytest

from service.errors import ClientGone, EngineFailed
from service.generation.generator import Answer
from service.generation.merge import merge
from service.stream.text import Text


def _answer(pieces: Generator[Text]) -> Answer:
    answer = Answer("miss")
    answer.pieces = pieces
    return answer


def _saying(*pieces: str) -> Generator[Text]:
    yield from map(Text, pieces)


def _waiting(gone: Callable[[], bool], ended: list[str]) -> Generator[Text]:
    """One piece, and after the client has gone the error of a closed connection."""
    yield Text("a")
    while not gone():
        threading.Event().wait(0.001)
    ended.append("gone")
    raise ClientGone("the client closed the connection")


def test_one_answer_is_passed_on() -> None:
    """The pieces of a single answer come in order, with its end."""
    arrivals = list(merge([_answer(_saying("a", "b"))], threading.Event()))
    assert arrivals == [(0, Text("a")), (0, Text("b")), (0, None)]


def test_closing_early_closes_a_single_answer() -> None:
    """The generation of a single answer ends with the reading."""
    answer = _answer(_saying("a", "b"))
    arrivals = merge([answer], threading.Event())
    next(arrivals)
    arrivals.close()
    assert list(answer.pieces) == []


def test_each_answer_keeps_its_order() -> None:
    """The pieces of each answer arrive in the order of the text, then its end."""
    texts = [("a", "b", "c"), ("d",), ("e", "f")]
    arrivals = list(merge([_answer(_saying(*each)) for each in texts], threading.Event()))
    for index, text in enumerate(texts):
        own = [piece for number, piece in arrivals if number == index]
        assert own == [*map(Text, text), None]


def test_answers_are_read_at_once() -> None:
    """No answer waits for the end of another."""
    both = threading.Barrier(2, timeout=10)

    def meeting() -> Generator[Text]:
        both.wait()
        yield Text("a")

    arrivals = list(merge([_answer(meeting()), _answer(meeting())], threading.Event()))
    assert sorted(index for index, piece in arrivals if piece) == [0, 1]


def test_the_error_of_one_answer_ends_all() -> None:
    """An answer's error is raised by the reading, after every other generation has ended."""
    abandoned, ended = threading.Event(), list[str]()

    def failing() -> Generator[Text]:
        yield Text("b")
        raise EngineFailed("failed")

    answers = [_answer(_waiting(abandoned.is_set, ended)), _answer(failing())]
    with pytest.raises(EngineFailed):
        list(merge(answers, abandoned))
    assert abandoned.is_set()
    assert ended == ["gone"]


def test_closing_early_ends_all() -> None:
    """When the reading is abandoned every generation that has begun ends, and no thread is left."""
    before, abandoned, ended = threading.active_count(), threading.Event(), list[str]()
    answers = [_answer(_waiting(abandoned.is_set, ended)) for _ in range(3)]
    arrivals = merge(answers, abandoned)
    assert sorted(next(arrivals)[0] for _ in answers) == [0, 1, 2]  # each has begun
    arrivals.close()
    assert ended == ["gone"] * 3
    assert threading.active_count() == before
