"""Several workers train as one: they share each batch, average gradients and publish once."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from model_store import ModelStore
from tests.ports import free_port
from tests.training.small import ENGLISH, Training, small_config, small_options
from training.errors import ConfigError
from training.learning.cluster import place
from training.learning.run import Run
from training.learning.workers import Workers

ROOT = Path(__file__).resolve().parents[2]


def cluster(number: int) -> list[str]:
    """Return the `TF_CONFIG` of each worker of a cluster on this machine."""
    workers = [f"127.0.0.1:{free_port()}" for _ in range(number)]
    return [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
        for index in range(number)
    ]


def job(folder: Path, corpus: Path, tf_config: str = "", *more: str) -> subprocess.Popen[str]:
    places = ["--store", str(folder / "store"), "--runs", str(folder / "runs")]
    line = [sys.executable, "-m", "training", "--corpus", str(corpus), "--name", "small", *places]
    return subprocess.Popen(
        [*line, *small_options(*more)],
        cwd=ROOT,
        env=os.environ | {"TF_CONFIG": tf_config},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def start_two(folder: Path, corpus: Path, *more: str) -> list[subprocess.Popen[str]]:
    """Start the chief and the other worker of a cluster."""
    return [job(folder, corpus, each, *more) for each in cluster(2)]


def ends_for_another(worker: subprocess.Popen[str]) -> None:
    """Wait for a worker to end with one line because another worker is gone."""
    _, errors = worker.communicate(timeout=300)
    assert worker.returncode == 2, errors
    assert "training: another worker is gone: start all of them again" in errors
    assert "Traceback" not in errors


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(ENGLISH[:4000], encoding="utf-8")
    return path


@pytest.mark.slow
def test_two_workers_that_lose_one_another_train_as_one(tmp_path: Path, corpus: Path) -> None:
    """Killed in an epoch and killed while publishing, two workers go on to the losses of one process."""
    epochs = 6
    options = ("--set", f"epochs={epochs}")
    chief, other = start_two(tmp_path, corpus, *options)
    recorded = tmp_path / "runs" / "small" / "epochs.json"
    deadline = time.monotonic() + 120
    while not recorded.exists() or len(json.loads(recorded.read_bytes())["content"]) < 3:
        assert chief.poll() is None, chief.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    other.kill()
    ends_for_another(chief)
    other.communicate()

    chief, other = start_two(tmp_path, corpus, *options)
    assert chief.stdout
    said = []
    for line in chief.stdout:
        said.append(line)
        if line.startswith("exporting"):
            chief.kill()
    assert any("going on from epoch" in line for line in said)
    ends_for_another(other)
    chief.communicate()
    assert ModelStore(tmp_path / "store").versions("small") == []

    together = start_two(tmp_path, corpus, *options)
    (of_chief, errors), (of_other, _) = (each.communicate(timeout=300) for each in together)
    assert [process.returncode for process in together] == [0, 0], errors
    assert "published small@1" in of_chief
    assert "epoch 1:" not in of_chief  # finished epochs are not trained again
    assert "published" not in of_other
    assert ModelStore(tmp_path / "store").versions("small") == [1]

    text = corpus.read_text(encoding="utf-8")
    one = Training(tmp_path / "one", text, small_config(epochs=epochs)).fit().run
    for epoch, expected in zip(Run.open(recorded.parent).epochs, one.epochs, strict=True):
        assert epoch.validation_loss == pytest.approx(expected.validation_loss, abs=0.01)
        assert epoch.train_loss == pytest.approx(expected.train_loss, abs=0.01)


@pytest.mark.slow
def test_workers_with_different_texts_do_not_train(tmp_path: Path, corpus: Path) -> None:
    """Workers with different texts end with an error before the first epoch."""
    other = tmp_path / "other.txt"
    other.write_text(ENGLISH[:3999] + "!", encoding="utf-8")
    together = [
        job(tmp_path, text, each) for text, each in zip((corpus, other), cluster(2), strict=True)
    ]
    for process in together:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 2
        assert "training: the workers have different texts or configurations" in errors
        assert "Traceback" not in errors
        assert "epoch 1" not in output


def test_rows_are_shared_in_order() -> None:
    """A single worker has all rows of a batch."""
    workers = Workers()
    assert (workers.number, workers.chief) == (1, True)
    batch = np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(workers.rows(batch), batch)


@pytest.mark.parametrize(
    ("description", "problem"),
    [
        ("{", "TF_CONFIG is no description of a cluster"),
        ('{"cluster": {}}', "TF_CONFIG is no description of a cluster"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "worker 1 is none of the 1",
        ),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}',
            "of the type worker",
        ),
    ],
)
def test_a_wrong_tf_config_is_named(description: str, problem: str) -> None:
    """An invalid `TF_CONFIG` is refused before any worker is waited for."""
    with pytest.raises(ConfigError, match=problem):
        Workers(description)


def test_the_example_describes_two_workers() -> None:
    """The compose file gives each of two workers its own index and the same cluster."""
    example = ROOT / "deploy" / "workers" / "docker-compose.yml"
    compose = yaml.safe_load(example.read_text(encoding="utf-8"))
    for index in range(2):
        described = compose["services"][f"worker-{index}"]["environment"]["TF_CONFIG"]
        assert place(described) == (2, index)
