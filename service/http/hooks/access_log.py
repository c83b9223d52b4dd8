"""The access log: one line for every request."""

import logging
from typing import Any

from service.http.hooks.visit import Visit
from service.logs import REQUESTS

log = logging.getLogger(REQUESTS)


class AccessLog:
    """Writes the line of each request; the line holds the seed texts only where settings ask."""

    def __init__(self, *, log_text: bool) -> None:
        self._log_text = log_text

    def write(self, visit: Visit, status: int) -> None:
        """Write the line of a request whose last byte is sent."""
        title = f"{visit.method} {visit.path} {status}"
        log.info(title, extra={"fields": self._fields(visit, status)})

    def _fields(self, visit: Visit, status: int) -> dict[str, Any]:
        fields = {
            "method": visit.method,
            "route": visit.route,
            "status": status,
            "request_id": visit.request_id,
            "client": visit.client,
            "milliseconds": _milliseconds(visit.seconds),
        }
        if visit.answers:
            fields |= _generation_fields(visit)
            if self._log_text:
                fields["seeds"] = visit.seeds
        return fields


def _generation_fields(visit: Visit) -> dict[str, Any]:
    # Several answers share a line: their characters are summed, the rest is the first answer's.
    first = visit.answers[0]
    return {
        "model": visit.model,
        "seed_characters": sum(map(len, visit.seeds)),
        "text_characters": sum(answer.characters for answer in visit.answers),
        "cache": first.cache,
        "finish_reason": first.finish_reason,
        **{f"{stage}_ms": _milliseconds(seconds) for stage, seconds in first.seconds.items()},
    }


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)
