"""The limits of this process, also in a container: the cores to keep busy, the threads to start, the memory.

Linux describes the files of control groups in https://docs.kernel.org/admin-guide/cgroup-v2.html, and
those of version 1 in https://docs.kernel.org/scheduler/sched-bwc.html and, for threads and memory, in
https://docs.kernel.org/admin-guide/cgroup-v1/pids.html and https://docs.kernel.org/admin-guide/cgroup-v1/memory.html.
"""

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from math import ceil, inf
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def cores(root: Path = _ROOT) -> int:
    """Return the number of cores that this process may keep busy, at least 1.

    A limit of 1.5 cores counts as 2. `root` holds the folders `proc` and `sys`.
    """
    limits = [len(os.sched_getaffinity(0))]
    for files in (["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]):
        for quota, period in _settings(root, "cpu", files):
            if quota > 0:  # of version 1, -1 is no limit
                limits.append(ceil(quota / period))
    return max(1, min(limits))


def most_threads(root: Path = _ROOT) -> float:
    """Return how many threads all processes of this container, or of this user, may have together.

    Infinity stands for no limit.
    """
    limits = [limit for (limit,) in _settings(root, "pids", ["pids.max"])]
    own, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if own != resource.RLIM_INFINITY and os.getuid() != 0:  # root has no such limit
        limits.append(own)
    return min(limits, default=inf)


def free_memory(root: Path = _ROOT) -> float:
    """Return how many bytes of memory this process may take: those that the machine has free, at most a limit.

    Infinity stands for neither known.
    """
    limits: list[float] = []
    for file in ("memory.max", "memory.limit_in_bytes"):
        limits += [limit for (limit,) in _settings(root, "memory", [file])]
    with suppress(OSError, KeyError, ValueError):
        lines = (root / "proc/meminfo").read_text().splitlines()
        kilobytes = {
            name: int(words.split()[0]) for name, words in (line.split(":") for line in lines)
        }
        limits.append(1024 * (kilobytes["MemAvailable"] + kilobytes["SwapFree"]))
    return min(limits, default=inf)


def _settings(root: Path, controller: str, files: list[str]) -> Iterator[list[int]]:
    """Yield the numbers in these files, together, of each control group that this process is in.

    A group without one of the files, or with a word in place of a number, yields nothing: `max` is no limit.
    """
    for folder in _groups(root, controller):
        with suppress(OSError, ValueError):
            yield [int(word) for file in files for word in (folder / file).read_text().split()]


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of the groups of a controller that this process is in, the innermost first.

    A container sees its own group as the root of all groups, where the path of the group may be missing.
    """
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            top = root / "sys/fs/cgroup"
            if controllers:  # version 1 has a folder for each controller
                top /= controller
            if not controllers or controller in controllers.split(","):
                group = PurePosixPath(path).relative_to("/")
                yield from (top / each for each in (group, *group.parents))
