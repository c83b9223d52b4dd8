"""Fixtures of all tests."""

import threading
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase

import pytest
from hypothesis import settings

import tests.environment  # noqa: F401 - first of all, before a package reads a variable
from tests.factories import publish_random_model
from tests.other_servers import RedisServer, S3Server
from tests.servers import Service, serving, wait_until

# A busy machine makes no example wrong, so no example has a time limit.
settings.register_profile("charloom", deadline=None)
settings.load_profile("charloom")

THREAD_SECONDS = 2  # for a thread that has been told to end
# Threads of libraries that no caller can end: fsspec's event loop for a store on S3 runs once for the
# whole process, and asyncio_ are the threads in which this loop looks up host names.
LASTING = ("fsspecIO", "asyncio_")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Every thread that a test starts ends with the test, but for the threads in `LASTING`."""
    before = set(threading.enumerate())
    yield
    started = [thread for thread in threading.enumerate() if thread not in before]
    ending = [thread for thread in started if not thread.name.startswith(LASTING)]
    for thread in ending:
        thread.join(THREAD_SECONDS)
    assert not [thread.name for thread in ending if thread.is_alive()]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the untrained models `tiny` and `deep`, and `names` of a corpus of short texts.

    The corpus of `names` is said to hold each small letter as a text.
    """
    root = tmp_path_factory.mktemp("store")
    publish_random_model(root, "tiny")
    publish_random_model(root, "deep", layers=2, units=48, seed=1)
    publish_random_model(root, "names", seed=2, texts=40, known=ascii_lowercase)
    return root


@pytest.fixture(scope="session")
def running_service(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service with its cache in memory; its default model is `tiny`."""
    log = tmp_path_factory.mktemp("service") / "log"
    with serving(log, store=store, model="tiny") as service:
        yield service


@pytest.fixture
def service(running_service: Service) -> Iterator[Service]:
    """The running service; after each test every slot, queue place and connection is free again."""
    yield running_service
    wait_until(running_service.idle, "an idle service")


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A real Redis server for one test."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def running_s3() -> Iterator[S3Server]:
    """A real S3 server for all tests."""
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def s3(running_s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, named by the environment, with an empty folder for local copies."""
    for variable, value in running_s3.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return running_s3
