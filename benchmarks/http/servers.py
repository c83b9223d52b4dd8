"""The real service and the empty application, each under gunicorn on a port of its own."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import onnx

from benchmarks.weights import LAYERS, SYMBOLS, UNITS, random_weights
from model_store import Architecture, Corpus, ModelDescription, ModelStore, Vocabulary, contents
from training.frozen.graph import step_graph

MODEL = "random"
SERVICE = ["-m", "service"]
# The service's own gunicorn configuration around another application.
EMPTY = [
    "-m",
    "gunicorn",
    "--config",
    "python:service.gunicorn_conf",
    "benchmarks.http.empty_route:app",
]
START_SECONDS = 60
BUSY = re.compile(r"^charloom_(running|waiting)(\{.*\})? [1-9]", re.MULTILINE)


class Server:
    """A running server; `seconds_to_ready` counts from before the creation of the process."""

    def __init__(self, command: list[str], **settings: object) -> None:
        self.port = _free_port()
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {f"CHARLOOM_{name.upper()}": str(value) for name, value in settings.items()}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        start = monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env=environment | {"PORT": str(self.port)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        while not self._ready():
            if self.process.poll() is not None or monotonic() > start + START_SECONDS:
                self.process.kill()
                self._log.seek(0)
                raise RuntimeError(f"no answer from {command}: {self._log.read()[-2000:]!r}")
            sleep(0.005)
        self.seconds_to_ready = monotonic() - start

    @property
    def url(self) -> str:
        """The address of `POST /generate`."""
        return f"http://127.0.0.1:{self.port}/generate"

    def wait_until_idle(self) -> None:
        """Wait until no generation runs or waits."""
        deadline = monotonic() + START_SECONDS
        while BUSY.search(self._get("/metrics")[1]):
            if monotonic() > deadline:
                raise RuntimeError("the service goes on generating for nobody")
            sleep(0.01)

    def stop(self) -> None:
        """Stop the server by SIGTERM, as an operator does."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(START_SECONDS)
        self._log.close()

    def _ready(self) -> bool:
        try:
            return self._get("/readyz")[0] == 200
        except OSError:
            return False

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


@contextmanager
def running(command: list[str], **settings: object) -> Iterator[Server]:
    """Run a server inside the context."""
    server = Server(command, **settings)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def random_store() -> Iterator[Path]:
    """Make a store with the random model, which lasts as long as the context."""
    with tempfile.TemporaryDirectory() as folder:
        root, files = Path(folder, "store"), Path(folder, "files")
        files.mkdir()
        onnx.save(step_graph(random_weights(), int8=True), str(files / contents.INT8_GRAPH))
        (files / contents.VOCABULARY).write_text(Vocabulary(SYMBOLS).to_json(), encoding="utf-8")
        ModelStore(root).publish(MODEL, files, _description())
        yield root


def _description() -> ModelDescription:
    symbols = len(SYMBOLS)
    return ModelDescription(
        architecture=Architecture(cell="lstm", layers=LAYERS, units=UNITS, embedding=symbols),
        vocabulary_size=symbols,
        corpus=Corpus(name="none", sha256="0" * 64, characters=1),
        training={},
        libraries={},
        metrics={},
        git_commit=None,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
