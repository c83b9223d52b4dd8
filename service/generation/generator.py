"""The way of one request: cache, flight, text up to its length or a stop string, cache."""

from collections.abc import Callable
from collections.abc import Generator as Pieces
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Literal

from service.cache.codec import CachedStream
from service.cache.streams import StreamCache
from service.errors import ClientGone, DeadlineExceeded
from service.generation.flights import Flight, Flights
from service.generation.stop import StopStrings
from service.models.registry import LoadedModel
from service.stream.generation import FinishReason, Generation, Stream
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from service.stream.text import Text
from service.telemetry import Telemetry

CacheResult = Literal["hit", "partial", "miss", "bypass"]

# Seconds between two looks at whether the client is still there.
POLL = 0.2


@dataclass(frozen=True)
class Caller:
    """Who waits for an answer, and how."""

    connected: Callable[[], bool] = lambda: True
    streaming: bool = False
    read_cache: bool = True
    write_cache: bool = True


class Answer:
    """A text on its way: its pieces, and, once they are read, how it ended and what took time."""

    def __init__(self, cache: CacheResult) -> None:
        self.cache = cache
        self.pieces: Pieces[Text]
        self.characters = 0  # read so far
        self.finish_reason: FinishReason = "length"
        self.seconds: dict[str, float] = {}


class Generator:
    """Answers generations, from the cache as far as it reaches and from the engine beyond."""

    def __init__(self, cache: StreamCache, telemetry: Telemetry, deadline: float) -> None:
        """Take the cache, where to count, and the seconds a generation may take."""
        self._cache = cache
        self._telemetry = telemetry
        self._deadline = deadline
        self._flights = Flights(cache)

    def open(self, generation: Generation, model: LoadedModel, caller: Caller) -> Answer:
        """Look into the cache and return the answer, whose pieces are made as they are read.

        Reading them raises `QueueFull`, `Draining`, `DeadlineExceeded`, `ClientGone` or
        `EngineFailed`; closing them frees whatever the generation holds.
        """
        began = monotonic()
        known = self._known(generation, caller)
        answer = Answer(_cache_result(generation, known, caller))
        answer.seconds["cache"] = monotonic() - began
        self._telemetry.cache.labels(answer.cache).inc()
        pieces = self._characters(generation, model, caller, known, answer)
        self._telemetry.seed_characters.inc(len(generation.seed))
        pieces = _cut(generation, pieces, answer) if generation.stop else pieces
        answer.pieces = self._counted(pieces, answer)
        return answer

    def close(self) -> None:
        """Let go of the cache's connections."""
        self._cache.close()

    def _counted(self, pieces: Pieces[Text], answer: Answer) -> Pieces[Text]:
        with closing(pieces):
            for piece in pieces:
                answer.characters += len(piece)
                self._telemetry.text_characters.inc(len(piece))
                yield piece

    def _known(self, generation: Generation, caller: Caller) -> CachedStream | None:
        known = self._cache.get(generation.stream) if caller.read_cache else None
        if known and generation.wants_details and known.details is None:
            return None
        return known

    def _characters(
        self,
        generation: Generation,
        model: LoadedModel,
        caller: Caller,
        known: CachedStream | None,
        answer: Answer,
    ) -> Pieces[Text]:
        deadline = monotonic() + self._deadline
        length, have = generation.length, 0
        followed = caller.streaming or bool(generation.stop)
        if known is not None:
            yield known.as_text()[:length]
            have = min(len(known.text), length)
        while have < length:
            mine = self._flight(generation, model, caller, known, followed=followed)
            with self._flights.board(mine, have=have, shared=caller.read_cache) as flight:
                end = min(length, flight.sequence.job.end)
                try:
                    while have < end:
                        _wait(flight, have + 1 if followed else end, deadline, caller)
                        reached = min(flight.landed, end)
                        yield flight.read(have, reached)
                        have = reached
                except (ClientGone, GeneratorExit):
                    if answer.finish_reason != "stop":
                        self._telemetry.cancellations.labels(flight.sequence.stage).inc()
                    raise
            answer.seconds |= flight.sequence.seconds()
            known = flight.result() if have < length else None

    def _flight(
        self,
        generation: Generation,
        model: LoadedModel,
        caller: Caller,
        known: CachedStream | None,
        *,
        followed: bool,
    ) -> Flight:
        """Return a flight that goes on where the known text ends."""
        stream, have = generation.stream, len(known.text) if known else 0
        job = Job(
            self._start(stream, model, caller, known),
            stream.sampling,
            begin=have,
            end=generation.length,
            wants_details=generation.wants_details
            or (known is not None and known.details is not None),
        )
        sequence = Sequence(job)
        sequence.followed = followed
        return Flight(stream, model, known, sequence, keep=caller.write_cache)

    def _start(
        self, stream: Stream, model: LoadedModel, caller: Caller, known: CachedStream | None
    ) -> Start:
        encode = model.vocabulary.encode
        if known is not None:
            # The state at the end has not consumed the last character yet.
            consumed = len(stream.prompt) + len(known.text) - 1
            generated = encode(known.text) if stream.sampling.adjusts else None
            return Start(encode(known.text[-1]), consumed, known.end_state, generated)
        snapshot = None
        if caller.read_cache:
            snapshot = self._cache.longest_prefix(stream.identity, stream.prompt)
        if snapshot is None:
            return Start(encode(stream.prompt))
        rest = stream.prompt[snapshot.consumed :]
        return Start(encode(rest), snapshot.consumed, snapshot.state)


def _cache_result(
    generation: Generation, known: CachedStream | None, caller: Caller
) -> CacheResult:
    if not caller.read_cache:
        return "bypass"
    if known is None:
        return "miss"
    enough = len(known.text) >= generation.length
    return "hit" if enough or any(map(known.text.__contains__, generation.stop)) else "partial"


def _wait(flight: Flight, target: int, deadline: float, caller: Caller) -> None:
    wanted = target - flight.sequence.job.begin
    while not flight.sequence.wait(wanted, min(POLL, max(0.0, deadline - monotonic()))):
        if monotonic() >= deadline:
            raise DeadlineExceeded("the generation took too long; ask for less text")
        if not caller.connected():
            raise ClientGone("the client closed the connection")


def _cut(generation: Generation, pieces: Pieces[Text], answer: Answer) -> Pieces[Text]:
    """Pass the pieces on up to the first stop string."""
    stop = StopStrings(generation.stop)
    held: Text | None = None
    with closing(pieces):
        for piece in pieces:
            text = piece if held is None else held + piece
            shown = len(stop.feed(piece.characters))
            if stop.found:
                answer.finish_reason = "stop"
            yield text[:shown]
            if stop.found:
                return
            held = text[shown:]
    if held:
        yield held
