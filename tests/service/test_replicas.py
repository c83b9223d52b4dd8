"""Replicas over one Redis: each goes on with the streams of the others, if it computes the same."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.stream.job import REPORT_INTERVAL, SNAPSHOT_INTERVAL
from tests.other_servers import RedisServer
from tests.servers import Service, serving

NO_STORE = {"Cache-Control": "no-store"}
LENGTH = 20_000

# The service itself, which takes its processor for one that computes other numbers.
PRETENDING = """
import runpy, sys, model_store
model_store.fingerprint = lambda *_: "f" * 64
sys.argv = ["service"]
runpy.run_module("service", run_name="__main__")
"""


@pytest.fixture
def replica(store: Path, tmp_path: Path, redis_server: RedisServer) -> Iterator[Service]:
    """A service over the Redis of the test."""
    with serving(
        tmp_path / "replica",
        store=store,
        model="deep",
        redis_url=redis_server.url,
        redis_timeout=10,
        max_length=LENGTH,
    ) as service:
        yield service


def test_a_stream_goes_on_at_another_replica(
    replica: Service, store: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    """When a replica is killed amid a stream, another draws the rest from the last kept state on."""
    killed = Service(
        tmp_path / "killed",
        store=store,
        model="deep",
        redis_url=redis_server.url,
        redis_timeout=10,
        max_length=LENGTH,
    )
    stream, text = killed.stream(seed="Go on", length=LENGTH), ""
    for _, data in stream:
        text += data["text"]
        if len(text) > 2 * REPORT_INTERVAL:
            break
    killed.kill()
    stream.close()
    has = len(text)
    assert has < LENGTH
    rest = replica.stream({"Last-Event-ID": str(has)}, seed="Go on", length=LENGTH)
    assert rest.headers["etag"] == stream.headers["etag"]
    text += rest.text()
    drawn = replica.metric("charloom_generated_characters_total")
    assert 0 < drawn <= LENGTH - has + REPORT_INTERVAL + SNAPSHOT_INTERVAL
    assert text == replica.generate(NO_STORE, seed="Go on", length=LENGTH).json["text"]


def test_replicas_that_compute_other_numbers_share_nothing(
    replica: Service, store: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    """A replica with another fingerprint finds no stream of the others, and goes on with none."""
    other = Service(
        tmp_path / "other",
        within=[sys.executable, "-c", PRETENDING],
        store=store,
        model="deep",
        redis_url=redis_server.url,
        redis_timeout=10,
    )
    begun = replica.stream(seed="Mixed", length=50)
    assert len(begun.text()) == 50
    assert replica.generate(seed="Mixed", length=50).headers["x-cache"] == "hit"
    assert other.generate(seed="Mixed", length=50).headers["x-cache"] == "miss"
    match = {"Last-Event-ID": "9", "If-Match": begun.headers["etag"]}
    refused = other.stream(match, seed="Mixed", length=50)
    refused.close()
    assert refused.status == 412
    assert replica.stream(match, seed="Mixed", length=50).text()
    assert other.stop() == 0
