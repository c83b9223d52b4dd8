"""The way of one request: cache, scheduler, text, cache."""

from dataclasses import dataclass
from time import monotonic
from typing import Literal

import numpy as np

from service.cache import StreamCache
from service.errors import DeadlineExceeded
from service.models import LoadedModel
from service.request import Generation
from service.sequence import Sequence
from service.stream_codec import CachedStream

CacheResult = Literal["hit", "partial", "miss", "bypass"]


@dataclass(frozen=True)
class CacheUse:
    """Which halves of the cache a request allows."""

    read: bool = True
    write: bool = True


@dataclass(frozen=True)
class Result:
    """The text of a generation, and how it was come by."""

    text: str
    cache: CacheResult


class Generator:
    """Answers generations, from the cache as far as it reaches and from the engine beyond."""

    def __init__(self, cache: StreamCache, deadline: float) -> None:
        """Take the cache and the seconds a generation may take."""
        self._cache = cache
        self._deadline = deadline

    def generate(self, generation: Generation, model: LoadedModel, use: CacheUse) -> Result:
        """Return the generation's text.

        Raises `QueueFull`, `Draining`, `DeadlineExceeded` or `EngineFailed`.
        """
        deadline = monotonic() + self._deadline
        stream, length = generation.stream, generation.length
        known = self._cache.get(stream) if use.read else None
        if known and len(known.text) >= length:
            return Result(known.text[:length], "hit")
        sequence = _sequence(generation, model, known)
        whole = _run(sequence, model, deadline)
        if known:
            whole = CachedStream(known.text + whole.text, whole.end_state)
        if use.write:
            self._cache.put(stream, whole)
        if not use.read:
            return Result(whole.text, "bypass")
        return Result(whole.text, "partial" if known else "miss")

    def close(self) -> None:
        """Let go of the cache's connections."""
        self._cache.close()


def _sequence(generation: Generation, model: LoadedModel, known: CachedStream | None) -> Sequence:
    sampling = generation.stream.sampling
    if known is None:
        # Nothing at all to start from is the same as the end of a line.
        prompt = model.vocabulary.encode(generation.stream.seed or model.line_end)
        return Sequence(prompt, sampling, end=generation.length)
    return Sequence(
        # The state at the end has not consumed the last character yet.
        model.vocabulary.encode(known.text[-1]),
        sampling,
        start=len(known.text),
        end=generation.length,
        state=known.end_state,
    )


def _run(sequence: Sequence, model: LoadedModel, deadline: float) -> CachedStream:
    model.worker.submit(sequence)
    try:
        pieces = list(sequence.pieces(deadline))
    except DeadlineExceeded:
        model.worker.cancel(sequence)
        raise
    text = model.vocabulary.decode(np.concatenate([piece.ids for piece in pieces]))
    end_state = pieces[-1].end_state
    assert end_state is not None  # `pieces` ends with the piece that has it
    return CachedStream(text, end_state)
