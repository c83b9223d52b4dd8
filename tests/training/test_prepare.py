"""A corpus becomes a vocabulary and ids on disk, in little memory, and only once."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model_store import UNKNOWN, Vocabulary
from tests.training.small import small_config
from training.corpus.prepare import prepare
from training.corpus.sources import open_corpus
from training.corpus.split import Split
from training.errors import CorpusError

TEXT = "Es war einmal ein König.\n" * 50


def prepared(
    folder: Path, text: str, given: Vocabulary | None = None, **changes: object
) -> tuple[Split, Vocabulary]:
    source = folder / "tale.txt"
    source.write_text(text, encoding="utf-8")
    with open_corpus([str(source)]) as corpus:
        return prepare(corpus, small_config(**changes), folder / "runs" / "tale", given)


def ids_file(folder: Path) -> os.stat_result:
    return (folder / "runs" / "tale" / "text.ids").stat()


def test_the_ids_are_the_text(tmp_path: Path) -> None:
    """The decoded ids are the text, and the vocabulary has every symbol of the text."""
    text, vocabulary = prepared(tmp_path, TEXT)
    assert vocabulary == Vocabulary.from_text(TEXT)
    assert vocabulary.decode(text.ids) == TEXT
    assert text.cut == 0.9 * len(TEXT)


@pytest.mark.parametrize(
    ("symbols", "width"), [(255, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 4)]
)
def test_ids_are_as_narrow_as_the_vocabulary_lets_them(
    tmp_path: Path, symbols: int, width: int
) -> None:
    """An id takes one byte for up to 256 symbols and two bytes for up to 65,536."""
    everything = "".join(map(chr, range(0xF0000, 0xF0000 + symbols))) * (1 + 1000 // symbols)
    text, vocabulary = prepared(tmp_path, everything, max_vocabulary=100_000)
    assert text.ids.itemsize == width
    assert vocabulary.decode(text.ids) == everything


def test_rare_symbols_become_the_unknown_one(tmp_path: Path) -> None:
    """A symbol that occurs fewer than `min_count` times becomes U+FFFD."""
    text, vocabulary = prepared(tmp_path, f"{TEXT}ßß\ufffdxxx", min_count=3)
    assert vocabulary.decode(text.ids) == f"{TEXT}\ufffd\ufffd\ufffdxxx"
    assert set(vocabulary.symbols) == {*TEXT, "x", UNKNOWN}


def test_without_rare_symbols_there_is_no_unknown_one(tmp_path: Path) -> None:
    """The vocabulary has U+FFFD only if the text needs it."""
    assert UNKNOWN not in prepared(tmp_path, TEXT, min_count=50)[1].symbols
    assert UNKNOWN in prepared(tmp_path, TEXT, min_count=51)[1].symbols


def test_a_text_of_rare_symbols_alone_is_refused(tmp_path: Path) -> None:
    """The error for a text of rare symbols names `--min-count` and the highest count."""
    with pytest.raises(
        CorpusError, match="no symbol occurs 201 times, the commonest 200: lower --min"
    ):
        prepared(tmp_path, "abcdefghij" * 200, min_count=201)


def test_a_held_out_part_of_rare_symbols_alone_is_refused(tmp_path: Path) -> None:
    """A held-out text of unknown symbols alone is refused; one known symbol is enough."""
    text, rare = "abcdefghij" * 180, "".join(map(chr, range(0x4E00, 0x4E00 + 200)))
    with pytest.raises(CorpusError, match=r"unknown symbols alone.*lower --min-count"):
        prepared(tmp_path, text + rare, min_count=2)
    prepared(tmp_path, text + rare[1:] + "a", min_count=2)


def test_a_held_out_part_shorter_than_a_window_is_refused(tmp_path: Path) -> None:
    """With windows, the held-out text must be longer than a window; streams have no such limit."""
    text = "abcdefghij" * 120
    with pytest.raises(CorpusError, match="120 characters but a window takes 121"):
        prepared(tmp_path, text, window_stride=3, sequence_length=120)
    prepared(tmp_path, text, window_stride=3, sequence_length=119)
    prepared(tmp_path, text, sequence_length=120)


def test_too_many_symbols_are_refused_with_the_remedy(tmp_path: Path) -> None:
    """The `--min-count` in the error is the smallest that makes the vocabulary small enough."""
    text = "".join(chr(0x4E00 + n) * (1 + n // 10) for n in range(200))
    with pytest.raises(CorpusError, match=r"200 distinct .* limit is 100: .* --min-count 12 ") as e:
        prepared(tmp_path, text, max_vocabulary=100)
    assert "max_vocabulary" in str(e.value)
    with pytest.raises(CorpusError):
        prepared(tmp_path, text, max_vocabulary=100, min_count=11)
    assert len(prepared(tmp_path, text, max_vocabulary=100, min_count=12)[1]) <= 100


def test_a_short_text_is_refused(tmp_path: Path) -> None:
    """A text below 1,000 characters, not bytes, is refused with the remedy."""
    with pytest.raises(
        CorpusError, match=r"tale\.txt has 999 characters; at least 1000 .*: give more text"
    ):
        prepared(tmp_path, "ü" * 999)
    assert len(prepared(tmp_path, "ü" * 1000)[0].ids) == 1000


def test_an_unchanged_text_is_not_encoded_again(tmp_path: Path) -> None:
    """A second training of the same text in the same folder uses the same ids."""
    first, _ = prepared(tmp_path, TEXT)
    before = ids_file(tmp_path)
    second, vocabulary = prepared(tmp_path, TEXT, units=99)
    assert ids_file(tmp_path).st_ino == before.st_ino
    np.testing.assert_array_equal(first.ids, second.ids)
    assert vocabulary.decode(second.ids) == TEXT


@pytest.mark.parametrize("changed", ["text", "min_count", "ids", "record", "unfinished"])
def test_what_changed_is_encoded_again(tmp_path: Path, changed: str) -> None:
    """Ids are written anew for another text or count, and if a file is damaged or missing."""
    folder = tmp_path / "runs" / "tale"
    prepared(tmp_path, TEXT)
    before = ids_file(tmp_path)
    if changed == "ids":
        os.truncate(folder / "text.ids", 100)
    elif changed == "record":
        (folder / "text.json").write_text('{"symbols": ["b", "a"]}')
    elif changed == "unfinished":
        (folder / "text.json").unlink()
    text = TEXT.replace("K", "k") if changed == "text" else TEXT
    again, vocabulary = prepared(tmp_path, text, min_count=2 if changed == "min_count" else 1)
    assert vocabulary.decode(again.ids) == text
    assert ids_file(tmp_path).st_ino != before.st_ino


def test_a_refused_text_leaves_the_earlier_one(tmp_path: Path) -> None:
    """A text that is not UTF-8 leaves the ids of the earlier text in place."""
    prepared(tmp_path, TEXT)
    before = ids_file(tmp_path)
    (tmp_path / "bad.txt").write_bytes(TEXT.encode() + b"\xff")
    with (
        open_corpus([str(tmp_path / "bad.txt")]) as corpus,
        pytest.raises(CorpusError, match=r"bad\.txt is not UTF-8"),
    ):
        prepare(corpus, small_config(), tmp_path / "runs" / "tale")
    prepared(tmp_path, TEXT)
    assert ids_file(tmp_path).st_ino == before.st_ino


def test_a_text_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that grows after the counting is refused, and no partial file stays."""
    passes = []

    def growing(*arguments: object) -> Iterator[str]:
        passes.append(arguments)
        return iter([TEXT, "more"] if len(passes) > 1 else [TEXT])

    monkeypatch.setattr("training.corpus.prepare.read_text", growing)
    with pytest.raises(CorpusError, match=r"tale\.txt changed while it was read: start again"):
        prepared(tmp_path, TEXT)
    assert not any((tmp_path / "runs" / "tale").iterdir())


