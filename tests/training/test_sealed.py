"""A sealed file is read as it was written, or found to be damaged."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.sealed import is_sealed, seal, sealed, sealed_json, unsealed_json


def damaged(data: bytes) -> Iterator[bytes]:
    """Yield the data cut at every length, and with each byte changed."""
    yield from (data[:length] for length in range(len(data)))
    for place in range(len(data)):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("data", [b"", b"ids" * 20])
def test_a_damaged_file_is_noticed(tmp_path: Path, data: bytes) -> None:
    """A file is whole after it was sealed in either way, and damaged after any cut or changed byte."""
    file = tmp_path / "file"
    file.write_bytes(data)
    assert not is_sealed(file)
    seal(file)
    assert file.read_bytes() == sealed(data)
    assert is_sealed(file)
    for each in damaged(sealed(data)):
        file.write_bytes(each)
        assert not is_sealed(file)
    file.unlink()
    assert not is_sealed(file)


def test_a_damaged_json_file_is_noticed() -> None:
    """A cut or a changed byte of a JSON file is an error, or leaves the content as it was."""
    content = json.dumps([{"loss": 1.25, "sample": "ß\n“"}, None])
    assert json.loads(unsealed_json(sealed_json(content))) == json.loads(content)
    noticed = 0
    for each in damaged(sealed_json(content)):
        try:
            assert unsealed_json(each) == content
        except ValueError:
            noticed += 1
    assert noticed > 0.9 * 2 * len(sealed_json(content))
