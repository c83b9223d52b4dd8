"""A corpus as ids on disk: count the symbols, choose a vocabulary, encode the text by pieces."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_store import UNKNOWN, Vocabulary
from training.bar import bar
from training.config import TrainingConfig
from training.corpus.record import IDS, RECORD, Record, id_type, order, record_on_disk
from training.corpus.sources import Corpus
from training.corpus.split import Ids, Split, split, split_texts
from training.corpus.text import read_text
from training.corpus.texts import Arranged, arrange, gathered, text_end
from training.errors import CorpusError
from training.sealed import seal, sealed_json

MINIMUM_CHARACTERS = 1000
CODE_POINTS = 0x110000
EXAMPLES = 10
PARTIAL = f"{IDS}.partial"
# Of a corpus of many short texts: all texts, and their ids before the texts are arranged.
TEXTS, UNARRANGED = "texts.txt", "texts.ids"

Counts = NDArray[np.int64]


def prepare(
    corpus: Corpus, config: TrainingConfig, folder: Path, given: Vocabulary | None = None
) -> tuple[Split, Vocabulary]:
    """Return a corpus as ids, mapped into memory from a file in the folder, and its vocabulary.

    Ids in the folder are used again if the same text and settings made them.

    Raises:
        CorpusError: a file is not UTF-8, the text is too short, the symbols are too many or not in
            the given vocabulary, or no loss can be measured over the held-out text.
    """
    sources = corpus, config, folder, given
    record = record_on_disk(*sources) or _encode_to_disk(*sources)
    vocabulary = Vocabulary(record.symbols)
    ids = _mapped(folder / IDS, vocabulary)[: record.characters]  # a digest follows the ids
    if config.of_texts:
        end = record.symbols.index(vocabulary.text_end)
        text = split_texts(ids, record.training_texts, end, record.repeated_texts)
    else:
        text = split(ids, config.validation_fraction, config.test_fraction)
    _require_measurable(text, vocabulary, config)
    return text, vocabulary


def _require_measurable(text: Split, vocabulary: Vocabulary, config: TrainingConfig) -> None:
    if config.window_stride and len(text.validation) <= config.sequence_length:
        raise CorpusError(
            f"the held-out text has {len(text.validation)} characters but a window takes "
            f"{config.sequence_length + 1}: raise validation_fraction or lower sequence_length"
        )
    measured = text.validation[: config.validation_characters]
    if vocabulary.unknown_id is not None and np.all(measured == vocabulary.unknown_id):
        raise CorpusError(
            "the held-out text has unknown symbols alone, and no loss could be measured: "
            "lower --min-count, or give the corpora in another order"
        )


def _encode_to_disk(
    corpus: Corpus, config: TrainingConfig, folder: Path, given: Vocabulary | None
) -> Record:
    """Write ids and record into the folder; return the record."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / PARTIAL
    try:
        record = _encoded(corpus, config, folder, given)
        (folder / RECORD).unlink(missing_ok=True)  # a record never describes another text's ids
        seal(partial)
        partial.replace(folder / IDS)
        partial.write_bytes(sealed_json(record.model_dump_json()))
        partial.replace(folder / RECORD)
    finally:
        for leftover in (PARTIAL, TEXTS, UNARRANGED):  # the disk may be full
            (folder / leftover).unlink(missing_ok=True)
    return record


def _encoded(
    corpus: Corpus, config: TrainingConfig, folder: Path, given: Vocabulary | None
) -> Record:
    """Write the ids of a corpus into the folder's file PARTIAL; return the record."""
    path, arranged = folder / PARTIAL, Arranged()
    if config.of_texts:
        end = text_end(corpus, config.texts, given)
        corpus = gathered(corpus, config.texts, end, folder / TEXTS)
        vocabulary = _write_ids(corpus, config, folder / UNARRANGED, given)
        _require_text_end(vocabulary, end)
        ids = _mapped(folder / UNARRANGED, vocabulary)
        arranged = arrange(ids, vocabulary, config.validation_fraction, path, corpus.name)
    else:
        vocabulary = _write_ids(corpus, config, path, given)
    characters = path.stat().st_size // id_type(vocabulary).itemsize
    _require_long(corpus, characters)
    texts, fraction = order(config)
    return Record(
        sha256=corpus.sha256,
        min_count=config.min_count,
        unknown=config.unknown if given else None,
        characters=characters,
        symbols=vocabulary.symbols,
        texts=texts,
        validation_fraction=fraction,
        training_texts=arranged.training,
        repeated_texts=arranged.repeated,
    )