def test_a_long_text_takes_little_memory(tmp_path: Path) -> None:
    """Preparing 40 MB of text takes less memory than half of its size."""
    source = tmp_path / "long.txt"
    source.write_bytes((TEXT * 100).encode() * 312)
    size = source.stat().st_size
    assert size > 40_000_000
    tracemalloc.start()
    with open_corpus([str(source)]) as corpus:
        text, _ = prepare(corpus, small_config(), tmp_path / "run")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(text.ids) > 40_000_000 * 25 / 27
    assert peak < size / 2


GIVEN = Vocabulary.from_text(f"{TEXT}xyz")


def test_a_given_vocabulary_stays(tmp_path: Path) -> None:
    """A given vocabulary stays whole, even with symbols that the text lacks."""
    text, vocabulary = prepared(tmp_path, TEXT, GIVEN)
    assert vocabulary == GIVEN
    assert GIVEN.decode(text.ids) == TEXT


def test_new_symbols_are_listed(tmp_path: Path) -> None:
    """The error for new symbols counts them and names the most frequent ones and the remedy."""
    with pytest.raises(CorpusError) as error:
        prepared(tmp_path, f"{TEXT}éé\tß\t\t", GIVEN)
    assert str(error.value) == (
        "tale.txt has 3 symbols (6 characters) that the version to start from lacks, "
        "most of all '\\t', 'é', 'ß': --unknown drop leaves them out"
    )


