"""A text read in pieces is the text read whole: decoded strictly, normalised, joined."""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.corpus.text import TextFile, _starts, read_text
from training.errors import CorpusError

# Line ends, marks that compose and marks that change places, vowels of Hangul and of Bengali,
# what falls apart even in NFC, byte order marks, and one, two, three, four bytes of UTF-8.
PARTS = ["\r", "\n", "a", "e", "q", "\u0301", "\u0308", "\u0323", "\u0344", "\u0f73", "\u0958"]
PARTS += ["\u1100", "\u1161", "\u11a8", "\uac00", "\u09c7", "\u09be", "\ufeff", "ß", "“", "😀"]
# A NUL is no text.
TEXTS = st.lists(
    st.sampled_from(PARTS) | st.characters(codec="utf-8", exclude_characters="\0"), max_size=20
).map("".join)


def files(folder: Path, contents: Iterable[bytes | str]) -> list[TextFile]:
    found = []
    for number, content in enumerate(contents):
        path = folder / f"{number}.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        found.append(TextFile(path, path.name))
    return found


def read(folder: Path, *contents: bytes | str) -> str:
    return "".join(read_text(files(folder, contents)))


def normalised(text: str) -> str:
    """The text of a whole file by the definition: no mark, line feeds, NFC."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), size=st.integers(1, 12))
def test_pieces_are_the_whole(tmp_path: Path, texts: list[str], size: int) -> None:
    """Wherever pieces end, even inside a character, their text is the text of the whole files."""
    whole = ""
    for text in filter(None, map(normalised, texts)):
        whole += text if whole.endswith("\n") or not whole else "\n" + text
    pieces = list(read_text(files(tmp_path, texts), size=size))
    assert "".join(pieces) == whole
    assert "" not in pieces


def test_a_cut_before_a_start_never_changes_the_form() -> None:
    """No character at which a text may be cut composes with a character before it."""
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    for character in characters:
        parts = unicodedata.normalize("NFD", character)
        if _starts(character):
            assert not unicodedata.combining(parts[0])
        if unicodedata.normalize("NFC", parts) == character:
            assert not any(map(_starts, parts[1:]))


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe4rger", b"\xe2\x80"]
)
def test_what_is_not_utf8_is_refused_at_its_byte(tmp_path: Path, bad: bytes, size: int) -> None:
    """The error for invalid UTF-8 names the file, the first invalid byte and its offset."""
    before = "\ufeffEin König,\r\nund … ".encode()
    found = files(tmp_path, ["good", before + bad])
    message = rf"^1\.txt is not UTF-8: byte 0x{bad[0]:02x} at offset {len(before)};"
    with pytest.raises(CorpusError, match=message):
        list(read_text(found, size=size))


def test_line_ends_become_line_feeds(tmp_path: Path) -> None:
    """CRLF and CR each become one line feed, and empty lines stay."""
    assert read(tmp_path, "a\r\nb\rc\nd\r\n\r\ne\r\re\n") == "a\nb\nc\nd\n\ne\n\ne\n"


def test_characters_are_composed(tmp_path: Path) -> None:
    """The text is in NFC: u and a combining diaeresis become ü, and q with one stays as it is."""
    assert read(tmp_path, "fu\u0308r \u212b q\u0308") == "für Å q\u0308"


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    """A byte order mark at the beginning of a file is dropped; any other is a character."""
    assert read(tmp_path, "\ufeffa\ufeffb\n", "\ufeffc") == "a\ufeffb\nc"


def test_between_files_stands_one_line_feed(tmp_path: Path) -> None:
    """A line feed joins two files unless the first ends with one; an empty file adds nothing."""
    assert read(tmp_path, "", "a", "", "b\r\n", "\nc", "\ufeff", "d") == "a\nb\n\nc\nd"


def test_the_bytes_read_are_told(tmp_path: Path) -> None:
    """The numbers that advance the progress bar sum to the size of the files in bytes."""
    told: list[int] = []
    list(read_text(files(tmp_path, ["äöü", "abc\r\n"]), told.append, size=2))
    assert sum(told) == 11


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A missing file is an error that names the file."""
    with pytest.raises(CorpusError, match=r"cannot read gone\.txt: No such file"):
        list(read_text([TextFile(tmp_path / "gone.txt", "gone.txt")]))


