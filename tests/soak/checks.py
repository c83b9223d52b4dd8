"""What must hold at the end; each function yields one line for each thing that does not."""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests.servers import Service
from tests.soak.ledger import Episode, Ledger
from tests.soak.requests import MODEL, NO_STORE
from tests.soak.resources import Held

MORE_MEMORY = 0.01  # the part of a process's memory that may be left over
THREADS = 8  # that compare texts
# A worker starts the second thread of its probes when two probes arrive together.
LATE_THREADS = {"worker": 1}


def failed_requests(ledger: Ledger, episodes: Iterable[Episode]) -> Iterator[str]:
    """Yield the requests that should not have failed."""
    for what, number in ledger.failed(episodes).most_common():
        yield f"{number} × {what}"


def left_over(before: Mapping[str, Held], after: Mapping[str, Held]) -> Iterator[str]:
    """Yield the threads and descriptors that a process holds more than after the warm-up, and may not."""
    for role, held in after.items():
        was = before[role]
        if held.threads > was.threads + LATE_THREADS.get(role, 0):
            yield f"{role}: {held.threads} threads instead of {was.threads}"
        if held.descriptors > was.descriptors:
            yield f"{role}: {held.descriptors} descriptors instead of {was.descriptors}"


def more_memory(before: Mapping[str, Held], after: Mapping[str, Held]) -> Iterator[str]:
    """Yield the processes whose memory is larger than after the warm-up."""
    for role, held in after.items():
        was = before[role]
        if held.memory > was.memory * (1 + MORE_MEMORY):
            yield f"{role}: {_megabytes(held.memory)} MB instead of {_megabytes(was.memory)} MB"


def badly_ended(status: int, log: Path) -> Iterator[str]:
    """Yield what a service that was stopped should not have said."""
    if status:
        yield f"the service ended with status {status}"
    if "Traceback" in log.read_text(encoding="utf-8"):
        yield f"a traceback is in {log}"


def left_processes(pids: Iterable[int]) -> Iterator[str]:
    """Yield the processes of a stopped service that still run."""
    for pid in pids:
        if psutil.pid_exists(pid):
            yield f"process {pid} has outlived the service"


def other_texts(quiet: Service, ledger: Ledger) -> Iterator[str]:
    """Yield the requests whose texts are not those of an undisturbed service."""

    def differs(item: tuple[tuple[int, str], set[str]]) -> str | None:
        (version, fields), texts = item
        model = f"{MODEL}@{version}"
        right = quiet.generate(NO_STORE, model=model, **json.loads(fields)).json["text"]
        return None if texts == {right} else f"{model} wrote another text for {fields}"

    with ThreadPoolExecutor(THREADS) as pool:
        yield from filter(None, pool.map(differs, sorted(ledger.texts.items(), key=_key)))


def _key(item: tuple[tuple[int, str], set[str]]) -> tuple[int, str]:
    return item[0]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"
