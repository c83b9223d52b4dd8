"""A process that answers one question and ends; another one is asked where the process is killed or freezes."""

import logging
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 3.0  # seconds; a process that gets no processor time for so long counts as frozen
TRIES = 2

log = logging.getLogger(__name__)


def answer_of(command: Sequence[str], question: bytes) -> bytes:
    """Return what a command writes to stdout when it gets a question from stdin.

    Raises:
        ValueError: the command fails, or its process is lost twice.
    """
    # One thread, as a helper takes no core from the threads of the engines.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    for _ in range(TRIES):
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        ) as process:
            answer, said = _talk(process, question)
        if process.returncode == 0:
            return answer
        if process.returncode > 0:
            raise ValueError(f"{' '.join(command)} failed: {said.decode().strip()[-200:]}")
        log.warning("%s was lost, by signal %d", " ".join(command), -process.returncode)
    raise ValueError(f"{' '.join(command)} was lost {TRIES} times")


def _talk(process: "subprocess.Popen[bytes]", question: bytes) -> tuple[bytes, bytes]:
    """Return the process's output and error output; kill the process where it freezes."""
    unsent: bytes | None = question
    ticks = 0
    while True:
        try:
            return process.communicate(unsent, PATIENCE)
        except subprocess.TimeoutExpired:
            unsent = None  # `communicate` goes on with the question
            before, ticks = ticks, _ticks(process.pid)
            if ticks == before:
                process.kill()


def _ticks(process: int) -> int:
    """Return the processor time that a process has had, in ticks of the clock (proc(5), stat)."""
    after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    user, system = after_name.split()[11:13]
    return int(user) + int(system)
