"""The way of one generation: read the cache, draw the rest, cut the text at its end."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Literal

from service.cache.codec import CachedStream, Form
from service.cache.streams import StreamCache
from service.errors import ClientGone, Draining
from service.generation.drawing import Drawing
from service.generation.ends import cut, ends_of, ends_within
from service.generation.resumed import QUIET, after
from service.generation.stopping import Stopping
from service.generation.waiting import STOPPING, Patience
from service.models.loading import LoadedModel
from service.stream.generation import FinishReason, Generation, Stream
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from service.stream.text import Text
from service.telemetry import Telemetry

CacheResult = Literal["hit", "partial", "miss", "bypass"]


@dataclass(frozen=True)
class Caller:
    """The client of a generation: its connection, its patience and its use of the cache."""

    connected: Callable[[], bool] = lambda: True
    deadline: float = inf
    """The monotonic time until which everything that the client has asked for may take."""
    client: str = ""
    """The key or the address of the client; clients share the engine's slots."""
    streaming: bool = False
    """Whether the client reads each piece as soon as the piece is drawn."""
    has: int = 0
    """The characters at the beginning of the text that the client has already."""
    read_cache: bool = True
    write_cache: bool = True


class Answer:
    """A text on its way: its pieces, its finish reason and its times.

    An empty piece says to a streaming client that the text goes on. The pieces begin after the
    characters that the client has.
    Finish reason, times and `characters` are final when the last piece has been read.
    """

    def __init__(self, cache: CacheResult) -> None:
        self.cache = cache
        self.pieces: Generator[Text]
        self.characters = 0  # read so far
        self.remembered = 0  # the characters from the cache, before the text is cut at its end
        self.finish_reason: FinishReason = "length"
        self.seconds: dict[str, float] = {}  # in the cache, in the queue, for prefill and decode


