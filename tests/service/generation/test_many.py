"""Of many texts, repeated and known ones give way to further ones."""

import threading
from collections.abc import Callable, Iterator

import pytest

from service.errors import ClientGone
from service.generation.generator import Answer, Caller
from service.generation.many import TRIES, Drawn, Dropped, Wanted, draw_texts, kept_texts
from service.stream.generation import Generation
from tests.generations import Room, generation_of

POETS = ["Ada", "Bo", "Ada", "Cy", "Bo", "Di"]


class Draws:
    """Draws the poets in turn, and remembers which numbers were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, numbers: range) -> Iterator[Drawn]:
        for number in numbers:
            self.asked.append(number)
            yield Drawn(POETS[number % len(POETS)], number, "stop")


def _kept(
    count: int, *, distinct: bool = False, known: Callable[[str], bool] | None = None
) -> tuple[list[str], Dropped, list[int]]:
    draw, dropped = Draws(), Dropped()
    texts = [each.text for each in kept_texts(Wanted(count, distinct, known), draw, dropped)]
    return texts, dropped, draw.asked


def test_without_a_wish_nothing_is_dropped() -> None:
    """As many texts are drawn as are wanted, repeats included."""
    assert _kept(4) == (["Ada", "Bo", "Ada", "Cy"], Dropped(), [0, 1, 2, 3])


def test_repeats_give_way() -> None:
    """Distinct texts are drawn until there are enough, and repeats are counted."""
    assert _kept(4, distinct=True) == (["Ada", "Bo", "Cy", "Di"], Dropped(repeated=2), [*range(6)])


def test_known_texts_give_way() -> None:
    """Texts of the corpus are dropped and counted by themselves."""
    texts, dropped, _ = _kept(3, distinct=True, known=lambda text: text == "Bo")
    assert (texts, dropped) == (["Ada", "Cy", "Di"], Dropped(repeated=1, known=2))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_smaller_count_has_the_first_texts(count: int) -> None:
    """The texts of a count begin with the texts of every smaller count."""
    assert _kept(count, distinct=True)[0] == _kept(4, distinct=True)[0][:count]


def test_the_tries_are_bounded() -> None:
    """Where there are not enough texts, those that were found are all."""
    texts, dropped, asked = _kept(5, distinct=True)
    assert texts == ["Ada", "Bo", "Cy", "Di"]
    assert len(asked) == 5 * TRIES == dropped.repeated + len(texts)


def test_for_a_client_that_has_left_no_text_is_begun(room: Room) -> None:
    """A client is looked for before each text, since a short text ends before its reader looks."""
    connected = iter([True, True, False])
    caller = Caller(lambda: next(connected))
    begun: list[Generation] = []

    def begin(one: Generation) -> Answer:
        begun.append(one)
        return room.open(one)

    texts = draw_texts([generation_of(3)] * 9, begin, caller, 1, threading.Event())
    assert len([next(texts), next(texts)]) == len(begun)
    with pytest.raises(ClientGone):
        next(texts)
    assert len(begun) == 2
