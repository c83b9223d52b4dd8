"""deploy/systemd/charloom.service, run by the systemd of a container."""

import re
from concurrent.futures import ThreadPoolExecutor

from tests.compose.engine import eventually, run
from tests.compose.project import HTTP, Compose, Tally

FOLDER = "/opt/charloom"
UNITS = "/etc/systemd/system"
# What a service needs of a checkout.
SERVED = ("Makefile", "requirements", "model_store", "service", "deploy")
DYNAMIC_USERS = range(61184, 65520)  # https://systemd.io/UIDS-GIDS
LONG = {"seed": "ROMEO:", "length": 10_000, "random_seed": 1}


def try_systemd(machine: Compose, tally: Tally) -> None:
    """Run every part on one machine; without systemd in the container, none."""
    machine("up", "-d", "--build")
    if not eventually(lambda: _runs(machine), 20):
        print("SKIPPED: systemd does not start in a container of this engine", flush=True)
        return
    for part in (_starting, _reloading, _stopping, _restarting, _refusing):
        print(part.__doc__, flush=True)
        part(machine, tally)


def _runs(machine: Compose) -> bool:
    try:
        state = _shell(machine, "systemctl is-system-running || true")
    except (RuntimeError, ValueError):  # the container has ended
        return False
    # Some of Debian's own units cannot start in a container, which makes the state "degraded".
    return state in ("running", "degraded")


def _starting(machine: Compose, tally: Tally) -> None:
    """Install as deploy/README.md says, start and ask."""
    copied = " ".join(f"/checkout/{name}" for name in SERVED)
    _shell(
        machine, f"mkdir {FOLDER} && cp -r {copied} {FOLDER} && make -C {FOLDER} .venv/serve.stamp"
    )
    _shell(machine, f"cp {FOLDER}/deploy/systemd/charloom.service {UNITS}")
    _set(machine, "HOST=0.0.0.0")  # the port of a container
    _shell(machine, "systemctl enable --now charloom")
    machine.wait_until_ready()
    text = machine.generate(seed="ROMEO:", temperature=0.5, length=100).body["text"]
    tally.check("the service answers", len(text) == 100, text)
    user = int(_shell(machine, f"stat -c %u /proc/{_main_process(machine)}"))
    tally.check("the service runs as a user of its own", user in DYNAMIC_USERS, user)


def _reloading(machine: Compose, tally: Tally) -> None:
    """Publish a model as root, and reload."""
    _shell(machine, f"cd {FOLDER} && .venv/bin/python -m model_store bundle faust --to models")
    _shell(machine, "systemctl reload charloom")

    def versions() -> set[tuple[str, int]]:
        return {
            (model["name"], model["version"]) for model in machine.ask("/models").body["models"]
        }

    offered = eventually(lambda: ("faust", 1) in versions(), 5)
    tally.check("the published version is offered", offered, versions())


def _stopping(machine: Compose, tally: Tally) -> None:
    """Restart while a text is written."""
    with ThreadPoolExecutor() as pool:
        running = pool.submit(machine.generate, **LONG)
        busy = eventually(lambda: _writes(machine), 10)
        tally.check("a text is being written", busy)
        _shell(machine, "systemctl restart charloom")
        written = len(running.result().body["text"])
    tally.check("the text is complete", written == LONG["length"], written)
    machine.wait_until_ready()


def _restarting(machine: Compose, tally: Tally) -> None:
    """Kill the main process."""
    killed = _main_process(machine)
    _shell(machine, f"kill -KILL {killed}")
    again = eventually(lambda: _main_process(machine) not in (killed, "0"), 20)
    tally.check("systemd starts the service again", again)
    machine.wait_until_ready()


def _refusing(machine: Compose, tally: Tally) -> None:
    """Start with a wrong setting."""
    _set(machine, "CHARLOOM_MODEL=nobody")
    _shell(machine, "systemctl restart charloom || true")
    state = _shell(machine, "systemctl is-active charloom || true")
    tally.check("the start ends, and systemd tries no other", state == "failed", state)
    said = _shell(machine, "journalctl --unit charloom --output cat")
    tally.check(
        "the journal names the setting", "CHARLOOM_MODEL: no model is called 'nobody'" in said, said
    )


def _set(machine: Compose, setting: str) -> None:
    """Change a setting as `systemctl edit charloom` does."""
    folder = f"{UNITS}/charloom.service.d"
    lines = f"[Service]\\nEnvironment={setting}\\n"
    _shell(
        machine,
        f"mkdir -p {folder} && printf '{lines}' > {folder}/override.conf && systemctl daemon-reload",
    )


def _writes(machine: Compose) -> bool:
    with HTTP.open(f"http://127.0.0.1:{machine.port}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    return bool(re.search(r"^charloom_running\b.* [1-9]", metrics, re.MULTILINE))


def _main_process(machine: Compose) -> str:
    return _shell(machine, "systemctl show --property MainPID --value charloom")


def _shell(machine: Compose, line: str) -> str:
    return run(["docker", "exec", machine.container("machine"), "sh", "-c", line], 300).strip()
