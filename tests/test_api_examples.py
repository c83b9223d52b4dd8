"""The examples of docs/api.md and docs/cookbook.md run unchanged against a service as of `make run`."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ROOT, Service, serving

INTERFACE, COOKBOOK = ROOT / "docs" / "api.md", ROOT / "docs" / "cookbook.md"
ADDRESS = "localhost:8000"
BLOCK = re.compile(
    r"^(?:#+ (?P<title>.+)|```(?P<kind>\w[\w ]*)\n(?P<code>(?:.*\n)*?)```)$", re.MULTILINE
)
HTTP_ERROR = 22  # curl's exit status for an HTTP status of 400 or more
SHELLS = {
    "bash": ["bash", "-euc"],
    "bash fails": ["bash", "-euc"],
    "javascript": ["node", "--input-type=module", "-e"],
    "python": [sys.executable, "-c"],
}
NEEDS = {"bash": "curl", "bash fails": "curl", "javascript": "node", "python": sys.executable}


@dataclass(frozen=True)
class Example:
    """A block to run, its heading, and the JSON block that follows, if any."""

    title: str
    kind: str
    code: str
    shown: str | None


def examples(*documents: Path) -> list[Example]:
    """Return the documents' examples in order; `bash fails` marks an example that is refused."""
    text = "".join(document.read_text(encoding="utf-8") for document in documents)
    found: list[Example] = []
    title, after = "", False
    for block in BLOCK.finditer(text):
        title = block["title"] or title
        if block["kind"] in SHELLS:
            found.append(Example(title, block["kind"], block["code"], None))
        elif block["kind"] == "json" and after:
            last = found.pop()
            found.append(Example(last.title, last.kind, last.code, block["code"]))
        after = block["kind"] is not None
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with default settings."""
    with serving(tmp_path_factory.mktemp("api") / "log") as running:
        yield running


def run(example: Example, port: int, home: Path) -> subprocess.CompletedProcess[str]:
    """Run an example; curl fails on errors and prints nothing but the answer."""
    (home / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n", encoding="utf-8")
    if shutil.which(NEEDS[example.kind]) is None:
        pytest.skip(f"{NEEDS[example.kind]} is not installed")
    return subprocess.run(
        [*SHELLS[example.kind], example.code.replace(ADDRESS, f"127.0.0.1:{port}")],
        cwd=ROOT,
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "example", examples(INTERFACE, COOKBOOK), ids=lambda example: example.title
)
def test_example_runs(served: Service, tmp_path: Path, example: Example) -> None:
    """An example ends as marked, and its answer has the fields and texts that the document shows."""
    done = run(example, served.port, tmp_path)
    expected = HTTP_ERROR if example.kind == "bash fails" else 0
    assert done.returncode == expected, done.stdout + done.stderr
    assert done.stdout
    if example.shown is not None:
        answer, shown = json.loads(done.stdout), json.loads(example.shown)
        assert _fields(answer) == _fields(shown)
        assert _texts(answer) == _texts(shown)


def test_the_broken_stream_goes_on(served: Service, tmp_path: Path) -> None:
    """The two requests of the cookbook's broken stream give each character of the text once."""
    (example,) = (each for each in examples(COOKBOOK) if each.title == "A stream that breaks")
    pieces = re.findall(
        r'^data: (\{"text".*)$', run(example, served.port, tmp_path).stdout, re.MULTILINE
    )
    text = "".join(json.loads(piece)["text"] for piece in pieces)
    assert text == served.generate(seed="GHOST:\n", temperature=0.6, length=2000).json["text"]


def test_every_route_has_an_example(served: Service) -> None:
    """Each route of the OpenAPI document is called by some example."""
    called = "\n".join(example.code for example in examples(INTERFACE))
    missing = [
        path
        for path in served.get("/openapi.json").json["paths"]
        if not re.search(_called(path), called)
    ]
    assert missing == []


def _called(path: str) -> str:
    anything = re.sub(r"\\{\w+\\}", r"[^/\\s]+", re.escape(path))
    return rf"{re.escape(ADDRESS)}{anything}(?=[\s?\"']|$)"


def _fields(value: Any) -> Any:
    """Return the names in a JSON value, without the values."""
    if isinstance(value, dict):
        return {name: _fields(one) for name, one in value.items()}
    return [_fields(one) for one in value[:1]] if isinstance(value, list) else None


def _texts(answer: dict[str, Any]) -> list[str]:
    """Return the generated texts of an answer, which are equal on every processor."""
    return [one["text"] for one in [answer, *answer.get("choices", [])] if "text" in one]
