"""Load from wrk, a compiled client, which takes little of the processor."""

import re
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path

from benchmarks.http.servers import Server

CHARACTERS = 400
LONGEST = 600  # seconds

# Every request has a random seed of its own, over all runs.
GENERATIONS = """
local ffi = require("ffi")
ffi.cdef[[ typedef struct { long s; long us; } instant; int gettimeofday(instant *, void *); ]]
local function now()
  local instant = ffi.new("instant")
  ffi.C.gettimeofday(instant, nil)
  return tonumber(instant.s) + tonumber(instant.us) / 1e6
end
local asked, first_seed = 0, %(first_seed)d
completed, failed, first, last = 0, 0, 0, 0
function request()
  asked = asked + 1
  local body = string.format('%(body)s', first_seed + asked)
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
function response(status)
  if status ~= 200 then failed = failed + 1 end
  completed = completed + 1
  last = now()
  if completed == %(clients)d then first = last end
end
local thread
function setup(one) thread = one end
function done()
  print(string.format("completed=%%d failed=%%d seconds=%%.6f", thread:get("completed"),
    thread:get("failed"), thread:get("last") - thread:get("first")))
end
"""

# No Lua runs for each request: wrk sends the same bytes over and over.
ONE_BODY = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '%(body)s'
function done(summary)
  print(string.format("completed=%%d failed=%%d seconds=%%.6f", summary.requests,
    summary.errors.status + summary.errors.read + summary.errors.timeout,
    summary.duration / 1e6))
end
"""

_runs = count(1)


class TooShort(RuntimeError):
    """A run in which too few texts were complete."""


def installed() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def generated_per_second(
    server: Server, clients: int, seconds: float, *, stream: bool = False
) -> float:
    """Return the characters per second of all clients, which request one text after another.

    The count begins when as many texts as clients are complete. All clients begin at once, and
    the texts of the first wave would otherwise count for nothing or double.
    """
    body = server.wire.body(seed="The ", length=CHARACTERS, stream=stream, random_seed="%d")
    script = GENERATIONS % {
        "first_seed": next(_runs) * 1_000_000,
        "body": body.replace('"%d"', "%d"),
        "clients": clients,
    }
    completed, took = _run(script, server, clients, seconds)
    if completed <= clients:
        raise TooShort(f"{clients} clients need more than {seconds} seconds")
    return CHARACTERS * (completed - clients) / took


def generated_in_time(
    server: Server, clients: int, seconds: float, *, stream: bool = False
) -> float:
    """Return the same, of a run that is doubled until it is long enough.

    Raises:
        TooShort: no run of at most LONGEST seconds is long enough.
    """
    try:
        return generated_per_second(server, clients, seconds, stream=stream)
    except TooShort:
        if 2 * seconds > LONGEST:
            raise
        return generated_in_time(server, clients, 2 * seconds, stream=stream)


def requests_per_second(server: Server, body: str, clients: int, seconds: float) -> float:
    """Return the answers per second to requests with the same body."""
    completed, took = _run(ONE_BODY % {"body": body}, server, clients, seconds)
    return completed / took


def _run(script: str, server: Server, clients: int, seconds: float) -> tuple[int, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "load.lua")
        path.write_text(script, encoding="utf-8")
        # wrk takes whole seconds.
        duration = [f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
        command = ["wrk", "-t1", *duration, "-s", str(path), server.url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"completed=(\d+) failed=(\d+) seconds=([\d.]+)", output)
    if found is None or int(found[2]):
        raise RuntimeError(f"wrk met failures:\n{output}")
    return int(found[1]), float(found[3])
