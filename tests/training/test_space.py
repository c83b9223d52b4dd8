"""A full disk is found before a training, and does no harm during one."""

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from model_store import ModelStore, Vocabulary
from tests.training.small import ENGLISH, Training, small_config, small_options
from training import space
from training.errors import ConfigError
from training.learning.trainer import Trainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TEXT = "the cat sat on the mat, and the dog sat on the cat.\n" * 30

# A mount in a new user namespace, visible to this process tree alone, needs no root on many systems.
MOUNTED = """
mount -t tmpfs -o size=4m none "$1" || exit 77
shift
exec "$@"
"""


def on_a_small_disk(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a disk of four megabytes mounted at `folder`."""
    line = ["unshare", "-Urm", "sh", "-c", MOUNTED, "sh", str(folder), *command]
    try:
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if done.returncode == 77 or done.stderr.startswith("unshare: "):
        pytest.skip(f"this system lends nobody a small disk: {done.stderr}")
    return done


@pytest.mark.parametrize("full", ["store", "runs"])
def test_a_disk_too_small_is_found_before_the_training(tmp_path: Path, full: str) -> None:
    """A disk too small for two million weights is refused in one line that names the folder."""
    (tmp_path / "text.txt").write_text(ENGLISH[:5000], encoding="utf-8")
    (tmp_path / full).mkdir()
    places = ["--store", str(tmp_path / "store"), "--runs", str(tmp_path / "runs")]
    words = ["--corpus", str(tmp_path / "text.txt"), "--name", "big", *small_options()]
    job = [sys.executable, "-m", "training", *words, *places, "--set", "units=700"]
    done = on_a_small_disk(tmp_path / full, *job)
    assert done.returncode == 2, done.stdout
    folder = tmp_path / full / ("big" if full == "runs" else "")
    assert f"training: {folder} has room for 4 MB and will need" in done.stderr.splitlines()[-1]
    assert "epoch 1" not in done.stdout


def test_a_network_too_large_for_onnx_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network too large for an ONNX file is refused before the training."""
    vocabulary, store = Vocabulary.from_text("ab"), ModelStore(tmp_path)
    config = small_config(units=16, embedding=4)
    rows = 2 * 4 * 16
    weights = 2 * 4 + 4 * 16 * (4 + 16 + 1) + 16 * 2 + 2
    monkeypatch.setattr(space, "ONNX_BYTES", 4 * (weights + rows))
    with pytest.raises(ConfigError, match=f"the network has {weights:,} weights, more than"):
        space.require_space(config, vocabulary, tmp_path, store)
    monkeypatch.setattr(space, "ONNX_BYTES", 4 * (weights + rows) + 1)
    space.require_space(config, vocabulary, tmp_path, store)


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    """A function that limits the size of every file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_spares_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_size_limit: Callable[[int], None]
) -> None:
    """A checkpoint that cannot be written leaves the last one whole to continue from."""
    undisturbed = Training(tmp_path / "undisturbed", TEXT, small_config()).fit().run
    training = Training(tmp_path / "full", TEXT, small_config())
    step = Trainer.step

    def filling(self: Trainer, *batch: np.ndarray) -> float:
        if self.position.epoch == 2:
            file_size_limit(5000)
        return step(self, *batch)

    monkeypatch.setattr(Trainer, "step", filling)
    with pytest.raises(OSError, match="File too large"):
        training.fit()
    monkeypatch.undo()
    file_size_limit(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    assert not list(training.run.folder.glob(".*"))  # no partial file stays
    again = Training(training.run.folder, TEXT, small_config())
    assert again.run.next_epoch == 2
    assert again.fit().run.epochs == undisturbed.epochs
