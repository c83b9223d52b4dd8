"""The layout of a cached stream or state: mark, header, text, arrays and a seal."""

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.stream.details import LIKELIEST, Details
from service.stream.job import State
from service.stream.text import Text

# The mark ends with the layout's version, so a value of an older layout is a miss.
MARK = b"charloom-3"
# Little-endian: bytes of text, characters N with details, likeliest k of each, parts, units.
HEADER = struct.Struct("<IIHHI")
CHECKSUM = struct.Struct("<I")
SIGNATURE = 16  # bytes


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


@dataclass(frozen=True)
class Form:
    """The form of a model's values: states [parts, units], and texts of these symbols."""

    parts: int
    units: int
    symbols: frozenset[str]

    def fits(self, stream: CachedStream) -> bool:
        """Return whether a stream can be one of this model's."""
        return (
            stream.end_state.shape == (self.parts, self.units)
            and bool(np.isfinite(stream.end_state).all())
            and self.symbols.issuperset(stream.text)
            and (stream.details is None or self._explains(stream.details, len(stream.text)))
        )

    def _explains(self, details: Details, characters: int) -> bool:
        return (
            len(details) == characters
            and details.top_ids.shape[1] == min(LIKELIEST, len(self.symbols))
            and bool((details.top_ids < len(self.symbols)).all())
            and bool(np.isfinite(details.logprobs).all())
            and bool(np.isfinite(details.top_logprobs).all())
        )


class Seal:
    """Binds a value to its key, which names the model and the text.

    With a secret the seal is a keyed BLAKE2b, which nobody makes without the secret. Without a secret
    the seal is a CRC-32, four times as fast, which finds damage and mistakes.
    """

    def __init__(self, secret: str = "") -> None:
        self._secret = hashlib.blake2b(secret.encode()).digest() if secret else b""
        self.size = SIGNATURE if secret else CHECKSUM.size

    def of(self, key: str, body: bytes) -> bytes:
        """Return the seal of a value under a key."""
        if not self._secret:
            return CHECKSUM.pack(zlib.crc32(body, zlib.crc32(key.encode())))
        digest = hashlib.blake2b(key.encode(), key=self._secret, digest_size=SIGNATURE)
        digest.update(body)
        return digest.digest()


def encode(stream: CachedStream, key: str, seal: Seal) -> bytes:
    """Return a stream as bytes to be kept under a key."""
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
    return body + seal.of(key, body)


def decode(data: bytes, key: str, seal: Seal, form: Form) -> CachedStream | None:
    """Return the stream of a key; None for bytes of another key, layout or model, or damaged bytes."""
    if len(data) < len(MARK) + HEADER.size + seal.size or not data.startswith(MARK):
        return None
    body = data[: -seal.size]
    if not hmac.compare_digest(data[-seal.size :], seal.of(key, body)):
        return None
    stream = _unpacked(body)
    return stream if stream is not None and form.fits(stream) else None


def _unpacked(body: bytes) -> CachedStream | None:
    """Return the stream of a value without its seal, or None where the sizes contradict each other."""
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
    try:
        return CachedStream(text.decode(), end_state, details if explained else None)
    except UnicodeDecodeError:
        return None


def _cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Return consecutive pieces of the given sizes, and the remaining bytes."""
    pieces, begin = [], 0
    for size in sizes:
        pieces.append(data[begin : begin + size])
        begin += size
    return [*pieces, data[begin:]]
