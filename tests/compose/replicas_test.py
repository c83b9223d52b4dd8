"""deploy/replicas, run for real: 64 texts survive a killed, a stopped and a restarted replica."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.compose.engine import eventually, run
from tests.compose.project import Compose, Tally
from tests.compose.resuming import Reader

TEXTS, LENGTH = 64, 10_000
MODEL = "book"
# Two versions with different weights, so that a text of the wrong version is another text.
VERSIONS = ("shakespeare", "faust")
PUBLISH = """
import shutil, sys, tempfile
from pathlib import Path
from model_store import BUNDLED, ModelStore
name, source = sys.argv[1:]
bundled = ModelStore(BUNDLED)
model = bundled.open(*bundled.resolve(source))
with tempfile.TemporaryDirectory() as folder:
    for path in model.manifest.files:
        shutil.copy(model.file(path), folder)
    print(ModelStore("/models").publish(name, Path(folder), model.manifest).version)
"""
ASK = """
import json, sys, urllib.request
answers = []
for path, body in json.loads(sys.argv[1]):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request("http://127.0.0.1:8000" + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    answers.append((answer.headers["X-Cache"], text))
print(json.dumps(answers))
"""


@dataclass
class Readers:
    """Clients that read 64 texts at once."""

    port: int
    model: str
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.all = [
            Reader(self.port, _fields(number) | {"model": self.model}, dict(self.headers))
            for number in range(TEXTS)
        ]

    def read(self) -> list[str]:
        """Read all texts and return them."""
        with ThreadPoolExecutor(TEXTS) as pool:
            for reading in [pool.submit(reader.read) for reader in self.all]:
                reading.result()
        return [reader.text for reader in self.all]

    def wait_for(self, share: float) -> None:
        """Wait until every text has begun, and a share of all characters has arrived."""

        def arrived() -> bool:
            lengths = [len(reader.text) for reader in self.all]
            return min(lengths) > 0 and sum(lengths) >= share * TEXTS * LENGTH

        if not eventually(arrived, 300):
            raise TimeoutError(f"{share:.0%} of the texts did not arrive in 300 s")

    @property
    def unfinished(self) -> int:
        """The number of texts that are still being read."""
        return sum(not reader.done for reader in self.all)


def try_replicas(compose: Compose, tally: Tally) -> None:
    """Three replicas behind one proxy: killed, stopped and restarted while 64 texts are read."""
    print(try_replicas.__doc__, flush=True)
    compose("build", "service", "proxy")
    compose("up", "-d")
    compose.wait_until_ready()
    replicas = compose.containers("service")
    tally.check("there are three replicas", len(replicas) == 3, replicas)
    for replica in replicas:
        _wait_until(partial(_serves, compose, replica), "a replica serves")
    _publish(replicas[0], VERSIONS[0])
    _wait_until(lambda: all(_version(each) == 1 for each in replicas), "all know the model")

    undisturbed = Readers(compose.port, f"{MODEL}@1", {"Cache-Control": "no-store"}).read()
    readers = Readers(compose.port, MODEL)
    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(readers.read)
        for change in _disturb(compose, replicas, readers, tally, pool):
            change.result()
        texts = reading.result()
    run(["docker", "start", *replicas], 30)
    _judge(readers, texts, undisturbed, tally)
    _share(replicas, texts, tally)


def _disturb(
    compose: Compose, replicas: list[str], readers: Readers, tally: Tally, pool: ThreadPoolExecutor
) -> list[Future[str]]:
    """Kill one replica, stop another and restart the third; return the two that are still ending."""
    killed, stopped, restarted = replicas
    readers.wait_for(0.05)
    run(["docker", "kill", killed], 30)
    run(["docker", "start", killed], 30)
    readers.wait_for(0.15)
    tally.check("a replica is stopped while texts are read", readers.unfinished > 0)
    stopping = pool.submit(run, ["docker", "stop", "--time", "320", stopped], 330)
    _wait_until(partial(_serves, compose, killed), "the killed replica serves again")
    version = _publish(killed, VERSIONS[1])
    tally.check("a version is published meanwhile", version == 2, version)
    tally.check("a replica is restarted while texts are read", readers.unfinished > 0)
    restarting = pool.submit(run, ["docker", "restart", "--time", "320", restarted], 330)
    return [stopping, restarting]


def _judge(readers: Readers, texts: list[str], undisturbed: list[str], tally: Tally) -> None:
    lost = sum(reader.lost for reader in readers.all)
    print(f"  {lost} connections were lost and their texts resumed", flush=True)
    tally.check("the killed replica cost connections", lost > 0, lost)
    refused = [status for reader in readers.all for status in reader.refused]
    tally.check("no request was refused", not refused, refused)
    whole = {len(text) for text in texts}
    tally.check(f"all {TEXTS} texts are complete", whole == {LENGTH}, whole)
    different = [number for number in range(TEXTS) if texts[number] != undisturbed[number]]
    tally.check("and equal to those of a run without faults", not different, different)


def _share(replicas: list[str], texts: list[str], tally: Tally) -> None:
    """Every replica has every text in the cache, and answers with the new version."""
    _wait_until(lambda: all(_version(each) == 2 for each in replicas), "all have the new version")
    for replica in replicas:
        asked = [("/generate", _fields(n) | {"model": f"{MODEL}@1"}) for n in range(TEXTS)]
        answers = [(hit, json.loads(body)["text"]) for hit, body in _ask(replica, asked)]
        misses = [hit for hit, _ in answers if hit != "hit"]
        tally.check("a replica finds every text in the cache", not misses, misses)
        tally.check("with the same characters", [text for _, text in answers] == texts)


def _fields(number: int) -> dict[str, Any]:
    return {"seed": "A book: ", "length": LENGTH, "random_seed": number}


def _publish(replica: str, source: str) -> int:
    """Publish a bundled model as the next version of MODEL, from within a replica; return the version."""
    return int(run(["docker", "exec", replica, "python", "-c", PUBLISH, MODEL, source], 60))


def _ask(
    replica: str, requests: Sequence[tuple[str, dict[str, Any] | None]]
) -> list[tuple[str, str]]:
    """Send requests to one replica, past the proxy; return X-Cache and body of each answer."""
    command = ["docker", "exec", replica, "python", "-c", ASK, json.dumps(requests)]
    answers: list[tuple[str, str]] = json.loads(run(command, 120))
    return answers


def _version(replica: str) -> int | None:
    """Return which version of MODEL a replica answers with, if any."""
    request = {"seed": "", "model": MODEL, "length": 1}
    try:
        ((_, body),) = _ask(replica, [("/generate", request)])
    except RuntimeError:
        return None
    version: int = json.loads(body)["version"]
    return version


def _serves(compose: Compose, replica: str) -> bool:
    """Send a request through the proxy; return whether the replica has had a request for a text."""
    compose.generate(seed="", length=1)
    try:
        ((_, metrics),) = _ask(replica, [("/metrics", None)])
    except RuntimeError:
        return False
    return any(
        line.startswith("charloom_requests_total") and '"/generate"' in line
        for line in metrics.splitlines()
    )


def _wait_until(holds: Callable[[], bool], sentence: str) -> None:
    if not eventually(holds, 120):
        raise TimeoutError(f"not within 120 s: {sentence}")
