"""The command `charloom`, from a wheel in an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

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
    # The libraries are those of this environment: an index may be out of reach.
    libraries = fresh / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return fresh / "bin" / "charloom"


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
    """Every command of the wheel answers `--help`, and `models list` names the bundled models."""
    assert "shakespeare" in _run(command, "models", "list", folder=tmp_path)
    for name in charloom.COMMANDS.keys() - {"serve"}:
        assert "usage: " in _run(command, name, "--help", folder=tmp_path), name


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
