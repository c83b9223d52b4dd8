"""The service outlives a time in which the system gives it no further descriptors."""

import resource
import signal
from pathlib import Path

import psutil
import pytest

from tests.servers import Service, wait_until

ALL = 1_000_000  # descriptors that are open


@pytest.mark.slow
@pytest.mark.parametrize(
    ("descriptors", "failure"),
    [(3, "no worker can be started"), (ALL, "exited with code 255")],
    ids=["no worker starts", "workers fail as they start"],
)
def test_a_worker_and_a_hub_that_cannot_be_replaced_at_once(
    store: Path, tmp_path: Path, descriptors: int, failure: str
) -> None:
    """The other worker answers on, and both dead processes are replaced as soon as that is possible."""
    log = tmp_path / "log"
    service = Service(log, store=store, model="deep", workers=2)
    try:
        wait_until(lambda: log.read_text().count("answers by default") == 2, "both workers")
        hub, (worker, other) = service.family()
        master = psutil.Process(service.process.pid)
        soft, hard = master.rlimit(resource.RLIMIT_NOFILE)
        master.rlimit(resource.RLIMIT_NOFILE, (min(descriptors, master.num_fds()), hard))
        for process in (worker, hub):
            process.send_signal(signal.SIGKILL)
        wait_until(lambda: "no hub can be started" in log.read_text(), "a hub that does not start")
        wait_until(lambda: log.read_text().count(failure) >= 2, "workers that do not start")
        assert service.get("/healthz").status == 200
        assert other.is_running()
        master.rlimit(resource.RLIMIT_NOFILE, (soft, hard))
        wait_until(lambda: service.generate(seed="a", length=10).status == 200, "a text")
        wait_until(lambda: log.read_text().count("answers by default") == 3, "both workers")
    finally:
        status = service.stop()
    assert status == 0
