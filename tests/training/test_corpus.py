"""A corpus is found, downloaded, and identified by the SHA-256 of its bytes."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from training.corpus.sources import KNOWN, KnownCorpus, open_corpus
from training.corpus.text import read_text
from training.errors import CorpusError

TEXT = "Es war einmal ein König.\n" * 50


@dataclass(frozen=True)
class Loaded:
    name: str
    sha256: str
    text: str


def load_corpus(*sources: str, corpora_dir: Path | None = None) -> Loaded:
    with open_corpus(sources, corpora_dir) as corpus:
        return Loaded(corpus.name, corpus.sha256, "".join(read_text(corpus.files)))


def written(path: Path, data: str = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data, encoding="utf-8")
    return path


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = TEXT.encode()
        self.send_response(404 if self.path == "/absent.txt" else 200)
        missing = 100 if self.path == "/cut-short.txt" else 0
        self.send_header("Content-Length", str(len(body) + missing))
        if self.path == "/page":
            self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def http_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real web server on this machine that serves TEXT."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http_server() as address:
        yield address


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """A corpus of one file has the file's text, its name and the SHA-256 of its bytes."""
    corpus = load_corpus(str(written(tmp_path / "tale.txt")))
    assert corpus.text == TEXT
    assert corpus.name == "tale.txt"
    assert corpus.sha256 == digest(TEXT)


def test_a_url_is_downloaded(address: str) -> None:
    """A text from a web server gives the same corpus as the file."""
    corpus = load_corpus(f"{address}/stories/tale.txt")
    assert (corpus.text, corpus.name) == (TEXT, "tale.txt")


@pytest.mark.parametrize("path", ["/absent.txt", "/cut-short.txt"])
def test_a_failed_download_names_the_address(address: str, path: str) -> None:
    """A missing page and a broken connection are errors, never a shorter corpus."""
    with pytest.raises(CorpusError, match=f"cannot download {address}{path}"):
        load_corpus(address + path)


def test_a_web_page_is_refused(address: str) -> None:
    """The address of a page that shows a text is an error that names the remedy."""
    with pytest.raises(CorpusError, match=f"{address}/page is a web page: give the address of the"):
        load_corpus(f"{address}/page")


@pytest.mark.parametrize("source", ["http://", "http://[", "http://127.0.0.1:x/", "https://\n/"])
def test_an_address_that_is_none_is_refused(source: str) -> None:
    """An invalid address is an error of one line."""
    with pytest.raises(CorpusError, match="cannot download"):
        load_corpus(source)


def test_a_refused_connection_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is an error that names the address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http_server() as address:
        pass
    with pytest.raises(CorpusError, match=f"cannot download {address}"):
        load_corpus(address)


def test_a_known_name_is_looked_for_in_the_corpora_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known text in --corpora-dir needs no network, and is checked against its SHA-256."""
    written(tmp_path / "tale.txt")
    known = KnownCorpus("tale.txt", digest(TEXT), "http://[")
    monkeypatch.setitem(KNOWN, "tale", known)
    corpus = load_corpus("tale", corpora_dir=tmp_path)
    assert (corpus.name, corpus.text) == ("tale", TEXT)


def test_a_known_name_is_downloaded_otherwise(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known text that is not in --corpora-dir comes from its address."""
    sha256 = digest(TEXT)
    monkeypatch.setitem(KNOWN, "tale", KnownCorpus("tale.txt", sha256, f"{address}/tale.txt"))
    assert load_corpus("tale", corpora_dir=tmp_path).text == TEXT


@pytest.mark.parametrize("name", ["shakespeare", "faust"])
def test_a_changed_known_text_is_refused(tmp_path: Path, name: str) -> None:
    """Another text under the file name of a known text is refused."""
    written(tmp_path / KNOWN[name].file)
    with pytest.raises(CorpusError, match=f"{name} is not the known text.*{KNOWN[name].sha256}"):
        load_corpus(name, corpora_dir=tmp_path)


