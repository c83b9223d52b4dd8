"""A corpus is found, fetched, decoded strictly and normalised."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from training.corpus import KNOWN, KnownCorpus, load_corpus, normalise
from training.errors import CorpusError

TEXT = "Es war einmal ein König.\n" * 50


def written(path: Path, data: bytes | str = TEXT) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = TEXT.encode()
        self.send_response(404 if self.path == "/absent.txt" else 200)
        missing = 100 if self.path == "/cut-short.txt" else 0
        self.send_header("Content-Length", str(len(body) + missing))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


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
    """A file's text, the name of the file and the SHA-256 of its bytes are the corpus."""
    corpus = load_corpus(str(written(tmp_path / "tale.txt")))
    assert corpus.text == TEXT
    assert corpus.name == "tale.txt"
    assert corpus.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe4rger"]
)
def test_what_is_not_utf8_is_refused_at_its_byte(tmp_path: Path, bad: bytes) -> None:
    """Strict UTF-8: the error names the first bad byte and its offset in bytes."""
    before = TEXT.encode()
    source = written(tmp_path / "tale.txt", before + bad)
    with pytest.raises(CorpusError, match=rf"0x{bad[0]:02x} at offset {len(before)}\b"):
        load_corpus(str(source))


def test_line_ends_become_line_feeds() -> None:
    """CRLF and CR each become one line feed, and empty lines stay."""
    assert normalise("a\r\nb\rc\nd\r\n\r\ne\r\re\n") == "a\nb\nc\nd\n\ne\n\ne\n"


def test_characters_are_composed() -> None:
    """NFC: u and a combining diaeresis become one ü; what has no composed form stays."""
    assert normalise("fu\u0308r \u212b q\u0308") == "für Å q\u0308"


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    """Only the mark at the beginning goes; it is no character to learn."""
    source = written(tmp_path / "tale.txt", "\ufeff" + TEXT)
    assert load_corpus(str(source)).text == TEXT
    assert normalise("a\ufeffb") == "a\ufeffb"


def test_a_url_is_downloaded(address: str) -> None:
    """The text that a web server serves is the same corpus as the file."""
    corpus = load_corpus(f"{address}/stories/tale.txt")
    assert (corpus.text, corpus.name) == (TEXT, "tale.txt")


@pytest.mark.parametrize("path", ["/absent.txt", "/cut-short.txt"])
def test_a_failed_download_names_the_address(address: str, path: str) -> None:
    """A missing page and a connection that breaks off are errors, never a shorter corpus."""
    with pytest.raises(CorpusError, match=f"cannot download {address}{path}"):
        load_corpus(address + path)


@pytest.mark.parametrize("source", ["http://", "http://[", "http://127.0.0.1:x/", "https://\n/"])
def test_an_address_that_is_none_is_refused(source: str) -> None:
    """An address no server can have is an error of one line."""
    with pytest.raises(CorpusError, match="cannot download"):
        load_corpus(source)


def test_a_refused_connection_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listening is an error that names the address."""
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
    known = KnownCorpus("tale.txt", hashlib.sha256(TEXT.encode()).hexdigest(), "http://[")
    monkeypatch.setitem(KNOWN, "tale", known)
    corpus = load_corpus("tale", tmp_path)
    assert (corpus.name, corpus.text) == ("tale", TEXT)


def test_a_known_name_is_downloaded_otherwise(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known text that is not in --corpora-dir comes from its address."""
    sha256 = hashlib.sha256(TEXT.encode()).hexdigest()
    monkeypatch.setitem(KNOWN, "tale", KnownCorpus("tale.txt", sha256, f"{address}/tale.txt"))
    assert load_corpus("tale", tmp_path).text == TEXT


@pytest.mark.parametrize("name", ["shakespeare", "faust"])
def test_a_changed_known_text_is_refused(tmp_path: Path, name: str) -> None:
    """Another text under a known file's name is not what the name promises."""
    written(tmp_path / KNOWN[name].file)
    with pytest.raises(CorpusError, match=f"{name} is not the known text.*{KNOWN[name].sha256}"):
        load_corpus(name, tmp_path)


def test_a_changed_download_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an address serves today is checked as a file is."""
    monkeypatch.setitem(KNOWN, "tale", KnownCorpus("tale.txt", "0" * 64, f"{address}/tale.txt"))
    with pytest.raises(CorpusError, match="not the known text"):
        load_corpus("tale")


def test_faust_says_where_to_put_it() -> None:
    """A known text without an address says which file to put where."""
    with pytest.raises(CorpusError, match=r"put faust\.txt into --corpora-dir"):
        load_corpus("faust")


def test_any_file_is_looked_for_in_the_corpora_folder(tmp_path: Path) -> None:
    """A file's bare name is enough when it lies in --corpora-dir."""
    written(tmp_path / "tale.txt")
    assert load_corpus("tale.txt", tmp_path).text == TEXT


def test_a_missing_corpus_names_the_ways(tmp_path: Path) -> None:
    """A source that is nothing says what a source may be."""
    with pytest.raises(CorpusError, match=r"no corpus '.*absent'.*shakespeare, faust"):
        load_corpus(str(tmp_path / "absent"))


def test_a_folder_is_no_corpus(tmp_path: Path) -> None:
    """A folder is refused like a missing file."""
    with pytest.raises(CorpusError, match="no corpus"):
        load_corpus(str(tmp_path))


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="needs Linux' /proc")
def test_an_unreadable_file_is_named() -> None:
    """A file that exists and cannot be read is an error of one line."""
    with pytest.raises(CorpusError, match="cannot read /proc/self/mem"):
        load_corpus("/proc/self/mem")


def test_a_short_text_is_refused(tmp_path: Path) -> None:
    """Below 1,000 characters (not bytes) there is nothing to learn."""
    with pytest.raises(CorpusError, match="has 999 characters; at least 1000"):
        load_corpus(str(written(tmp_path / "short", "ü" * 999)))
    assert len(load_corpus(str(written(tmp_path / "enough", "ü" * 1000))).text) == 1000
