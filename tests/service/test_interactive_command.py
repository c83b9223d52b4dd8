"""`python -m service generate --interactive` offers the likeliest continuations."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from service.api.resolve import resolve
from service.api.schemas import GenerateRequest
from service.commands.local import local_engine
from service.generation.generator import Caller
from service.settings import Settings
from tests.factories import SYMBOLS, publish_random_model, random_weights, write_graph
from tests.servers import ROOT

CTRL_D = b"\x04"
ENDS = "(the text ends)"

Session = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def certain_store(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two models that are certain of the next character: a space, and a text's end."""
    root = tmp_path_factory.mktemp("certain")
    publish_random_model(root, "spaces", graph=_certain_of(" ", root))
    publish_random_model(root, "ends", graph=_certain_of("\n", root), texts=40)
    publish_random_model(root, "tiny")
    return root


@pytest.fixture
def session(certain_store: Path) -> Session:
    """Return a function that gives a session's answers through a pipe and waits for its end."""

    def session(*arguments: str, answers: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            _command(*arguments),
            cwd=ROOT,
            env=_environment(certain_store),
            input=answers,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return session


def test_a_continuation_is_chosen(session: Session) -> None:
    """Enter takes the likeliest continuation, a number that one, other text is appended; the end is shown."""
    done = session("Once", answers="\n2\nxyz\n")
    rounds = done.stdout.split("> ")
    assert (done.returncode, done.stderr, len(rounds)) == (0, "", 5)
    first, second = (_offered(shown) for shown in rounds[:2])
    assert len(first) == 5
    text = "Once" + ast.literal_eval(first[0]) + ast.literal_eval(second[1]) + "xyz"
    assert rounds[-1] == f"\n{text}\n"


def test_a_word_may_end_at_once(session: Session) -> None:
    """A character after which the word ends is offered alone."""
    done = session("Once", "--model", "spaces", answers="\n2\n")
    first, second, _ = map(_offered, done.stdout.split("> ", 2))
    assert (done.returncode, done.stderr) == (0, "")
    assert (first[0], [len(ast.literal_eval(each)) for each in first]) == ("' '", [1] * 5)
    assert done.stdout.endswith(f"\nOnce {ast.literal_eval(second[1])}\n")


def test_the_end_of_a_text_is_a_choice(session: Session) -> None:
    """In a model of many short texts the end can be chosen, which ends the session."""
    done = session("Once", "--model", "ends", answers="2\n\n\n")
    first, second = map(_offered, done.stdout.split("> ")[:2])
    assert (done.returncode, done.stderr) == (0, "")
    assert first[0] == second[0] == ENDS
    assert done.stdout.endswith(f"> Once{ast.literal_eval(first[1])}\n")


def test_what_was_read_is_cached(certain_store: Path) -> None:
    """The engine of a command keeps texts and states, so that no round reads a long text anew."""
    settings = Settings(store=str(certain_store), model="tiny", slots=1)
    with local_engine(settings) as local:
        model = local.models.get(None)
        generation = resolve(GenerateRequest(seed="Once", length=1), model, settings)
        for expected in ("miss", "hit"):
            answer = local.generator.open(generation, model, Caller())
            assert (sum(map(len, answer.pieces)), answer.cache) == (1, expected)


def test_many_rounds_with_the_bundled_model(session: Session) -> None:
    """The likeliest continuation can be taken again and again."""
    done = session("ROMEO:", "--model", "shakespeare", answers="\n" * 20)
    assert (done.returncode, done.stderr, done.stdout.count("> ")) == (0, "", 21)


def test_unknown_characters_are_asked_for_again(session: Session) -> None:
    """An answer with a character that the model does not know leaves the text as it is."""
    done = session("Once", answers="na€ive\nxyz\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "> the model does not know '€'; send --unknown drop to omit them\n" in done.stdout
    assert done.stdout.endswith("\nOncexyz\n")


def test_unknown_characters_are_dropped_on_request(session: Session) -> None:
    """With `--unknown drop` an answer loses the characters that the model does not know."""
    assert session("Once", "--unknown=drop", answers="na€ive\n").stdout.endswith("\nOncenaive\n")


def test_the_text_is_written_to_a_file(session: Session, tmp_path: Path) -> None:
    """`--output` gets the text at its end, in place of what the file held before."""
    file = tmp_path / "text.txt"
    file.write_text("before", encoding="utf-8")
    assert session("Once", "--output", str(file), answers="xyz\n").returncode == 0
    assert file.read_text(encoding="utf-8") == "Oncexyz\n"
    assert list(tmp_path.iterdir()) == [file]


def test_options_without_a_meaning_are_refused(session: Session, tmp_path: Path) -> None:
    """An option of drawn texts is named, and the file of an earlier text stays."""
    file = tmp_path / "text.jsonl"
    file.write_text("before", encoding="utf-8")
    done = session("Once", "--count=3", "--top-k=2", "--output", str(file), answers="\n")
    assert (done.returncode, done.stdout) == (2, "")
    named = [line.split(": ")[1] for line in done.stderr.splitlines()]
    assert named == ["--top-k", "--count", "--output"]
    assert file.read_text(encoding="utf-8") == "before"


def test_a_session_at_a_terminal(certain_store: Path) -> None:
    """At a terminal Ctrl-D ends the session; a byte that is no character is asked for again."""
    ours, terminal = os.openpty()
    with subprocess.Popen(
        _command("Once"),
        cwd=ROOT,
        env=_environment(certain_store),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        try:
            _read_until(ours, "> ")
            os.write(ours, b"x\xffz\n")
            assert r"the model does not know '\udcff'" in _read_until(ours, "> ")
            os.write(ours, b"xyz\n")
            _read_until(ours, "> ")
            os.write(ours, CTRL_D)
            assert process.wait(60) == 0
            assert _read_until(ours, "Oncexyz\r\n")
        finally:
            os.close(ours)  # which ends a session that still runs


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "service", "generate", "--interactive", *arguments]


def _environment(store: Path) -> dict[str, str]:
    return {"CHARLOOM_STORE": str(store), "CHARLOOM_MODEL": "tiny", "LC_ALL": "C.UTF-8"}


def _certain_of(character: str, folder: Path) -> bytes:
    """Return the graph of a model that finds one character far likelier than all others."""
    weights = random_weights()
    bias = weights.output_bias.copy()
    bias[SYMBOLS.index(character)] = 1_000
    file = write_graph(folder / "certain.onnx", replace(weights, output_bias=bias))
    return file.read_bytes()


def _offered(shown: str) -> list[str]:
    """Return the continuations of a round, each as it is shown."""
    return re.findall(r"^  \d  +\d+%  (.*)$", shown, re.MULTILINE)


def _read_until(terminal: int, end: str) -> str:
    """Return what a terminal shows up to an end."""
    shown = b""
    while not shown.endswith(end.encode()):
        shown += os.read(terminal, 1_000)
    return shown.decode(errors="replace")
