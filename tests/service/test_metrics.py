"""`/metrics` adds up the metrics of all workers."""

import json
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.telemetry import Telemetry
from tests.factories import publish_random_model
from tests.servers import ROOT, Service, serving, wait_until

FORKS = """
import os, sys
import service.gunicorn_conf
if os.fork() == 0:
    sys.exit()
os.wait()
folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
print(folder, os.path.isdir(folder))
"""
DASHBOARD = ROOT / "deploy" / "kubernetes" / "charloom" / "dashboard.json"


@pytest.fixture
def several(tmp_path: Path):
    """A service of three workers."""
    publish_random_model(tmp_path / "store", "tiny")
    with serving(tmp_path / "log", store=tmp_path / "store", model="tiny", workers=3) as service:
        yield service


def test_numbers_are_right_with_several_processes(several: Service) -> None:
    """The metrics of three workers add up, whichever worker answers `/metrics`."""
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(several.generate, seed="abc", length=50, random_seed=seed)
            for seed in range(30)
        ]
        assert {answer.result().status for answer in asked} == {200}
    for _ in range(2):
        assert several.generate(seed="a", length=0).status == 422
    wait_until(several.idle, "the end of every request")

    route = {"method": "POST", "route": "/generate"}
    for _ in range(6):  # one worker or another answers each time
        assert several.metric("charloom_requests_total", **route, status="200") == 30
        assert several.metric("charloom_requests_total", **route, status="422") == 2
        assert several.metric("charloom_request_seconds_count", route="/generate") == 32
        assert several.metric("charloom_seed_characters_total") == 90
        assert several.metric("charloom_text_characters_total") == 1_500
        assert several.metric("charloom_generated_characters_total") == 1_500
        assert several.metric("charloom_cache_requests_total", result="miss") == 30
        for name in ("queue_seconds", "first_character_seconds", "batch_rows"):
            assert several.metric(f"charloom_{name}_count") == 30
        assert several.metric("charloom_running") == several.metric("charloom_waiting") == 0
        assert several.metric("charloom_model_loaded", model="tiny", version="1") == 1


def test_what_a_dead_process_had_under_way_is_gone(several: Service) -> None:
    """A killed worker leaves its counters in the metrics, but no running generation."""
    assert several.generate(seed="abc", length=50).status == 200
    streams = [several.stream(seed="abc", length=10_000, random_seed=n) for n in range(6)]
    _, workers = several.family()
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(worker.is_running() for worker in workers), "their end")
    for stream in streams:
        stream.close()
    wait_until(several.idle, "new processes")
    assert several.metric("charloom_generated_characters_total") >= 50


def test_a_process_that_begins_disturbs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file of a worker that starts is ignored."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "counter_1.db").touch()
    assert Telemetry().text() == b""


def test_metrics_outlive_their_folder(tmp_path: Path, store: Path) -> None:
    """A cleaned folder of metrics leaves a worker its own metrics, which go on counting."""
    with serving(tmp_path / "log", store=store, model="tiny") as service:
        _, (worker,) = service.family()
        files = [Path(each.path) for each in worker.memory_maps()]
        (folder,) = {file.parent for file in files if "charloom-metrics" in str(file)}
        shutil.rmtree(folder)
        assert service.generate(seed="a", length=70).status == 200
        assert service.metric("charloom_text_characters_total") == 70


def test_the_folder_ends_with_its_master() -> None:
    """The folder outlives a worker, and ends with the master however far the start came."""
    command = [sys.executable, "-c", FORKS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    folder, outlived = done.stdout.split()
    assert outlived == "True"
    assert not Path(folder).exists()


def test_cached_characters_are_answered_but_not_generated(service: Service) -> None:
    """A cache hit counts as answered characters, not as generated characters."""
    service.generate(seed="count", length=70)
    drawn = service.metric("charloom_generated_characters_total")
    text = service.metric("charloom_text_characters_total")
    assert service.generate(seed="count", length=70).headers["x-cache"] == "hit"
    assert service.metric("charloom_generated_characters_total") == drawn
    assert service.metric("charloom_text_characters_total") == text + 70


def test_the_dashboard_shows_metrics_that_exist() -> None:
    """The panels of the dashboard show every metric of the service, and no other metric."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = {name for each in expressions for name in re.findall(r"charloom_\w+", each)}
    shown = {name.removesuffix("_bucket").removesuffix("_total") for name in asked}
    help_lines = Telemetry().text().decode().splitlines()
    metrics = {line.split()[2].removesuffix("_total") for line in help_lines if "# HELP" in line}
    assert shown == {name for name in metrics if not name.endswith("_created")}
