"""The Docker engine and Compose: found, started where a script can do so, and run.

Only the standard library is used, so that any Python 3.11 runs these tests without an environment.
"""

import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE_SCRIPT = ROOT.parent / "shared" / "docker" / "engine-and-images.sh"


def find_compose() -> tuple[list[str], str]:
    """Return the Compose command to use, or none and why."""
    if ENGINE_SCRIPT.exists() and os.geteuid() == 0:
        print(f"starting the engine with {os.path.relpath(ENGINE_SCRIPT, ROOT)} …", flush=True)
        run(["bash", str(ENGINE_SCRIPT)], 900)
    if shutil.which("docker") is None:
        return [], "there is no docker command"
    if not _works(["docker", "info"]):
        return [], "no Docker engine answers this user"
    if "COMPOSE" in os.environ:
        return shlex.split(os.environ["COMPOSE"]), ""
    for command in (["docker-compose"], ["docker", "compose"]):
        if _works([*command, "version"]):
            return command, ""
    return [], "there is neither docker-compose nor docker compose"


def run(command: list[str], timeout: float, environment: dict[str, str] | None = None) -> str:
    """Run a command and return what the command printed; raise when the command fails."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | (environment or {}),
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{said}")
    return done.stdout


def _works(command: list[str]) -> bool:
    try:
        run(command, 30)
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return False
    return True


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Return whether the condition holds within the seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
