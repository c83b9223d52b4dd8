"""Corpora: find the files, download them, and identify them by SHA-256."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from training.bar import Advance, bar
from training.corpus.text import PIECE, TextFile, read_bytes
from training.errors import CorpusError, quoted

AGENT = "charloom"  # some servers refuse Python's own name
NO_PAGE = "give the address of the plain text, or save the page and give the file"
TEXT_NAME = re.compile(r"\.txt(\.(gz|bz2|xz|zst))?$", re.IGNORECASE)


@dataclass(frozen=True)
class KnownCorpus:
    """A text with a name of its own: file name, SHA-256 of the bytes, and address if there is one."""

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
    """The files of a text, in order.

    The SHA-256 of one file is over its bytes. The SHA-256 of several files is over the lines of
    their digests: `sha256sum FILES | cut -c-64 | sha256sum`.
    """

    name: str
    sha256: str
    files: tuple[TextFile, ...] = ()

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(file.path.stat().st_size for file in self.files)


@contextmanager
def open_corpus(sources: Sequence[str], corpora_dir: Path | None = None) -> Iterator[Corpus]:
    """Find the files of known names, URLs, files and folders; delete downloads after the block.

    Raises:
        CorpusError: a text cannot be found or read, is not the known text, or is given twice.
    """
    with TemporaryDirectory(prefix="charloom-") as downloads:
        found = [_files(source, corpora_dir, Path(downloads)) for source in sources]
        files = tuple(chain.from_iterable(found))
        _refuse_duplicates(files)
        yield Corpus(_name(sources), _sha256(files), files)


def _files(source: str, corpora_dir: Path | None, downloads: Path) -> list[TextFile]:
    if not source:
        raise CorpusError("--corpus is empty: give a file, a folder, a URL or a known name")
    if source in KNOWN:
        return [_known(source, KNOWN[source], corpora_dir, downloads)]
    if source.startswith(("http://", "https://")):
        return [_download(source, downloads)]
    for path in [corpora_dir / source, Path(source)] if corpora_dir else [Path(source)]:
        if path.is_file():
            return [TextFile(path, source)]
        if path.is_dir():
            return _below(path)
    shown = quoted(source, 300)  # the end of a path names the file
    raise CorpusError(
        f"no corpus {shown}: give a file, a folder, a URL or a known name ({', '.join(KNOWN)})"
    )


def _known(name: str, known: KnownCorpus, corpora_dir: Path | None, downloads: Path) -> TextFile:
    local = corpora_dir / known.file if corpora_dir else None
    if local and local.is_file():
        file = TextFile(local, name)
    elif known.address:
        file = _download(known.address, downloads)
    else:
        raise CorpusError(f"{name} has no public address: put {known.file} into --corpora-dir")
    if _sha256([file]) != known.sha256:
        raise CorpusError(f"{name} is not the known text: its SHA-256 is not {known.sha256}")
    return file


def _below(folder: Path) -> list[TextFile]:
    """Return the files TEXT_NAME below a folder, sorted by path, without hidden files and folders."""

    def fail(error: OSError) -> None:
        raise CorpusError(f"cannot read {error.filename}: {error.strerror}")

    paths: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(parent, name) for name in names if not name.startswith(".")]
    texts = sorted(path for path in paths if TEXT_NAME.search(path.name) and path.is_file())
    if not texts:
        raise CorpusError(
            f"no texts in {folder}: of a folder, the files *.txt are read, also with .gz, .bz2, .xz "
            "or .zst behind; name other files themselves"
        )
    return [TextFile(path, str(path)) for path in texts]


def _download(address: str, downloads: Path) -> TextFile:
    path = downloads / hashlib.sha256(address.encode()).hexdigest()
    try:
        request = Request(address, headers={"User-Agent": AGENT})  # noqa: S310 - http(s) only
        with (
            urlopen(request, timeout=60) as response,  # noqa: S310
            path.open("wb") as file,
            bar("downloading", response.length) as advance,
        ):
            if response.headers.get_content_type() == "text/html":
                raise CorpusError(f"{address} is a web page: {NO_PAGE}")
            while piece := response.read(PIECE):
                file.write(piece)
                advance(len(piece))
            if response.length:  # `read` ends without an error when the connection breaks
                raise IncompleteRead(b"", response.length)
    # A broken connection raises HTTPException, an invalid address ValueError.
    except (OSError, HTTPException, ValueError) as error:
        raise CorpusError(f"cannot download {address}: {error}") from None
    return TextFile(path, address)


def _refuse_duplicates(files: Sequence[TextFile]) -> None:
    seen: set[Path] = set()
    for file in files:
        path = file.path.resolve()
        if path in seen:
            raise CorpusError(f"{file.name} is given twice: a text counts once")
        seen.add(path)


def _name(sources: Sequence[str]) -> str:
    """Join the last path parts of the sources; above three sources, name the first and the count."""
    names = [Path(source).name or Path(source).resolve().name or source for source in sources]
    name = f"{names[0]} and {len(names) - 1} more" if len(names) > 3 else " + ".join(names)
    return os.fsencode(name).decode(errors="replace")  # file names need not be UTF-8


def _sha256(files: Sequence[TextFile]) -> str:
    with bar("checking", sum(file.path.stat().st_size for file in files)) as advance:
        digests = [_digest(file, advance) for file in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()


def _digest(file: TextFile, advance: Advance) -> str:
    digest = hashlib.sha256()
    for piece in read_bytes(file):
        digest.update(piece)
        advance(len(piece))
    return digest.hexdigest()
