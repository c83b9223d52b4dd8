"""The questions of a worker to the hub."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

from service.errors import ServiceError
from service.hub.messages import Answer, Charge, Find, Open

Asking = Open | Find | Charge


@dataclass(frozen=True)
class Question:
    """An order and its future answer, which is None when the hub has died before."""

    order: Asking
    answer: Future[Answer | None] = field(default_factory=Future)


class Questions:
    """The questions without an answer so far; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the next two
        self._open: dict[int, Question] = {}
        self._error: ServiceError | None = None

    def add(self, order: Asking) -> Question:
        """Add a question.

        Raises:
            ServiceError: the error of `close`.
        """
        question = Question(order)
        with self._lock:
            if self._error is not None:
                raise self._error
            self._open[order.number] = question
        return question

    def answer(self, number: int, answer: Answer | None) -> None:
        """Answer a question; an answer that comes twice is left alone."""
        with self._lock:
            question = self._open.pop(number, None)
        if question is not None:
            question.answer.set_result(answer)

    def hub_died(self) -> None:
        """Answer None, except to those who open an engine: the next hub opens the engine again."""
        with self._lock:
            lost = [n for n, each in self._open.items() if not isinstance(each.order, Open)]
        self._answer_none(lost)

    def close(self, error: ServiceError) -> None:
        """Answer None to all, and refuse further questions with an error."""
        with self._lock:
            self._error = error
            lost = [*self._open]
        self._answer_none(lost)

    def _answer_none(self, numbers: list[int]) -> None:
        for number in numbers:
            self.answer(number, None)
