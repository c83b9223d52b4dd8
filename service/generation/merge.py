"""Several answers read at once, so that their generations share every step."""

import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from queue import SimpleQueue

from service.generation.generator import Answer
from service.stream.text import Text

Arrival = tuple[int, Text | None]


def merge(answers: Sequence[Answer], left: threading.Event) -> Generator[Arrival, None, None]:
    """Yield (index, piece) as pieces come, and (index, None) when that answer has ended.

    Whatever an answer raises is raised here. `left` is set when nobody reads any more: the
    answers' callers must then look disconnected.
    """
    if len(answers) == 1:
        with closing(answers[0].pieces) as pieces:
            for piece in pieces:
                yield 0, piece
        yield 0, None
        return
    arrived: SimpleQueue[tuple[int, Text | Exception | None]] = SimpleQueue()
    threads = [
        threading.Thread(target=_read, args=(index, answer, arrived), daemon=True)
        for index, answer in enumerate(answers)
    ]
    for thread in threads:
        thread.start()
    try:
        reading = len(answers)
        while reading:
            index, item = arrived.get()
            if isinstance(item, Exception):
                raise item
            reading -= item is None
            yield index, item
    finally:
        left.set()
        for thread in threads:
            thread.join()


def _read(
    index: int, answer: Answer, arrived: "SimpleQueue[tuple[int, Text | Exception | None]]"
) -> None:
    try:
        for piece in answer.pieces:
            arrived.put((index, piece))
        arrived.put((index, None))
    except Exception as error:  # noqa: BLE001 - raised again where the pieces are read
        arrived.put((index, error))
