"""The cache keeps streams in Redis or in memory, and its failures are misses."""

import logging
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import ascii_lowercase
from time import monotonic, sleep

import numpy as np
import pytest
import redis

from service.breaker import PAUSE
from service.cache.codec import CachedStream, Form
from service.cache.memory import MemoryBytes
from service.cache.redis_bytes import RedisBytes
from service.cache.streams import PREFIX, StreamCache
from service.stream.generation import Sampling, Stream
from service.stream.job import Snapshot
from tests.other_servers import RedisServer

STATE = np.arange(12, dtype=np.float32).reshape(2, 6)
CACHED = CachedStream("Grüße,\nWelt", STATE)
FORM = Form(2, 6, frozenset("Grüße,\nWelt" + ascii_lowercase))


def _stream(seed: str = "a", random_seed: int = 0) -> Stream:
    return Stream("digest/onnx", seed, Sampling(1.0, None, None, random_seed))


@pytest.fixture
def redis_bytes(redis_server: RedisServer) -> Iterator[RedisBytes]:
    kept = RedisBytes(redis_server.url, timeout=0.2, ttl=60, failed=print)
    yield kept
    kept.close()


@pytest.mark.parametrize("lengths", [(256,), (768,), (256, 512), (256, 768)])
def test_a_state_is_found_whichever_others_are_kept(lengths: tuple[int, ...]) -> None:
    """The key of a state depends on the model and on the characters that the state has consumed alone."""
    cache = StreamCache(MemoryBytes(10_000))
    text = "aäß€😀" * 200
    kept = [Snapshot(consumed, STATE) for consumed in lengths]
    cache.put(_stream(text[:100]), CachedStream(text[100:], STATE), kept)
    found = cache.longest_prefix("digest/onnx", text, FORM)
    assert found is not None
    assert found.consumed == lengths[-1]


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_longest_known_prefix_of_a_text(where: str, redis_bytes: RedisBytes) -> None:
    """The state after the longest cached part of a text is found, for the same model alone."""
    cache = StreamCache(MemoryBytes(10_000) if where == "memory" else redis_bytes)
    text = "".join(chr(97 + n % 26) for n in range(900))
    stream = Stream("m", text[:700], Sampling(1.0, None, None, 0))
    kept = [Snapshot(consumed, STATE + consumed) for consumed in (256, 512, 768)]
    cache.put(stream, CachedStream(text[700:], STATE), kept)

    def found(prompt: str, identity: str = "m") -> int | None:
        snapshot = cache.longest_prefix(identity, prompt, FORM)
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
    assert cache.get(stream, FORM) is None
    cache.put(stream, CACHED, [])
    back = cache.get(stream, FORM)
    assert back is not None
    assert back.text == CACHED.text
    assert cache.get(_stream(random_seed=1), FORM) is None
    with redis.Redis.from_url(redis_server.url) as client:
        assert 0 < client.ttl(PREFIX + stream.key) <= 60


def test_damaged_value_in_redis_is_a_miss(
    redis_server: RedisServer, redis_bytes: RedisBytes
) -> None:
    """A foreign value under a stream's key, of any type, is a miss and no error."""
    cache, stream = StreamCache(redis_bytes), _stream()
    with redis.Redis.from_url(redis_server.url) as client:
        client.set(PREFIX + stream.key, struct.pack("<d", 1.5))
        assert cache.get(stream, FORM) is None
        client.delete(PREFIX + stream.key)
        client.lpush(PREFIX + stream.key, "a list")
        assert cache.get(stream, FORM) is None
        assert not client.exists(PREFIX + stream.key)
    cache.put(stream, CACHED, [])
    assert cache.get(stream, FORM) is not None  # at once: the server did not fail
    assert cache.problem is None


def test_stopped_redis_is_a_miss(redis_server: RedisServer, redis_bytes: RedisBytes) -> None:
    """While the server is stopped, the cache misses, keeps nothing and raises nothing."""
    cache = StreamCache(redis_bytes)
    redis_server.stop()
    cache.put(_stream(), CACHED, [])
    assert cache.get(_stream(), FORM) is None


