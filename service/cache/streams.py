"""Streams that were generated before: in Redis, or in memory where there is none."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from service.cache.codec import CachedStream, decode, encode
from service.stream.generation import Stream
from service.stream.job import SNAPSHOT_INTERVAL, Snapshot

PREFIX = "charloom:"


def _ignore(_: str) -> None:
    """Do nothing: nobody counts failures."""


class Bytes(Protocol):
    """Where bytes are kept by key."""

    def get(self, key: str) -> bytes | None:
        """Return what is kept under the key."""

    def first(self, keys: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first of the keys under which something is kept, and what."""

    def set(self, values: Mapping[str, bytes]) -> None:
        """Keep each value under its key."""

    def close(self) -> None:
        """Let go of every connection."""


class StreamCache:
    """Generated streams by what determines their characters, and states by the text they read."""

    def __init__(self, kept: Bytes, failed: Callable[[str], None] = _ignore) -> None:
        """Take where bytes are kept, and whom to tell the layer of a failure."""
        self._kept = kept
        self._failed = failed

    def get(self, stream: Stream) -> CachedStream | None:
        """Return the stream as far as it is known; a damaged value is a miss."""
        data = self._kept.get(PREFIX + stream.key)
        return None if data is None else self._decode(data)

    def longest_prefix(self, identity: str, text: str) -> Snapshot | None:
        """Return the state after as much of the text as is known, short of its last character."""
        keys = {
            _state_key(identity, text[:consumed]): consumed
            for consumed in range(SNAPSHOT_INTERVAL, len(text), SNAPSHOT_INTERVAL)
        }
        found = self._kept.first(list(reversed(keys))) if keys else None
        known = found and self._decode(found[1])
        return Snapshot(keys[found[0]], known.end_state) if found and known else None

    def put(self, stream: Stream, known: CachedStream, snapshots: Iterable[Snapshot]) -> None:
        """Keep the stream, in place of any shorter one, and states of its text."""
        text = stream.prompt + known.text
        states = {
            _state_key(stream.identity, text[: snapshot.consumed]): encode(
                CachedStream("", snapshot.state)
            )
            for snapshot in snapshots
        }
        self._kept.set(states | {PREFIX + stream.key: encode(known)})

    def close(self) -> None:
        """Let go of every connection."""
        self._kept.close()

    def _decode(self, data: bytes) -> CachedStream | None:
        known = decode(data)
        if known is None:
            self._failed("value")
        return known


def _state_key(identity: str, text: str) -> str:
    digest = hashlib.blake2b(f"{identity}\n{text}".encode(), digest_size=20)
    return f"{PREFIX}state:{digest.hexdigest()}"
