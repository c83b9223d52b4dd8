"""The machine of the measurement."""

import os
import platform
import re
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

LIBRARIES = ["onnxruntime", "tensorflow_cpu", "keras", "numpy", "flask", "gunicorn"]
FLAGS = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8"]


def kind() -> Literal["avx512_vnni", "avx2"]:
    """Return the kind of processor: with or without AVX-512's instructions for integer products."""
    return "avx512_vnni" if "avx512_vnni" in _flags() else "avx2"


def describe() -> dict[str, Any]:
    """Return processor, load average and versions."""
    cpu, flags = _cpu(), _flags()
    return {
        "kind": kind(),
        "processor": " ".join(
            f"{_field(cpu, 'model name')}, family {_field(cpu, 'cpu family')}".split()
        ),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in FLAGS if flag in flags],
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "commit": _commit(),
    }


def as_text(machine: dict[str, Any]) -> str:
    """Return the description as text."""
    libraries = ", ".join(f"{name} {version_}" for name, version_ in machine["libraries"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores ({', '.join(machine['flags'])})\n"
        f"load average before: {' '.join(map(str, machine['load_before']))}\n"
        f"Python {machine['python']}, {libraries}; commit {machine['commit']}\n"
    )


@cache
def _cpu() -> str:
    return Path("/proc/cpuinfo").read_text(encoding="utf-8")


def _flags() -> set[str]:
    return set(_field(_cpu(), "flags").split())


def _field(cpu: str, name: str) -> str:
    found = re.search(rf"^{name}\s*: (.*)$", cpu, re.MULTILINE)
    return found[1] if found else "unknown"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
