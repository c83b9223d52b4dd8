"""The errors of a request; `service/http/errors.py` gives each error a status."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json import dumps

MAX_PROBLEMS = 20  # in one error
MAX_PROBLEMS_BYTES = 1_600  # of JSON; the error document has every problem twice
MAX_FIELD, MAX_MESSAGE = 100, 400  # bytes of JSON


class ServiceError(Exception):
    """Base of every error that a client is told about."""


class MalformedJson(ServiceError):
    """The body is not JSON."""


class UnsupportedMediaType(ServiceError):
    """The body is not declared as JSON, or is compressed."""


class KeyRequired(ServiceError):
    """The request has no key, or a key that this service does not know."""


@dataclass(frozen=True)
class FieldProblem:
    """One wrong field of a request, with a message that names the remedy or the limit."""

    field: str
    message: str


class InvalidRequest(ServiceError):
    """Fields that are missing, mistyped, unknown or out of range."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(_bounded(problems))
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in self.problems))


class OtherText(ServiceError):
    """The service writes another text than the text that If-Match names."""


class RateLimited(ServiceError):
    """The key or address is over a limit of this minute."""

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OverLimit(ServiceError):
    """The request alone costs more characters than a client has in a whole minute."""


class ModelUnavailable(ServiceError):
    """The model exists but cannot be loaded."""


class TooManyModels(ServiceError):
    """As many models as may be in memory are answering requests."""


class QueueFull(ServiceError):
    """The queue is full, or so long that the generation could not end before its deadline."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Draining(ServiceError):
    """The service is stopping and takes no more requests."""


class DeadlineExceeded(ServiceError):
    """The generation took longer than the deadline allows."""


class ClientGone(ServiceError):
    """The client closed the connection before the response was complete."""


class EngineFailed(ServiceError):
    """The engine failed during a generation."""


def shortened(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return a text of at most `limit` bytes as JSON; a longer text ends with an ellipsis."""
    if len(text) <= limit and len(dumps(text)) <= limit:
        return text
    # A character takes at most twelve bytes: two escapes of six.
    return text[: limit // 12] + "…"


def _bounded(problems: Sequence[FieldProblem]) -> Iterator[FieldProblem]:
    """Yield the first problems, shortened, and the number of the rest."""
    left = MAX_PROBLEMS_BYTES
    for number, problem in enumerate(problems):
        short = FieldProblem(
            shortened(problem.field, MAX_FIELD), shortened(problem.message, MAX_MESSAGE)
        )
        left -= len(dumps([short.field, short.message]))
        if left < 0 or number == MAX_PROBLEMS - 1 < len(problems) - 1:
            yield FieldProblem("body", f"{len(problems) - number} further problems")
            return
        yield short
