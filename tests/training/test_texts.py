"""A corpus of many short texts: read, without repetitions, and split by whole texts."""

import json
from pathlib import Path

import pytest

from model_store import LINE_END, TEXT_END, UNKNOWN, Vocabulary
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
    end = vocabulary.text_end
    assert training[0] == held_out[0] == held_out[-1] == end
    return set(training[1:].split(end)), set(held_out[1:-1].split(end))


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
    """The texts of a column are read, and the line breaks within a record are kept."""
    rows = [f'{n}{delimiter}"{name}\nWest"' for n, name in enumerate(NAMES)]
    content = "\n".join([f"number{delimiter}town", *rows])
    text, vocabulary = prepared(tmp_path, content, "towns.csv", texts="column:town")
    training, held_out = parts(text, vocabulary)
    assert training | held_out == {f"{name}\nWest" for name in NAMES}
    assert vocabulary.text_end == TEXT_END


def test_a_column_of_json_lines(tmp_path: Path) -> None:
    """The texts of a member of JSON objects are read; an object without the member has no text."""
    records: list[dict[str, object]] = [{"town": name, "n": 1} for name in NAMES]
    content = "\n".join(map(json.dumps, [{"n": 0}, {}, *records, {"n": 2}, {"town": None}]))
    text, vocabulary = prepared(tmp_path, content, "towns.jsonl", texts="column:town")
    training, held_out = parts(text, vocabulary)
    assert training | held_out == set(NAMES)


def test_each_file_is_a_text(tmp_path: Path) -> None:
    """Of a folder each file is a text, whose line breaks are kept."""
    poems = {f"{name},\n\n{name}!" for name in NAMES}
    (tmp_path / "poems").mkdir()
    for number, poem in enumerate(poems):
        (tmp_path / "poems" / f"{number}.txt").write_text(f"\n{poem}\r\n", encoding="utf-8")
    with open_corpus([str(tmp_path / "poems")]) as corpus:
        text, vocabulary = prepare(corpus, small_config(texts="files"), tmp_path / "run")
    training, held_out = parts(text, vocabulary)
    assert training | held_out == poems
    assert vocabulary.text_end == TEXT_END


@pytest.mark.parametrize("texts", ["lines", "column:town"])
def test_texts_of_one_line_end_with_the_line(tmp_path: Path, texts: str) -> None:
    """Where no text has a line break, the line end is the end of a text; an END OF TEXT is left out."""
    content = "\n".join(["town", *(f"{name}{TEXT_END}" for name in NAMES)])
    text, vocabulary = prepared(tmp_path, content, texts=texts)
    assert vocabulary.text_end == LINE_END
    training, held_out = parts(text, vocabulary)
    assert (training | held_out) - {"town"} == set(NAMES)


def test_a_version_of_lines_reads_line_breaks_as_spaces(tmp_path: Path) -> None:
    """Where the texts of the version to start from end with the line, a line break becomes a space."""
    content = "\n".join(json.dumps({"town": f"{name}\n{name}"}) for name in NAMES)
    given = Vocabulary.from_text("\n ".join(NAMES))
    text, vocabulary = prepared(tmp_path, content, given=given, texts="column:town")
    training, held_out = parts(text, vocabulary)
    assert training | held_out == {f"{name} {name}" for name in NAMES}


JSON = "column:town"


@pytest.mark.parametrize(
    ("content", "texts", "problem"),
    [
        ("", "lines", "names.txt has 0 distinct texts.*give more texts"),
        ("\n \n\n", "lines", "names.txt has 0 distinct texts"),
        ("Ulm\n" * 1000, "lines", "names.txt has 1 distinct texts"),
        ("Ulm\n" + "x" * 10_001, "lines", "names.txt: text 2 has 10,001 characters"),
        ("Ulm\n" + "x" * 1_300_000, "lines", "names.txt: line 2 has more than 1,000,000"),
        ("x" * 1_300_000, "files", "names.txt has more than 1,000,000 characters: cut the text"),
        ("Ulm", "files", "names.txt has 1 distinct texts"),
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


def test_a_text_end_too_rare_to_learn_is_refused(tmp_path: Path) -> None:
    """The symbol that ends each text must be in the vocabulary."""
    with pytest.raises(CorpusError, match=r"lacks U\+000A.*: lower --min-count"):
        prepared(tmp_path, "\n".join(f"{name * 40}" for name in NAMES[:30]), min_count=50)
    poems = "\n".join(json.dumps({"poem": f"{name}\n" * 20}) for name in NAMES[:30])
    with pytest.raises(CorpusError, match=r"lacks U\+0003.*: lower --min-count"):
        prepared(tmp_path, poems, texts="column:poem", min_count=50)
