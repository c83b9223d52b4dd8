"""Python interpreters on other processors, which QEMU emulates.

Each is a virtual environment below .venv/processors. Its `bin/python` is a shell script that starts
QEMU and hands its own path on as the interpreter's, so `sys.executable` starts QEMU too and child
processes stay on the emulated processor; the kernel needs no binfmt_misc for that.
`QEMU_CPU` in the environment names the processor model.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = Path(sys.prefix) / "processors"
LOCK = REPOSITORY / "requirements" / "serve.txt"
QEMU = {"x86_64": "qemu-x86_64-static", "aarch64": "qemu-aarch64-static"}
# The processor models of each architecture, by what sets them apart.
MODELS = {
    "x86_64": {"x86-64, AVX2 alone": "Haswell-noTSX"},
    "aarch64": {
        "64-bit Arm, NEON alone": "cortex-a72",
        "64-bit Arm, dot products": "neoverse-n1",
        "64-bit Arm, SVE and I8MM": "max",
    },
}
# NumPy and ONNX Runtime need the C++ library.
DEBIAN = ("python3", "libstdc++6")
# ONNX Runtime 1.28 and later end with a segmentation fault where /proc/cpuinfo names no Arm core.
# It believes this core, the Cortex-A72, to have no extension beyond those that the kernel reports.
CORE = """\
processor\t: {}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""


class Unavailable(Exception):
    """An emulation that cannot be prepared here; the message says why."""


def install_qemu() -> str:
    """Install QEMU where it is missing and the user is root; return its version."""
    if not all(map(shutil.which, QEMU.values())):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Unavailable("there is no QEMU here (on Debian: apt install qemu-user-static)")
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", "qemu-user-static")
    return run([QEMU["x86_64"], "--version"]).split()[2]


def prepare(architecture: str) -> Path:
    """Return an interpreter of the architecture that can import what `service` needs."""
    return {"x86_64": _x86_64, "aarch64": _aarch64}[architecture]()


def run(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Return what a command prints; raise `RuntimeError` with its last line where it fails."""
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ if environment is None else environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=900,
        check=False,
    )
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {' '.join(said[-1:])}")
    return done.stdout


def _x86_64() -> Path:
    """Emulate the interpreter of .venv, over the packages of .venv."""
    folder = HOME / "x86_64"
    interpreter = Path(sys.executable).resolve()
    python = _environment(folder, [QEMU["x86_64"]], interpreter)
    if not (folder / "lib").exists():
        (folder / "lib").symlink_to(Path(sys.prefix) / "lib")
    return python


def _aarch64() -> Path:
    """Emulate the distribution's interpreter, over the packages of the service's lock."""
    root = HOME / "aarch64-root"
    if not root.exists():
        _unpack_root(root)
    folder = HOME / "aarch64"
    python = _environment(folder, [QEMU["aarch64"], "-L", str(root)], root / "usr/bin/python3")
    installed, wanted = folder / "lock.sha256", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not installed.exists() or installed.read_text() != wanted:
        _install_lock(python)
        installed.write_text(wanted)
    return python


def _environment(folder: Path, qemu: list[str], interpreter: Path) -> Path:
    """Make a virtual environment whose interpreter runs under QEMU; return its `bin/python`."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    (folder / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\n")
    command = f'{shlex.join(qemu)} -0 "$0" {shlex.quote(str(interpreter))} "$@"'
    python.write_text(f"#!/bin/sh\nexec {command}\n")
    python.chmod(0o755)
    return python


def _unpack_root(root: Path) -> None:
    """Unpack an Arm Python with all it depends on; neither dpkg nor apt of this machine changes."""
    if not shutil.which("apt-get"):
        raise Unavailable("there is no apt-get here to download an Arm Python with")
    apt, parts = HOME / "apt", HOME / "aarch64-root.part"
    for folder in (apt, parts):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (apt / "lists/partial", apt / "archives/partial", parts / "proc"):
        folder.mkdir(parents=True)
    (apt / "status").touch()  # nothing is installed, so every dependency is downloaded
    print("processor-test: unpacking a Python for 64-bit Arm …", flush=True)
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State": apt,
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt,
    }
    flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    _apt(*flags, "update")
    _apt(*flags, "install", "--download-only", "--yes", "--no-install-recommends", *DEBIAN)
    for package in (apt / "archives").glob("*.deb"):
        run(["dpkg", "--extract", str(package), str(parts)])
    cores = "".join(map(CORE.format, range(os.cpu_count() or 1)))
    (parts / "proc" / "cpuinfo").write_text(cores)
    parts.rename(root)
    shutil.rmtree(apt)


def _install_lock(python: Path) -> None:
    """Install the service's lock by pip on the emulated processor, which knows its own wheels."""
    print(f"processor-test: installing {LOCK.name} for 64-bit Arm …", flush=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    flags = ["--disable-pip-version-check", "--no-input", "-qq", "--only-binary=:all:"]
    # The lock is complete, so --no-deps; compiling all modules under QEMU would take minutes.
    flags += ["--require-hashes", "--no-deps", "--no-compile"]
    run([*pip, "install", *flags, "-r", str(LOCK)])


def _apt(*arguments: str) -> None:
    """Run apt-get; where it fails, the emulation is unavailable."""
    try:
        run(["apt-get", "-qq", *arguments], {**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    except RuntimeError as error:
        raise Unavailable(f"no Debian package can be downloaded here ({error})") from error
