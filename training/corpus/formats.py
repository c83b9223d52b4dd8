"""The format of a file, recognised by its bytes: compression, encoding, and what is no text."""

import bz2
import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

from training.errors import CorpusError

HEAD = 4096  # bytes of a text that a guess is made from
ENOUGH = 32  # bytes; of a shorter text any byte may be the commonest
COMMONEST = 0.6  # the share of one byte in a column of a text in UTF-16 or UTF-32


class Unpacker(Protocol):
    """A decompressor of the libraries, which takes one stream piece by piece."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def unused_data(self) -> bytes:
        """The bytes after the end of the stream."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return the unpacked bytes of the next piece."""


COMPRESSIONS: dict[bytes, tuple[str, Callable[[], Unpacker]]] = {
    b"\x1f\x8b": ("gzip", lambda: zlib.decompressobj(wbits=31)),
    **{b"BZh%d1AY&SY" % level: ("bzip2", bz2.BZ2Decompressor) for level in range(1, 10)},
    b"\xfd7zXZ\0": ("xz", lzma.LZMADecompressor),
    b"\x28\xb5\x2f\xfd": ("zstd", lambda: zstandard.ZstdDecompressor().decompressobj()),
}
SIGNATURE = max(map(len, COMPRESSIONS))  # bytes of the longest one
DAMAGED = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError)

# The marks of UTF-32 come first, because the little-endian one begins with that of UTF-16.
MARKS = {
    b"\xff\xfe\0\0": "utf-32-le",
    b"\0\0\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}

NO_TEXTS = {
    b"%PDF-": "a PDF document: save its text as plain text",
    b"PK\x03\x04": "a ZIP archive, as .zip, .docx, .odt and .epub are: unpack it, or save its text "
    "as plain text",
    b"\xd0\xcf\x11\xe0": "an old Office document: save its text as plain text",
    b"{\\rtf": "an RTF document: save its text as plain text",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
    b"Rar!\x1a\x07": "a RAR archive: unpack it",
    b"\x7fELF": "a program",
    b"\x89PNG": "a picture",
    b"GIF8": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"PAR1": "a Parquet file: export its texts as JSON lines",
    b"SQLite format 3\0": "a database: export its text",
}
TAR, TAR_OFFSET = b"ustar", 257  # a tar archive begins with the name of its first file

# The columns, of four, in which one byte is much the commonest.
WIDE: dict[tuple[bool, ...], str] = {
    (False, True, False, True): "UTF-16LE",
    (True, False, True, False): "UTF-16BE",
    (False, True, True, True): "UTF-32LE",
    (False, False, True, True): "UTF-32LE",
    (True, True, True, False): "UTF-32BE",
    (True, True, False, False): "UTF-32BE",
}


def unpacked(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces: unpacked if the file is compressed, else as they are.

    Raises:
        CorpusError: the compressed file is damaged, or ends too early.
    """
    start = _at_least(SIGNATURE, pieces)
    for signature, (kind, unpacker) in COMPRESSIONS.items():
        if start.startswith(signature):
            try:
                yield from _unpacked(start, pieces, unpacker)
            except DAMAGED:
                raise CorpusError(f"{name} is damaged {kind}: copy or download it again") from None
            return
    yield start
    yield from pieces


def encoding_of(head: bytes, name: str) -> str:
    """Return the codec of a text by its first bytes: by a byte order mark, else UTF-8.

    Raises:
        CorpusError: the bytes are the beginning of a known format that is no text.
    """
    for signature, seen in NO_TEXTS.items():
        if head.startswith(signature):
            raise CorpusError(f"{name} is {seen}")
    if head.startswith(TAR, TAR_OFFSET):
        raise CorpusError(f"{name} is a tar archive: unpack it, and give the folder")
    return next((codec for mark, codec in MARKS.items() if head.startswith(mark)), "utf-8")


def seeming(head: bytes) -> str:
    """Return what a file that is not UTF-8 seems to be, by its first bytes, and the remedy."""
    columns = [head[place::4] for place in range(4)]
    wide = WIDE.get(tuple(map(_is_uniform, columns)))
    if wide and len(head) >= ENOUGH:
        return (
            f"it seems to be {wide} without a byte order mark: "
            f"convert it with iconv -f {wide} -t UTF-8"
        )
    if any(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in head):
        return "it seems to be no text: give a plain text"
    return (
        # Texts labelled Latin-1 are mostly in Windows-1252, which has quotation marks where Latin-1 has none.
        "it seems to be a text in an old encoding: convert it from that encoding, for instance "
        "with iconv -f WINDOWS-1252 -t UTF-8"
    )


def _at_least(size: int, pieces: Iterator[bytes]) -> bytes:
    """Return the first pieces, joined until there are `size` bytes or no more pieces."""
    start = b""
    while len(start) < size and (piece := next(pieces, b"")):
        start += piece
    return start


def _unpacked(
    start: bytes, pieces: Iterator[bytes], new: Callable[[], Unpacker]
) -> Iterator[bytes]:
    """Unpack one stream, or several after each other; raise `EOFError` for half a stream."""
    unpacker, packed = new(), start
    while packed:
        yield unpacker.decompress(packed)
        packed = unpacker.unused_data if unpacker.eof else b""
        packed = packed or next(pieces, b"")
        if packed and unpacker.eof:
            unpacker = new()
    if not unpacker.eof:
        raise EOFError


def _is_uniform(column: bytes) -> bool:
    """Return whether one byte makes up most of a column."""
    return bool(column) and Counter(column).most_common(1)[0][1] > COMMONEST * len(column)
