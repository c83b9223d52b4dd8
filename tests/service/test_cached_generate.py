"""What is cached over HTTP, and what happens without Redis."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic, sleep

import pytest
import redis

from tests.other_servers import RedisServer
from tests.servers import Service, serving


def _caching(log: Path, store: Path, redis_server: RedisServer) -> AbstractContextManager[Service]:
    return serving(log, store=store, model="tiny", redis_url=redis_server.url)


@pytest.fixture
def cached_service(store: Path, tmp_path: Path, redis_server: RedisServer) -> Iterator[Service]:
    with _caching(tmp_path / "log", store, redis_server) as running:
        yield running


def _cache(service: Service, **fields) -> str:
    answer = service.generate(**fields)
    assert answer.status == 200
    return answer.headers["x-cache"]


def test_second_request_is_a_hit_with_the_same_text(service: Service) -> None:
    """The same request again is a hit, says so in its body, and has the same text."""
    first = service.generate(seed="twice", length=30)
    second = service.generate(seed="twice", length=30)
    assert (first.headers["x-cache"], second.headers["x-cache"]) == ("miss", "hit")
    assert (first.json.pop("cached"), second.json.pop("cached")) == (False, True)
    assert first.json["text"] == second.json["text"]


def test_shorter_is_a_hit_and_longer_a_part(service: Service) -> None:
    """A shorter request is a prefix of a cached stream; a longer one resumes at its end."""
    fresh = service.generate({"Cache-Control": "no-store"}, seed="grow", length=700).json["text"]
    assert _cache(service, seed="grow", length=300) == "miss"
    assert _cache(service, seed="grow", length=100) == "hit"
    longer = service.generate(seed="grow", length=700)
    assert longer.headers["x-cache"] == "partial"
    assert longer.json["text"] == fresh
    assert _cache(service, seed="grow", length=700) == "hit"


def test_equal_parameters_share_an_entry(service: Service) -> None:
    """Parameters that mean the same distribution are the same stream, an alias or none."""
    assert _cache(service, seed="same", length=9) == "miss"
    assert _cache(service, seed="same", length=9, top_p=1, top_k=1000, temperature=1) == "hit"
    assert _cache(service, seed="same", length=9, model="tiny@1") == "hit"
    assert _cache(service, seed="same", length=9, model="deep") == "miss"


def test_cache_control(service: Service) -> None:
    """no-cache skips reading, no-store reads nothing and keeps nothing."""

    def control(directive: str, seed: str) -> str:
        answer = service.generate({"Cache-Control": directive}, seed=seed, length=8)
        return answer.headers["x-cache"]

    assert control("no-store", "stored") == "bypass"
    assert _cache(service, seed="stored", length=8) == "miss"
    assert control("no-cache", "stored") == "bypass"
    assert control("no-cache", "read") == "bypass"
    assert _cache(service, seed="read", length=8) == "hit"


def test_hit_from_redis_after_a_restart(
    cached_service: Service, redis_server: RedisServer, store: Path, tmp_path: Path
) -> None:
    """What one service generated is a hit for the next one with the same Redis."""
    assert _cache(cached_service, seed="again", length=40) == "miss"
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.dbsize() == 1
    with _caching(tmp_path / "other", store, redis_server) as other:
        assert _cache(other, seed="again", length=40) == "hit"


def test_redis_frozen_stopped_and_back_under_load(
    cached_service: Service, redis_server: RedisServer
) -> None:
    """A Redis that freezes, dies and comes back costs hits and not one request."""

    def ask(n: int) -> float:
        sleep(0.2)
        began = monotonic()
        answer = cached_service.generate(seed="load", length=50, random_seed=n % 40)
        assert answer.status == 200
        return monotonic() - began

    with ThreadPoolExecutor(16) as pool:
        seconds = pool.map(ask, range(400))
        sleep(0.3)
        redis_server.freeze()
        sleep(2.5)
        redis_server.thaw()
        redis_server.stop()
        sleep(0.7)
        redis_server.start()
        # Two looks into the cache at 0.1 s each at worst, and a generation on a busy machine; but
        # nobody waits for the end of the frost.
        assert max(seconds) < 2
    sleep(1.1)  # the pause after a failure
    _cache(cached_service, seed="back", length=5)
    assert _cache(cached_service, seed="back", length=5) == "hit"


def test_service_starts_without_its_redis(
    store: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    """A Redis that is not there at the start is not waited for."""
    redis_server.stop()
    with _caching(tmp_path / "log", store, redis_server) as running:
        assert running.generate(seed="a", length=5).status == 200
