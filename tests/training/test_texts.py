"""A corpus of many short texts: read, without repetitions, and split by whole texts."""

import json
from pathlib import Path

import pytest

from model_store import UNKNOWN, Vocabulary
from tests.training.names import town_names
from tests.training.small import small_config
from training.corpus.prepare import prepare
from training.corpus.sources import open_corpus
from training.corpus.split import Split
from training.errors import CorpusError

NAMES = town_names(200)


def prepared(
    folder: Path,
    content: str,
    name: str = "names.txt",
    given: Vocabulary | None = None,
    **changes: object,
) -> tuple[Split, Vocabulary]:
    (folder / name).write_text(content, encoding="utf-8")
    config = small_config(**{"texts": "lines"} | changes)
    with open_corpus([str(folder / name)]) as corpus:
        return prepare(corpus, config, folder / "run", given)


def test_the_measured_beginning_is_a_sample(tmp_path: Path) -> None:
    """The held-out texts of a sorted list are not sorted, so that the first ones are a sample."""
    text, vocabulary = prepared(tmp_path, "\n".join(sorted(NAMES)))
    held_out = vocabulary.decode(text.validation).strip("\n").split("\n")
    assert held_out != sorted(held_out)


def parts(text: Split, vocabulary: Vocabulary) -> tuple[set[str], set[str]]:
    """The texts that train, and the held-out ones."""
    training, held_out = (vocabulary.decode(ids) for ids in (text.train, text.validation))
    assert training[0] == held_out[0] == held_out[-1] == "\n"
    return set(training[1:].split("\n")), set(held_out[1:-1].split("\n"))


def test_whole_texts_are_held_out(tmp_path: Path) -> None:
    """A tenth of the texts is held out whole, and no text is lost or in both parts."""
    text, vocabulary = prepared(tmp_path, "\n".join(sorted(NAMES)))
    training, held_out = parts(text, vocabulary)
    assert training | held_out == set(NAMES)
    assert (len(training), len(held_out)) == (180, 20)
    assert (text.texts_in(text.ids), text.texts_in(text.validation)) == (200, 20)


def test_the_order_of_the_lines_decides_nothing(tmp_path: Path) -> None:
    """The same texts are held out in any order of the file, and not those at its end."""
    orders = [sorted(NAMES), sorted(NAMES, reverse=True)]
    held_out = []
    for place, order in enumerate(orders):
        (tmp_path / str(place)).mkdir()
        held_out.append(parts(*prepared(tmp_path / str(place), "\n".join(order)))[1])
    assert held_out[0] == held_out[1]
    assert held_out[0] != set(orders[0][-20:])


def test_repeated_and_empty_lines_are_left_out(tmp_path: Path) -> None:
    """A text counts once, whatever white space surrounds it, and an empty line is no text."""
    lines = [*NAMES, *NAMES[:7], "", "  \t", f"  {NAMES[9]} "]
    text, vocabulary = prepared(tmp_path, "\r\n".join(lines))
    training, held_out = parts(text, vocabulary)
    assert training | held_out == set(NAMES)
    assert text.repeated == 8


GIVEN = Vocabulary.from_text("\n".join(NAMES))


def test_texts_are_compared_after_symbols_were_dropped(tmp_path: Path) -> None:
    """Texts that dropping makes empty or equal are left out before the split, so no text is in both parts."""
    new = ["日本", *(f"{name} 日" for name in NAMES), *(f"月{name}月" for name in NAMES)]
    text, vocabulary = prepared(
        tmp_path, "\n".join([*NAMES, *new]), given=GIVEN, unknown="drop", validation_fraction=0.3
    )
    training, held_out = parts(text, vocabulary)
    assert (len(training), len(held_out)) == (140, 60)
    assert training | held_out == set(NAMES)
    assert text.texts_in(text.ids) == 200
    assert text.repeated == 400


@pytest.mark.parametrize("given", [None, Vocabulary((*GIVEN.symbols, UNKNOWN))])
def test_texts_are_compared_after_symbols_were_replaced(
    tmp_path: Path, given: Vocabulary | None
) -> None:
    """Texts that differ only in symbols that become the unknown one are one text, in one part."""
    rare = [f"{name}{chr(0x4E00 + place)}" for place, name in enumerate(NAMES * 2)]
    text, vocabulary = prepared(
        tmp_path, "\n".join(rare), given=given, min_count=2, validation_fraction=0.5
    )
    training, held_out = parts(text, vocabulary)
    assert (len(training), len(held_out)) == (100, 100)
    assert training | held_out == {f"{name}{UNKNOWN}" for name in NAMES}
    assert text.repeated == 200


