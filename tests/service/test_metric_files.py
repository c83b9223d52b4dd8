"""Metrics without space for their files end nothing, and return with the space."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from service.metric_files import SIZE, MetricFile, trim
from tests.servers import serving, wait_until

# A file system for metrics that no other process sees, with so many kilobytes left.
MOUNTED = """
mount -t tmpfs -o size="$1" none /dev/shm || exit 77
shift
exec "$@"
"""


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _within(size: str) -> list[str]:
    within = ["unshare", "-Urm", "sh", "-c", MOUNTED, "sh", size]
    try:
        done = subprocess.run([*within, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if done.returncode:
        pytest.skip(f"this system lends nobody a small file system: {done.stderr}")
    return within


def _written(path: Path) -> dict[str, float]:
    """The values in a file, as the process sees them that adds up the files."""
    return {key: value for key, value, *_ in MmapedDict.read_all_values_from_file(path)}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[MetricFile]:
    """A file of this process."""
    file = MetricFile(str(tmp_path / f"counter_{os.getpid()}.db"))
    yield file
    file.close()
    MetricFile.unwritten.clear()


def _path(file: MetricFile) -> Path:
    return Path(file._fname)


@pytest.mark.parametrize("size", ["4k", "192k"])
def test_a_full_file_system_costs_metrics_alone(store: Path, tmp_path: Path, size: str) -> None:
    """Where the space suffices for some files of the metrics or for none, the service answers and says so."""
    with serving(tmp_path / "log", store=store, model="tiny", within=_within(size)) as service:
        _, before = service.family()
        assert service.generate(seed="a", length=70).status == 200
        assert service.metric("charloom_text_characters_total") == 70
        # Counted after the last byte of the answer.
        count = partial(service.metric, "charloom_request_seconds_count", route="/generate")
        wait_until(lambda: count() == 1, "the request's seconds")
        assert service.metric("charloom_running") == 0
        (problem,) = service.get("/readyz").json["problems"]
        assert service.family()[1] == before
    assert problem.startswith("no space for metrics")
    log = (tmp_path / "log").read_text()
    assert log.count("no space for metrics") == 1
    assert "No space left on device" in log


def test_space_is_reserved(file: MetricFile) -> None:
    """The blocks of a file are there before the values."""
    assert file.read_value("key") == (0.0, 0.0)
    status = _path(file).stat()
    assert status.st_size == SIZE
    assert status.st_blocks * 512 >= SIZE
    file.write_value("key", 3.0, 0.0)
    assert file.read_value("key") == (3.0, 0.0)
    assert _written(_path(file)) == {"key": 3.0}


def test_a_file_grows(file: MetricFile) -> None:
    """More values than the first space has room for are all written."""
    values = {f"{'x' * 200}{number}": float(number) for number in range(2 * SIZE // 200)}
    for key, value in values.items():
        file.write_value(key, value, 0.0)
    assert _written(_path(file)) == values
    status = _path(file).stat()
    assert status.st_blocks * 512 >= status.st_size > SIZE


def test_values_return_with_the_space(file: MetricFile) -> None:
    """A value without space is written with its next change after there is space."""
    with longest_file(SIZE // 2):
        file.write_value("early", 1.0, 0.0)
        assert MetricFile.unwritten == {"early"}
    file.write_value("early", 2.0, 0.0)
    with longest_file(SIZE):
        large = "x" * SIZE
        file.write_value(large, 1.0, 0.0)
        file.write_value("small", 1.0, 0.0)
        assert MetricFile.unwritten == {large}
    assert _written(_path(file)) == {"early": 2.0, "small": 1.0}
    file.write_value(large, 5.0, 0.0)
    assert MetricFile.unwritten == set()
    assert _written(_path(file)) == {"early": 2.0, "small": 1.0, large: 5.0}


def test_an_ended_process_gives_unused_space_back(file: MetricFile) -> None:
    """The files of an ended process are as long as their values, which are still read."""
    file.write_value("key", 3.0, 0.0)
    path = _path(file)
    other = path.with_name("counter_1.db")
    other.touch()
    trim(str(path.parent), os.getpid())
    trim(str(path.parent), 1)
    assert path.stat().st_size < 100
    assert _written(path) == {"key": 3.0}
