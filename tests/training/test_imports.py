"""A command imports no library that the command does not use."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import training
from model_store import cores
from tests.servers import ROOT
from tests.training.commands import job
from training.__main__ import main
from training.quiet import quiet, require_avx

# Runs a command, then prints the top-level modules that the command imported.
COMMAND = """
import sys
from training.__main__ import main

try:
    sys.exit(main(sys.argv[1:]))
except SystemExit as end:
    assert end.code == EXPECTED
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def imported_by(*words: str, status: int = 0) -> set[str]:
    """The top-level modules that a command imports in a process of its own."""
    line = [sys.executable, "-c", COMMAND.replace("EXPECTED", str(status)), *words]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


def test_tensorflow_computes_with_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package switches oneDNN on before any of its modules imports TensorFlow, unless told otherwise."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    importlib.reload(training)
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    importlib.reload(training)
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"


@pytest.mark.parametrize(
    "processor",
    [
        "flags\t\t: fpu sse4_2 avx\n\nflags\t\t: fpu sse4_2 avx\n",
        "Features\t: fp asimd\n",
        None,
    ],
    ids=["AVX", "Arm", "unknown"],
)
def test_most_processors_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processor: str | None
) -> None:
    """A processor with AVX may train, and so may one that is no x86-64, or that Linux does not describe."""
    described = tmp_path / "cpuinfo"
    if processor is not None:
        described.write_text(processor, encoding="utf-8")
    monkeypatch.setattr("model_store.processor.CPUINFO", described)
    require_avx()


def test_a_processor_without_avx_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An x86-64 without AVX, where an import of TensorFlow would die silently, gets one line with the remedy."""
    described = tmp_path / "cpuinfo"
    described.write_text("flags\t\t: fpu sse4_2 popcnt\n", encoding="utf-8")
    monkeypatch.setattr("model_store.processor.CPUINFO", described)
    assert main(job(tmp_path, "--corpus", "a.txt", "--name", "small")[3:]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "AVX" in printed.err
    assert "processor type `host`" in printed.err


def test_settings_for_other_programs_change_no_training(tmp_path: Path) -> None:
    """What someone has set Keras and Matplotlib to, in files or as Jupyter does, reaches no training."""
    settings = {
        tmp_path / ".keras/keras.json": '{"backend": "torch", "floatx": "float16"}',
        tmp_path / ".config/matplotlib/matplotlibrc": "lines.linewidth: 40",
    }
    for file, text in settings.items():
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    code = """
import training, keras, matplotlib
print(keras.config.backend(), keras.config.floatx(), matplotlib.rcParams["lines.linewidth"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "KERAS_BACKEND": "jax", "MPLBACKEND": "module://of.jupyter"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "tensorflow float32 1.5\n", done.stderr


def test_tensorflow_has_a_thread_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import of TensorFlow bounds its threads, which would be those of the machine in a container."""
    pools = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    for pool in pools:
        monkeypatch.delenv(pool, raising=False)
    with quiet():
        assert {os.environ[pool] for pool in pools} == {str(cores())}


@pytest.mark.parametrize("command", [[], ["compare"], ["requantise"]])
def test_help_imports_no_library(command: list[str]) -> None:
    """`--help` imports the standard library and the command line alone."""
    found = imported_by(*command, "--help")
    assert "argparse" in found
    assert found.isdisjoint({"keras", "matplotlib", "numpy", "onnx", "onnxruntime", "tensorflow"})
    assert found.isdisjoint({"model_store", "pydantic", "rich"})


def test_requantising_imports_no_tensorflow() -> None:
    """`requantise` computes with ONNX Runtime alone."""
    line = [sys.executable, "-c", "import training.publishing.requantise, sys; print(*sys.modules)"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    found = set(done.stdout.split())
    assert "onnxruntime" in found
    assert found.isdisjoint({"keras", "tensorflow"})


def test_a_comparison_imports_no_engine(tmp_path: Path) -> None:
    """`compare` imports neither TensorFlow nor ONNX, and Matplotlib only to draw a picture."""
    found = imported_by("compare", "shakespeare", "faust", "--store", str(tmp_path))
    assert "rich" in found
    assert found.isdisjoint({"keras", "matplotlib", "onnx", "onnxruntime", "tensorflow"})


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", []),
        ("too short", []),
        ("a text with NUL\0" * 100, []),
        ("shorter than a batch. " * 50, ["--set", "batch_size=32", "--set", "sequence_length=128"]),
        ("long enough. " * 100, ["--set", "unit=1"]),
        ("long enough. " * 100, ["--set", "units=4096", "--set", "layers=8"]),
        ("long enough. " * 100, ["--from", "nobody"]),
        ("long enough. " * 100, ["--publish-only"]),
        (None, []),
    ],
)
def test_a_wrong_input_is_refused_without_tensorflow(
    tmp_path: Path, text: str | None, options: list[str]
) -> None:
    """What is wrong with corpus, configuration or parent is said before TensorFlow is imported."""
    if text is not None:
        (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    words = job(tmp_path, "--corpus", str(tmp_path / "text.txt"), "--name", "small", *options)
    found = imported_by(*words[3:], status=2)
    assert "pydantic" in found
    assert found.isdisjoint({"keras", "tensorflow"})
