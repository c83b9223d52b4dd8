"""The machine of the measurement."""

import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any, Literal

from model_store import processor_field, processor_flags

LIBRARIES = ["onnxruntime", "tensorflow_cpu", "keras", "numpy", "flask", "gunicorn"]
FLAGS = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8"]


def kind() -> Literal["avx512_vnni", "avx2"]:
    """Return the kind of processor: with or without AVX-512's instructions for integer products."""
    return "avx512_vnni" if "avx512_vnni" in processor_flags() else "avx2"


def describe() -> dict[str, Any]:
    """Return processor, load average and versions."""
    flags = processor_flags()
    model, family = (processor_field(name) or "unknown" for name in ("model name", "cpu family"))
    return {
        "kind": kind(),
        "processor": " ".join(f"{model}, family {family}".split()),
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


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
