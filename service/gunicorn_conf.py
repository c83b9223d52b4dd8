"""How gunicorn runs the service."""

import os
import shutil
import signal
import sys
import tempfile
from typing import Any

from service.logs import configuration
from service.settings import Settings

_settings = Settings()

# Where the workers write what they count; prometheus_client reads it once, when it is imported.
if "prometheus_client" in sys.modules:
    raise RuntimeError("prometheus_client was imported before its folder is known")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="charloom-metrics-")

wsgi_app = "service.app:create_app()"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = _settings.workers
# A generation that waits holds a thread; some stay free to say that the queue is full.
threads = _settings.slots + _settings.queue + 32
graceful_timeout = int(_settings.deadline) + 5
limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190
logconfig_dict = configuration()
control_socket_disable = True  # it would be written to a home that may not exist


def on_starting(server: Any) -> None:
    """Say who may ask."""
    names = {name for name, _ in _settings.all_keys()}
    if names:
        server.log.info("only holders of a key may ask: %s", ", ".join(sorted(names)))
    else:
        server.log.info("no key is configured: whoever reaches the address may ask")


def post_worker_init(worker: Any) -> None:
    """Have SIGHUP, which the master passes on, look at the model store again."""
    signal.signal(signal.SIGHUP, lambda *_: worker.wsgi.reload())


def child_exit(_server: Any, worker: Any) -> None:
    """Take what the worker had under way out of the metrics."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - not before the workers are forked

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Remove what the workers counted."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def worker_exit(_server: Any, worker: Any) -> None:
    """Close what the application opened, unless it could not be assembled."""
    if hasattr(worker, "wsgi"):
        worker.wsgi.close()
