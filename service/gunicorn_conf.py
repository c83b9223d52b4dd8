"""The configuration of gunicorn."""

import atexit
import os
import resource
import shutil
import signal
import sys
import tempfile
from math import ceil
from typing import Any

from model_store import most_threads
from service.environment import settings_at_start
from service.logs import configuration

_settings = settings_at_start()

# The folder of the workers' metrics; prometheus_client reads the variable once, at its import.
if "prometheus_client" in sys.modules:
    raise RuntimeError("prometheus_client was imported before PROMETHEUS_MULTIPROC_DIR was set")
# A folder in memory: no disk fills up, and no cleaner of /tmp removes the files.
_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="charloom-metrics-", dir=_memory)


def _remove_metrics(master: int) -> None:
    if os.getpid() == master:  # workers end, too
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


# A service that fails at its start does not reach gunicorn's hook `on_exit`.
atexit.register(_remove_metrics, os.getpid())

# Every connection takes a descriptor, and the soft limit of many systems is 1,024.
_, _descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (_descriptors, _descriptors))

wsgi_app = "service.app:create_app()"
_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
worker_class = "service.http.server.worker.Worker"
workers = _settings.worker_count
# Every running or waiting generation holds a thread; 32 more answer other requests, or refuse with 429.
# One address has half of the threads at most. Half of the threads that the system allows are for the hub,
# and for requests that need threads of their own.
_allowed = most_threads() / 2 / workers
threads = int(max(2, min(2 * (_settings.slots + _settings.queue + 32), _allowed)))
# Half of the descriptors are for engines, Redis and files.
worker_connections = min(4_000, _descriptors // 2) if _descriptors > 0 else 4_000
worker_tmp_dir = _memory
# Seconds without a turn of the event loop after which a worker is killed; a turn takes half a second at
# most, and the threads that answer requests do not count.
timeout = 10
graceful_timeout = ceil(_settings.unready_seconds + _settings.deadline) + 5
limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190
# Only ProxyFix believes a proxy (CHARLOOM_TRUSTED_PROXIES); gunicorn would believe every local client.
forwarded_allow_ips = ""
sendfile = False  # needs a socket that blocks
logconfig_dict = configuration()
# Of the workers, on the scale from 0 to 19: the processor then goes to the hub in four cases of five.
NICENESS = 7
control_socket_disable = True  # the socket would lie in a home that may not exist


def on_starting(server: Any) -> None:
    """Log the holders of the keys."""
    names = {name for name, _ in _settings.all_keys()}
    if names:
        server.log.info("only holders of a key may ask: %s", ", ".join(sorted(names)))
    else:
        server.log.info("no key is configured: every client may ask")


def post_fork(_server: Any, _worker: Any) -> None:
    """Let the hub go first where there are too few cores: a flood of cached answers would halve its speed."""
    os.nice(NICENESS)


def post_worker_init(worker: Any) -> None:
    """Refresh the models on SIGHUP, which the master passes on."""
    signal.signal(signal.SIGHUP, lambda *_: worker.wsgi.reload())


def child_exit(server: Any, worker: Any) -> None:
    """Remove the gauges of the dead worker from the metrics, and the space that it did not use."""
    # Both import prometheus_client, which reads PROMETHEUS_MULTIPROC_DIR once.
    from prometheus_client import multiprocess  # noqa: PLC0415

    from service.metric_files import trim  # noqa: PLC0415

    try:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
        trim(os.environ["PROMETHEUS_MULTIPROC_DIR"], worker.pid)
    except OSError as error:  # which would end the service
        server.log.warning("the metrics of a dead worker stay as they are: %s", error.strerror)


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the application; a worker that failed to assemble the application has none."""
    if hasattr(worker, "wsgi"):
        worker.wsgi.close()
