"""New versions and moved aliases go live while the service runs."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from threading import Event
from typing import Any

from model_store import LayeredStore, ModelStore
from service.hub.keeper import WatchedKeeper
from service.hub.worker.client import HubClient
from service.models.registry import Models
from service.settings import Settings
from service.telemetry import Telemetry
from tests.factories import publish_random_model
from tests.servers import Service, serving, wait_until


def _running(tmp_path: Path, **settings: Any) -> AbstractContextManager[Service]:
    return serving(tmp_path / "log", store=tmp_path / "store", model="live", **settings)


def _version(service: Service, model: str = "live") -> int:
    version: int = service.generate(seed="a", length=3, model=model).json["version"]
    return version


def test_a_published_version_goes_live_under_load(tmp_path: Path) -> None:
    """No request fails while versions are exchanged, and the newest answers in the end."""
    publish_random_model(tmp_path / "store", "live")
    done = Event()

    def client(number: int) -> list[int]:
        statuses: list[int] = []
        while not done.is_set():
            asked = service.generate(seed="load", length=50, random_seed=number + len(statuses))
            statuses.append(asked.status)
        return statuses

    with _running(tmp_path, reload_seconds=0.1) as service, ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(client, 1_000_000 * number) for number in range(4)]
        for version in (2, 3):
            publish_random_model(tmp_path / "store", "live", seed=version)
            wait_until(lambda version=version: _version(service) == version, "the new version")
        done.set()
        statuses = {status for one in clients for status in one.result()}
    assert statuses == {200}


def test_a_running_generation_ends_on_the_model_it_began_with(tmp_path: Path) -> None:
    """A stream that was open at the exchange has the old model's text to its end."""
    publish_random_model(tmp_path / "store", "live", layers=3, units=256)
    with _running(tmp_path, reload_seconds=0.1) as service:
        stream = service.stream(seed="a", length=10_000)
        _, first = next(iter(stream))
        publish_random_model(tmp_path / "store", "live", seed=2)
        wait_until(lambda: _version(service) == 2, "the new version")
        text = first["text"] + stream.text()
        old = service.generate(
            {"Cache-Control": "no-store"}, seed="a", length=10_000, model="live@1"
        )
    assert len(text) == 10_000
    assert text == old.json["text"]


def test_sighup_looks_at_the_store_at_once(tmp_path: Path) -> None:
    """SIGHUP to the master follows a moved alias; no worker is replaced."""
    for seed in range(2):
        publish_random_model(tmp_path / "store", "live", seed=seed)
    aliases = ModelStore(tmp_path / "store").aliases("live")
    aliases.set("production", 2)
    with _running(tmp_path, reload_seconds=3600) as service:
        workers = service.family()
        assert _version(service) == 2
        aliases.set("production", 1)
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: _version(service) == 1, "the alias")
        assert service.family() == workers


def test_a_damaged_version_is_reported_and_skipped(tmp_path: Path) -> None:
    """The old version goes on serving, and the log says once what is wrong with the new one."""
    publish_random_model(tmp_path / "store", "live")
    aliases = ModelStore(tmp_path / "store").aliases("live")
    aliases.set("production", 1)
    with _running(tmp_path, reload_seconds=0.1) as service:
        publish_random_model(tmp_path / "store", "live", seed=2)
        graph = tmp_path / "store" / "live" / "2" / "model.int8.onnx"
        graph.write_bytes(graph.read_bytes()[:-1] + b"x")
        aliases.set("production", 2)
        log = tmp_path / "log"
        wait_until(lambda: "live: version 1 answers for now" in log.read_text(), "the report")
        publish_random_model(tmp_path / "store", "live", seed=3)
        assert _version(service) == 1
        aliases.set("production", 3)
        wait_until(lambda: _version(service) == 3, "the good version")
    assert log.read_text().count("live: version 1 answers for now") == 1


def test_a_repaired_version_goes_live_after_sighup(tmp_path: Path) -> None:
    """While a version is passed over, /readyz and /models say so; repaired, it answers from SIGHUP on."""
    publish_random_model(tmp_path / "store", "live")
    with _running(tmp_path, reload_seconds=3600) as service:
        publish_random_model(tmp_path / "store", "live", seed=2)
        graph = tmp_path / "store" / "live" / "2" / "model.int8.onnx"
        whole = graph.read_bytes()
        graph.write_bytes(whole[:-1] + b"x")
        service.process.send_signal(signal.SIGHUP)
        problem = "version 1 of live answers for now: GET /models names the fault"
        wait_until(lambda: service.get("/readyz").json.get("problems") == [problem], "the problem")
        listed, page = service.get("/models").json, service.get("/models/live").json
        graph.write_bytes(whole)
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: _version(service) == 2, "the repaired version")
        assert service.get("/readyz").json == {"status": "ready"}
        assert service.get("/models").json["faults"] == []
    assert {model["name"]: model["version"] for model in listed["models"]}["live"] == 1
    (fault,) = listed["faults"]
    assert fault["model"] == "live"
    assert "version 1 answers for now" in fault["problem"]
    assert (page["version"], page["faults"]) == (1, [fault])


def test_a_version_published_while_it_is_looked_for_is_found_next_time(tmp_path: Path) -> None:
    """That there was none a moment ago says nothing against the version that is there now."""

    class PublishedMeanwhile(ModelStore):
        def names(self) -> list[str]:  # asked for when the name was not found
            names = super().names()
            if not names:
                publish_random_model(tmp_path, "live")
            return names

    store = LayeredStore([PublishedMeanwhile(tmp_path)])
    with (
        closing(WatchedKeeper(Settings())) as keeper,
        closing(HubClient(keeper.rendezvous, Telemetry())) as hub,
        closing(Models(store, Settings(model="live"), hub, Telemetry())) as models,
    ):
        models.refresh()
        assert not models.ready
        models.refresh()
        assert models.ready


def test_what_nobody_means_any_more_is_closed(tmp_path: Path) -> None:
    """Engines of old versions end once no request can hold them."""
    publish_random_model(tmp_path / "store", "live")
    with _running(tmp_path, reload_seconds=0.1, deadline=1) as service:
        hub, _ = service.family()
        before = hub.num_threads()
        publish_random_model(tmp_path / "store", "live", seed=2)
        wait_until(lambda: _version(service) == 2, "the new version")
        wait_until(lambda: hub.num_threads() == before, "the old engine's end")


def test_no_more_models_stay_loaded_than_allowed(tmp_path: Path) -> None:
    """The model asked for longest ago leaves memory, never the default, and comes back if asked."""
    for name in ("live", "b", "c"):
        publish_random_model(tmp_path / "store", name)
    with _running(tmp_path, reload_seconds=0.1, deadline=10, max_loaded=2) as service:
        hub, _ = service.family()
        one = hub.num_threads()
        assert _version(service, "b") == 1
        two = hub.num_threads()
        assert two > one
        for name in ("c", "live", "b"):
            assert _version(service, name) == 1
        wait_until(lambda: hub.num_threads() == two, "one engine's end")


def test_only_offered_models_exist(tmp_path: Path) -> None:
    """`CHARLOOM_MODELS` hides all others from requests and from the list."""
    for name in ("live", "b", "c"):
        publish_random_model(tmp_path / "store", name)
    with _running(tmp_path, models="live, b") as service:
        names = [model["name"] for model in service.get("/models").json["models"]]
        assert names == ["b", "live"]
        assert service.generate(seed="a", length=3, model="c").status == 404
        assert service.get("/models/c").status == 404
