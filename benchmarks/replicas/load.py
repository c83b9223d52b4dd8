"""Load from wrk on several servers: a thread for each server, and texts in a given order."""

import json
import re
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.http.servers import Server
from benchmarks.http.wrk import CHARACTERS, TooShort

SEED_TEXT = "The "

# Thread n takes every R-th text from the n-th on, and all its connections go to server n.
SCRIPT = """
local ports, threads = {%(ports)s}, {}
function setup(thread)
  table.insert(threads, thread)
  thread.addr = wrk.lookup("127.0.0.1", ports[#threads])[1]
  thread:set("turn", #threads)
end
function init()
  asked, hits, failed, texts = 0, 0, 0, {}
  local number = 0
  for text in io.lines("%(texts)s") do
    number = number + 1
    if number %% #ports == turn %% #ports then table.insert(texts, text) end
  end
end
function request()
  asked = asked %% #texts + 1
  return wrk.format("POST", nil, {%(headers)s}, string.format('%(body)s', texts[asked]))
end
function response(status, headers)
  if status ~= 200 then failed = failed + 1 end
  if headers["X-Cache"] == "hit" then hits = hits + 1 end
end
function done(summary, latency)
  local hits, failed = 0, summary.errors.read + summary.errors.timeout
  for _, thread in ipairs(threads) do
    hits, failed = hits + thread:get("hits"), failed + thread:get("failed")
  end
  print(string.format("answers=%%d hits=%%d failed=%%d seconds=%%.6f bytes=%%d middle=%%d late=%%d",
    summary.requests, hits, failed, summary.duration / 1e6, summary.bytes,
    latency:percentile(50), latency:percentile(95)))
end
"""
PRINTED = re.compile(r"(\w+)=([\d.]+)")


@dataclass(frozen=True)
class Run:
    """What wrk counted."""

    answers: int
    hits: int
    seconds: float
    bytes: int
    """Of all answers, with their heads."""
    median: float
    """Seconds to an answer."""
    late: float
    """The 95th percentile of the seconds to an answer."""
    client_seconds: float
    """Processor time of wrk."""


def drive(
    servers: Sequence[Server],
    texts: Sequence[int],
    clients: int,
    seconds: float,
    *,
    past_memory: bool = False,
) -> Run:
    """Let clients, a multiple of the servers, request texts, each numbered by its random seed.

    `past_memory` has every answer come from Redis, not from the memory of a worker. The services are
    idle afterwards.

    Raises:
        TooShort: there are fewer answers than clients.
        RuntimeError: a request failed.
    """
    headers = {"Content-Type": "application/json"}
    if past_memory:
        headers["Cache-Control"] = "max-age=86400"  # a head that the short way does not take
    body = json.dumps({"seed": SEED_TEXT, "length": CHARACTERS, "random_seed": "%s"})
    before = _children()
    with tempfile.TemporaryDirectory() as folder:
        numbers, script = Path(folder, "texts"), Path(folder, "load.lua")
        numbers.write_text("\n".join(map(str, texts)), encoding="utf-8")
        fields = {
            "ports": ", ".join(str(server.port) for server in servers),
            "texts": numbers,
            "headers": ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items()),
            "body": body.replace('"%s"', "%s"),
        }
        script.write_text(SCRIPT % fields, encoding="utf-8")
        shape = [f"-t{len(servers)}", f"-c{clients}", f"-d{max(1, round(seconds))}s"]
        command = ["wrk", *shape, "--timeout", "60s", "-s", str(script), servers[0].url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for server in servers:
        server.wait_until_idle()
    run = _read(output, _children() - before)
    if run.answers < clients:
        raise TooShort(
            f"{clients} clients need more than {seconds} seconds: use a larger --seconds"
        )
    return run


def _read(output: str, client_seconds: float) -> Run:
    found = {name: float(value) for name, value in PRINTED.findall(output)}
    if not found or found["failed"]:
        raise RuntimeError(f"wrk met failures:\n{output}")
    return Run(
        answers=int(found["answers"]),
        hits=int(found["hits"]),
        seconds=found["seconds"],
        bytes=int(found["bytes"]),
        median=found["middle"] / 1e6,
        late=found["late"] / 1e6,
        client_seconds=client_seconds,
    )


def _children() -> float:
    """Return the processor time of the ended processes that this process has started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
