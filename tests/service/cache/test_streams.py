"""The cache keeps streams in Redis or in memory, and its failures are misses."""

import struct
from collections.abc import Iterator
from time import monotonic

import numpy as np
import pytest
import redis

from service.cache.codec import CachedStream
from service.cache.memory import MemoryBytes
from service.cache.redis_bytes import RedisBytes
from service.cache.streams import PREFIX, StreamCache
from service.stream.generation import Sampling, Stream
from service.stream.job import Snapshot
from tests.servers import RedisServer

STATE = np.arange(12, dtype=np.float32).reshape(2, 6)
CACHED = CachedStream("Grüße,\nWelt", STATE)


def _stream(seed: str = "a", random_seed: int = 0) -> Stream:
    return Stream("digest/onnx", seed, Sampling(1.0, None, None, random_seed))


@pytest.fixture
def redis_bytes(redis_server: RedisServer) -> Iterator[RedisBytes]:
    kept = RedisBytes(redis_server.url, timeout=0.2, ttl=60, failed=print)
    yield kept
    kept.close()


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_longest_known_prefix_of_a_text(where: str, redis_bytes: RedisBytes) -> None:
    """The state after the longest cached part of a text is found, for the same model alone."""
    cache = StreamCache(MemoryBytes(10_000) if where == "memory" else redis_bytes)
    text = "".join(chr(97 + n % 26) for n in range(900))
    stream = Stream("m", text[:700], Sampling(1.0, None, None, 0))
    kept = [Snapshot(consumed, STATE + consumed) for consumed in (256, 512, 768)]
    cache.put(stream, CachedStream(text[700:], STATE), kept)

    def found(prompt: str, identity: str = "m") -> int | None:
        snapshot = cache.longest_prefix(identity, prompt)
        assert snapshot is None or np.array_equal(snapshot.state, STATE + snapshot.consumed)
        return None if snapshot is None else snapshot.consumed

    assert found(text) == 768
    assert found(text[:768]) == 512  # one character must be left to read
    assert found(text[:600] + "!" * 300) == 512
    assert found(text[:200]) is None
    assert found("!" + text) is None
    assert found(text, identity="other") is None


def test_redis_keeps_streams_with_a_time_to_live(
    redis_server: RedisServer, redis_bytes: RedisBytes
) -> None:
    """A stream put into Redis comes back and is set to expire."""
    cache, stream = StreamCache(redis_bytes), _stream()
    assert cache.get(stream) is None
    cache.put(stream, CACHED, [])
    back = cache.get(stream)
    assert back is not None
    assert back.text == CACHED.text
    assert cache.get(_stream(random_seed=1)) is None
    with redis.Redis.from_url(redis_server.url) as client:
        assert 0 < client.ttl(PREFIX + stream.key) <= 60


def test_damaged_value_in_redis_is_a_miss(
    redis_server: RedisServer, redis_bytes: RedisBytes
) -> None:
    """A foreign value under a stream's key, of any type, is a miss and no error."""
    cache, stream = StreamCache(redis_bytes), _stream()
    with redis.Redis.from_url(redis_server.url) as client:
        client.set(PREFIX + stream.key, struct.pack("<d", 1.5))
        assert cache.get(stream) is None
        client.delete(PREFIX + stream.key)
        client.lpush(PREFIX + stream.key, "a list")
        assert cache.get(stream) is None


def test_stopped_redis_is_a_miss(redis_server: RedisServer, redis_bytes: RedisBytes) -> None:
    """While the server is stopped, the cache misses, keeps nothing and raises nothing."""
    cache = StreamCache(redis_bytes)
    redis_server.stop()
    cache.put(_stream(), CACHED, [])
    assert cache.get(_stream()) is None


def test_frozen_redis_costs_its_timeout_once(
    redis_server: RedisServer, redis_bytes: RedisBytes
) -> None:
    """A frozen server costs one timeout, and is not asked again during the pause."""
    cache = StreamCache(redis_bytes)
    cache.put(_stream(), CACHED, [])
    redis_server.freeze()
    began = monotonic()
    for _ in range(100):
        assert cache.get(_stream()) is None
    assert monotonic() - began < 2 * 0.2
    redis_server.thaw()
