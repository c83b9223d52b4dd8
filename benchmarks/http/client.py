"""A small client that times single requests, one after another; wrk only counts."""

import http.client
import json
from collections.abc import Mapping
from itertools import count
from time import perf_counter
from types import MappingProxyType
from typing import Any

from benchmarks.http.servers import Server

# These seeds stay below the seeds of every wrk run.
_seeds = count(1)
SECONDS = 120  # that an answer may take


class Client:
    """One keep-alive connection."""

    def __init__(self, server: Server) -> None:
        self._wire = server.wire
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)

    def seconds(self, **fields: Any) -> float:
        """Return the seconds from a request to the last byte of the answer."""
        start = perf_counter()
        self._ask(fields).read()
        return perf_counter() - start

    def seconds_to_first(self, **fields: Any) -> float:
        """Return the seconds to the first character, which a server that cannot stream sends last."""
        start = perf_counter()
        response = self._ask(fields | {"stream": True})
        response.readline()
        seconds = perf_counter() - start
        response.read()
        return seconds

    def text(self, **fields: Any) -> str:
        """Return the text of an answer that no cache gave."""
        response = self._ask(fields, {"Cache-Control": "no-store"})
        return self._wire.text(json.loads(response.read()))

    def _ask(
        self, fields: dict[str, Any], headers: Mapping[str, str] = MappingProxyType({})
    ) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json", **headers}
        self._connection.request("POST", self._wire.path, self._wire.body(**fields), headers)
        response = self._connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {response.read()!r}")
        return response


def fresh_seed() -> int:
    """Return a random seed that no earlier request had."""
    return next(_seeds)
