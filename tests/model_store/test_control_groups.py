"""Cores and threads are bounded by the limits of control groups, in every form in which Linux shows them."""

import os
import resource
from math import inf
from pathlib import Path

import pytest

from model_store import cores, free_memory, most_threads

OWN = set(range(8))
CPU = "sys/fs/cgroup/cpu"


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: OWN)


def _files(root: Path, files: dict[str, str]) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "number"),
    [
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "5000 100000\n"}, 1),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "1600000 100000\n"}, 8),
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ("0::/a.slice/b.service\n", {"sys/fs/cgroup/a.slice/cpu.max": "300000 100000\n"}, 3),
        (
            "0::/a/b\n",
            {
                "sys/fs/cgroup/a/cpu.max": "300000 100000",
                "sys/fs/cgroup/a/b/cpu.max": "200000 100000",
            },
            2,
        ),
        ("0::/docker/12ab\n", {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        (
            "9:memory:/x\n4:cpu,cpuacct:/docker/12ab\n0::/\n",
            {f"{CPU}/cpu.cfs_quota_us": "250000\n", f"{CPU}/cpu.cfs_period_us": "50000\n"},
            5,
        ),
        (
            "1:cpu:/\n",
            {f"{CPU}/cpu.cfs_quota_us": "-1\n", f"{CPU}/cpu.cfs_period_us": "100000\n"},
            8,
        ),
        ("1:cpuset:/\n", {f"{CPU}/cpu.cfs_quota_us": "1\n", f"{CPU}/cpu.cfs_period_us": "1\n"}, 8),
        ("no groups", {}, 8),
        ("0::/\n", {}, 8),
    ],
)
def test_limits_of_processor_time(
    tmp_path: Path, groups: str, files: dict[str, str], number: int
) -> None:
    """The smallest limit counts, of the group and of the groups around it, rounded up."""
    assert cores(_files(tmp_path, files | {"proc/self/cgroup": groups})) == number


@pytest.mark.parametrize(
    ("groups", "files", "number"),
    [
        ("0::/\n", {"sys/fs/cgroup/pids.max": "2048\n"}, 2048),
        ("0::/a\n", {"sys/fs/cgroup/pids.max": "99\n", "sys/fs/cgroup/a/pids.max": "max\n"}, 99),
        ("8:pids:/docker/12ab\n0::/\n", {"sys/fs/cgroup/pids/pids.max": "60\n"}, 60),
        ("0::/\n", {"sys/fs/cgroup/pids.max": "max\n"}, inf),
    ],
)
def test_limits_of_threads(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    groups: str,
    files: dict[str, str],
    number: float,
) -> None:
    """The smallest limit of a group counts, and of users other than root the limit of the user."""
    unlimited = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: (unlimited, unlimited))
    root = _files(tmp_path, files | {"proc/self/cgroup": groups})
    assert most_threads(root) == number
    monkeypatch.setattr(resource, "getrlimit", lambda _: (80, unlimited))
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert most_threads(root) == min(number, 80)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert most_threads(root) == number


@pytest.mark.parametrize(
    ("groups", "files", "free"),
    [
        ("0::/\n", {}, 3_072_000),
        ("0::/\n", {"sys/fs/cgroup/memory.max": "max\n"}, 3_072_000),
        ("0::/\n", {"sys/fs/cgroup/memory.max": "1000000\n"}, 1_000_000),
        ("0::/a\n", {"sys/fs/cgroup/memory.max": "99\n", "sys/fs/cgroup/a/memory.max": "100"}, 99),
        ("4:memory:/x\n0::/\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "2000\n"}, 2000),
        ("4:memory:/\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9" * 19}, 3_072_000),
        ("0::/\n", {"proc/meminfo": "MemTotal: 9 kB\n"}, inf),
    ],
)
def test_limits_of_memory(tmp_path: Path, groups: str, files: dict[str, str], free: float) -> None:
    """The smallest limit of a group counts, and what the machine has free, its swap included."""
    memory = "MemTotal:  9000 kB\nMemAvailable:  2000 kB\nHugePages_Total:  0\nSwapFree:  1000 kB\n"
    files = {"proc/meminfo": memory, "proc/self/cgroup": groups} | files
    assert free_memory(_files(tmp_path, files)) == free


def test_a_machine_without_groups(tmp_path: Path) -> None:
    """Where Linux shows no groups, every core counts that the process may run on."""
    assert cores(tmp_path) == len(OWN)