def test_too_little_may_be_left_after_dropping(tmp_path: Path) -> None:
    """The least number of characters counts the distinct texts, as the model reads them."""
    content = "\n".join(f"{name} 日" for name in NAMES[:20] * 100)
    with pytest.raises(CorpusError, match=r"names\.txt has \d{3} characters; at least 1000"):
        prepared(tmp_path, content, given=GIVEN, unknown="drop")
    with pytest.raises(CorpusError, match=r"names\.txt has 0 distinct texts"):
        prepared(tmp_path, "日本\n" * 1000, given=GIVEN, unknown="drop")


def test_ids_are_used_again_with_the_same_order_alone(tmp_path: Path) -> None:
    """A second preparation has the same parts, and another fraction holds out other texts."""
    content = "\n".join([*NAMES, NAMES[0]])
    first, again = (prepared(tmp_path, content)[0] for _ in range(2))
    assert (first.cut, first.repeated) == (again.cut, again.repeated)
    other, _ = prepared(tmp_path, content, validation_fraction=0.5)
    assert other.texts_in(other.validation) == 100
    continuous, _ = prepared(tmp_path, content, texts="continuous")
    assert continuous.text_end is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_column_of_csv(tmp_path: Path, delimiter: str) -> None:
    """The texts of a column are read; a line break within a record becomes a space."""
    rows = [f'{n}{delimiter}"{name}\nWest"' for n, name in enumerate(NAMES)]
    content = "\n".join([f"number{delimiter}town", *rows])
    text, vocabulary = prepared(tmp_path, content, "towns.csv", texts="column:town")
    training, held_out = parts(text, vocabulary)
    assert training | held_out == {f"{name} West" for name in NAMES}


def test_a_column_of_json_lines(tmp_path: Path) -> None:
    """The texts of a member of JSON objects are read; an object without the member has no text."""
    records: list[dict[str, object]] = [{"town": name, "n": 1} for name in NAMES]
    content = "\n".join(map(json.dumps, [{"n": 0}, {}, *records, {"n": 2}, {"town": None}]))
    text, vocabulary = prepared(tmp_path, content, "towns.jsonl", texts="column:town")
    training, held_out = parts(text, vocabulary)
    assert training | held_out == set(NAMES)


JSON = "column:town"


@pytest.mark.parametrize(
    ("content", "texts", "problem"),
    [
        ("", "lines", "names.txt has 0 distinct texts.*a text on each line"),
        ("\n \n\n", "lines", "names.txt has 0 distinct texts"),
        ("Ulm\n" * 1000, "lines", "names.txt has 1 distinct texts"),
        ("Ulm\n" + "x" * 10_001, "lines", "names.txt: text 2 has 10,001 characters"),
        ("Ulm\n" + "x" * 1_300_000, "lines", "names.txt: line 2 has more than 1,000,000"),
        ("name,n\nUlm,1\n", JSON, "names.txt has no column 'town': its columns are 'name', 'n'"),
        ('town\n"Ulm" x,1\n', JSON, "names.txt, line 2: .*repair the record"),
        (
            '{"name": "Ulm"}\n{"id": 1}',
            JSON,
            "names.txt has no column 'town': its columns are 'name'",
        ),
        ('{"town": 7}', f"column:{'x' * 5000}", "names.txt has no column 'x{80}': "),
        ('{"town": "Ulm"}\n[1]', JSON, "names.txt, line 2 is no JSON object"),
        ('[\n{"town": "Ulm"}]', JSON, "names.txt is a JSON array: give an object on each line"),
        ('{"town": "Ulm"}\n{"town": 7}', JSON, "names.txt, line 2: 'town' is no text"),
        (",".join(f"c{n}" for n in range(9000)), JSON, r"'c19' and 8980 more$"),
    ],
)
def test_bad_corpora_of_texts_are_refused(
    tmp_path: Path, content: str, texts: str, problem: str
) -> None:
    """A corpus without usable texts is refused in one short sentence that names the place."""
    with pytest.raises(CorpusError, match=problem) as refused:
        prepared(tmp_path, content, texts=texts)
    assert len(str(refused.value)) < 500
    assert not any((tmp_path / "run").iterdir())


def test_a_line_end_too_rare_to_learn_is_refused(tmp_path: Path) -> None:
    """The line end ends each text, so it must be in the vocabulary."""
    with pytest.raises(CorpusError, match=r"lacks U\+000A.*: lower --min-count"):
        prepared(tmp_path, "\n".join(f"{name * 40}" for name in NAMES[:30]), min_count=50)
