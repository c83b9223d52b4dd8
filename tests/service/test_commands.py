"""`python -m service` and its commands, run in a process."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.__main__ import COMMANDS
from tests.ports import free_port, listens, needs_ipv6
from tests.servers import ROOT, wait_until


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(option: str) -> None:
    """The help names each command with its purpose."""
    done = run(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"{name} " in done.stdout and what in done.stdout for name, what in COMMANDS.items())


def test_tls_is_refused() -> None:
    """Options for TLS end the start with one line that names the remedy."""
    done = run("serve", "--certfile", "README.md", PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("service: there is no TLS; let a proxy")
    assert "Traceback" not in done.stderr


def test_a_wrong_command_is_told_which_there_are() -> None:
    """An unknown command is an error that lists the known commands."""
    done = run("genrate")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no command 'genrate'" in done.stderr
    assert all(name in done.stderr for name in COMMANDS)


def test_a_wrong_setting_is_named() -> None:
    """Each bad value is one line that names the variable, the value and what is allowed."""
    done = run(CHARLOOM_SLOTS="many", CHARLOOM_QUEUE="-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "service: CHARLOOM_SLOTS: 'many' is not allowed: use a whole number from 1 up to 4096",
        "service: CHARLOOM_QUEUE: '-1' is not allowed: use a whole number from 0 up to 10000",
    ]


def test_the_variable_of_gunicorn_is_not_read() -> None:
    """`WEB_CONCURRENCY`, which platforms set for gunicorn, does not matter to the service."""
    done = run("serve", "--help", WEB_CONCURRENCY="many")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_port_that_is_not_free_is_named() -> None:
    """Where another program listens, the last line names the port and the remedy; gunicorn tries for 5 s."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(PORT=str(port))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"service: PORT: the service cannot listen at {port}: set PORT")


@needs_ipv6
def test_the_service_listens_on_ipv6() -> None:
    """`HOST=::1` is an address without brackets."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={"HOST": "::1", "PORT": str(port)},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: listens(port, "::1"), "the service")
        finally:
            process.terminate()
    assert process.returncode == 0


def test_signals_right_after_the_start(tmp_path: Path, store: Path) -> None:
    """SIGHUP ends no worker that starts, and SIGTERM ends the service long before the grace period does."""
    port = free_port()
    settings = {"CHARLOOM_STORE": str(store), "CHARLOOM_MODEL": "tiny", "CHARLOOM_DEADLINE": "3600"}
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env=settings | {"PORT": str(port)},
            stderr=log,
        ) as process,
    ):
        wait_until(lambda: listens(port), "the service")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "refreshing" in (tmp_path / "log").read_text(), "the refreshing")
        process.terminate()
        try:
            assert process.wait(60) == 0
        finally:
            process.send_signal(signal.SIGQUIT)
    assert "was sent" not in (tmp_path / "log").read_text()


def test_an_unknown_variable_is_named() -> None:
    """A variable with the service's prefix that is no setting is named, with the setting it resembles."""
    done = run(
        "keys", "new", "anna", CHARLOOM_KEY="secret", CHARLOOM_RUNS="runs", CHARLOOM_ZEAL="1"
    )
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "service: there is no setting CHARLOOM_KEY (is CHARLOOM_KEYS meant?)",
        "service: there is no setting CHARLOOM_ZEAL",
    ]


def test_a_default_model_that_is_not_there_is_named() -> None:
    """Without its default model the service does not start, and names the models of the store."""
    done = run(CHARLOOM_MODEL="nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("service: CHARLOOM_MODEL: no model is called 'nobody'")
    assert "shakespeare" in done.stderr
    assert done.stderr.count("\n") == 1
