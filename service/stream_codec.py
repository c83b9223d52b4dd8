"""A cached stream as bytes: compact, versioned, checked, and never unpickled."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The layout's version is part of the mark: another layout is another mark, and an old value a miss.
MARK = b"charloom-stream-1"
HEADER = struct.Struct("<IHI")  # bytes of text, state parts, units
CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True)
class CachedStream:
    """A stream's text so far and the state [2 * layers, units] at its end.

    The state has consumed every character but the last one.
    """

    text: str
    end_state: NDArray[np.float32]


def encode(stream: CachedStream) -> bytes:
    """Return the stream as bytes."""
    text = stream.text.encode()
    state = np.ascontiguousarray(stream.end_state, "<f4")
    body = MARK + HEADER.pack(len(text), *state.shape) + text + state.tobytes()
    return body + CHECKSUM.pack(zlib.crc32(body))


def decode(data: bytes) -> CachedStream | None:
    """Return the stream, or None for bytes that are damaged or not a stream of this layout."""
    start = len(MARK) + HEADER.size
    if len(data) < start + CHECKSUM.size or not data.startswith(MARK):
        return None
    body, (checksum,) = data[: -CHECKSUM.size], CHECKSUM.unpack(data[-CHECKSUM.size :])
    text_bytes, parts, units = HEADER.unpack_from(body, len(MARK))
    if zlib.crc32(body) != checksum or len(body) != start + text_bytes + 4 * parts * units:
        return None
    state = np.frombuffer(body, "<f4", offset=start + text_bytes).reshape(parts, units)
    return CachedStream(body[start : start + text_bytes].decode(), state)
