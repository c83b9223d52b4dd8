"""Servers in processes of their own, each on a free port, and the store of the random model."""

import http.client
import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import onnx
import psutil

from benchmarks.http.programs import Program
from benchmarks.weights import LAYERS, SYMBOLS, UNITS, random_weights
from model_store import Architecture, Corpus, ModelDescription, ModelStore, Vocabulary, contents
from training.frozen.graph import step_graph

MODEL = "random"
START_SECONDS = 60
STOP_SECONDS = 60
MEGABYTE = 1_000_000
BUSY = re.compile(r"^charloom_(running|waiting)(\{.*\})? [1-9]", re.MULTILINE)


class Server:
    """A running server; `seconds_to_ready` counts from before the creation of the process."""

    def __init__(self, program: Program) -> None:
        self.wire = program.wire
        self.port = _free_port()
        self._ready_path = program.ready
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        start = monotonic()
        self._process = subprocess.Popen(
            [part.format(port=self.port) for part in program.command],
            env=environment | {**program.environment, "PORT": str(self.port)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        while not self._ready():
            if self._process.poll() is not None or monotonic() > start + START_SECONDS:
                self._give_up(program.command)
            sleep(0.005)
        self.seconds_to_ready = monotonic() - start

    @property
    def url(self) -> str:
        """The address of the route that writes texts."""
        return f"http://127.0.0.1:{self.port}{self.wire.path}"

    def wait_until_idle(self) -> None:
        """Wait until no generation runs or waits; a server without charloom's metrics is not asked."""
        deadline = monotonic() + START_SECONDS
        while BUSY.search(self._get("/metrics")[1]):
            if monotonic() > deadline:
                raise RuntimeError("the service goes on generating for nobody")
            sleep(0.01)

    def memory(self) -> dict[str, float]:
        """Return the megabytes of all processes of the server, as RSS, PSS and USS.

        RSS counts a shared page in each process, PSS divides the page among them.
        """
        family = [process.memory_full_info() for process in self._family()]
        return {
            kind: sum(getattr(one, kind.lower()) for one in family) / MEGABYTE
            for kind in ("RSS", "PSS", "USS")
        }

    def counted(self, metric: str) -> float:
        """Return a metric of charloom, summed over its labels."""
        lines = re.findall(rf"^{metric}(?:\{{.*\}})? (\S+)", self._get("/metrics")[1], re.MULTILINE)
        return sum(map(float, lines))

    def processor_seconds(self) -> tuple[float, float]:
        """Return the processor time of charloom's hub, and that of its other processes."""
        hub = others = 0.0
        for process in self._family():
            times = process.cpu_times()
            if "service.hub.process" in process.cmdline():
                hub += times.user + times.system
            else:
                others += times.user + times.system
        return hub, others

    def stop(self) -> None:
        """Stop the server by SIGTERM, as an operator does, and kill what does not end."""
        family = self._family()
        self._process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, STOP_SECONDS)
        for process in alive:
            process.kill()
        self._process.wait()
        self._log.close()

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def _ready(self) -> bool:
        try:
            return self._get(self._ready_path)[0] == 200
        except OSError:
            return False

    def _give_up(self, command: list[str]) -> None:
        self._process.kill()
        self._log.seek(0)
        said = self._log.read().decode(errors="replace")[-2000:]
        raise RuntimeError(f"no answer from {command}:\n{said}")

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


@contextmanager
def running(program: Program) -> Iterator[Server]:
    """Run a server inside the context."""
    server = Server(program)
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
