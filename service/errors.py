"""The errors of a request; `service/http/errors.py` gives each error a status."""

from collections.abc import Sequence
from dataclasses import dataclass


class ServiceError(Exception):
    """Base of every error that a client is told about."""


class MalformedJson(ServiceError):
    """The body is not JSON."""


class UnsupportedMediaType(ServiceError):
    """The body is not declared as JSON."""


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
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = tuple(problems)


class RateLimited(ServiceError):
    """The key or address is over a limit of this minute."""

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelUnavailable(ServiceError):
    """The model exists but cannot be loaded."""


class TooManyModels(ServiceError):
    """As many models as may be in memory are answering requests."""


class QueueFull(ServiceError):
    """Every slot is taken and the queue is full."""


class Draining(ServiceError):
    """The service is stopping and takes no more requests."""


class DeadlineExceeded(ServiceError):
    """The generation took longer than the deadline allows."""


class ClientGone(ServiceError):
    """The client closed the connection before the response was complete."""


class EngineFailed(ServiceError):
    """The engine failed during a generation."""
