"""What a request can fail with; `http_errors` gives each its status."""

from collections.abc import Sequence
from dataclasses import dataclass


class ServiceError(Exception):
    """Base of every failure that a client is told about."""


class MalformedJson(ServiceError):
    """The body is not JSON."""


class UnsupportedMediaType(ServiceError):
    """The body is not declared as JSON."""


class KeyRequired(ServiceError):
    """The request comes without a key that this service knows."""


@dataclass(frozen=True)
class FieldProblem:
    """One field of a request and what is wrong with it."""

    field: str
    message: str


class InvalidRequest(ServiceError):
    """Fields that are missing, mistyped, unknown or out of range."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = tuple(problems)


class RateLimited(ServiceError):
    """The key or address has asked for more than it may in a minute."""

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelUnavailable(ServiceError):
    """The model exists but cannot be loaded."""


class QueueFull(ServiceError):
    """Every slot is taken and as many generations wait as may."""


class Draining(ServiceError):
    """The service is stopping and takes no more work."""


class DeadlineExceeded(ServiceError):
    """The generation took longer than a request may."""


class ClientGone(ServiceError):
    """The client closed its connection before it was answered."""


class EngineFailed(ServiceError):
    """The engine broke in the middle of a generation."""
