"""Log lines: JSON for programs, plain text on a terminal."""

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from logging import Handler, LogRecord
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

_json = json.JSONEncoder(ensure_ascii=False, default=str).encode

REQUESTS = "charloom.requests"
"""The logger of the access log, with one line for each request."""


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


class BackgroundHandler(Handler):
    """Hands each record to a thread that formats and writes the lines of 50 ms at once.

    A write releases the interpreter's lock, and the thread that answers a request waits to get the
    lock back. A process that is killed loses the lines of the last 50 ms.
    """

    PAUSE = 0.05  # seconds

    def __init__(self) -> None:
        super().__init__()
        self._records: SimpleQueue[LogRecord | None] = SimpleQueue()
        self._closing = Event()
        self._writer: Thread | None = None

    def emit(self, record: LogRecord) -> None:
        """Put the record into the queue."""
        if self._writer is None:
            self._writer = self._start_writer()
        self._records.put(record)

    def close(self) -> None:
        """Write the rest of the lines and end the thread; logging does so when the process exits."""
        if self._writer is not None:
            self._closing.set()
            self._records.put(None)  # wakes the thread where there is no line to write
            self._writer.join()
            self._writer = None
        super().close()

    def _start_writer(self) -> Thread:
        # The first record starts the thread: gunicorn forks its workers after the configuration of
        # the loggers, and a forked process has no thread of the parent.
        self._closing.clear()
        writer = Thread(target=self._write_all, name="access log", daemon=True)
        writer.start()
        return writer

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
        lines = [self.format(record) + "\n" for record in records if record is not None]
        # A log that cannot be written, such as one on a full disk, ends no thread.
        with suppress(OSError, ValueError):
            sys.stderr.write("".join(lines))
            sys.stderr.flush()


def configuration() -> dict[str, Any]:
    """Return the configuration of every logger of the process, for `logging.config.dictConfig`."""
    formatter = PlainFormatter if sys.stderr.isatty() else JsonFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            "background": {"class": "service.logs.BackgroundHandler", "formatter": "line"},
        },
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            REQUESTS: {"handlers": ["background"], "propagate": False},
        },
    }
