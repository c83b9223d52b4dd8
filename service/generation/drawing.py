"""A drawing: new characters of a stream, from the end of the known text on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from service.cache.codec import CachedStream
from service.cache.streams import StreamCache
from service.models.loading import LoadedModel
from service.stream.generation import Stream
from service.stream.job import Snapshot, State
from service.stream.sequence import Sequence
from service.stream.text import Text

SECONDS_TO_ABORT = 1.0


@dataclass(frozen=True)
class Drawing:
    """A stream, its known text, and the sequence that goes on from there."""

    stream: Stream
    model: LoadedModel
    known: CachedStream | None
    sequence: Sequence
    cached: CachedStream | None = None
    """The cached beginning of the stream; a shorter text does not replace the cached one."""

    @property
    def landed(self) -> int:
        """The number of characters of the stream that can be read."""
        return self.sequence.job.begin + len(self.sequence.ids)

    def read(self, begin: int, end: int) -> Text:
        """Return characters `begin` to `end` of the stream, of those that were drawn."""
        first, details = self.sequence.job.begin, self.sequence.details
        part = slice(begin - first, end - first)
        ids = self.sequence.ids[part]
        return Text(self.model.vocabulary.decode(ids), details and details[part])

    def result(self) -> CachedStream | None:
        """Return the text so far with its end state; without an end state, the text known before."""
        ending = self.sequence.ending
        if ending is None or ending.state is None:
            return self.known
        return self._up_to(self.landed, ending.state)

    @contextmanager
    def begun(self, *, shared: bool) -> Iterator[None]:
        """Have the characters drawn, once for all readers if `shared`, as long as the context lasts.

        Raises:
            Draining, EngineFailed: the engine is closed, or has failed.
        """
        self.model.engine.submit(self.sequence, self.stream.key if shared else None)
        try:
            yield
        finally:
            if self.sequence.complete:  # the ending follows, unless the hub has died before
                self.sequence.wait_for_end(SECONDS_TO_ABORT)
            if not self.sequence.ended:
                self.sequence.cancel()
                self.sequence.wait_for_end(SECONDS_TO_ABORT)

    def keep_running(self, cache: StreamCache) -> None:
        """Cache the text up to the state that the engine reported last, if the state is new.

        Whoever asks for the text after this service has died goes on from there.
        """
        snapshot = self.sequence.take_snapshot()
        if snapshot is None:
            return
        # The state has consumed the prompt, and every character but the last.
        characters = snapshot.consumed - len(self.stream.prompt) + 1
        if characters > self.sequence.job.begin:
            self._put(cache, self._up_to(characters, snapshot.state), [])

    def keep(self, cache: StreamCache) -> None:
        """Cache the result, unless another reader of the same characters does."""
        result, ending = self.result(), self.sequence.ending
        if result is not None and ending is not None and not self.sequence.shared:
            self._put(cache, result, ending.snapshots)

    def _put(self, cache: StreamCache, text: CachedStream, snapshots: list[Snapshot]) -> None:
        if self.cached is None or _worth(text) >= _worth(self.cached):
            cache.put(self.stream, text, snapshots)

    def _up_to(self, characters: int, state: State) -> CachedStream:
        """Return the first characters of the stream, with the state at their end."""
        whole = self.read(self.sequence.job.begin, characters)
        if self.known is not None:
            whole = self.known.as_text() + whole
        return CachedStream(whole.characters, state, whole.details)


def _worth(text: CachedStream) -> tuple[int, bool]:
    """Return what makes one of two beginnings of a stream the better one to keep: length, then details."""
    return len(text.text), text.details is not None
