"""`make compose-test`: build the images, run docker-compose.yml for real, ask it and train with it.

It needs a Docker engine, docker-compose and the two base images. Where `../shared/docker` has a script that
provides them and the user is root, it is run first; where they are not to be had, the test skips.
`COMPOSE="docker compose"` chooses another Compose. Only the standard library is used, so that any
Python 3.11 runs it without an environment.
"""

import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENGINE_SCRIPT = ROOT.parent / "shared" / "docker" / "engine-and-images.sh"
PROJECT = "charloom-compose-test"
USER = "10001"
# The smallest model that still goes the whole way; what it writes is nonsense.
TINY = {
    "units": 16,
    "embedding": 8,
    "epochs": 1,
    "batch_size": 8,
    "sequence_length": 32,
    "sample_length": 20,
    "precision": "float32",
}
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
    """One Compose project of our own, on a port of its own, with texts from a folder of its own."""

    command: list[str]
    port: int
    corpora: Path

    def __call__(self, *arguments: str, timeout: float = 900) -> str:
        """Run a Compose command and return what it printed; raise when it fails."""
        return _run(
            [*self.command, "-p", PROJECT, "-f", str(ROOT / "docker-compose.yml"), *arguments],
            timeout,
            {"PORT": str(self.port), "CORPORA": str(self.corpora)},
        )

    def container(self, service: str) -> str:
        """Return the id of the service's container."""
        return self("ps", "-q", service).strip()

    def execute(self, service: str, *command: str) -> str:
        """Run a command in the service's container and return what it printed."""
        return _run(["docker", "exec", self.container(service), *command], 60).strip()

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

        if not _eventually(ready, seconds):
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


