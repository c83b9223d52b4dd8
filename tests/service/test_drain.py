"""The end of a service: first unready, then closed; what cannot finish says where to go on."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.stream.job import REPORT_INTERVAL
from tests.factories import publish_random_model
from tests.other_servers import RedisServer
from tests.servers import Service, serving, wait_until

LENGTH = 1_000_000  # more than is drawn within the grace period
SEED = "The end"


def test_unready_first_and_a_second_signal_ends_at_once(store: Path, tmp_path: Path) -> None:
    """After SIGTERM /readyz is 503 while requests are still answered; a second SIGTERM ends all."""
    service = Service(tmp_path / "log", store=store, model="tiny", unready_seconds=3_600)
    service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: service.get("/readyz").status == 503, "an unready service")
    assert "stopping" in service.get("/readyz").json["problems"][0]
    assert service.generate(seed="a", length=5).status == 200
    assert service.stop() == 0


@pytest.mark.parametrize("unready_seconds", [0, 3_600], ids=["closed", "accepting to the end"])
def test_what_cannot_finish_says_where_to_go_on(
    store: Path, tmp_path: Path, redis_server: RedisServer, unready_seconds: int
) -> None:
    """At the end of the grace period a stream ends with an error and its place; its text is cached."""
    settings = {"store": store, "model": "deep", "max_length": LENGTH, "slots": 2}
    settings |= {"redis_url": redis_server.url, "redis_timeout": 10}
    grace = {"GUNICORN_CMD_ARGS": "--graceful-timeout 6"}
    with (
        serving(
            tmp_path / "log", environment=grace, unready_seconds=unready_seconds, **settings
        ) as ending,
        ThreadPoolExecutor(1) as pool,
    ):
        stream = ending.stream(seed=SEED, length=LENGTH)
        whole = pool.submit(ending.generate, seed=SEED, length=LENGTH, random_seed=1)
        wait_until(lambda: ending.metric("charloom_running") == 2, "both texts")
        events = iter(stream)
        begun = [next(events)]
        while stream.position < 4 * REPORT_INTERVAL:  # some states
            begun.append(next(events))
        ending.process.send_signal(signal.SIGTERM)
        *pieces, (event, problem) = [*begun, *events]
        refused = whole.result()
    stream.close()
    text = "".join(data["text"] for _, data in pieces)
    assert (event, problem["code"], problem["status"]) == ("error", "draining", 503)
    assert stream.position == len(text)
    assert f"Last-Event-ID: {len(text)}" in problem["detail"]
    assert (refused.status, refused.json.get("code")) == (503, "draining")
    assert int(refused.headers["retry-after"]) > 0
    with serving(tmp_path / "other", **settings) as other:
        known = other.generate(seed=SEED, length=len(text))
        # A busy engine may take too long to end a text, which is then cached up to an earlier state.
        assert known.headers["x-cache"] in ("hit", "partial")
        assert known.json["text"] == text


def test_a_store_that_is_gone_ends_no_service(tmp_path: Path) -> None:
    """While the store is missing, a worker that died is replaced, and SIGTERM ends the service in order."""
    store = tmp_path / "store"
    publish_random_model(store, "tiny")
    with serving(tmp_path / "log", store=store, model="tiny") as service:
        store.rename(tmp_path / "elsewhere")
        _, (worker,) = service.family()
        worker.kill()
        wait_until(lambda: service.get("/healthz").status == 200, "another worker")
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
