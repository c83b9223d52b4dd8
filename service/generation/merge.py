"""Several answers read at once, so that the engine draws their characters in the same steps."""

import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from queue import SimpleQueue

from service.generation.generator import Answer
from service.pool import Pool
from service.stream.text import Text

Arrival = tuple[int, Text | None]
Arrivals = SimpleQueue[tuple[int, Text | Exception | None]]


def merge(answers: Sequence[Answer], abandoned: threading.Event) -> Generator[Arrival]:
    """Yield (index, piece) for each piece in order of arrival, (index, None) at an answer's end.

    `abandoned` is set when the reading of several answers has ended, also early: from then on the
    callers of the answers must report a closed connection.

    Raises:
        Exception: the first error that an answer raises.
    """
    return _one(answers[0]) if len(answers) == 1 else _several(answers, abandoned)


def _one(answer: Answer) -> Generator[Arrival]:
    with closing(answer.pieces) as pieces:
        for piece in pieces:
            yield 0, piece
    yield 0, None


def _several(answers: Sequence[Answer], abandoned: threading.Event) -> Generator[Arrival]:
    arrivals: Arrivals = SimpleQueue()
    with Pool(len(answers), "merge") as pool:
        try:
            for index, answer in enumerate(answers):
                pool.submit(partial(_read, index, answer, arrivals))
            reading = len(answers)
            while reading:
                index, item = arrivals.get()
                if isinstance(item, Exception):
                    raise item
                reading -= item is None
                yield index, item
        finally:
            abandoned.set()  # a thread that waits for characters ends at its next check


def _read(index: int, answer: Answer, arrivals: Arrivals) -> None:
    try:
        for piece in answer.pieces:
            arrivals.put((index, piece))
        arrivals.put((index, None))
    except Exception as error:  # noqa: BLE001 - raised again in `_several`
        arrivals.put((index, error))
