"""The layout of a cached stream or state: mark, header, text, arrays and a CRC-32."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.stream.details import Details
from service.stream.job import State
from service.stream.text import Text

# The mark ends with the layout's version, so a value of an older layout is a miss.
MARK = b"charloom-2"
# Little-endian: bytes of text, characters N with details, likeliest k of each, parts, units.
HEADER = struct.Struct("<IIHHI")
CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True)
class CachedStream:
    """The known text of a stream, its details if there are any, and its end state.

    The state [parts, units] has consumed every character but the last one.
    """

    text: str
    end_state: State
    details: Details | None = None

    def as_text(self) -> Text:
        """Return the text with its details."""
        return Text(self.text, self.details)


def encode(stream: CachedStream) -> bytes:
    """Return a stream as bytes."""
    text = stream.text.encode()
    details = stream.details or Details.empty(0, 0)
    header = HEADER.pack(len(text), *details.top_ids.shape, *stream.end_state.shape)
    arrays = [
        np.ascontiguousarray(array, kind).tobytes()
        for array, kind in (
            (details.logprobs, "<f4"),
            (details.top_ids, "<u2"),
            (details.top_logprobs, "<f4"),
            (stream.end_state, "<f4"),
        )
    ]
    body = b"".join([MARK, header, text, *arrays])
    return body + CHECKSUM.pack(zlib.crc32(body))


def decode(data: bytes) -> CachedStream | None:
    """Return a stream, or None for bytes that are damaged or have another layout."""
    if len(data) < len(MARK) + HEADER.size + CHECKSUM.size or not data.startswith(MARK):
        return None
    body = data[: -CHECKSUM.size]
    if data[-CHECKSUM.size :] != CHECKSUM.pack(zlib.crc32(body)):
        return None
    text_bytes, explained, likeliest, parts, units = HEADER.unpack_from(body, len(MARK))
    rest = body[len(MARK) + HEADER.size :]
    sizes = [text_bytes, 4 * explained, 2 * explained * likeliest, 4 * explained * likeliest]
    if len(rest) != sum(sizes) + 4 * parts * units:
        return None
    text, logprobs, top_ids, top_logprobs, state = _cut(rest, sizes)
    details = Details(
        np.frombuffer(logprobs, "<f4"),
        np.frombuffer(top_ids, "<u2").reshape(explained, likeliest),
        np.frombuffer(top_logprobs, "<f4").reshape(explained, likeliest),
    )
    end_state: NDArray[np.float32] = np.frombuffer(state, "<f4").reshape(parts, units)
    return CachedStream(text.decode(), end_state, details if explained else None)


def _cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Return consecutive pieces of the given sizes, and the remaining bytes."""
    pieces, begin = [], 0
    for size in sizes:
        pieces.append(data[begin : begin + size])
        begin += size
    return [*pieces, data[begin:]]
