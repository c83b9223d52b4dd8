"""One side of a comparison, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Any, Self

# Long enough to measure the pace above the timer's noise, before the rounds begin.
WARM_UP_SECONDS = 0.1


class Side:
    """A side with a known pace at every size; the pace gives the work of a measurement."""

    def __init__(self, path: str) -> None:
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - leaving the context closes it
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | quiet,
        )
        self._pace: dict[int, float] = {}
        self._answer()  # the side is ready, so that no side starts while another is measured

    def warm_up(self, *sizes: int) -> Self:
        """Work a little on each size before the measurement: trace graphs, find the pace."""
        for size in sizes:
            self.seconds(size, 2)
            self._pace[size] = 3 / self.seconds(size, 3)
            for _ in range(2):
                self.rate(size, WARM_UP_SECONDS)
        return self

    def rate(self, size: int, seconds: float) -> float:
        """Work on a warm size for about that many seconds; return size × count per second."""
        count = max(1, round(self._pace[size] * seconds))
        self._pace[size] = count / self.seconds(size, count)
        return self._pace[size] * size

    def seconds(self, size: int, count: int) -> float:
        """Return the seconds that the work takes."""
        assert self._process.stdin is not None
        print(json.dumps({"size": size, "count": count}), file=self._process.stdin, flush=True)
        seconds: float = self._answer()["seconds"]
        return seconds

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"a side ended: {self._said()}")
        return json.loads(answer)

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()