def test_of_many_new_symbols_some_are_listed(tmp_path: Path) -> None:
    """The error for many new symbols names only ten of them."""
    with pytest.raises(CorpusError, match="has 500 symbols") as error:
        prepared(tmp_path, TEXT + "".join(map(chr, range(0x4E00, 0x4E00 + 500))), GIVEN)
    assert str(error.value).count("'") == 20


def test_new_symbols_are_dropped_by_choice(tmp_path: Path) -> None:
    """`unknown=drop` leaves new symbols out; ids from such a run do not hide the error."""
    text, vocabulary = prepared(tmp_path, f"\t{TEXT}éß", GIVEN, unknown="drop")
    assert GIVEN.decode(text.ids) == TEXT
    assert vocabulary == GIVEN
    with pytest.raises(CorpusError, match="has 3 symbols"):
        prepared(tmp_path, f"\t{TEXT}éß", GIVEN)


def test_a_text_of_new_symbols_alone_is_too_short(tmp_path: Path) -> None:
    """A text is too short if too few characters are left after dropping."""
    with pytest.raises(CorpusError, match="has 2 characters; at least 1000"):
        prepared(tmp_path, "é" * 5000 + "xy", GIVEN, unknown="drop")


def test_an_unknown_symbol_takes_new_ones(tmp_path: Path) -> None:
    """A given vocabulary with U+FFFD reads new symbols as U+FFFD; `unknown=drop` drops them."""
    given = Vocabulary.from_text(f"{TEXT}{UNKNOWN}")
    text, _ = prepared(tmp_path, f"{TEXT}éß", given)
    assert given.decode(text.ids) == f"{TEXT}{UNKNOWN}{UNKNOWN}"
    text, _ = prepared(tmp_path, f"{TEXT}éß", given, unknown="drop")
    assert given.decode(text.ids) == TEXT


def test_another_vocabulary_is_another_text(tmp_path: Path) -> None:
    """Ids of one vocabulary are not used for another vocabulary."""
    prepared(tmp_path, TEXT)
    text, _ = prepared(tmp_path, TEXT, GIVEN)
    assert GIVEN.decode(text.ids) == TEXT
    assert prepared(tmp_path, TEXT)[1] == Vocabulary.from_text(TEXT)
