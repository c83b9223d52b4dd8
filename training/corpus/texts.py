"""A corpus of many short texts, one a line or one a record: gathered into one file, then arranged as ids."""

import math
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, compress, islice
from pathlib import Path

import numpy as np

from model_store import LINE_END, TEXT_END, Vocabulary, text_hash
from training.bar import Advance, bar
from training.corpus.columns import column_of
from training.corpus.sources import Corpus
from training.corpus.split import Ids
from training.corpus.text import PIECE, TextFile, read_text
from training.errors import CorpusError

LINES, FILES, COLUMN = "lines", "files", "column:"
LONGEST = 10_000  # characters of a text; the service writes no more by default
LONGEST_RECORD = 1_000_000  # characters of a line or a file, with white space and other columns
SHORTER = "cut the text, or give a plain text without --texts"
TOGETHER = 1000  # texts that are encoded together


@dataclass(frozen=True)
class Arranged:
    """The numbers of the distinct texts that train, and of the texts that were left out as repeated."""

    training: int = 0
    repeated: int = 0


def text_end(corpus: Corpus, source: str, given: Vocabulary | None) -> str:
    """Return the symbol that ends each text: the given vocabulary's, or else a symbol that no text has.

    Raises:
        CorpusError: a file cannot be read, or has a text that is too long.
    """
    if given:
        return given.text_end
    if source == LINES:
        return LINE_END
    of_lines = any(LINE_END in text for text in _all_texts(corpus, source, TEXT_END))
    return TEXT_END if of_lines else LINE_END


def gathered(corpus: Corpus, source: str, end: str, path: Path) -> Corpus:
    """Write every text of a corpus into one file: the end of a text before each text, and after the last one.

    Raises:
        CorpusError: a file cannot be read, or has a text that is too long.
    """
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.writelines(end + text for text in _all_texts(corpus, source, end))
        file.write(end)
    return replace(corpus, files=(TextFile(path, corpus.name),))


def arrange(ids: Ids, vocabulary: Vocabulary, fraction: float, path: Path, name: str) -> Arranged:
    """Write the distinct texts of ids [N] as ids: a text end before each text and after the last one.

    Texts are compared as the model reads them: symbols that a vocabulary lacks may have made texts
    equal or empty. The texts that train come first, in their order. The texts that validate are the
    given fraction with the lowest hashes, by rising hash, so that neither the order of the corpus nor a
    random number decides. The memory is 40 bytes for each text, and the texts that validate.

    Raises:
        CorpusError: there are fewer than two distinct texts.
    """
    hashes = np.frombuffer(array("Q", map(text_hash, _stripped(ids, vocabulary))), np.uint64)
    distinct, first = np.unique(hashes, return_index=True)
    if len(distinct) < 2:
        raise CorpusError(
            f"{name} has {len(distinct)} distinct texts, and at least 2 are needed: give more texts"
        )
    kept = np.zeros(len(hashes), np.bool_)
    kept[first] = True
    held_out = hashes <= distinct[math.ceil(fraction * len(distinct)) - 1]
    train = compress(_stripped(ids, vocabulary), kept & ~held_out)
    validate = sorted(compress(_stripped(ids, vocabulary), kept & held_out), key=text_hash)
    ended = chain(train, validate, [""])
    with path.open("wb") as file:
        while some := [vocabulary.text_end + text for text in islice(ended, TOGETHER)]:
            file.write(vocabulary.encode("".join(some)).astype(ids.dtype).data)
    return Arranged(
        training=int(np.count_nonzero(kept & ~held_out)), repeated=len(hashes) - len(distinct)
    )


def texts_in(ids: Ids, vocabulary: Vocabulary, advance: Advance = lambda _: None) -> Iterator[str]:
    """Yield the texts of ids [N] that end with a text end, as the model reads them.

    `advance` is called with the number of bytes read.
    """
    rest = ""
    for begin in range(0, len(ids), PIECE):
        piece = ids[begin : begin + PIECE]
        *whole, rest = (rest + vocabulary.decode(piece)).split(vocabulary.text_end)
        yield from filter(None, whole)
        advance(piece.nbytes)


def _stripped(ids: Ids, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the texts that are not empty, without white space at the ends where symbols were dropped."""
    with bar("arranging texts", ids.nbytes) as advance:
        yield from filter(None, map(str.strip, texts_in(ids, vocabulary, advance)))


def _all_texts(corpus: Corpus, source: str, end: str) -> Iterator[str]:
    # Where the line end is the end of a text, a line break within a text becomes a space.
    line_break = " " if end == LINE_END else LINE_END
    with bar("reading texts", corpus.size) as advance:
        for file in corpus.files:
            for number, text in enumerate(_texts(file, source, line_break, advance), 1):
                if len(text) > LONGEST:
                    raise CorpusError(
                        f"{file.name}: text {number:,} has {len(text):,} characters, and a text may "
                        f"have {LONGEST:,}: {SHORTER}"
                    )
                yield text


def _texts(file: TextFile, source: str, line_break: str, advance: Advance) -> Iterator[str]:
    """Yield the texts of a file that are not empty, without white space at both ends."""
    if source == FILES:
        found = _whole(file, advance)
    elif source == LINES:
        found = _lines(file, advance)
    else:
        found = column_of(_lines(file, advance), source.removeprefix(COLUMN), file.name)
    for text in found:
        lines = text.replace(TEXT_END, "").splitlines()
        if joined := line_break.join(lines).strip():
            yield unicodedata.normalize("NFC", joined)


def _whole(file: TextFile, advance: Advance) -> Iterator[str]:
    text = ""
    for piece in read_text([file], advance):
        text += piece
        if len(text) > LONGEST_RECORD:
            raise CorpusError(f"{file.name} has more than {LONGEST_RECORD:,} characters: {SHORTER}")
    yield text


def _lines(file: TextFile, advance: Advance) -> Iterator[str]:
    rest, number = "", 1
    for piece in read_text([file], advance):
        *whole, rest = (rest + piece).split(LINE_END)
        number += len(whole)
        if len(rest) > LONGEST_RECORD:
            raise CorpusError(
                f"{file.name}: line {number:,} has more than {LONGEST_RECORD:,} characters: {SHORTER}"
            )
        yield from whole
    if rest:
        yield rest
