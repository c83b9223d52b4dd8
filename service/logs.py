"""Log lines: JSON for programs, plain on a terminal."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import Any, TextIO

REQUESTS = "charloom.requests"
"""The logger of the line that every request leaves."""

BATCH_SECONDS = 0.1


class JsonFormatter(logging.Formatter):
    """One JSON object per line; what was given as `extra={"fields": …}` stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
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
    """For people: the time, the message, and the fields as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = getattr(record, "fields", {})
        shown = [f"{name}={value}" for name, value in fields.items() if value is not None]
        return " ".join([super().format(record), *shown])


class BatchingHandler(logging.StreamHandler[TextIO]):
    """Writes lines together, ten times a second.

    Each write hands the interpreter to another thread; a write for every request is a fifth of the
    cached answers that can be given in a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line for the next write."""
        if not self._lines:
            timer = threading.Timer(BATCH_SECONDS, self.flush)
            timer.daemon = True  # what is left at the end, logging itself flushes
            timer.start()
        self._lines.append(self.format(record) + self.terminator)

    def flush(self) -> None:
        """Write what is kept."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            self.stream.write("".join(lines))
            self.stream.flush()
        finally:
            self.release()


def configuration() -> dict[str, Any]:
    """Return what `logging.config.dictConfig` needs for every logger of the process."""
    formatter = PlainFormatter if sys.stderr.isatty() else JsonFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            "batches": {"class": "service.logs.BatchingHandler", "formatter": "line"},
        },
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            REQUESTS: {"handlers": ["batches"], "propagate": False},
        },
    }
