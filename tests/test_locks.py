"""The locks in requirements/: hashed, without addresses, and those of charloom each a part of the next."""

import re

import pytest

from tests.servers import ROOT

LOCKS = ["serve", "train", "dev", "peers", "chart"]


def pins(lock: str) -> set[str]:
    """Return the pinned requirements of a lock, as `name==version ; marker`."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return {line.rstrip(" \\") for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)}


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_no_address(lock: str) -> None:
    """A lock works with any index, so it names none."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert not re.findall(r".*(?:://|--index|--extra-index|--find-links|--trusted-host).*", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_and_hash_everything(lock: str) -> None:
    """Each requirement of a lock has one exact version and at least one hash."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    requirements = re.findall(r"^[A-Za-z0-9].*", text.replace("\\\n", ""), re.MULTILINE)
    assert requirements
    assert all("==" in each and "--hash=sha256:" in each for each in requirements)


def test_serving_installs_no_tensorflow() -> None:
    """TensorFlow belongs to training: 1.6 GB and seconds of import that serving does not need."""
    names = {pin.split("==")[0] for pin in pins("serve")}
    assert "onnxruntime" in names
    assert names.isdisjoint({"keras", "tensorflow", "tensorflow-cpu"})


def test_locks_agree() -> None:
    """One environment takes three of the locks, so a smaller one is part of the larger."""
    assert pins("serve") <= pins("train") <= pins("dev")


def test_peers_have_the_versions_of_charloom() -> None:
    """A comparison is over the servers, so charloom and its peers run on one ONNX Runtime and one NumPy."""
    same = {pin for pin in pins("dev") if pin.split("==")[0] in {"onnxruntime", "numpy"}}
    assert same
    assert same <= pins("peers")
