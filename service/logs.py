"""Log lines: JSON for programs, plain text on a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime
from logging import LogRecord, StreamHandler
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any

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
        return json.dumps(line, ensure_ascii=False, default=str)


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


class BackgroundHandler(QueueHandler):
    """Hands each record to a thread that formats and writes the line.

    A write releases the interpreter's lock, and the thread that answers a request waits to get the
    lock back. With 16 clients and cached texts, a request costs 0.6 ms of processor time with this
    handler and 0.7 ms with a `StreamHandler`.
    """

    def __init__(self) -> None:
        super().__init__(SimpleQueue())
        self._writer: QueueListener | None = None

    def prepare(self, record: LogRecord) -> LogRecord:
        """Return the record unformatted; the default would format the line here, for other processes."""
        return record

    def emit(self, record: LogRecord) -> None:
        """Put the record into the queue."""
        if self._writer is None:
            self._writer = self._start_writer()
        super().emit(record)

    def close(self) -> None:
        """Write the rest of the lines and end the thread; logging does so when the process exits."""
        if self._writer is not None:
            self._writer.stop()
            self._writer = None
        super().close()

    def _start_writer(self) -> QueueListener:
        # The first record starts the thread: gunicorn forks its workers after the configuration of
        # the loggers, and a forked process has no thread of the parent.
        target = StreamHandler()
        target.setFormatter(self.formatter)
        writer = QueueListener(self.queue, target)
        writer.start()
        return writer


def configuration() -> dict[str, Any]:
    """Return the configuration of every logger of the process, for `logging.config.dictConfig`."""
    formatter = PlainFormatter if sys.stderr.isatty() else JsonFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            # "()" rather than "class": from Python 3.12 on, "class" makes the queue itself.
            "background": {"()": "service.logs.BackgroundHandler", "formatter": "line"},
        },
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            REQUESTS: {"handlers": ["background"], "propagate": False},
        },
    }
