"""Real servers for tests: the service under gunicorn, each on a free port."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from tests.ports import free_port

ROOT = Path(__file__).parent.parent
START_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Service:
    """A running `python -m service`, in a process."""

    def __init__(
        self,
        log: Path,
        *,
        environment: dict[str, str] | None = None,
        within: Sequence[str] = (),
        port: int | None = None,
        **settings: Any,
    ) -> None:
        """Start the service, `within` a command that becomes the service, and wait until it is ready.

        `port` is that of a service that has ended; None: a free one.
        """
        self.port = port or free_port()
        self._log = log.open("wb")
        inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        environment = inherited | (environment or {})
        given = {"workers": 1} | settings
        environment |= {f"CHARLOOM_{key.upper()}": str(value) for key, value in given.items()}
        self.process = subprocess.Popen(
            [*within, sys.executable, "-m", "service"],
            cwd=ROOT,
            env=environment | {"PORT": str(self.port)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(self._ready, f"the service, see {log}")
        except AssertionError:
            self.stop()
            raise

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request over a new connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """GET a path."""
        return self.request("GET", path)

    def generate(self, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
        """POST the fields to /generate."""
        kind = {"Content-Type": "application/json"}
        return self.request("POST", "/generate", json.dumps(fields), kind | (headers or {}))

    def stream(self, headers: dict[str, str] | None = None, **fields: Any) -> "EventStream":
        """POST the fields to /generate with `stream: true`."""
        return EventStream(self.port, fields | {"stream": True}, headers or {})

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric, 0 for a metric without a value yet."""
        shown = ",".join(f'{key}="{value}"' for key, value in labels.items())
        sample = f"{name}{{{shown}}} " if labels else f"{name} "
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(sample):
                return float(line.removeprefix(sample))
        return 0.0

    def idle(self) -> bool:
        """Whether nothing runs or waits, and no client is connected."""
        if self.metric("charloom_running") or self.metric("charloom_waiting"):
            return False
        family = [self.process.pid, *(p.pid for p in psutil.Process(self.process.pid).children())]
        connections = [c for pid in family for c in psutil.Process(pid).net_connections("tcp")]
        return all(connection.status == psutil.CONN_LISTEN for connection in connections)

    def family(self) -> tuple[psutil.Process, list[psutil.Process]]:
        """Return the process of the hub, and the workers that answer HTTP."""
        zombie = psutil.STATUS_ZOMBIE
        children = psutil.Process(self.process.pid).children()
        children = [child for child in children if child.status() != zombie]
        (hub,) = [child for child in children if "service.hub.process" in child.cmdline()]
        return hub, [child for child in children if child != hub]

    def kill(self) -> None:
        """Kill every process, as a machine does that loses its power."""
        master = psutil.Process(self.process.pid)
        for process in (master, *master.children(recursive=True)):
            process.kill()
        self.process.wait(30)
        self._log.close()

    def stop(self) -> int:
        """Stop as an operator does and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self._log.close()
        return status

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the service ended with status {self.process.returncode}")
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False


@contextmanager
def serving(log: Path, **settings: Any) -> Iterator[Service]:
    """Run a service that must end with status 0 and no traceback in the log."""
    service = Service(log, **settings)
    try:
        yield service
    finally:
        status = service.stop()
    assert status == 0
    assert "Traceback" not in log.read_text(encoding="utf-8")


class EventStream:
    """The server-sent events of one response, read one by one."""

    def __init__(self, port: int, fields: dict[str, Any], headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        kind = {"Content-Type": "application/json"}
        self._connection.request("POST", "/generate", json.dumps(fields), kind | headers)
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = {name.lower(): value for name, value in self._response.getheaders()}
        self.position = -1
        """The id of the last event: the characters of the text up to its end."""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield (event, data); the event of a piece of text is `message`, as browsers say."""
        event = "message"
        for line in self._response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                self.position = int(value)
            elif name == "data":
                yield event, json.loads(value)
            else:
                assert not name, f"not an event: {line!r}"
                event = "message"

    def text(self) -> str:
        """Read to the last event, which must be `done`, and return the text."""
        events = list(self)
        self.close()
        assert [event for event, _ in events[:-1]] == ["message"] * (len(events) - 1)
        assert events[-1][0] == "done"
        return "".join(data["text"] for _, data in events[:-1])

    def read(self) -> bytes:
        """Read the whole body, as of a refusal."""
        body = self._response.read()
        self.close()
        return body

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        self._connection.close()


def freeze(process: psutil.Process) -> None:
    """Stop every thread of a process, and wait for that: on a busy machine a thread runs on for a moment."""
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "a process that stands still")


def wait_until(condition: Any, what: str) -> None:
    """Wait until the condition holds."""
    deadline = monotonic() + START_SECONDS
    while not condition():
        if monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        sleep(0.02)
