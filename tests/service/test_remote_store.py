"""The service with its models on S3."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from model_store import ModelStore
from tests.factories import publish_random_model
from tests.other_servers import S3Server
from tests.places import Place
from tests.ports import free_port
from tests.servers import ROOT, Service, serving, wait_until


@pytest.fixture
def address(s3: S3Server) -> str:
    """A store on S3 with one model, `live`."""
    address = f"{s3.new_bucket()}/some/models"
    publish_random_model(address, "live")
    return address


def _running(
    address: str, s3: S3Server, folder: Path, **settings: Any
) -> AbstractContextManager[Service]:
    """Run a service on that store that looks at it often; its copies are in `copies`."""
    environment = s3.environment | {"XDG_CACHE_HOME": str(folder / "copies")}
    settings |= {"store": address, "model": "live", "reload_seconds": 0.1}
    return serving(folder / "log", environment=environment, **settings)


@pytest.fixture
def service(address: str, s3: S3Server, tmp_path: Path) -> Iterator[Service]:
    """A service on that store."""
    with _running(address, s3, tmp_path) as service:
        yield service


def _version(service: Service) -> int:
    version: int = service.generate(seed="a", length=3).json["version"]
    return version


def test_a_model_on_s3_answers(service: Service, address: str, tmp_path: Path) -> None:
    """Text is as from a folder, and nothing was fetched but graph and vocabulary."""
    publish_random_model(tmp_path / "folder", "live")
    with serving(tmp_path / "other-log", store=tmp_path / "folder", model="live") as local:
        expected = local.generate(seed="To be", length=50).json
    assert service.generate(seed="To be", length=50).json == expected
    fetched = {path.name for path in (tmp_path / "copies").rglob("*") if path.is_file()}
    assert fetched == {"model.int8.onnx", "vocabulary.json"}
    assert "live" in {model["name"] for model in service.get("/models").json["models"]}


def test_a_new_version_on_s3_goes_live(service: Service, address: str) -> None:
    """A version that is published there, and an alias that is moved there, are followed."""
    assert _version(service) == 1
    publish_random_model(address, "live", seed=2)
    wait_until(lambda: _version(service) == 2, "the new version")
    ModelStore(address).aliases("live").set("production", 1)
    wait_until(lambda: _version(service) == 1, "the alias")


def test_an_archived_object_hides_no_other_model(service: Service, address: str) -> None:
    """The model of an object that cannot be read is a fault in the list; other models go on and are followed."""
    publish_random_model(address, "other")
    Place(address).archive("other/1/manifest.json")
    assert service.generate(seed="a", length=3, model="other").status == 503
    listed = service.get("/models").json
    assert "live" in {model["name"] for model in listed["models"]}
    (fault,) = listed["faults"]
    assert fault["model"] == "other"
    assert "other/1/manifest.json cannot be read" in fault["problem"]
    publish_random_model(address, "live", seed=2)
    wait_until(lambda: _version(service) == 2, "the new version")


@pytest.mark.slow
def test_what_is_loaded_outlives_the_store(
    service: Service, address: str, s3: S3Server, tmp_path: Path
) -> None:
    """While S3 does not answer the loaded model does; the log says so once; then all goes on."""
    log = tmp_path / "log"
    s3.freeze()
    try:
        wait_until(lambda: "what is loaded goes on" in log.read_text(), "the warning")
        assert _version(service) == 1
        assert service.get("/readyz").status == 200
    finally:
        s3.thaw()
    publish_random_model(address, "live", seed=2)
    wait_until(lambda: _version(service) == 2, "the new version")
    assert log.read_text().count("what is loaded goes on") == 1


def test_a_worker_lost_while_the_store_is_away_costs_only_itself(
    address: str, s3: S3Server, tmp_path: Path
) -> None:
    """The other worker goes on; the successor says 503, and is ready by itself when S3 is back."""
    with _running(address, s3, tmp_path, workers=2) as service:

        def statuses() -> set[int]:
            return {service.get("/readyz").status for _ in range(20)}

        log = tmp_path / "log"
        wait_until(lambda: log.read_text().count("answers by default") == 2, "both workers")
        s3.stop()
        try:
            service.family()[1][0].kill()
            log = tmp_path / "log"
            wait_until(
                lambda: "not ready before the default model is" in log.read_text(), "the successor"
            )
            wait_until(lambda: statuses() == {200, 503}, "answers of both")
        finally:
            s3.start()
        s3.new_bucket(address.split("/")[2])
        publish_random_model(address, "live")
        wait_until(lambda: statuses() == {200}, "answers of a loaded model")


def test_a_store_that_cannot_be_reached_is_named_at_the_start() -> None:
    """Where nothing answers the service does not start: one line with the setting, status 2."""
    keys = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret"}
    nowhere = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "CHARLOOM_STORE": "s3://x"}
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env=os.environ | keys | nowhere | {"PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("service: CHARLOOM_STORE: the store s3://x cannot be reached (")
    assert done.stderr.count("\n") == 1
