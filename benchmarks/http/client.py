"""A small client that times single requests, one after another; wrk only counts."""

import http.client
import json
from itertools import count
from time import perf_counter
from typing import Any

# These seeds stay below the seeds of every wrk run.
_seeds = count(1)


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def seconds(self, **fields: Any) -> float:
        """Return the seconds from a request to the last byte of the answer."""
        start = perf_counter()
        self._ask(fields).read()
        return perf_counter() - start

    def seconds_to_first(self, **fields: Any) -> float:
        """Return the seconds from a streaming request to the first character."""
        start = perf_counter()
        response = self._ask(fields | {"stream": True})
        response.readline()
        seconds = perf_counter() - start
        response.read()
        return seconds

    def _ask(self, fields: dict[str, Any]) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/generate", json.dumps(fields), headers)
        response = self._connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {response.read()!r}")
        return response


def fresh_seed() -> int:
    """Return a random seed that no earlier request had."""
    return next(_seeds)
