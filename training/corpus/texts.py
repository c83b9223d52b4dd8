"""A corpus of many short texts, one a line or one a record: gathered into one file, then arranged as ids."""

import math
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, compress, islice
from pathlib import Path

import numpy as np

from model_store import TEXT_END, Vocabulary, text_hash
from training.bar import Advance, bar
from training.corpus.columns import column_of
from training.corpus.sources import Corpus
from training.corpus.split import Ids
from training.corpus.text import PIECE, TextFile, read_text
from training.errors import CorpusError

LINES, COLUMN = "lines", "column:"
LONGEST = 10_000  # characters of a text; the service writes no more by default
LONGEST_LINE = 1_000_000  # characters of a record
SHORTER = "cut the text, or give a plain text without --texts"
TOGETHER = 1000  # texts that are encoded together


@dataclass(frozen=True)
class Arranged:
    """The numbers of the distinct texts that train, and of the texts that were left out as repeated."""

    training: int = 0
    repeated: int = 0


def gathered(corpus: Corpus, source: str, path: Path) -> Corpus:
    """Write every text of a corpus into one file: a line end before each text, and one at the end.

    Raises:
        CorpusError: a file cannot be read, or has a text that is too long.
    """
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        file.writelines(TEXT_END + text for text in _all_texts(corpus, source))
        file.write(TEXT_END)
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
            f"{name} has {len(distinct)} distinct texts, and at least 2 are needed: "
            "give a text on each line"
        )
    kept = np.zeros(len(hashes), np.bool_)
    kept[first] = True
    held_out = hashes <= distinct[math.ceil(fraction * len(distinct)) - 1]
    train = compress(_stripped(ids, vocabulary), kept & ~held_out)
    validate = sorted(compress(_stripped(ids, vocabulary), kept & held_out), key=text_hash)
    ended = chain(train, validate, [""])
    with path.open("wb") as file:
        while some := [TEXT_END + text for text in islice(ended, TOGETHER)]:
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
        *whole, rest = (rest + vocabulary.decode(piece)).split(TEXT_END)
        yield from filter(None, whole)
        advance(piece.nbytes)


def _stripped(ids: Ids, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the texts that are not empty, without white space at the ends where symbols were dropped."""
    with bar("arranging texts", ids.nbytes) as advance:
        yield from filter(None, map(str.strip, texts_in(ids, vocabulary, advance)))


def _all_texts(corpus: Corpus, source: str) -> Iterator[str]:
    with bar("reading texts", corpus.size) as advance:
        for file in corpus.files:
            for number, text in enumerate(_texts(file, source, advance), 1):
                if len(text) > LONGEST:
                    raise CorpusError(
                        f"{file.name}: text {number:,} has {len(text):,} characters, and a text may "
                        f"have {LONGEST:,}: {SHORTER}"
                    )
                yield text


def _texts(file: TextFile, source: str, advance: Advance) -> Iterator[str]:
    """Yield the texts of a file that are not empty, without white space at both ends."""
    found = _lines(file, advance)
    if source != LINES:
        found = column_of(found, source.removeprefix(COLUMN), file.name)
    # A line break within a record becomes a space, because the line end is the end of a text.
    joined = (" ".join(text.splitlines()).strip() for text in found)
    return (unicodedata.normalize("NFC", text) for text in joined if text)


def _lines(file: TextFile, advance: Advance) -> Iterator[str]:
    rest, number = "", 1
    for piece in read_text([file], advance):
        *whole, rest = (rest + piece).split(TEXT_END)
        number += len(whole)
        if len(rest) > LONGEST_LINE:
            raise CorpusError(
                f"{file.name}: line {number:,} has more than {LONGEST_LINE:,} characters: {SHORTER}"
            )
        yield from whole
    if rest:
        yield rest
