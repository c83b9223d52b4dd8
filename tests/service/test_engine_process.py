"""The service survives its engine's process, and the process never survives the service."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import psutil

from tests.factories import publish_random_model
from tests.servers import Service, serving, wait_until


def _engines(service: Service) -> list[psutil.Process]:
    family = psutil.Process(service.process.pid).children(recursive=True)
    return [process for process in family if "service.engine.process" in process.cmdline()]


def test_killed_engine_fails_what_runs_and_is_replaced(store: Path, tmp_path: Path) -> None:
    """An engine that is killed fails its generations with 500; the next request starts another."""
    with serving(tmp_path / "log", store=store, model="deep") as running:
        expected = running.generate(seed="a", length=50).json["text"]
        with ThreadPoolExecutor(4) as pool:
            pending = [
                pool.submit(running.generate, seed="a", length=10_000, random_seed=n)
                for n in (1, 2, 3)
            ]
            wait_until(lambda: running.metric("charloom_running") == 3, "the generations to run")
            _engines(running)[0].kill()
            answers = [future.result() for future in pending]
        codes = {(answer.status, answer.json["code"]) for answer in answers}
        assert codes == {(500, "engine_failed")}
        again = running.generate({"Cache-Control": "no-store"}, seed="a", length=50)
        assert again.json["text"] == expected
        assert len(_engines(running)) == 1


def test_engine_ends_with_its_service(store: Path, tmp_path: Path) -> None:
    """No engine is left, whether the service is stopped or killed."""
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        running = Service(tmp_path / "log", store=store, model="tiny")
        (engine,) = _engines(running)
        worker = engine.parent()
        assert worker is not None
        running.process.send_signal(signal_)
        worker.send_signal(signal_)
        running.process.wait(30)
        wait_until(lambda engine=engine: not engine.is_running(), "the engine to end")
        running.stop()


def test_interrupt_at_the_terminal_lets_generations_end(store: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches the whole process group, and the engine outlives it until all is answered."""
    running = Service(tmp_path / "log", store=store, model="deep")
    (engine,) = _engines(running)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(running.generate, seed="a", length=8_000)
        wait_until(lambda: running.metric("charloom_running") == 1, "the generation to run")
        engine.send_signal(signal.SIGINT)
        sleep(0.1)
        assert running.stop() == 0
        assert pending.result().status == 200


def test_model_that_cannot_be_opened(tmp_path: Path) -> None:
    """A version whose graph cannot be parsed is a 503 with the reason in the log; others still answer."""
    publish_random_model(tmp_path, "good")
    publish_random_model(tmp_path, "bad", graph=b"not a graph")
    running = Service(tmp_path / "log", store=tmp_path, model="good")
    answer = running.generate(seed="a", model="bad")
    assert (answer.status, answer.json["code"]) == (503, "model_unavailable")
    assert running.generate(seed="a", length=3).status == 200
    assert running.stop() == 0
    lines = map(json.loads, (tmp_path / "log").read_text(encoding="utf-8").splitlines())
    (failure,) = [line for line in lines if line["message"] == "the engine cannot be started"]
    assert "Protobuf parsing failed" in failure["exception"]
