"""The text of files, piece by piece: unpacked, decoded strictly, normalised, without licences, joined."""

import codecs
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from training.bar import Advance
from training.corpus import gutenberg
from training.corpus.formats import HEAD, encoding_of, seeming, unpacked
from training.errors import CorpusError

PIECE = 1 << 18  # bytes


@dataclass(frozen=True)
class TextFile:
    """A file to read, and its name in error messages."""

    path: Path
    name: str


def read_bytes(file: TextFile, size: int = PIECE) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces.

    Raises:
        CorpusError: the file cannot be read.
    """
    try:
        with file.path.open("rb") as stream:
            while piece := stream.read(size):
                yield piece
    except OSError as error:
        raise CorpusError(f"cannot read {file.name}: {error.strerror}") from None


def read_text(
    files: Iterable[TextFile], advance: Advance = lambda _: None, size: int = PIECE
) -> Iterator[str]:
    """Yield the text of the files in pieces: in NFC, with line feeds, without byte order marks.

    Files may be compressed by gzip, bzip2, xz or zstd. A byte order mark names UTF-16 or UTF-32;
    other files must be UTF-8. Of a book of Project Gutenberg the header and the licence are left out.

    No piece is empty. A line feed separates two files, unless the first file ends with a line feed.
    `advance` is called with the number of bytes read.

    Raises:
        CorpusError: a file cannot be read or is no text, or has a NUL; the message names the byte
            that cannot be decoded, and its offset in the unpacked file.
    """
    last = "\n"
    for file in files:
        separator = "" if last == "\n" else "\n"
        for piece in gutenberg.without_licence(_normalised(file, advance, size)):
            yield separator + piece
            separator, last = "", piece[-1]


def has_licence(file: TextFile) -> bool:
    """Return whether a file is a book of Project Gutenberg; raises as `read_text` does."""
    return gutenberg.has_licence(_normalised(file, lambda _: None, PIECE))


def _normalised(file: TextFile, advance: Advance, size: int) -> Iterator[str]:
    """Yield the text of a file in pieces, none of which is empty."""
    return _composed(_without_mark(_decoded(file, advance, size)))


def _decoded(file: TextFile, advance: Advance, size: int) -> Iterator[str]:
    pieces = unpacked(_advancing(file, advance, size), file.name)
    head, pieces = _head(pieces)
    codec = encoding_of(head, file.name)
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(), translate=True)
    end = 0
    try:
        for piece in pieces:
            end += len(piece)
            yield _without_nul(decoder.decode(piece), file, head)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        # `error.start` counts from the first byte that the decoder had buffered.
        offset = end - len(error.object) + error.start
        raise CorpusError(
            f"{file.name} is not {codec.upper()}: byte 0x{error.object[error.start]:02x} at offset "
            f"{offset}; {seeming(head)}"
        ) from None


def _advancing(file: TextFile, advance: Advance, size: int) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces, and tell the size of each piece."""
    for piece in read_bytes(file, size):
        yield piece
        advance(len(piece))


def _head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first HEAD bytes, and all the pieces."""
    first: list[bytes] = []
    size = 0
    for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size >= HEAD:
            break
    return b"".join(first)[:HEAD], chain(first, pieces)


def _without_nul(text: str, file: TextFile, head: bytes) -> str:
    """Return a text; raise `CorpusError` if the text has a NUL, which no text for people has."""
    if "\0" in text:
        raise CorpusError(f"{file.name} has NUL characters; {seeming(head)}")
    return text


def _without_mark(pieces: Iterator[str]) -> Iterator[str]:
    """Drop empty pieces, and the byte order mark at the beginning of the text."""
    full = filter(None, pieces)
    for first in full:
        yield first.removeprefix("\ufeff")
        break
    yield from full


def _composed(pieces: Iterator[str]) -> Iterator[str]:
    """Normalise the text to NFC, also across the ends of pieces; yield no empty piece."""
    held = ""
    for piece in pieces:
        held += piece
        cut = _last_start(held)
        if cut:
            yield unicodedata.normalize("NFC", held[:cut])
            held = held[cut:]
    if held:
        yield unicodedata.normalize("NFC", held)


def _last_start(text: str) -> int:
    """Return the last position where the text may be cut, or 0 if there is none."""
    return next((place for place in range(len(text) - 1, 0, -1) if _starts(text[place])), 0)


def _starts(character: str) -> bool:
    """Return whether NFC never composes or reorders the character with a character before it.

    NFC composes and reorders marks, and composes vowels and final consonants of the Hangul jamo.
    """
    return unicodedata.category(character)[0] != "M" and not "\u1100" <= character <= "\u11ff"
