"""Cache and limits work with every kind of Redis that people have, or say why not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import redis

from service.cache.redis_bytes import RedisBytes
from service.http.redis_counts import RedisCounts
from tests.other_servers import RedisServer

REDIS_5 = ("HELLO", "GETEX")  # commands that Redis 5 does not have


@pytest.fixture
def old_redis() -> Iterator[RedisServer]:
    """A Redis with the commands of an old one."""
    server = RedisServer(without=REDIS_5)
    yield server
    server.stop()


def test_an_old_redis_caches(old_redis: RedisServer) -> None:
    """A Redis before 6.0 keeps values, and each look-up prolongs the life of its value."""
    kept = RedisBytes(old_redis.url, timeout=1, ttl=60, failed=print)
    kept.set({"a": b"1"})
    with redis.Redis.from_url(old_redis.url, protocol=2) as client:
        client.expire("a", 5)
        assert kept.find(["b", "a"]) == ("a", b"1")
        assert client.ttl("a") > 5
    assert kept.problem is None
    kept.close()


def test_an_old_redis_counts(old_redis: RedisServer) -> None:
    """A Redis before 6.0 counts the clients' limits."""
    counts = RedisCounts(old_redis.url, 1, failed=lambda: None)
    charged = [counts.charge("anna", "requests", 1, limit=2) for _ in range(3)]
    assert [each and each.allowed for each in charged] == [True, True, False]
    counts.close()


@contextmanager
def cluster_node() -> Iterator[str]:
    """A node of a cluster that holds no key; yield its URL."""

    def answer(listener: socket.socket) -> None:
        with suppress(OSError), listener.accept()[0] as connection:
            while connection.recv(4096):
                connection.sendall(b"-MOVED 3999 127.0.0.1:6381\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
    thread.join()


def test_a_cluster_is_named() -> None:
    """The problem of the cache names the remedy where Redis is a cluster, whose nodes know a part of the keys."""
    with cluster_node() as url:
        kept = RedisBytes(url, timeout=1, ttl=60, failed=print)
        assert kept.get("a") is None
        assert kept.problem is not None
        assert "name a Redis without cluster mode" in kept.problem
        kept.close()