def main() -> int:
    """Return 0 when everything held or nothing could be tried."""
    command, reason = _find_compose()
    if not command:
        print(f"SKIPPED: {reason}")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` tidies up
    print(f"{' '.join(command)}: {_run([*command, 'version'], 30).splitlines()[0]}", flush=True)
    tally = Tally()
    with tempfile.TemporaryDirectory() as corpora:
        Path(corpora).chmod(0o755)  # the training job is another user
        _try_all(Compose(command, _free_port(), Path(corpora)), tally)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


def _try_all(compose: Compose, tally: Tally) -> None:
    try:
        compose("down", "--volumes", "--remove-orphans")
        for part in (_serving, _caching, _training, _interrupting, _without_redis):
            print(part.__doc__, flush=True)
            part(compose, tally)
    except (OSError, LookupError, RuntimeError, subprocess.SubprocessError) as error:
        tally.check("nothing went wrong", False, str(error))
    finally:
        compose("down", "--volumes", "--remove-orphans")


def _serving(compose: Compose, tally: Tally) -> None:
    """Build, start and ask."""
    compose("build", "service", "proxy")
    compose("up", "-d")
    print(f"  ready after {compose.wait_until_ready():.1f} s", flush=True)

    text = compose.generate(seed="ROMEO:", temperature=0.5, length=100).body["text"]
    tally.check("/generate answers with as much text as was asked for", len(text) == 100, text)

    _surviving_slow_clients(compose, tally)

    user = compose.execute("service", "python", "-c", "import os; print(os.getuid())")
    tally.check(f"the service runs as user {USER}", user == USER, user)
    spec = "import importlib.util as i; print(i.find_spec('tensorflow'))"
    found = compose.execute("service", "python", "-c", spec)
    tally.check("the service's image holds no TensorFlow", found == "None", found)

    def health() -> str:
        form = ["--format", "{{.State.Health.Status}}"]
        return _run(["docker", "inspect", *form, compose.container("service")], 30).strip()

    healthy = _eventually(lambda: health() == "healthy", 40)
    tally.check("the engine calls the service healthy", healthy, health())


def _surviving_slow_clients(compose: Compose, tally: Tally) -> None:
    body = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
    with ExitStack() as stack:
        for sent in (b"", b"GET /hea", body) * 133:
            client = socket.create_connection(("127.0.0.1", compose.port), timeout=10)
            stack.enter_context(client).sendall(sent)
        alive = compose.ask("/healthz")
        tally.check("400 slow clients do not stop /healthz", alive.status == 200, alive)
        text = compose.generate(seed="ROMEO:", length=100).body["text"]
        tally.check("nor a generation", len(text) == 100, text)


def _caching(compose: Compose, tally: Tally) -> None:
    """Ask twice: the second answer comes out of Redis."""
    request: dict[str, Any] = {"seed": "JULIET:", "temperature": 0.7, "length": 80}
    first, second = compose.generate(**request), compose.generate(**request)
    tally.check("a new request is a miss", first.headers["X-Cache"] == "miss", first)
    tally.check("a repeated one is a hit", second.headers["X-Cache"] == "hit", second)
    tally.check("with the same text", second.body["text"] == first.body["text"], second.body)

    keys = int(compose.execute("redis", "redis-cli", "dbsize"))
    tally.check("Redis holds it", keys > 0, keys)
    compose("restart", "service")
    compose.wait_until_ready()
    third = compose.generate(**request)
    tally.check("it is a hit after a restart", third.headers["X-Cache"] == "hit", third)
    tally.check("and still the same text", third.body["text"] == first.body["text"], third.body)

    for name, value in (
        ("maxmemory-policy", "allkeys-lru"),
        ("maxmemory", str(128 * 2**20)),
        ("save", ""),
        ("appendonly", "no"),
    ):
        reply = compose.execute("redis", "redis-cli", "config", "get", name).splitlines()
        found = reply[1] if len(reply) > 1 else ""
        tally.check(f"Redis runs with {name} {value or 'off'}", found == value, found)
    form = ["--format", "{{.HostConfig.Memory}}"]
    limit = int(_run(["docker", "inspect", *form, compose.container("redis")], 30))
    tally.check("Redis has a memory limit", limit > 0, limit)


def _training(compose: Compose, tally: Tally) -> None:
    """Train a model on a text of our own, restart the service and ask for it by name."""
    words = random.Random(1).choices(["der", "Käse", "rollt", "über", "die", "Brücke\n"], k=4000)
    (compose.corpora / "tiny.txt").write_text(" ".join(words), encoding="utf-8")
    compose("build", "training")
    began = time.monotonic()
    report = compose("run", "--rm", "-T", *_job("tiny", TINY))
    print(f"  trained in {time.monotonic() - began:.0f} s", flush=True)
    tally.check("the training job publishes version 1", "tiny@1" in report, report)
    compared = compose("run", "--rm", "-T", "training", "compare", "tiny@1")
    tally.check("which can be compared", "validation_nats" in compared, compared)
    shell = ("run", "--rm", "-T", "--entrypoint", "python", "training")
    listed = compose(*shell, "-m", "model_store", "list")
    tally.check("and listed", "tiny " in listed, listed)

    compose("restart", "service")
    compose.wait_until_ready()
    answer = compose.generate(seed="der ", model="tiny", length=50)
    named = (answer.body["model"], answer.body["version"])
    tally.check("the service answers with it after a restart", named == ("tiny", 1), named)
    strange = set(answer.body["text"]) - set(" ".join(words))
    tally.check("in the alphabet of its text", not strange, strange)


def _interrupting(compose: Compose, tally: Tally) -> None:
    """Stop a training in its container; another one goes on with it."""
    job = _job("endless", TINY | {"epochs": 100_000})

    def heard(container: str, line: str) -> bool:
        return _eventually(lambda: line in _run(["docker", "logs", container], 30), 90)

    containers: list[str] = []
    try:
        for line in ("epoch 2:", "going on from epoch"):
            containers += compose("run", "-d", *job).split()[-1:]
            tally.check(f"it says {line!r}", heard(containers[-1], line))
            _run(["docker", "stop", "--time", "60", containers[-1]], 90)
            form = ["--format", "{{.State.ExitCode}}"]
            status = _run(["docker", "inspect", *form, containers[-1]], 30).strip()
            tally.check("stopped, it ends by itself", status == "130", status)
    finally:
        _run(["docker", "rm", "--force", *containers], 60)


def _without_redis(compose: Compose, tally: Tally) -> None:
    """Take Redis away and bring it back: that costs hits, not requests."""
    request: dict[str, Any] = {"seed": "HAMLET:", "temperature": 0.7, "length": 60}
    first = compose.generate(**request)
    compose("stop", "redis")
    without = compose.generate(**request)
    same = without.body["text"] == first.body["text"]
    tally.check("without Redis it still answers, with the same text", same, without.body)
    ready = compose.ask("/readyz")
    tally.check("and is ready", ready.status == 200, ready)

    compose("start", "redis")
    hit = _eventually(lambda: compose.generate(**request).headers["X-Cache"] == "hit", 30)
    tally.check("once Redis is back there are hits again", hit)


def _job(name: str, settings: dict[str, Any]) -> list[str]:
    """Return what `docker-compose run` takes to train on the tiny text."""
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return ["training", "--corpus", "/corpora/tiny.txt", "--name", name, *words]


def _find_compose() -> tuple[list[str], str]:
    """Return the Compose command to use, or none and why."""
    if ENGINE_SCRIPT.exists() and os.geteuid() == 0:
        print(f"starting the engine with {os.path.relpath(ENGINE_SCRIPT, ROOT)} …", flush=True)
        _run(["bash", str(ENGINE_SCRIPT)], 900)
    if shutil.which("docker") is None:
        return [], "there is no docker command"
    if not _works(["docker", "info"]):
        return [], "no Docker engine answers this user"
    if "COMPOSE" in os.environ:
        return shlex.split(os.environ["COMPOSE"]), ""
    for command in (["docker-compose"], ["docker", "compose"]):
        if _works([*command, "version"]):
            return command, ""
    return [], "there is neither docker-compose nor docker compose"


def _works(command: list[str]) -> bool:
    try:
        _run(command, 30)
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return False
    return True


def _run(command: list[str], timeout: float, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | (environment or {}),
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{said}")
    return done.stdout


def _eventually(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
