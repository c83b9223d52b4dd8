"""The cache: generated streams and states of texts, as bytes in Redis or in memory."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from service.cache.codec import CachedStream, decode, encode
from service.stream.generation import Stream
from service.stream.job import SNAPSHOT_INTERVAL, Snapshot

PREFIX = "charloom:"


def _ignore(_: str) -> None:
    """Do nothing: a cache without metrics counts no failures."""


class Bytes(Protocol):
    """A store of bytes by key: `RedisBytes` or `MemoryBytes`."""

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

    def __init__(self, kept: Bytes, failed: Callable[[str], None] = _ignore) -> None:
        """Take the store of bytes; `failed` is called with "value" for each damaged value."""
        self._kept = kept
        self._failed = failed

    def get(self, stream: Stream) -> CachedStream | None:
        """Return the cached part of a stream; a damaged value is a miss."""
        data = self._kept.get(PREFIX + stream.key)
        return None if data is None else self._decode(data)

    def longest_prefix(self, identity: str, text: str) -> Snapshot | None:
        """Return the cached state after the longest part of a text, short of its last character.

        The last character is left, because only a step returns the logits of the next one.
        """
        lengths = reversed(range(SNAPSHOT_INTERVAL, len(text), SNAPSHOT_INTERVAL))
        keys = {_state_key(identity, text[:consumed]): consumed for consumed in lengths}
        found = self._kept.find(list(keys))
        if found is None:
            return None
        key, data = found
        known = self._decode(data)
        return None if known is None else Snapshot(keys[key], known.end_state)

    def put(self, stream: Stream, known: CachedStream, snapshots: Iterable[Snapshot]) -> None:
        """Keep a stream in place of an earlier part, and the snapshots of its text."""
        text = stream.prompt + known.text
        states = {
            _state_key(stream.identity, text[: snapshot.consumed]): encode(
                CachedStream("", snapshot.state)
            )
            for snapshot in snapshots
        }
        self._kept.set(states | {PREFIX + stream.key: encode(known)})

    def close(self) -> None:
        """Close every connection."""
        self._kept.close()

    def _decode(self, data: bytes) -> CachedStream | None:
        known = decode(data)
        if known is None:
            self._failed("value")
        return known


def _state_key(identity: str, text: str) -> str:
    digest = hashlib.blake2b(f"{identity}\n{text}".encode(), digest_size=20)
    return f"{PREFIX}state:{digest.hexdigest()}"
