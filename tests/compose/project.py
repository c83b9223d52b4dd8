"""A Compose project of a test, with a port, a folder of texts and containers of its own."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compose.engine import ROOT, eventually, run

# Local addresses, never through a proxy.
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP; header names are looked up without regard to case."""

    status: int
    headers: Any
    body: Any


@dataclass
class Compose:
    """A project of some compose files of the repository."""

    command: list[str]
    name: str
    files: list[str]
    port: int
    corpora: Path

    def __call__(self, *arguments: str, timeout: float = 900) -> str:
        """Run a Compose command and return what it printed; raise when it fails."""
        files = [word for file in self.files for word in ("-f", str(ROOT / file))]
        return run(
            [*self.command, "-p", self.name, *files, *arguments],
            timeout,
            {"PORT": str(self.port), "CORPORA": str(self.corpora)},
        )

    def containers(self, service: str) -> list[str]:
        """Return the ids of the service's containers."""
        return self("ps", "-q", service).split()

    def container(self, service: str) -> str:
        """Return the id of the service's one container."""
        (container,) = self.containers(service)
        return container

    def execute(self, service: str, *command: str) -> str:
        """Run a command in the service's container and return what it printed."""
        return run(["docker", "exec", self.container(service), *command], 60).strip()

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Answer:
        """GET the path, or POST the body to it as JSON."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with HTTP.open(request, timeout=70) as response:
                return Answer(response.status, response.headers, json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode())

    def generate(self, **fields: Any) -> Answer:
        """POST to /generate; raise when the answer is an error."""
        answer = self.ask("/generate", fields)
        if answer.status != 200:
            raise RuntimeError(f"/generate {fields} answered {answer.status}: {answer.body}")
        return answer

    def wait_until_ready(self, seconds: float = 60) -> float:
        """Wait for /readyz to say 200; return the seconds it took."""
        began = time.monotonic()

        def ready() -> bool:
            try:
                return self.ask("/readyz").status == 200
            except OSError:  # not listening yet
                return False

        if not eventually(ready, seconds):
            raise TimeoutError(f"not ready after {seconds:.0f} s:\n{self('logs', 'service')}")
        return time.monotonic() - began


@dataclass
class Tally:
    """Counts what held and what did not."""

    passed: int = 0
    failed: int = 0

    def check(self, sentence: str, holds: bool, found: object = None) -> None:
        """Count one statement; say it, and what was found instead where it does not hold."""
        if holds:
            self.passed += 1
            print(f"  ok    {sentence}", flush=True)
        else:
            self.failed += 1
            print(f"  FAIL  {sentence}: found {found!r}", flush=True)
