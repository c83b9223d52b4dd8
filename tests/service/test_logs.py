"""Log lines have the form of their formatter, and are lost only where nobody reads them."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from time import sleep
from typing import Any

import pytest

from service.logs import REQUESTS, BackgroundHandler, JsonFormatter, PlainFormatter, StderrHandler
from tests.servers import ROOT, wait_until

FORKS_AND_LOGS = """
import logging.config, os
from service.logs import REQUESTS, configuration
logging.config.dictConfig(configuration())
if os.fork():
    os.wait()
else:
    for number in range(100):
        logging.getLogger(REQUESTS).info("%d", number)
"""

LINES = 30_000  # more than wait in the queue and in the hands of its thread together
LOST = re.compile(r"lines of the log were lost \((\d+)\), because nobody read them")
LOGS_TO_NOBODY = f"""
import logging.config, sys
from service.logs import configuration
logging.config.dictConfig(configuration())
logger = logging.getLogger(sys.argv[1])
for number in range({LINES}):
    logger.warning("%0100d", number)
print("logged", flush=True)
input()
logger.warning("at last")
"""


def record(message: str, **fields: Any) -> logging.LogRecord:
    """Return a record with fields."""
    made = logging.LogRecord("a.logger", logging.INFO, "", 0, message, None, None)
    made.fields = fields
    return made


@pytest.fixture
def handler() -> Iterator[BackgroundHandler]:
    """A background handler with lines as JSON."""
    handler = BackgroundHandler()
    handler.setFormatter(JsonFormatter())
    yield handler
    handler.close()


def test_a_json_line_has_the_fields_beside_the_message() -> None:
    """A line for programs is one JSON object with time, level, logger, message and fields."""
    line = json.loads(JsonFormatter().format(record("grüß", status=200, model=None)))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "a.logger",
        "message": "grüß",
        "status": 200,
        "model": None,
    }


def test_a_json_line_holds_the_exception() -> None:
    """The traceback of an exception stays inside the one line of its record."""
    failed = record("failed")
    try:
        raise ValueError("why")
    except ValueError:
        failed.exc_info = sys.exc_info()
    line = JsonFormatter().format(failed)
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ValueError: why")


def test_a_plain_line_ends_with_the_fields() -> None:
    """A line for people is the time, the message and each field that is not None."""
    line = PlainFormatter().format(record("done", status=200, model=None))
    assert line.endswith(" done status=200")


def test_a_plain_line_stays_one_line() -> None:
    """Control characters, which could forge a line or command the terminal, are escaped."""
    line = PlainFormatter().format(record("GET /\n12:00:00 forged\x1b[2J", seeds="\u202e\u0085ä"))
    assert line.endswith(r" GET /\n12:00:00 forged\x1b[2J seeds=\u202e\x85ä")


def test_a_wrong_call_of_a_logger_raises_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """A record whose message and arguments do not agree is told on stderr, and its caller goes on."""
    handler = StderrHandler()
    wrong, right = record("%d"), record("right")
    wrong.args = ("no number",)
    for each in (wrong, right):
        handler.handle(each)
    said = capfd.readouterr().err
    assert "Logging error" in said
    assert said.endswith("right\n")


def test_lines_keep_their_order(
    handler: BackgroundHandler, capfd: pytest.CaptureFixture[str]
) -> None:
    """The thread writes the lines in the order of the records, and `close` waits for the last."""
    for number in range(1_000):
        handler.handle(record(str(number)))
    handler.close()
    lines = [json.loads(line)["message"] for line in capfd.readouterr().err.splitlines()]
    assert lines == [str(number) for number in range(1_000)]


def test_a_closed_handler_begins_anew(
    handler: BackgroundHandler, capfd: pytest.CaptureFixture[str]
) -> None:
    """A record after `close` starts the thread again, and no line comes twice."""
    for message in ("before", "after"):
        handler.handle(record(message))
        handler.close()
    lines = [json.loads(line)["message"] for line in capfd.readouterr().err.splitlines()]
    assert lines == ["before", "after"]


def test_a_close_at_the_end_of_a_pause_ends_the_thread(
    handler: BackgroundHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of `close` ends the thread also where the mark comes just after a pause."""

    def closed_just_after(_seconds: float) -> bool:
        handler._closing.set()
        handler._records.put(None)
        return False

    monkeypatch.setattr(handler._closing, "wait", closed_just_after)
    handler.handle(record("a line"))
    assert handler._writer is not None
    handler._writer.join(10)
    assert not handler._writer.is_alive()


def test_a_forked_process_writes_every_line_before_it_exits() -> None:
    """A process that was forked after the configuration, as workers are, loses no line."""
    command = [sys.executable, "-c", FORKS_AND_LOGS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    messages = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert messages == [str(number) for number in range(100)]


@pytest.mark.parametrize("logger", ["a.logger", REQUESTS])
def test_a_reader_that_stands_still_holds_no_thread(logger: str) -> None:
    """Lines that nobody reads are lost, as later lines say, and the process goes on."""
    process, read = _logging_to_a_pipe(logger)
    assert process.stdout is not None
    assert process.stdout.readline() == b"logged\n"
    lines: list[str] = []
    with open(read, encoding="utf-8") as log:  # noqa: PTH123 - a descriptor
        reader = threading.Thread(target=lambda: lines.extend(log))
        reader.start()
        wait_until(lambda: _standing_still(lines), "the lines that were kept")
        process.communicate(b"\n", timeout=60)
        reader.join(60)
    *messages, last = [json.loads(line)["message"] for line in lines]
    assert process.returncode == 0
    lost = [int(said[1]) for message in messages if (said := LOST.fullmatch(message))]
    kept = [int(message) for message in messages if not LOST.fullmatch(message)]
    assert kept == sorted(set(kept))
    assert lost
    assert len(kept) + sum(lost) == LINES
    assert last == "at last"


def test_a_log_to_nobody_keeps_no_process_from_its_end() -> None:
    """A process whose log nobody reads ends by itself."""
    process, read = _logging_to_a_pipe(REQUESTS)
    process.communicate(b"\n", timeout=60)
    os.close(read)
    assert process.returncode == 0


def _logging_to_a_pipe(logger: str) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a process that logs more than a pipe holds; return the process, and the pipe to read from."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", LOGS_TO_NOBODY, logger],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=write,
    )
    os.close(write)
    return process, read


def _standing_still(lines: list[str]) -> bool:
    """Whether there are lines, and no more of them after a while."""
    before = len(lines)
    sleep(1.0)
    return len(lines) == before > 0
