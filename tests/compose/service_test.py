"""docker-compose.yml, run for real: served, asked, cached, trained with, and without its Redis."""

import random
import socket
import time
from contextlib import ExitStack
from typing import Any

from tests.compose.engine import eventually, run
from tests.compose.project import Compose, Tally

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


def try_service(compose: Compose, tally: Tally) -> None:
    """Run every part against a project of docker-compose.yml."""
    for part in (_serving, _caching, _training, _interrupting, _without_redis):
        print(part.__doc__, flush=True)
        part(compose, tally)


def _serving(compose: Compose, tally: Tally) -> None:
    """Build, start and ask."""
    compose("build", "service", "proxy")
    compose("up", "-d")
    print(f"  ready after {compose.wait_until_ready():.1f} s", flush=True)

    text = compose.generate(seed="ROMEO:", temperature=0.5, length=100).body["text"]
    tally.check("/generate answers with as much text as was asked for", len(text) == 100, text)

    _surviving_slow_clients(compose, tally)
    _proxying_in_a_pod(tally)

    user = compose.execute("service", "python", "-c", "import os; print(os.getuid())")
    tally.check(f"the service runs as user {USER}", user == USER, user)
    spec = "import importlib.util as i; print(i.find_spec('tensorflow'))"
    found = compose.execute("service", "python", "-c", spec)
    tally.check("the service's image holds no TensorFlow", found == "None", found)

    def health() -> str:
        form = ["--format", "{{.State.Health.Status}}"]
        return run(["docker", "inspect", *form, compose.container("service")], 30).strip()

    healthy = eventually(lambda: health() == "healthy", 40)
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


def _proxying_in_a_pod(tally: Tally) -> None:
    """Start the proxy's image with the user and the variables of the Helm chart."""
    variables = ["SERVICE=127.0.0.1:8001", "PATIENCE=75s", "BEHIND_PROXY=1"]
    options = [word for variable in variables for word in ("--env", variable)]
    check = ["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"]
    confined = ["--rm", "--read-only", "--cap-drop", "ALL", "--user", USER]
    said = run(["docker", "run", *confined, *options, "charloom-proxy", *check], 60)
    tally.check("the proxy takes the chart's variables", "valid" in said, said)


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
    limit = int(run(["docker", "inspect", *form, compose.container("redis")], 30))
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
        return eventually(lambda: line in run(["docker", "logs", container], 30), 90)

    containers: list[str] = []
    try:
        for line in ("epoch 2:", "going on from epoch"):
            containers += compose("run", "-d", *job).split()[-1:]
            tally.check(f"it says {line!r}", heard(containers[-1], line))
            run(["docker", "stop", "--time", "60", containers[-1]], 90)
            form = ["--format", "{{.State.ExitCode}}"]
            status = run(["docker", "inspect", *form, containers[-1]], 30).strip()
            tally.check("stopped, it ends by itself", status == "130", status)
    finally:
        run(["docker", "rm", "--force", *containers], 60)


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
    hit = eventually(lambda: compose.generate(**request).headers["X-Cache"] == "hit", 30)
    tally.check("once Redis is back there are hits again", hit)


def _job(name: str, settings: dict[str, Any]) -> list[str]:
    """Return what `docker-compose run` takes to train on the tiny text."""
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    return ["training", "--corpus", "/corpora/tiny.txt", "--name", name, *words]
