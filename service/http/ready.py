"""Whole answers of `POST /generate` as bytes, kept for requests that come again."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from service.generation.generator import CacheResult
from service.http.media_types import JSON, in_utf8
from service.models.loading import LoadedModel
from service.stream.generation import FinishReason, Generation

ROUTE = "/generate"
OVERHEAD = 1_000  # bytes, for the objects of an answer beside its texts


@dataclass(frozen=True, slots=True)
class Meaning:
    """The version that a reference meant, and what the version computes."""

    name: str
    version: int
    identity: str

    @classmethod
    def of(cls, model: LoadedModel) -> "Meaning":
        """Return the meaning of a reference to a loaded model."""
        return cls(model.manifest.name, model.manifest.version, model.identity)


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """The body of an answer, and what the headers, limits, metrics and log lines need of it."""

    reference: str | None
    """The model as the request names it; None: the default model."""
    meaning: Meaning
    generation: Generation
    finish_reason: FinishReason
    characters: int
    entity_tag: str
    body: bytes

    def headers(self, cache: CacheResult, seconds: Mapping[str, float]) -> list[tuple[str, str]]:
        """Return the headers of the answer, for its result of the cache and its seconds by stage."""
        timing = ", ".join(f"{name};dur={1000 * each:.2f}" for name, each in seconds.items())
        return [
            ("Content-Type", in_utf8(JSON)),
            ("Content-Length", str(len(self.body))),
            ("X-Cache", cache),
            ("Server-Timing", timing),
            ("ETag", f'"{self.entity_tag}"'),
        ]

    @property
    def size(self) -> int:
        """The bytes of memory that the answer takes."""
        return len(self.body) + sys.getsizeof(self.generation.seed) + OVERHEAD


class ReadyAnswers:
    """Answers by the bytes of their requests, up to a capacity; safe to use from any thread.

    The least recently used answers are dropped. The caller compares the meaning of an answer with
    the version that the answer's reference means now.
    """

    def __init__(self, capacity: int) -> None:
        """Keep at most `capacity` bytes of requests and answers."""
        self._capacity = capacity
        self._size = 0
        self._answers: OrderedDict[bytes, WholeAnswer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, request: bytes) -> WholeAnswer | None:
        """Return the answer to a request."""
        with self._lock:
            answer = self._answers.get(request)
            if answer is not None:
                self._answers.move_to_end(request)
            return answer

    def put(self, request: bytes, answer: WholeAnswer) -> None:
        """Keep an answer in place of an earlier one, unless it is larger than the capacity."""
        if _size(request, answer) > self._capacity:
            return
        with self._lock:
            self._drop(request)
            self._answers[request] = answer
            self._size += _size(request, answer)
            while self._size > self._capacity:
                self._drop(next(iter(self._answers)))

    def _drop(self, request: bytes) -> None:
        answer = self._answers.pop(request, None)
        if answer is not None:
            self._size -= _size(request, answer)


def _size(request: bytes, answer: WholeAnswer) -> int:
    return len(request) + answer.size
