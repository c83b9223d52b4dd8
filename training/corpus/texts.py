"""A corpus of many short texts, one a line or one a record, written as one text in a fixed order."""

import math
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import TextIOBase
from itertools import compress
from pathlib import Path

import numpy as np

from model_store import TEXT_END, Vocabulary, text_hash
from training.bar import Advance, bar
from training.config import TrainingConfig
from training.corpus.columns import column_of
from training.corpus.sources import Corpus
from training.corpus.split import Ids
from training.corpus.text import PIECE, TextFile, read_text
from training.errors import CorpusError

LINES, COLUMN = "lines", "column:"
LONGEST = 10_000  # characters of a text; the service writes no more by default
LONGEST_LINE = 1_000_000  # characters of a record


@dataclass(frozen=True)
class Arranged:
    """The distinct texts of a corpus as one file of text, and their numbers; or the corpus as it is."""

    corpus: Corpus
    training: int = 0
    repeated: int = 0
    """The texts that were left out because an earlier text is the same."""


def arrange(corpus: Corpus, config: TrainingConfig, path: Path) -> Arranged:
    """Write the distinct texts: a line end before each text, and one at the end of the file.

    The texts that train come first, in their order. The texts that validate are the given fraction
    with the lowest hashes, by rising hash, so that neither the order of the corpus nor a random number
    decides. The memory is 40 bytes for each text, and the texts that validate.

    Raises:
        CorpusError: a file cannot be read, has a text that is too long, or there are fewer than two
            distinct texts.
    """
    hashes = np.frombuffer(array("Q", map(text_hash, _all_texts(corpus, config))), np.uint64)
    distinct, first = np.unique(hashes, return_index=True)
    if len(distinct) < 2:
        raise CorpusError(
            f"{corpus.name} has {len(distinct)} distinct texts, and at least 2 are needed: "
            "give a text on each line"
        )
    kept = np.zeros(len(hashes), np.bool_)
    kept[first] = True
    held_out = hashes <= distinct[math.ceil(config.validation_fraction * len(distinct)) - 1]
    with path.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
        _write(file, compress(_all_texts(corpus, config), kept & ~held_out))
        _write(file, sorted(compress(_all_texts(corpus, config), kept & held_out), key=text_hash))
        file.write(TEXT_END)
    return Arranged(
        corpus=replace(corpus, files=(TextFile(path, corpus.name),)),
        training=int(np.count_nonzero(kept & ~held_out)),
        repeated=len(hashes) - len(distinct),
    )


def texts_in(ids: Ids, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the texts of ids [N] that end with a text end, as the model reads them."""
    rest = ""
    for begin in range(0, len(ids), PIECE):
        *whole, rest = (rest + vocabulary.decode(ids[begin : begin + PIECE])).split(TEXT_END)
        yield from filter(None, whole)


def _write(file: TextIOBase, texts: Iterable[str]) -> None:
    file.writelines(TEXT_END + text for text in texts)


def _all_texts(corpus: Corpus, config: TrainingConfig) -> Iterator[str]:
    with bar("reading texts", corpus.size) as advance:
        for file in corpus.files:
            for number, text in enumerate(_texts(file, config.texts, advance), 1):
                if len(text) > LONGEST:
                    raise CorpusError(
                        f"{file.name}: text {number:,} has {len(text):,} characters, and a text may "
                        f"have {LONGEST:,}: cut the text, or leave out --texts"
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
                f"{file.name}: line {number:,} has more than {LONGEST_LINE:,} characters: "
                "cut the line, or leave out --texts"
            )
        yield from whole
    if rest:
        yield rest