def _write_ids(
    corpus: Corpus, config: TrainingConfig, path: Path, given: Vocabulary | None
) -> Vocabulary:
    """Write the ids of a text into a file; return the vocabulary."""
    counts = count(corpus)
    if given:
        counts = legible(counts, given, config, corpus.name)
    characters = int(counts.sum())
    if not config.of_texts:
        _require_long(corpus, characters)
    vocabulary = given or choose(counts, config)
    encode(corpus, vocabulary, counts > 0, path)
    if path.stat().st_size != characters * id_type(vocabulary).itemsize:
        raise CorpusError(f"{corpus.name} changed while it was read: start again")
    return vocabulary


def _mapped(path: Path, vocabulary: Vocabulary) -> Ids:
    """Return the ids of a file, mapped into memory."""
    return np.asarray(np.memmap(path, id_type(vocabulary), mode="r"))


def _require_text_end(vocabulary: Vocabulary, end: str) -> None:
    if end not in vocabulary.symbols:
        raise CorpusError(
            f"the vocabulary lacks U+{ord(end):04X}, which ends each text: "
            "lower --min-count, or start from another version"
        )


def _require_long(corpus: Corpus, characters: int) -> None:
    if characters < MINIMUM_CHARACTERS:
        raise CorpusError(
            f"{corpus.name} has {characters} characters; at least {MINIMUM_CHARACTERS} are needed: "
            "give more text"
        )


def count(corpus: Corpus) -> Counts:
    """Return how often each code point occurs in the text, [CODE_POINTS]."""
    counts = np.zeros(CODE_POINTS, np.int64)
    with bar("counting", corpus.size) as advance:
        for piece in read_text(corpus.files, advance):
            found = np.bincount(_codes(piece))
            counts[: len(found)] += found
    return counts


def legible(counts: Counts, given: Vocabulary, config: TrainingConfig, name: str) -> Counts:
    """Return the counts without the symbols that are dropped because a given vocabulary lacks them.

    Raises:
        CorpusError: the vocabulary lacks symbols, and the configuration does not drop symbols.
    """
    if UNKNOWN in given.symbols and config.unknown != "drop":
        return counts
    new = counts.copy()
    new[[ord(symbol) for symbol in given.symbols]] = 0
    if new.any() and config.unknown != "drop":
        commonest = np.argsort(-new, kind="stable")[: min(EXAMPLES, np.count_nonzero(new))]
        raise CorpusError(
            f"{name} has {np.count_nonzero(new):,} symbols ({new.sum():,} characters) that the "
            f"version to start from lacks, most of all {', '.join(map(repr, map(chr, commonest)))}: "
            "--unknown drop leaves them out"
        )
    return counts - new


def choose(counts: Counts, config: TrainingConfig) -> Vocabulary:
    """Return the symbols that occur `min_count` times, and UNKNOWN if there are rarer symbols.

    Raises:
        CorpusError: the symbols are more than `max_vocabulary`, or every symbol is rarer.
    """
    known = np.flatnonzero(counts >= config.min_count)
    if not known.size:
        raise CorpusError(
            f"no symbol occurs {config.min_count} times, the commonest {counts.max()}: "
            "lower --min-count"
        )
    rare = known.size < np.count_nonzero(counts)
    symbols = np.union1d(known, [ord(UNKNOWN)]) if rare else known
    if len(symbols) > config.max_vocabulary:
        least = np.sort(counts)[-config.max_vocabulary] + 1
        raise CorpusError(
            f"the text has {len(symbols):,} distinct characters and the limit is "
            f"{config.max_vocabulary:,}: is this a text file? If it is, as in Chinese or Japanese, "
            f"--set max_vocabulary={len(symbols)} keeps all; --min-count {least} makes the rare ones one unknown symbol"
        )
    return Vocabulary(tuple(map(chr, symbols)))


def encode(corpus: Corpus, vocabulary: Vocabulary, kept: NDArray[np.bool_], path: Path) -> None:
    """Write the text as ids of the smallest integer type.

    `kept` [CODE_POINTS] marks the symbols that are written; a kept symbol that the vocabulary lacks
    is written as UNKNOWN.
    """
    # A vocabulary without UNKNOWN has every kept symbol, so the default id 0 is never written.
    table = np.full(CODE_POINTS, vocabulary.unknown_id or 0, id_type(vocabulary))
    table[[ord(symbol) for symbol in vocabulary.symbols]] = np.arange(len(vocabulary))
    with path.open("wb") as file, bar("encoding", corpus.size) as advance:
        for piece in read_text(corpus.files, advance):
            codes = _codes(piece)
            file.write(table[codes[kept[codes]]].data)


def _codes(text: str) -> NDArray[np.uint32]:
    """Return the code points [N] of a text of N characters."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4")
