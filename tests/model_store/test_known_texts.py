"""A version's file of hashes knows the texts of its corpus, and no other text."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import KnownTexts, write_known_texts


def known(folder: Path, texts: Iterable[str]) -> KnownTexts:
    """The texts, written into a file and opened again."""
    write_known_texts(texts, folder / "texts.bin")
    return KnownTexts(folder / "texts.bin")


@given(texts=st.sets(st.text()), others=st.sets(st.text()))
def test_the_texts_are_known_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, texts: set[str], others: set[str]
) -> None:
    """Exactly the written texts are contained, also of none, and each counts once."""
    read = known(tmp_path_factory.mktemp("known"), [*texts, *texts])
    assert len(read) == len(texts)
    assert all(map(read.contains, texts))
    assert not any(map(read.contains, others - texts))


def test_every_normal_form_of_a_text_is_known(tmp_path: Path) -> None:
    """A text is known in Unicode's forms NFC and NFD, whichever was written."""
    read = known(tmp_path, ["Z\N{LATIN SMALL LETTER U WITH DIAERESIS}rich", "A\u030angstro\u0308m"])
    for text in ("Zürich", "Zu\u0308rich", "Ångström", "A\u030angstro\u0308m"):
        assert read.contains(text)


def test_the_format_is_the_documented_one(tmp_path: Path) -> None:
    """The file has the sorted hashes of 8 bytes alone, so other programs can read the file."""
    known(tmp_path, ["Ulm", "Bonn"])
    hashes = [hashlib.blake2b(text, digest_size=8).digest() for text in (b"Ulm", b"Bonn")]
    hashes.sort(key=lambda digest: int.from_bytes(digest, "little"))
    assert (tmp_path / "texts.bin").read_bytes() == b"".join(hashes)
