"""The cores that a process may use, also in a container whose processor time is limited."""

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil, inf
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def cores(root: Path = _ROOT) -> int:
    """Return the number of cores that this process may keep busy, at least 1.

    A limit of 1.5 cores counts as 2. `root` holds the folders `proc` and `sys`.
    """
    limit = min(_limits(root), default=inf)
    own = len(os.sched_getaffinity(0))
    return max(1, ceil(min(own, limit)))


def _limits(root: Path) -> Iterator[float]:
    """Yield the limits, in cores, of the control groups that this process is in.

    A container sees its own group as the root of all groups, where the path of the group may be missing.
    The files are those of https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files and
    https://docs.kernel.org/scheduler/sched-bwc.html.
    """
    groups = root / "sys/fs/cgroup"
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            names = PurePosixPath(path).relative_to("/")
            for name in (names, *names.parents):
                if not controllers:  # version 2
                    yield from _limit(groups / name / "cpu.max")
                elif "cpu" in controllers.split(","):
                    folder = groups / "cpu" / name
                    yield from _limit(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us")


def _limit(*files: Path) -> Iterator[float]:
    """Yield the quota over the period, both in µs, where the files have a quota."""
    with suppress(OSError, ValueError):  # `max`, which is no number, is no quota
        quota, period = " ".join(file.read_text() for file in files).split()
        if int(quota) > 0:
            yield int(quota) / int(period)
