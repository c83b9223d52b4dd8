"""`python -m service generate` writes text to the terminal, without a server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from model_store import READER_GONE
from tests.servers import ROOT, Service, wait_until

MODEL_AND_STOP = {"model": "deep@1", "stop": ["a", "bc"]}

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(store: Path) -> Start:
    """Return a function that starts the command in its own process group, as a shell does."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "service", "generate", *arguments],
            cwd=ROOT,
            env={"CHARLOOM_STORE": str(store), "CHARLOOM_MODEL": "tiny"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    return start


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ([], {}),
        (["--temperature", "0.5", "--length", "50"], {"temperature": 0.5, "length": 50}),
        (["--random-seed", "7", "--top-k", "5"], {"random_seed": 7, "top_k": 5}),
        (["--model", "deep@1", "--stop", "a", "--stop", "bc"], MODEL_AND_STOP),
        (["--top-p", "0.5", "--unknown", "drop"], {"top_p": 0.5, "unknown": "drop"}),
    ],
    ids=["defaults", "temperature", "top-k", "stop", "top-p"],
)
def test_the_text_is_the_services(
    service: Service, start: Start, options: list[str], fields: dict[str, Any]
) -> None:
    """The command writes the seed text and the same generated text as the service."""
    output, errors = start("Once", *options).communicate(timeout=60)
    text = service.generate(seed="Once", **fields).json["text"]
    assert (output, errors) == (f"Once{text}\n", "")


@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        ("--temperature", "temperature", 3),
        ("--length", "length", 0),
        ("--length", "length", 10_001),
        ("--random-seed", "random_seed", -1),
        ("--top-p", "top_p", 2),
    ],
)
def test_bad_values_get_the_services_errors(
    service: Service, start: Start, option: str, field: str, value: int
) -> None:
    """A value out of range is one line with the service's message, and status 2."""
    command = start("Once", option, str(value))
    output, errors = command.communicate(timeout=60)
    wrong: dict[str, Any] = {field: value}
    (problem,) = service.generate(seed="Once", **wrong).json["errors"]
    assert errors == f"service: {option}: {problem['message']}\n"
    assert (command.returncode, output) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["Once", "--temperature", "warm"], "--temperature: Input should be a valid number"),
        (["na€ive"], "TEXT: the model does not know '€'; send --unknown drop to omit them"),
        (["Once", "--novel"], "--novel: "),
        (["Once", "--count", "2", "--output", "/does/not/exist"], "[Errno 2]"),
        (["Once", "--count", "2", "--output", "/tmp"], "--output: /tmp is no regular file"),
        (["Once", "--count", "2", "--novel"], "--novel: the version has no list"),
        (["Once", "--model", "nobody"], "no model is called 'nobody'"),
    ],
)
def test_other_bad_values_are_named_too(start: Start, arguments: list[str], named: str) -> None:
    """Any other wrong option is one line that names the option, and status 2."""
    command = start(*arguments)
    output, errors = command.communicate(timeout=60)
    assert (command.returncode, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"service: {named}")


def test_an_error_leaves_no_empty_file(start: Start, tmp_path: Path) -> None:
    """A command that is refused before its first text leaves nothing in the folder."""
    command = start("na€ive", "--count", "2", "--output", str(tmp_path / "texts.txt"))
    assert "TEXT" in command.communicate(timeout=60)[1]
    assert list(tmp_path.iterdir()) == []


def test_many_texts_are_the_services(service: Service, start: Start, tmp_path: Path) -> None:
    """A file gets the texts of the service's count, one a line, as text or with their random seeds."""
    options = ["Once", "--count", "5", "--length", "8", "--stop", "\n", "--distinct"]
    texts = service.generate(seed="Once", count=5, length=8, stop=["\n"], distinct=True).json[
        "texts"
    ]
    commands = [start(*options, "--output", str(tmp_path / name)) for name in ("a.txt", "a.jsonl")]
    for command in commands:
        assert command.communicate(timeout=60) == ("", "")
    lines = (tmp_path / "a.txt").read_text(encoding="utf-8").splitlines()
    assert lines == ["Once" + each["text"] for each in texts]
    objects = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in objects] == texts


def test_without_a_text_the_seed_text_is_empty(service: Service, start: Start) -> None:
    """A command that names no TEXT writes what the service writes for an empty seed text."""
    output, errors = start("--length", "50").communicate(timeout=60)
    assert (output, errors) == (service.generate(seed="", length=50).json["text"] + "\n", "")


def test_texts_of_several_lines_are_set_apart(
    service: Service, start: Start, tmp_path: Path
) -> None:
    """In a file an empty line stands on both sides of a text of several lines, and none between others."""
    file = tmp_path / "texts.txt"
    command = start("O", "--count", "12", "--length", "20", "--output", str(file))
    assert command.communicate(timeout=60) == ("", "")
    texts = [
        "O" + each["text"] for each in service.generate(seed="O", count=12, length=20).json["texts"]
    ]
    several = ["\n" in text for text in texts]
    assert {(False, False), (False, True), (True, False)} <= set(pairwise(several))
    gaps = ["\n\n" if any(pair) else "\n" for pair in pairwise(several)]
    written = "".join(map("".join, zip(texts, [*gaps, "\n"], strict=True)))
    assert file.read_text(encoding="utf-8") == written


def test_a_single_text_as_json(service: Service, start: Start, tmp_path: Path) -> None:
    """A file whose name ends with .jsonl gets JSON without a count too."""
    file = tmp_path / "text.jsonl"
    command = start("Once", "--length", "8", "--output", str(file))
    assert command.communicate(timeout=60) == ("", "")
    answer = service.generate(seed="Once", length=8).json
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        name: answer[name] for name in ("text", "random_seed", "finish_reason")
    }


def test_ctrl_c_ends_it_quietly(start: Start) -> None:
    """Ctrl-C ends the command and its engine during a generation, with nothing on stderr."""
    command = start("Once", "--length", "10000")
    assert command.stdout
    command.stdout.read(len("Once") + 1)
    (engine,) = psutil.Process(command.pid).children()
    os.killpg(command.pid, signal.SIGINT)
    rest, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (-signal.SIGINT, "")
    assert len(rest) < 9_999
    wait_until(lambda: not engine.is_running(), "the engine's end")


def test_a_closed_pipe_ends_it_quietly(start: Start) -> None:
    """A closed pipe, as after `| head`, ends the command with nothing on stderr."""
    command = start("Once", "--length", "10000")
    assert command.stdout
    assert command.stderr
    command.stdout.read(len("Once") + 1)
    command.stdout.close()
    assert command.wait(60) == READER_GONE
    assert command.stderr.read() == ""
    command.stderr.close()
