"""The cache: generated streams and states of texts, as bytes in Redis or in memory."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Protocol

from service.cache.codec import CachedStream, Form, Seal, decode, encode
from service.stream.generation import Stream
from service.stream.job import SNAPSHOT_INTERVAL, Snapshot

PREFIX = "charloom:"


def _ignore(_: str) -> None:
    """Do nothing: a cache without metrics counts no failures."""


class Bytes(Protocol):
    """A store of bytes by key: `RedisBytes`, `MemoryBytes`, or the memory that workers share."""

    @property
    def problem(self) -> str | None:
        """The sentence about a failure that lasts; None while nothing fails."""

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""

    def find(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first key that has a value, with the value."""

    def set(self, values: Mapping[str, bytes]) -> None:
        """Keep each value under its key."""

    def close(self) -> None:
        """Close every connection."""


class StreamCache:
    """Streams by their keys, and states by the model and the text that a state has consumed."""

    def __init__(
        self, kept: Bytes, failed: Callable[[str], None] = _ignore, secret: str = ""
    ) -> None:
        """Take the store of bytes, and the secret that signs values, if there is one.

        `failed` is called with "value" for each value that is damaged, forged or another's.
        """
        self._kept = kept
        self._failed = failed
        self._seal = Seal(secret)

    @property
    def problem(self) -> str | None:
        """The sentence about a failure that lasts; None while nothing fails."""
        return self._kept.problem

    def get(self, stream: Stream, form: Form) -> CachedStream | None:
        """Return the cached part of a stream; a value that does not fit is a miss."""
        key = PREFIX + stream.key
        data = self._kept.get(key)
        known = None if data is None else self._decode(data, key, form)
        return known if known is not None and known.text else None

    def longest_prefix(self, identity: str, text: str, form: Form) -> Snapshot | None:
        """Return the cached state after the longest part of a text, short of its last character.

        The last character is left, because only a step returns the logits of the next one.
        """
        lengths = range(SNAPSHOT_INTERVAL, len(text), SNAPSHOT_INTERVAL)
        keys = dict(zip(_state_keys(identity, text, lengths), lengths, strict=True))
        found = self._kept.find(list(reversed(keys)))
        if found is None:
            return None
        key, data = found
        known = self._decode(data, key, form)
        return None if known is None else Snapshot(keys[key], known.end_state)

    def put(self, stream: Stream, known: CachedStream, snapshots: Sequence[Snapshot]) -> None:
        """Keep a stream in place of what is kept of it, and the snapshots of its text, shortest first."""
        lengths = [snapshot.consumed for snapshot in snapshots]
        keys = _state_keys(stream.identity, stream.prompt + known.text, lengths)
        streams = {
            key: CachedStream("", snapshot.state)
            for key, snapshot in zip(keys, snapshots, strict=True)
        }
        streams[PREFIX + stream.key] = known
        self._kept.set({key: encode(value, key, self._seal) for key, value in streams.items()})

    def close(self) -> None:
        """Close every connection."""
        self._kept.close()

    def _decode(self, data: bytes, key: str, form: Form) -> CachedStream | None:
        known = decode(data, key, self._seal, form)
        if known is None:
            self._failed("value")
        return known


def _state_keys(identity: str, text: str, lengths: Iterable[int]) -> Iterator[str]:
    """Yield the key of the state after each of the lengths of a text, shortest first."""
    # One hash reads on from length to length: a hash for each length would take quadratic time.
    digest = hashlib.blake2b(f"{identity}\n".encode(), digest_size=20)
    for begin, end in pairwise(chain((0,), lengths)):
        digest.update(text[begin:end].encode())
        yield f"{PREFIX}state:{digest.hexdigest()}"
