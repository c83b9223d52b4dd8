"""Files that carry the SHA-256 of their content, so that a run never goes on from a damaged file.

A JSON file holds the digest beside its content. Any other file ends with the digest; readers of NumPy's formats
ignore bytes after the arrays.
"""

import hashlib
import json
from pathlib import Path
from typing import BinaryIO

SIZE = hashlib.sha256().digest_size  # bytes of the digest at the end of a file
_CHUNK = 1 << 20


def sealed(data: bytes) -> bytes:
    """Return data with their digest at the end."""
    return data + hashlib.sha256(data).digest()


def seal(path: Path) -> None:
    """Append the digest of a file to the file."""
    with path.open("rb+") as file:
        file.write(_digest(file, path.stat().st_size))


def is_sealed(path: Path) -> bool:
    """Return whether a file ends with the digest of the bytes before; a missing file does not."""
    try:
        with path.open("rb") as file:
            content = path.stat().st_size - SIZE
            return content >= 0 and _digest(file, content) == file.read()
    except OSError:
        return False


def sealed_json(text: str) -> bytes:
    """Return a JSON document of a JSON text and the digest of that text."""
    content = json.loads(text)
    return json.dumps({"sha256": _json_digest(content), "content": content}, indent=1).encode()


def unsealed_json(data: bytes) -> str:
    """Return a JSON text with the content of the text that `sealed_json` took.

    Raises:
        ValueError: the data are damaged, or `sealed_json` did not write them.
    """
    match json.loads(data):
        case {"sha256": digest, "content": content} if digest == _json_digest(content):
            return json.dumps(content)
    raise ValueError("the content has another digest")


def _digest(file: BinaryIO, size: int) -> bytes:
    """Return the digest of the next bytes of a file."""
    digest = hashlib.sha256()
    while size and (chunk := file.read(min(size, _CHUNK))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.digest()


def _json_digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
