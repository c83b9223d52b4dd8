"""`python -m service score` shows the service's scores, without a server."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT, Service


def _score(
    store: Path, *arguments: str, text: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", "score", *arguments],
        cwd=ROOT,
        env={"CHARLOOM_STORE": str(store), "CHARLOOM_MODEL": "tiny"} | environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_scores_are_the_services(service: Service, store: Path, tmp_path: Path) -> None:
    """Each line has its score and all lines have theirs, for each model that is named."""
    texts = ["Hello", "how are you"]
    file = tmp_path / "lines.txt"
    file.write_text("\n\n".join(texts), encoding="utf-8")
    done = _score(store, str(file), "--lines", "--context", "O", "--model=tiny", "--model=deep")
    assert (done.returncode, done.stderr) == (0, "")
    _, *rows = (line.split() for line in done.stdout.splitlines())
    expected = []
    for model in ("tiny", "deep"):
        body = json.dumps({"texts": texts, "context": "O", "model": model})
        kind = {"Content-Type": "application/json"}
        answer = service.request("POST", "/score", body, kind).json
        expected += [*answer["scores"], answer["total"]]
    assert [float(row[0]) for row in rows] == [round(each["perplexity"], 4) for each in expected]
    assert [int(row[3]) for row in rows] == [each["characters"] for each in expected]


def test_a_whole_text_from_standard_input(store: Path) -> None:
    """Without `--lines` the input is one text, line ends included, a byte order mark not."""
    done = _score(store, "-", text="\ufeffHello\nyou")
    (row,) = (line.split() for line in done.stdout.splitlines()[1:])
    assert row[3:] == ["9", "(tiny)"]


def test_unknown_characters_are_dropped_on_request(store: Path) -> None:
    """With `--unknown drop` only the known characters are scored."""
    known, dropped = (
        _score(store, "-", "--unknown", "drop", text=text) for text in ("Hello", "€Hel€lo")
    )
    assert (dropped.returncode, dropped.stdout) == (0, known.stdout)


@pytest.mark.parametrize(
    ("arguments", "text", "named"),
    [
        (["-"], "", "FILE: "),
        (["-"], "a€", "FILE: the model does not know '€'; send --unknown drop to omit them"),
        (
            ["-", "--lines"],
            "a\n\nb€\n",
            "FILE: line 3: the model does not know '€'; send --unknown",
        ),
        # The lines have more characters than a request may have.
        (["-", "--lines"], ("a" * 2_000 + "\n") * 600 + "€", "FILE: line 601: "),
        (["-", "--lines"], "\n\n", "FILE: every line is empty"),
        (["-", "--context", "€"], "a", "--context: the model does not know '€'"),
        (["/does/not/exist"], "", "[Errno 2]"),
        (["-", "--model", "nobody"], "a", "no model is called 'nobody'"),
    ],
)
def test_what_is_wrong_is_named(store: Path, arguments: list[str], text: str, named: str) -> None:
    """A wrong text or option is one line on stderr, and status 2."""
    done = _score(store, *arguments, text=text)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"service: {named}")


def test_a_file_has_more_lines_than_the_engine_has_slots(store: Path) -> None:
    """Every line of a long file has its score: a line waits for a slot instead of being refused."""
    done = _score(
        store, "-", "--lines", "--model=shakespeare", text="Hello\n" * 200, CHARLOOM_SLOTS="1"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].split()[3:] == ["1000", "(shakespeare)"]


def test_further_problems_have_no_flag(store: Path) -> None:
    """Of many wrong lines the first are named, and then the number of the others alone."""
    done = _score(store, "-", "--lines", text="€\n" * 30)
    *named, further = done.stderr.splitlines()
    message = "the model does not know '€'; send --unknown drop to omit them"
    assert named == [f"service: FILE: line {n}: {message}" for n in range(1, len(named) + 1)]
    assert (done.returncode, further) == (2, f"service: {30 - len(named)} further problems")
