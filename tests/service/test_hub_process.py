"""The service survives its hub and its workers, and the hub never survives the service."""

import json
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import psutil
import pytest

from tests.factories import publish_random_model
from tests.servers import Service, freeze, serving, wait_until

SEEDS = range(8)


@pytest.fixture
def running(store: Path, tmp_path: Path) -> Iterator[Service]:
    """A service of two workers, which share a hub."""
    with serving(tmp_path / "log", store=store, model="deep", workers=2) as service:
        wait_until(lambda: len(service.family()[1]) == 2, "both workers")
        yield service


def _texts(service: Service, length: int = 3_000) -> list[str]:
    """The texts of eight random seeds, computed at once and not cached."""

    def text(seed: int) -> str:
        no_store = {"Cache-Control": "no-store"}
        answer = service.generate(no_store, seed="a", length=length, random_seed=seed)
        assert answer.status == 200, answer.json
        given: str = answer.json["text"]
        return given

    with ThreadPoolExecutor(len(SEEDS)) as pool:
        return list(pool.map(text, SEEDS))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_text_is_the_same_with_any_number_of_workers(
    running: Service, store: Path, tmp_path: Path, workers: int
) -> None:
    """The number of workers changes no text, and the workers share one hub."""
    expected = _texts(running, 300)
    with serving(tmp_path / "other", store=store, model="deep", workers=workers) as other:
        wait_until(lambda: len(other.family()[1]) == workers, "every worker")
        assert _texts(other, 300) == expected


def test_workers_share_the_cache_and_the_flights(running: Service) -> None:
    """Equal requests are drawn once and then known, whichever worker answers."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: running.generate(seed="a", length=2_000), range(8)))
    assert len({answer.json["text"] for answer in answers}) == 1
    assert running.metric("charloom_generated_characters_total") == 2_000
    for _ in range(8):
        assert running.generate(seed="a", length=2_000).headers["x-cache"] == "hit"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_lost_hub_is_a_pause(running: Service, how: signal.Signals) -> None:
    """What was running when the hub was lost is drawn again: clients see the same text, and no error."""
    expected = _texts(running)
    first = running.family()[0]
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(_texts, running)
        wait_until(lambda: running.metric("charloom_running") == len(SEEDS), "the generations")
        first.send_signal(how)
        assert pending.result() == expected
    assert running.family()[0] != first
    assert running.metric("charloom_running") == running.metric("charloom_waiting") == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_service_without_a_hub_is_not_ready(running: Service, how: signal.Signals) -> None:
    """`/readyz` says 503 while the hub is dead or frozen, and 200 as soon as the next hub answers."""
    running.family()[0].send_signal(how)
    wait_until(lambda: running.get("/readyz").status == 503, "an unready service")
    wait_until(lambda: running.get("/readyz").status == 200, "a ready service")
    assert running.generate(seed="a", length=3).status == 200


@pytest.mark.slow
def test_a_paused_service_goes_on(running: Service) -> None:
    """A service that was paused as a whole, as a container can be, keeps its processes, cache and streams."""
    known = running.generate(seed="b", length=300).json["text"]
    expected = running.generate({"Cache-Control": "no-store"}, seed="a", length=9_000).json["text"]
    stream = running.stream({"Cache-Control": "no-store"}, seed="a", length=9_000)
    master, (hub, workers) = psutil.Process(running.process.pid), running.family()
    for process in (master, *workers, hub):
        freeze(process)
    sleep(11)  # longer than any of the processes may be silent
    for process in (master, *workers, hub):
        process.resume()
    assert stream.text() == expected
    sleep(2)
    assert running.family() == (hub, workers)
    again = running.generate(seed="b", length=300)
    assert (again.json["text"], again.json["cached"]) == (known, True)


def test_a_stream_goes_on_where_the_hub_was_lost(running: Service) -> None:
    """A stream pauses when its hub is killed, and then goes on without a character twice."""
    expected = running.generate({"Cache-Control": "no-store"}, seed="a", length=5_000).json["text"]
    stream = running.stream({"Cache-Control": "no-store"}, seed="a", length=5_000)
    wait_until(lambda: running.metric("charloom_running") == 1, "the stream")
    running.family()[0].kill()
    assert stream.text() == expected


def test_no_text_goes_on_with_replaced_files(tmp_path: Path) -> None:
    """A stream whose files were replaced when its hub died ends with an error; the last good version answers."""
    for root, seed in (("store", 1), ("store", 2), ("other", 3)):
        publish_random_model(tmp_path / root, "live", layers=3, units=256, seed=seed)
    with serving(tmp_path / "log", store=tmp_path / "store", model="live") as service:
        stream = service.stream(seed="a", length=10_000)
        next(events := iter(stream))
        graph = tmp_path / "store" / "live" / "2" / "model.int8.onnx"
        shutil.copy(tmp_path / "other" / "live" / "1" / "model.int8.onnx", graph)
        service.family()[0].kill()
        *_, (event, problem) = events
        stream.close()
        named = service.generate(seed="a", length=3)
        numbered = service.generate(seed="a", length=3, model="live@2")
    assert (event, problem["code"]) == ("error", "engine_failed")
    assert "files were replaced" in problem["detail"]
    assert (named.status, named.json["version"]) == (200, 1)
    assert (numbered.status, numbered.json["code"]) == (503, "model_unavailable")


def test_a_lost_worker_takes_only_its_own_connections(running: Service) -> None:
    """A worker that is killed costs its own clients their answers, and nothing of it goes on."""
    expected = _texts(running, 50)
    hub, (lost, staying) = running.family()
    streams = [running.stream(seed="a", length=10_000, random_seed=n) for n in SEEDS]
    wait_until(lambda: running.metric("charloom_running") == len(SEEDS), "the streams")
    lost.kill()
    wait_until(lambda: len(running.family()[1]) == 2, "the successor")
    for stream in streams:
        stream.close()
    wait_until(lambda: running.metric("charloom_running") == 0, "the end of every stream")
    assert running.family()[0] == hub
    assert staying.is_running()
    assert _texts(running, 50) == expected


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_hub_ends_with_its_service(store: Path, tmp_path: Path, how: signal.Signals) -> None:
    """No hub and no worker is left, whether the service is stopped or killed."""
    service = Service(tmp_path / "log", store=store, model="tiny")
    hub, workers = service.family()
    service.process.send_signal(how)
    service.process.wait(30)
    psutil.wait_procs([hub, *workers], timeout=30)
    assert not any(process.is_running() for process in (hub, *workers))
    service.stop()


def test_interrupt_at_the_terminal_lets_generations_end(store: Path, tmp_path: Path) -> None:
    """Ctrl-C reaches the whole process group, and the engine outlives it until all is answered."""
    running = Service(tmp_path / "log", store=store, model="deep")
    engine, _ = running.family()
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
    assert "is no step graph" in failure["exception"]
