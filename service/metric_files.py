"""The files of a process's metrics, written to only where the space is reserved.

`prometheus_client` maps files without reserved space into memory, and a write to such a file ends the
process with SIGBUS where the file system is full. /dev/shm has 64 MB in a container of Docker.
"""

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

log = logging.getLogger(__name__)

SIZE = 65_536  # bytes of a new file; a file that is full doubles
ENTRY = 28  # bytes of an entry besides its key, at most: length, padding, value and time


class MetricFile(MmapedDict):
    """The values of one type of metrics in a file; a value without space stays in the process alone.

    Each change of a value without space asks for the space again.
    """

    unwritten: ClassVar[set[str]] = set()
    """The keys of the values without space, of all files of this process."""

    def __init__(self, filename: str) -> None:
        """Name the file, which is opened with the first value."""
        self._fname = filename
        self._f: Any = None
        self._positions: dict[str, int] = {}

    def read_value(self, key: str) -> tuple[float, float]:
        """Return a value and its time, zeros for a new value."""
        if not self._has_space(key):
            return 0.0, 0.0
        value, time = super().read_value(key)  # type: ignore[no-untyped-call]
        return value, time

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Write a value and its time, if there is space."""
        if self._has_space(key):
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]

    def _has_space(self, key: str) -> bool:
        """Return whether there is space for a value; the space of a new value is reserved."""
        if key in self._positions:
            return True
        try:
            self._reserve(len(key.encode()) + ENTRY)
        except OSError as error:
            if not self.unwritten:
                log.warning("no space for metrics (%s): some stay in this process alone", error)
            self.unwritten.add(key)
            return False
        self.unwritten.discard(key)
        return True

    def _reserve(self, size: int) -> None:
        """Open the file, and reserve space for an entry of so many bytes.

        Raises:
            OSError: the file system or the file may not grow.
        """
        if self._f is None:
            with Path(self._fname).open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, SIZE)
            super().__init__(self._fname)  # type: ignore[no-untyped-call]
        if self._used + size > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, 2 * self._capacity)


def install() -> None:
    """Have `prometheus_client` use these files for the metrics that this process makes from now on."""
    values.MmapedDict = MetricFile  # type: ignore[assignment, attr-defined]


def trim(folder: str, process: int) -> None:
    """Give back the space that the files of an ended process do not use."""
    for path in Path(folder).glob(f"*_{process}.db"):
        with suppress(OSError), path.open("r+b") as file:
            # A file begins with the number of bytes in use.
            file.truncate(int.from_bytes(file.read(4), sys.byteorder))
