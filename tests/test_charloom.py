"""The command `charloom`, from a wheel in an environment of its own."""

import os
import subprocess
import sys
import venv
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import charloom
from tests.servers import ROOT


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment into which the wheel of this checkout is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    # A copy, because setuptools builds in the folder of the sources.
    sources = folder / "sources"
    names = ["charloom.py", "pyproject.toml", "README.md", "LICENSE"]
    names += ["model_store", "service", "training"]
    sources.mkdir()
    subprocess.run(["cp", "-r", *(ROOT / name for name in names), sources], check=True)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*pip, *build, str(folder), str(sources)], check=True)
    fresh = folder / "fresh"
    venv.create(fresh, with_pip=False)
    python, (wheel,) = fresh / "bin" / "python", folder.glob("charloom-*.whl")
    subprocess.run(
        [*pip, "--python", python, "install", "--no-deps", "--no-index", wheel], check=True
    )
    libraries = fresh / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    _link_dependencies(libraries)
    return fresh / "bin" / "charloom"


def _link_dependencies(libraries: Path) -> None:
    """Link what the wheel declares, and what that needs, from this environment: an index may be out of reach."""
    (wheel,) = distributions(path=[str(libraries)])
    waiting, linked = list(wheel.requires or ()), set()
    while waiting:
        needed = Requirement(waiting.pop())
        if needed.name in linked or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        linked.add(needed.name)
        found = distribution(needed.name)
        waiting += found.requires or ()
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (libraries / top).exists():
                (libraries / top).symlink_to(str(found.locate_file(top)))


def _run(command: Path, *words: str, folder: Path) -> str:
    done = subprocess.run(
        [command, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def test_an_installed_charloom_writes_text(command: Path, tmp_path: Path) -> None:
    """The wheel brings command and bundled models, and writes the text that the checkout writes."""
    words = ("generate", "ROMEO:", "--length", "40")
    installed = _run(command, *words, folder=tmp_path)
    checkout = _run(Path(sys.executable), "-m", "service", *words, folder=ROOT)
    assert installed.startswith("ROMEO:")
    assert installed == checkout


def test_an_installed_charloom_has_every_command(command: Path, tmp_path: Path) -> None:
    """Every command of the wheel answers, with the declared packages alone."""
    assert "shakespeare" in _run(command, "models", "list", folder=tmp_path)
    for name in charloom.COMMANDS.keys() - {"serve"}:
        assert "usage: " in _run(command, name, "--help", folder=tmp_path), name
    assert "--random-seed" in _run(command, "completion", "bash", folder=tmp_path)


# Two modules need an extra, and gunicorn reads its configuration in a process of its own.
IMPORT_ALL = """
import importlib, pkgutil, model_store, service
left_out = "model_store.remote", "service.engine.tensorflow_engine", "service.gunicorn_conf"
for house in (model_store, service):
    for module in pkgutil.walk_packages(house.__path__, f"{house.__name__}."):
        if module.name not in left_out:
            importlib.import_module(module.name)
            print(module.name)
"""


def test_the_declared_packages_are_enough(command: Path, tmp_path: Path) -> None:
    """Service and store import the declared packages alone, but for the modules of an extra."""
    imported = _run(command.with_name("python"), "-c", IMPORT_ALL, folder=tmp_path).split()
    assert {"service.app", "service.engine.onnx_engine", "model_store.store"} <= set(imported)


def test_a_training_without_its_packages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training without TensorFlow is one line that names the extra."""

    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'")

    monkeypatch.setattr("runpy.run_module", missing)
    monkeypatch.setattr(sys, "argv", ["charloom"])
    assert charloom.main(["train"]) == 2
    assert "pip install 'charloom[training]'" in capsys.readouterr().err


@pytest.mark.parametrize("shell", charloom.SHELLS)
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script for a shell completes commands and the options of each."""
    assert charloom.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("generate", "--random-seed", "--publish-only", "rollback"):
        assert word in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command ends with status 2 and the list of commands."""
    with pytest.raises(SystemExit, match="2"):
        charloom.main(["sing"])
    assert "'serve'" in capsys.readouterr().err


def test_another_system_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On another system than Linux every command ends with status 2 and the remedy."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert charloom.main(["serve"]) == 2
    assert "containers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("system", "given", "remedy"),
    [
        ("Darwin", "OLDEST_GLIBC=2.28", "docker-compose up"),
        ("Linux", "OLDEST_GLIBC=999.0", "docker-compose up"),
        ("Linux", "CPUINFO=old", "processor type host"),
    ],
    ids=["system", "C library", "processor"],
)
def test_make_on_another_machine(tmp_path: Path, system: str, given: str, remedy: str) -> None:
    """On a system, C library or processor that is not enough, `make` installs nothing, and names the remedy."""
    uname = tmp_path / "uname"
    uname.write_text(f"#!/bin/sh\necho {system}\n", encoding="utf-8")
    uname.chmod(0o755)
    made = tmp_path / "venv"
    (tmp_path / "old").write_text("flags\t\t: fpu sse sse2 ssse3\n", encoding="utf-8")
    done = subprocess.run(
        ["make", "-f", f"{ROOT}/Makefile", f"VENV={made}", given, f"{made}/venv.stamp"],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert remedy in done.stderr
    assert not made.exists()