def test_frozen_redis_costs_its_timeout_once(
    redis_server: RedisServer, redis_bytes: RedisBytes
) -> None:
    """A frozen server costs one timeout, and is not asked again during the pause."""
    cache = StreamCache(redis_bytes)
    cache.put(_stream(), CACHED, [])
    redis_server.freeze()
    began = monotonic()
    for _ in range(100):
        assert cache.get(_stream(), FORM) is None
    assert monotonic() - began < 2 * 0.2
    redis_server.thaw()


def _is_full(client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)


def _may_not_be_written(client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", "1")


@pytest.mark.parametrize(
    ("refuses", "said"),
    [(_is_full, "OutOfMemoryError"), (_may_not_be_written, "ReadOnlyError")],
)
def test_a_redis_that_refuses_writes_is_still_read(
    redis_server: RedisServer,
    redis_bytes: RedisBytes,
    caplog: pytest.LogCaptureFixture,
    refuses: Callable[[redis.Redis], None],
    said: str,
) -> None:
    """A full or read-only Redis answers look-ups; problem and log hold no text of the value."""
    cache = StreamCache(redis_bytes)
    cache.put(_stream(), CACHED, [])
    with redis.Redis.from_url(redis_server.url) as client:
        refuses(client)
    with caplog.at_level(logging.WARNING):
        cache.put(_stream(random_seed=1), CACHED, [])
    for _ in range(12):
        assert cache.get(_stream(), FORM) is not None
    assert cache.problem == f"Redis takes no values ({said}): nothing new is cached"
    assert said in caplog.text
    assert "charloom" not in caplog.text.partition("redis fails")[2]
    assert "Welt" not in caplog.text


def test_a_wrong_password_is_said(redis_server: RedisServer, redis_bytes: RedisBytes) -> None:
    """While Redis refuses the password, the problem of the cache says so; afterwards there is none."""
    cache = StreamCache(redis_bytes)
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("requirepass", "secret")
        assert cache.get(_stream(), FORM) is None
        assert cache.problem is not None
        assert cache.problem.startswith("Redis does not answer (AuthenticationError: ")
        client.config_set("requirepass", "")
    sleep(PAUSE)
    assert cache.get(_stream(), FORM) is None
    assert cache.problem is None


@contextmanager
def trickling() -> Iterator[str]:
    """A server that answers everything with one byte now and then; yield its URL."""
    over = threading.Event()

    def answer(listener: socket.socket) -> None:
        with suppress(OSError), listener.accept()[0] as connection:
            connection.sendall(b"$100000\r\n")
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        try:
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        finally:
            over.set()
            thread.join()


def test_a_trickling_redis_costs_its_timeout_once() -> None:
    """A server that sends a byte now and then has one time limit for a whole look-up."""
    with trickling() as url:
        kept = RedisBytes(url, timeout=0.2, ttl=60, failed=print)
        began = monotonic()
        assert kept.find(["a", "b"]) is None
        assert monotonic() - began < 2  # all bytes would take half an hour
        kept.close()


def test_a_unix_socket_is_redis_too(tmp_path: Path) -> None:
    """`unix://` reaches a Redis on a socket of this machine."""
    server = RedisServer(tmp_path / "redis.sock")
    kept = RedisBytes(f"unix://{tmp_path}/redis.sock?db=1", timeout=1, ttl=60, failed=print)
    try:
        kept.set({"a": b"1"})
        assert kept.get("a") == b"1"
    finally:
        kept.close()
        server.stop()


@contextmanager
def behind_tls(port: int, folder: Path) -> Iterator[int]:
    """A TLS server that passes one connection on to a port; yield its own port."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    line = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        *subject,
        *files,
    ]
    subprocess.run(line, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def passing(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)

    def serve(listener: socket.socket) -> None:
        with (
            context.wrap_socket(listener.accept()[0], server_side=True) as client,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            back = threading.Thread(target=passing, args=(server, client))
            back.start()
            passing(client, server)
            back.join()

    with socket.create_server(("localhost", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls_is_redis_too(tmp_path: Path, redis_server: RedisServer) -> None:
    """`rediss://` reaches a Redis behind TLS, whose certificate is checked."""
    with behind_tls(redis_server.port, tmp_path) as port:
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={tmp_path}/certificate.pem"
        kept = RedisBytes(url, timeout=5, ttl=60, failed=print)
        kept.set({"a": b"1" * 100_000})
        assert kept.get("a") == b"1" * 100_000
        kept.close()
