"""Whether a model computes the same numbers on this machine as on the machine of its training."""

import platform
from importlib.metadata import version

from model_store import Manifest, contents, processor_field


def is_exact(manifest: Manifest, engine: str, computed: str) -> bool | None:
    """Return whether the fingerprint computed here is the manifest's.

    Returns:
        None where nothing can be compared: the manifest has no fingerprint, or the engine does not
        run the int8 graph, whose fingerprint the manifest has.
    """
    if manifest.fingerprint is None or engine != "onnx":
        return None
    return computed == manifest.fingerprint


def difference(manifest: Manifest) -> str:
    """Return the sentence about a model that is not exact on this machine."""
    return (
        f"{manifest.name}@{manifest.version} does not compute the same numbers here as where it was "
        f"trained, so its texts may differ from those of other machines ({machine()})"
    )


def not_proven(manifest: Manifest, engine: str) -> str:
    """Return the sentence about a model that cannot be compared, with the remedy."""
    subject = f"{manifest.name}@{manifest.version}"
    if engine != "onnx":
        return f"{subject} cannot be proven exact with CHARLOOM_ENGINE={engine}: use onnx"
    if contents.INT8_GRAPH not in manifest.files:
        return f"{subject} has no int8 graph, which alone is the same on every processor: train it again"
    return (
        f"{subject} has no fingerprint to compare: `python -m training requantise {subject}` "
        "publishes a version with one"
    )


def machine() -> str:
    """Return the processor and the version of ONNX Runtime."""
    processor = processor_field("model name") or platform.machine()
    return f"{processor}, ONNX Runtime {version('onnxruntime')}"
