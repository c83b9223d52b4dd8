"""An interrupted job says how to go on, and keeps its best weights."""

import json
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

import training.__main__ as command
from model_store import PRODUCTION, ModelStore
from tests.servers import ROOT, wait_until
from tests.training.commands import completed, job
from tests.training.small import small_options

pytestmark = pytest.mark.slow


def until_an_epoch_is_recorded(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait for two recorded epochs after epoch 0: the job then has the first one in memory too."""
    deadline = time.monotonic() + 120
    file = folder / "epochs.json"
    while not file.exists() or len(json.loads(file.read_bytes())["content"]) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def interrupted(folder: Path, corpus: Path, by: signal.Signals) -> str:
    """Return the standard error of a job that a signal ends after its first epochs."""
    line = job(folder, "--corpus", str(corpus), "--name", "small", *small_options())
    line += ["--set", "epochs=100000", "--promote", "never"]
    with subprocess.Popen(
        line, cwd=ROOT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            until_an_epoch_is_recorded(process, folder / "the runs" / "small")
            process.send_signal(by)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted; the same command goes on" in errors
    return errors


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_tensorflow_is_loaded_is_one_line(
    tmp_path: Path, corpus: Path, by: signal.Signals
) -> None:
    """An interrupt during the import of TensorFlow ends the job in one line."""
    line = job(tmp_path, "--corpus", str(corpus), "--name", "small", *small_options())
    with subprocess.Popen(line, cwd=ROOT, text=True, stderr=subprocess.PIPE) as process:
        maps = Path(f"/proc/{process.pid}/maps")
        try:
            wait_until(lambda: "tensorflow" in maps.read_text(encoding="utf-8"), "TensorFlow")
            process.send_signal(by)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.endswith("training: interrupted\n")


def test_being_stopped_is_like_ctrl_c(tmp_path: Path, corpus: Path) -> None:
    """SIGTERM ends the job with the message of Ctrl-C."""
    assert "--publish-only" in interrupted(tmp_path, corpus, signal.SIGTERM)


def test_ctrl_c_keeps_the_best_weights(tmp_path: Path, corpus: Path) -> None:
    """After Ctrl-C the job names a command, and the command publishes the best weights."""
    errors = interrupted(tmp_path, corpus, signal.SIGINT)
    words = shlex.split(errors.splitlines()[-1])
    assert "--publish-only" in words
    published = completed(words)
    assert published.returncode == 0, published.stderr
    store = ModelStore(tmp_path / "the store")
    assert store.open("small", 1).manifest.metrics["best_epoch"] >= 1
    # `--promote never` of the interrupted command is kept; the printed command promotes by hand.
    assert store.aliases("small").get(PRODUCTION) is None
    _, remedy = published.stdout.splitlines()[-1].split("move it with: ")
    assert completed(shlex.split(remedy)).returncode == 0
    assert store.aliases("small").get(PRODUCTION) == 1


def test_ctrl_c_while_publishing_says_how_to_go_on(
    tmp_path: Path,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C during the export says how to publish the finished training."""

    def publish(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("training.job.publish", publish)
    line = job(tmp_path, "--corpus", str(corpus), "--name", "small", *small_options())
    assert command.main([*line[3:], "--set", "epochs=1"]) == 130
    assert "--publish-only" in capsys.readouterr().err
    assert (tmp_path / "the runs" / "small" / "best-1.npz").exists()


def test_ctrl_c_before_the_first_epoch_keeps_nothing(
    tmp_path: Path,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C before the first epoch names no publishing command, since there are no weights."""

    def fit(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("training.job.fit", fit)
    line = job(tmp_path, "--corpus", str(corpus), "--name", "small", *small_options())
    assert command.main(line[3:]) == 130
    errors = capsys.readouterr().err
    assert "the same command goes on" in errors
    assert "--publish-only" not in errors