def test_a_changed_download_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A downloaded known text is checked against its SHA-256."""
    monkeypatch.setitem(KNOWN, "tale", KnownCorpus("tale.txt", "0" * 64, f"{address}/tale.txt"))
    with pytest.raises(CorpusError, match="not the known text"):
        load_corpus("tale")


def test_faust_says_where_to_put_it() -> None:
    """The error for a known text without an address names the file and the option."""
    with pytest.raises(CorpusError, match=r"put faust\.txt into --corpora-dir"):
        load_corpus("faust")


def test_any_file_is_looked_for_in_the_corpora_folder(tmp_path: Path) -> None:
    """A bare file name is found in --corpora-dir."""
    written(tmp_path / "tale.txt")
    assert load_corpus("tale.txt", corpora_dir=tmp_path).text == TEXT


def test_an_empty_name_is_no_folder() -> None:
    """An empty source is refused, rather than read as the current folder."""
    with pytest.raises(CorpusError, match="--corpus is empty"), open_corpus([""]):
        pass


def test_a_name_that_is_not_utf_8_is_shown_as_it_can_be(tmp_path: Path) -> None:
    """A corpus name that is not UTF-8 gets replacement characters."""
    path = os.fsencode(tmp_path) + b"/B\xfccher.txt"
    Path(os.fsdecode(path)).write_text("text")
    with open_corpus([os.fsdecode(path)]) as corpus:
        assert corpus.name == "B\ufffdcher.txt"


def test_a_missing_corpus_names_the_ways(tmp_path: Path) -> None:
    """The error for an unknown source lists the kinds of sources."""
    with pytest.raises(CorpusError, match=r"no corpus '.*absent'.*shakespeare, faust"):
        load_corpus(str(tmp_path / "absent"))


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="needs Linux' /proc")
def test_an_unreadable_file_is_named() -> None:
    """An unreadable file is an error that names the file."""
    with pytest.raises(CorpusError, match="cannot read /proc/self/mem"):
        load_corpus("/proc/self/mem")


def test_a_folder_is_its_texts_by_path(tmp_path: Path) -> None:
    """A folder gives its files *.txt, sorted by path, without other files and hidden files."""
    for name in ["b.txt", "a/2.TXT", "a/10.txt", "read.me", ".hidden.txt", ".git/c.txt"]:
        written(tmp_path / "tales" / name, f"{name}\n")
    corpus = load_corpus(str(tmp_path / "tales"))
    assert corpus.text == "a/10.txt\na/2.TXT\nb.txt\n"
    assert corpus.name == "tales"


def test_several_sources_are_read_in_their_order(tmp_path: Path, address: str) -> None:
    """Files, folders and addresses together make one text, whose name lists the sources."""
    written(tmp_path / "tales" / "b.txt", "b")
    first = str(written(tmp_path / "a.txt", "a"))
    corpus = load_corpus(f"{address}/tale.txt", str(tmp_path / "tales"), first)
    assert corpus.text == f"{TEXT}b\na"
    assert corpus.name == "tale.txt + tales + a.txt"


def test_the_sha256_of_several_files_is_over_theirs(tmp_path: Path) -> None:
    """The SHA-256 of several files equals `sha256sum FILES | cut -c-64 | sha256sum`."""
    paths = [str(written(tmp_path / name, name)) for name in ("b", "a")]
    corpus = load_corpus(*paths)
    assert corpus.sha256 == digest(f"{digest('b')}\n{digest('a')}\n")
    assert corpus.sha256 != load_corpus(*reversed(paths)).sha256


def test_a_folder_of_one_file_has_its_sha256(tmp_path: Path) -> None:
    """A folder of one file has the SHA-256 of the file."""
    written(tmp_path / "tale.txt")
    assert load_corpus(str(tmp_path)).sha256 == digest(TEXT)


def test_the_name_of_many_files_is_short(tmp_path: Path) -> None:
    """The name of many sources is the first source and a count."""
    paths = [str(written(tmp_path / f"{number}.txt", "x")) for number in range(40)]
    assert load_corpus(*paths).name == "0.txt and 39 more"


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    """The error for a folder without texts says which files are read."""
    written(tmp_path / "notes.md")
    with pytest.raises(CorpusError, match=rf"no texts in {tmp_path}: .* \*\.txt"):
        load_corpus(str(tmp_path))


def test_a_missing_one_among_several_is_named(tmp_path: Path) -> None:
    """A missing file among several sources is an error that names the file."""
    there = str(written(tmp_path / "tale.txt"))
    with pytest.raises(CorpusError, match=r"no corpus '.*absent\.txt'"):
        load_corpus(there, str(tmp_path / "absent.txt"))


def test_a_text_given_twice_is_refused(tmp_path: Path) -> None:
    """A file that its folder already includes is refused."""
    there = str(written(tmp_path / "tale.txt"))
    with pytest.raises(CorpusError, match=r"tale\.txt is given twice"):
        load_corpus(str(tmp_path), there)


def test_a_file_of_a_folder_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    """An error in a file of a folder names the file's path."""
    written(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_bytes(b"\xe4rger")
    with pytest.raises(CorpusError, match=rf"{tmp_path}/b\.txt is not UTF-8: byte 0xe4"):
        load_corpus(str(tmp_path))


def test_downloads_are_gone_afterwards(address: str) -> None:
    """Downloads are deleted when the block ends."""
    with open_corpus([f"{address}/tale.txt"]) as corpus:
        (file,) = corpus.files
        assert file.path.read_text(encoding="utf-8") == TEXT
    assert not file.path.exists()
