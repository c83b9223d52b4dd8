"""Several texts of one seed text, of which repeated and known ones may be dropped."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic

from service.errors import DeadlineExceeded
from service.generation.generator import Answer, Caller
from service.generation.parallel import in_order, in_parallel
from service.generation.waiting import check
from service.stream.generation import FinishReason, Generation

TRIES = 10  # texts to draw, at most, for each text that is wanted


@dataclass(frozen=True)
class Drawn:
    """A whole text, without its seed text."""

    text: str
    random_seed: int
    finish_reason: FinishReason


@dataclass(frozen=True)
class Wanted:
    """How many texts are wanted, and which of the drawn ones are dropped."""

    count: int
    distinct: bool
    """Whether to drop repeats."""
    known: Callable[[str], bool] | None
    """Returns whether to drop a text since the training corpus has the text; None drops none."""
    seen: frozenset[str] = frozenset()
    """Texts that count as drawn before."""

    @property
    def tries(self) -> int:
        """The most texts to draw."""
        drops = self.distinct or self.known is not None
        return self.count * (TRIES if drops else 1)


@dataclass
class Dropped:
    """How many texts were dropped as repeats, and as texts of the training corpus."""

    repeated: int = 0
    known: int = 0


def kept_texts(
    wanted: Wanted, draw: Callable[[range], Iterable[Drawn]], dropped: Dropped
) -> Iterator[Drawn]:
    """Yield the first texts that are not dropped, by their numbers, and count the others.

    `draw` yields the texts of some numbers in order; it is asked for as many as are missing, until
    enough are kept or every try is made. A smaller count therefore yields the first of these texts.
    """
    kept = set(wanted.seen)
    found = number = 0
    while found < wanted.count and number < wanted.tries:
        numbers = range(number, min(number + wanted.count - found, wanted.tries))
        number = numbers.stop
        for drawn in draw(numbers):
            if wanted.distinct and drawn.text in kept:
                dropped.repeated += 1
            elif wanted.known is not None and wanted.known(drawn.text):
                dropped.known += 1
            else:
                kept.add(drawn.text)
                found += 1
                yield drawn


def draw_texts(
    generations: Iterable[Generation],
    begin: Callable[[Generation], Answer],
    caller: Caller,
    most: int,
    abandoned: threading.Event,
) -> Iterator[Drawn]:
    """Yield the whole text of each generation in order; at most `most` are drawn at once.

    Raises:
        DeadlineExceeded: the deadline has passed before the last text was begun.
        ClientGone: the client has left before the last text was begun.
        ServiceError: the first error of a generation.
    """

    def whole(generation: Generation) -> Drawn:
        if monotonic() >= caller.deadline:
            raise DeadlineExceeded("the texts took too long; ask for fewer or shorter texts")
        check(caller.connected)  # short texts end before a reader looks
        answer = begin(generation)
        text = "".join(piece.characters for piece in answer.pieces)
        return Drawn(text, generation.stream.sampling.random_seed, answer.finish_reason)

    return in_order(in_parallel(whole, generations, most, abandoned))
