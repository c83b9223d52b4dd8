"""Books of Project Gutenberg are learned without the header before each text and the licence after it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.corpus.gutenberg import HEAD, has_licence, without_licence
from training.corpus.text import TextFile, read_text
from training.corpus.text import has_licence as file_has_licence

TEXT = "Chapter 1\n\nIt rained. ***\n\n\nThe End\n"
HEADER = "The Project Gutenberg eBook of Rain\n\nTitle: Rain\n\n"
LICENCE = (
    "\n\nUpdated editions will replace the previous one.\n*** START OF THE PROJECT GUTENBERG LICENSE ***\nLaws. "
    * 9
)
# The marks as they have stood before and behind the texts of books since 1993.
MARKS = [
    (
        "*** START OF THE PROJECT GUTENBERG EBOOK RAIN ***",
        "*** END OF THE PROJECT GUTENBERG EBOOK RAIN ***",
    ),
    (
        "*** START OF THIS PROJECT GUTENBERG EBOOK A HISTORY OF\nRAIN AND SNOW ***",
        "End of the Project Gutenberg EBook of A History of Rain\n\n*** END OF THIS PROJECT GUTENBERG EBOOK",
    ),
    (
        "***START OF THE PROJECT GUTENBERG EBOOK R*A*I*N***",
        "***END OF THE PROJECT GUTENBERG EBOOK R*A*I*N***",
    ),
    (
        "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*",
        "End of The Project Gutenberg Etext of Rain",
    ),
    (
        "*END THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*",
        "End of this Project Gutenberg Etext",
    ),
]


def pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


@pytest.mark.parametrize(("begin", "end"), MARKS)
@given(size=st.integers(1, 400))
def test_the_text_stands_between_the_marks(begin: str, end: str, size: int) -> None:
    """Wherever pieces end, even inside a mark, the text between the marks is left, in pieces with characters."""
    book = f"{HEADER}{begin}\n\n\n\n{TEXT}\n{end}{LICENCE}"
    found = list(without_licence(pieces(book, size)))
    assert "".join(found).strip() == TEXT.strip()
    assert "" not in found
    assert has_licence(pieces(book, size))


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT,
        f"{'x' * HEAD}\n{MARKS[0][0]}\n{TEXT}",
        f"{TEXT}{MARKS[0][1]}\n{TEXT}",
        f"He read: {MARKS[0][0]}\n{TEXT}",
    ],
)
def test_any_other_text_stays_whole(text: str) -> None:
    """A text stays whole that has no mark of a beginning at the beginning of one of its first lines."""
    assert "".join(without_licence(pieces(text, 100))) == text
    assert not has_licence(pieces(text, 100))


@given(size=st.integers(1, 2000))
def test_each_of_several_books_in_a_file_has_its_text(size: int) -> None:
    """Of books that were joined to one file, the text of each is left, in their order."""
    books = [
        f"{HEADER}{begin}\n{TEXT}{number}\n{end}{LICENCE}\n"
        for number, (begin, end) in enumerate(MARKS)
    ]
    found = "".join(without_licence(pieces("".join(books), size)))
    assert found == "".join(f"{TEXT}{number}\n" for number in range(len(MARKS)))


def test_a_book_without_an_end_is_read_to_its_end() -> None:
    """A book whose end is missing has all of the text behind the mark of the beginning."""
    assert "".join(without_licence(pieces(f"{HEADER}{MARKS[0][0]}\n{TEXT}", 50))) == TEXT


def test_the_licence_of_each_file_is_left_out(tmp_path: Path) -> None:
    """Of several books each loses its own licence, whose bytes count as read."""
    book = f"{HEADER}{MARKS[0][0]}\n{TEXT}{MARKS[0][1]}{LICENCE}"
    files = []
    for name, text in {"one": book, "two": TEXT, "three": book}.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        files.append(TextFile(path, name))
    read: list[int] = []
    assert "".join(read_text(files, read.append)) == 3 * TEXT
    assert sum(read) == sum(file.path.stat().st_size for file in files)
    assert [file_has_licence(file) for file in files] == [True, False, True]
