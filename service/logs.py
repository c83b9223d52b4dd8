"""Log lines: JSON for programs, plain text on a terminal."""

import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from logging import Handler, LogRecord
from queue import Empty, SimpleQueue
from select import PIPE_BUF, POLLOUT, poll
from threading import Event, Thread
from typing import Any

_json = json.JSONEncoder(ensure_ascii=False, default=str).encode

REQUESTS = "charloom.requests"
"""The logger of the access log, with one line for each request."""

STDERR = 2  # the descriptor
SECONDS_TO_WRITE = 1.0  # that a reader of the lines may stand still before lines are lost
MOST_WAITING = 10_000  # records of the access log, of a kilobyte each


class JsonFormatter(logging.Formatter):
    """One JSON object per line; the fields of `extra={"fields": …}` stand beside the message."""

    def format(self, record: LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _json(line)


class PlainFormatter(logging.Formatter):
    """Plain text per line: the time, the message, and the fields as name=value.

    Control characters are escaped: a path could otherwise forge a line, or command the terminal.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")

    def format(self, record: LogRecord) -> str:
        """Return the line."""
        fields = getattr(record, "fields", {})
        shown = [
            f"{name}={_printable(str(value))}"
            for name, value in fields.items()
            if value is not None
        ]
        return " ".join([super().format(record), *shown])

    def formatMessage(self, record: LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line without fields and exception."""
        return _printable(super().formatMessage(record))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


class StderrHandler(Handler):
    """Writes each record to standard error, and leaves records out while nobody reads them.

    A reader that stands still, as a terminal does after Ctrl-S, would otherwise hold each thread that logs.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lost = 0  # lines since the reader stood still

    def emit(self, record: LogRecord) -> None:
        """Write the line of a record; a record that cannot be formatted is told as by every handler."""
        try:
            line = _line(self, record)
        except Exception:  # noqa: BLE001 - whatever a wrong call of a logger raises
            self.handleError(record)
            return
        with suppress(OSError):  # a log on a full disk ends no thread
            if self._lost and _is_taken(_line(self, _lost(self._lost)), 0):
                self._lost = 0
            if not _is_taken(line, 0 if self._lost else SECONDS_TO_WRITE):
                self._lost += 1


class BackgroundHandler(Handler):
    """Hands each record to a thread that formats and writes the lines of 50 ms at once.

    A write releases the interpreter's lock, and the thread that answers a request waits to get the
    lock back. A process that is killed loses the lines of the last 50 ms. While nobody reads the lines, at
    most MOST_WAITING records wait, and further ones are left out.
    """

    PAUSE = 0.05  # seconds

    def __init__(self) -> None:
        super().__init__()
        self._records: SimpleQueue[LogRecord | None] = SimpleQueue()
        self._closing = Event()
        self._writer: Thread | None = None
        self._lost = 0  # records since too many waited

    def emit(self, record: LogRecord) -> None:
        """Put the record into the queue."""
        if not self._has_writer() or self._records.qsize() >= MOST_WAITING:
            self._lost += 1
            return
        if self._lost:
            self._records.put(_lost(self._lost))
            self._lost = 0
        self._records.put(record)

    def close(self) -> None:
        """Write the rest of the lines and end the thread; logging does so when the process exits.

        A thread that waits for the reader of the lines ends with the process.
        """
        if self._writer is not None:
            self._closing.set()
            self._records.put(None)  # wakes the thread where there is no line to write
            self._writer.join(SECONDS_TO_WRITE)
            self._writer = None
        super().close()

    def _has_writer(self) -> bool:
        """Start the thread unless it runs, and return whether it runs.

        The first record starts the thread: gunicorn forks its workers after the configuration of the
        loggers, and a forked process has no thread of the parent.
        """
        if self._writer is None:
            self._closing.clear()
            writer = Thread(target=self._write_all, name="access log", daemon=True)
            try:
                writer.start()
            except RuntimeError:  # the system gives no further thread
                return False
            self._writer = writer
        return True

    def _write_all(self) -> None:
        ended = False
        while not ended:
            records = [self._records.get()]
            self._closing.wait(self.PAUSE)
            records += self._waiting()
            self._write(records)
            ended = None in records

    def _waiting(self) -> Iterator[LogRecord | None]:
        with suppress(Empty):
            while True:
                yield self._records.get_nowait()

    def _write(self, records: Iterable[LogRecord | None]) -> None:
        rest = memoryview(b"".join(_line(self, each) for each in records if each is not None))
        with suppress(OSError):  # a log on a full disk ends no thread
            while rest:
                rest = rest[os.write(STDERR, rest) :]


def _line(handler: Handler, record: LogRecord) -> bytes:
    return f"{handler.format(record)}\n".encode(errors="backslashreplace")


def _lost(lines: int) -> LogRecord:
    message = "lines of the log were lost (%d), because nobody read them"
    return LogRecord(__name__, logging.WARNING, "", 0, message, (lines,), None)


def _is_taken(line: bytes, seconds: float) -> bool:
    """Write a line to standard error, and return whether a reader has taken the line in so many seconds.

    A pipe or a terminal that can be written takes PIPE_BUF bytes without waiting.
    """
    stderr = poll()
    stderr.register(STDERR, POLLOUT)
    for begin in range(0, len(line), PIPE_BUF):
        if not stderr.poll(1000 * seconds):
            return False
        os.write(STDERR, line[begin : begin + PIPE_BUF])
    return True


def configuration() -> dict[str, Any]:
    """Return the configuration of every logger of the process, for `logging.config.dictConfig`."""
    formatter = PlainFormatter if sys.stderr.isatty() else JsonFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "service.logs.StderrHandler", "formatter": "line"},
            "background": {"class": "service.logs.BackgroundHandler", "formatter": "line"},
        },
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            REQUESTS: {"handlers": ["background"], "propagate": False},
        },
    }