class TextGenerator:
    """Answers generations with the known part of a stream, then with newly drawn characters."""

    def __init__(self, cache: StreamCache, telemetry: Telemetry, stopping: Stopping) -> None:
        """Take the cache, the metrics, and the service's end."""
        self._cache = cache
        self._telemetry = telemetry
        self._stopping = stopping

    def open(self, generation: Generation, model: LoadedModel, caller: Caller) -> Answer:
        """Read the cache and return the answer; each piece is drawn when the piece is read.

        Closing the pieces frees the generation's slot. The errors are raised while the pieces are
        read.

        Raises:
            QueueFull: every slot is taken and the queue is full.
            Draining: the service is stopping.
            DeadlineExceeded: the caller's deadline has passed.
            ClientGone: the client closed its connection.
            EngineFailed: the engine failed or died.
            InvalidRequest: the client has more characters than the text.
        """
        began = monotonic()
        cached = self._cached(generation, model, caller)
        known = _usable(cached, generation, caller)
        answer = Answer(_cache_result(generation, model, known, caller))
        answer.remembered = min(len(known.text), generation.length) if known else 0
        answer.seconds["cache"] = monotonic() - began
        self._telemetry.cache.labels(answer.cache).inc()
        pieces = self._characters(generation, model, caller, known, cached, answer)
        self._telemetry.seed_characters.inc(len(generation.seed))
        for end in ends_of(generation, model):
            pieces = cut(pieces, end, answer)
        pieces = after(pieces, caller.has) if caller.has else pieces
        answer.pieces = self._counted(pieces, answer)
        return answer

    def close(self) -> None:
        """Close the cache's connections."""
        self._cache.close()

    def _counted(self, pieces: Generator[Text], answer: Answer) -> Generator[Text]:
        with closing(pieces):
            for piece in pieces:
                answer.characters += len(piece)
                self._telemetry.text_characters.inc(len(piece))
                yield piece

    def _cached(
        self, generation: Generation, model: LoadedModel, caller: Caller
    ) -> CachedStream | None:
        if caller.read_cache or caller.write_cache:
            return self._cache.get(generation.stream, form_of(model))
        return None

    def _characters(
        self,
        generation: Generation,
        model: LoadedModel,
        caller: Caller,
        known: CachedStream | None,
        cached: CachedStream | None,
        answer: Answer,
    ) -> Generator[Text]:
        """Yield the first characters of the stream: the known ones, then drawn ones."""
        length, have = generation.length, 0
        followed = caller.streaming or bool(generation.ends)
        if known is not None:
            yield known.as_text()[:length]
            have = min(len(known.text), length)
        # A sequence that others share may end before `length`; the next resumes from the end state.
        while have < length:
            if self._stopping.over:  # the engine need not hear of what ends at once
                raise Draining(STOPPING)
            drawing = self._drawing(generation, model, caller, known, cached, followed=followed)
            sequence = drawing.sequence
            try:
                with drawing.begun(shared=caller.read_cache):
                    try:
                        for piece in self._drawn(drawing, have, length, caller):
                            yield piece
                            have += len(piece)
                    except (ClientGone, GeneratorExit):
                        # `cut` closes the pieces at the end of the text, which is no cancellation.
                        if answer.finish_reason == "length":
                            self._telemetry.cancellations.labels(sequence.stage).inc()
                        raise
            finally:
                if caller.write_cache:
                    drawing.keep(self._cache)
            answer.seconds |= sequence.seconds()
            known = drawing.result() if have < length else None

    def _drawn(self, drawing: Drawing, have: int, length: int, caller: Caller) -> Iterator[Text]:
        """Yield characters `have` to `length` of the stream, or up to the end of the sequence."""
        sequence = drawing.sequence
        patience = Patience(caller.connected, self._stopping, caller.deadline)
        while have < length:
            wanted = (have + 1 if sequence.followed else length) - sequence.job.begin
            until = monotonic() + QUIET if caller.streaming else inf
            if not patience.wait_for(sequence, wanted, until):
                yield Text("")
                continue
            if caller.write_cache:
                drawing.keep_running(self._cache)
            reached = min(drawing.landed, length)
            if reached == have:  # the sequence has ended
                return
            yield drawing.read(have, reached)
            have = reached

    def _drawing(
        self,
        generation: Generation,
        model: LoadedModel,
        caller: Caller,
        known: CachedStream | None,
        cached: CachedStream | None,
        *,
        followed: bool,
    ) -> Drawing:
        """Return the drawing that goes on at the end of the known text."""
        stream, have = generation.stream, len(known.text) if known else 0
        job = Job(
            self._start(stream, model, caller, known),
            stream.sampling,
            begin=have,
            end=generation.length,
            wants_details=generation.wants_details
            or (known is not None and known.details is not None),
            automaton=generation.automaton,
        )
        sequence = Sequence(job, caller.client, caller.deadline - monotonic())
        sequence.followed = followed
        return Drawing(stream, model, known, sequence, cached)

    def _start(
        self, stream: Stream, model: LoadedModel, caller: Caller, known: CachedStream | None
    ) -> Start:
        """Return the latest known state of the stream, and the characters to consume from there."""
        encode = model.vocabulary.encode
        if known is not None:
            # The end state has consumed every character but the last.
            consumed = len(stream.prompt) + len(known.text) - 1
            generated = encode(known.text) if stream.sampling.looks_back else None
            return Start(encode(known.text[-1]), consumed, known.end_state, generated)
        snapshot = None
        if caller.read_cache:
            snapshot = self._cache.longest_prefix(stream.identity, stream.prompt, form_of(model))
        if snapshot is None:
            return Start(encode(stream.prompt))
        rest = stream.prompt[snapshot.consumed :]
        return Start(encode(rest), snapshot.consumed, snapshot.state)


def form_of(model: LoadedModel) -> Form:
    """Return what the cached values of a model look like."""
    shape = model.manifest.architecture
    states = 2 if shape.cell == "lstm" else 1  # an LSTM has a hidden and a cell state
    return Form(shape.layers * states, shape.units, model.vocabulary.known)


def _usable(
    cached: CachedStream | None, generation: Generation, caller: Caller
) -> CachedStream | None:
    """Return the cached stream, unless the caller or the generation wants it drawn again."""
    if cached is None or not caller.read_cache:
        return None
    return None if generation.wants_details and cached.details is None else cached


def _cache_result(
    generation: Generation, model: LoadedModel, known: CachedStream | None, caller: Caller
) -> CacheResult:
    if not caller.read_cache:
        return "bypass"
    if known is None:
        return "miss"
    enough = len(known.text) >= generation.length or ends_within(known.text, generation, model)
    return "hit" if enough else "partial"