ENCODINGS = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


def zstd_of_a_pipe(data: bytes) -> bytes:
    """Compress as the command zstd does in a pipe: with a checksum, without the size."""
    packing = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return packing.compress(data) + packing.flush()


def tar_archive() -> bytes:
    """Return a tar archive of one text."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a text.txt"))
    return data.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd_of_a_pipe,
}
TALE = "Es war einmal ein König,\r\nund … 😀\n" * 50


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_byte_order_mark_names_the_encoding(tmp_path: Path, encoding: str, size: int) -> None:
    """A text in UTF-16 or UTF-32 is read by its byte order mark, which is dropped."""
    found = files(tmp_path, [f"\ufeff{TALE}".encode(encoding)])
    assert "".join(read_text(found, size=size)) == normalised(TALE)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [TALE, "Жили-были старик да старуха.\n" * 50])
def test_an_encoding_without_its_mark_is_named(tmp_path: Path, text: str, encoding: str) -> None:
    """A text in UTF-16 or UTF-32 without a byte order mark is refused, and the error names both."""
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    with pytest.raises(CorpusError, match=f"seems to be {name} without .* iconv -f {name} -t"):
        read(tmp_path, text.encode(encoding))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_half_a_character_at_the_end_is_refused(tmp_path: Path, encoding: str) -> None:
    """A text in UTF-16 or UTF-32 that ends within a character is refused."""
    with pytest.raises(CorpusError, match=f"0.txt is not {encoding.upper()}: byte 0x"):
        read(tmp_path, f"\ufeff{TALE}".encode(encoding)[:-1])


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("packing", PACKINGS)
def test_a_compressed_text_is_read(tmp_path: Path, packing: str, size: int) -> None:
    """A compressed file is read as its unpacked text, also if the file was written in two parts."""
    pack = PACKINGS[packing]
    found = files(tmp_path, [pack(TALE.encode()), pack(b"Ende.") + pack(b"\n")])
    assert "".join(read_text(found, size=size)) == normalised(TALE) + "Ende.\n"


@pytest.mark.parametrize("level", range(1, 10))
def test_bzip2_is_read_at_every_level(tmp_path: Path, level: int) -> None:
    """The level, which bzip2 writes into the signature, does not matter."""
    assert read(tmp_path, bz2.compress(TALE.encode(), level)) == normalised(TALE)


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_damaged_compressed_text_is_refused(tmp_path: Path, packing: str) -> None:
    """A compressed file that ends early, or has a changed byte, is never a shorter text."""
    packed = PACKINGS[packing](TALE.encode())
    for damaged in (packed[:-9], packed[:10], packed[:20] + b"?" + packed[21:], packed + b"??"):
        with pytest.raises(CorpusError, match=f"0.txt is damaged {packing}: copy or download"):
            read(tmp_path, damaged)


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"%PDF-1.4\n", "is a PDF document: save its text as plain text"),
        (b"PK\x03\x04", "is a ZIP archive"),
        (b"{\\rtf1\\ansi", "is an RTF document"),
        (b"\x89PNG\r\n", "is a picture"),
        (tar_archive(), "is a tar archive: unpack it, and give the folder"),
        # Without the time, because the data name the test, which must be the same in each of pytest's processes.
        (gzip.compress(tar_archive(), mtime=0), "is a tar archive"),
        (b"PAR1\x15\x04", "is a Parquet file: export its texts as JSON lines"),
        (b"abc\0def\n", "has NUL characters; it seems to be no text"),
        (b"\0" * 100, "has NUL characters; it seems to be no text"),
        (b"\xca\xfe\xba\xbe\x01\x02\x03", "it seems to be no text: give a plain text"),
        ("Ärger\n".encode("latin1"), "old encoding: .* iconv -f WINDOWS-1252 -t UTF-8"),
    ],
)
def test_what_is_no_text_is_said(tmp_path: Path, data: bytes, seen: str) -> None:
    """The error for a file that is no text says what the file seems to be, and the remedy."""
    with pytest.raises(CorpusError, match=rf"^0\.txt .*{seen}"):
        read(tmp_path, data)
