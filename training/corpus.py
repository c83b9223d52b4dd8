"""A corpus: found, fetched, decoded strictly and normalised."""

import hashlib
import unicodedata
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from training.errors import CorpusError

MINIMUM_CHARACTERS = 1000


@dataclass(frozen=True)
class KnownCorpus:
    """A text that the field shares: its file, the SHA-256 of its bytes and where it can be had."""

    file: str
    sha256: str
    address: str | None


KNOWN = {
    "shakespeare": KnownCorpus(
        file="tinyshakespeare.txt",
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        address="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    ),
    # Assembled from the public-domain text of both parts; no public address serves these bytes.
    "faust": KnownCorpus(
        file="faust.txt",
        sha256="cbfa700473a77f995d89f78c98e8cb063215e51364e9e0c93580f29e89aea2e1",
        address=None,
    ),
}


@dataclass(frozen=True)
class Corpus:
    """A normalised text (NFC, line feeds alone) and the SHA-256 of the bytes it came from."""

    name: str
    text: str
    sha256: str


def load_corpus(source: str, corpora_dir: Path | None = None) -> Corpus:
    """Load a corpus from a known name, a URL or a file.

    Raises:
        CorpusError: the text is not to be found, not UTF-8 (with the byte offset), changed, or
            too short to learn from.
    """
    known = KNOWN.get(source)
    data = _fetch_known(source, known, corpora_dir) if known else _fetch(source, corpora_dir)
    text = normalise(_decode(data, source))
    if len(text) < MINIMUM_CHARACTERS:
        raise CorpusError(
            f"{source} has {len(text)} characters; at least {MINIMUM_CHARACTERS} are needed"
        )
    name = source if known else Path(source).name
    return Corpus(name=name, text=text, sha256=hashlib.sha256(data).hexdigest())


def normalise(text: str) -> str:
    """Return the text in NFC, its line ends line feeds, without a byte order mark."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text)


def _fetch_known(name: str, known: KnownCorpus, corpora_dir: Path | None) -> bytes:
    local = corpora_dir / known.file if corpora_dir else None
    if local and local.is_file():
        data = _read(local)
    elif known.address:
        data = _download(known.address)
    else:
        raise CorpusError(f"{name} has no public address: put {known.file} into --corpora-dir")
    if hashlib.sha256(data).hexdigest() != known.sha256:
        raise CorpusError(f"{name} is not the known text: its SHA-256 is not {known.sha256}")
    return data


def _fetch(source: str, corpora_dir: Path | None) -> bytes:
    if source.startswith(("http://", "https://")):
        return _download(source)
    candidates = [Path(source)] if corpora_dir is None else [corpora_dir / source, Path(source)]
    for path in candidates:
        if path.is_file():
            return _read(path)
    raise CorpusError(
        f"no corpus {source!r}: give a file, a URL or a known name ({', '.join(KNOWN)})"
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from None


def _download(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=60) as response:  # noqa: S310 - http(s) only
            data: bytes = response.read()
            return data
    # A server that breaks off raises HTTPException, an address that is none ValueError.
    except (OSError, HTTPException, ValueError) as error:
        raise CorpusError(f"cannot download {address}: {error}") from None


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{source} is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}; "
            "convert it, for instance with iconv -f LATIN1 -t UTF-8"
        ) from None
