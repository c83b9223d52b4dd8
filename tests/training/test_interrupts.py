"""Ctrl-C and SIGTERM are lost nowhere, though TensorFlow's Python code would lose them."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

from model_store import ModelStore
from tests.training.small import Training
from training.frozen.export import export
from training.frozen.parity import check_parity
from training.frozen.start import Start
from training.interrupts import SIGNALS, deferred
from training.learning.batches import batches_of
from training.learning.evaluate import validation_loss
from training.learning.sample import sample_text
from training.learning.teachers import reading
from training.learning.trainer import Trainer
from training.network.model import build_model
from training.publishing.calibration import calibrate


class Interrupting:
    """An object whose deletion is interrupted; Python loses an error that is raised in a deletion."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.fixture(autouse=True)
def _handler_of_the_job() -> Any:
    """SIGTERM counts as Ctrl-C, as in the job."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_waits_for_the_end(number: signal.Signals) -> None:
    """An interrupt is raised once the block has ended, and the next interrupt is raised at once."""
    done = []

    @deferred()
    def block() -> None:
        signal.raise_signal(number)
        done.append("all of the block")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_an_ignored_signal_stays_ignored() -> None:
    """A job that ignores SIGTERM goes on after a block that heard SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with deferred():
        signal.raise_signal(signal.SIGTERM)


def model_of(trained: Training) -> keras.Model:
    model = build_model(trained.run.info.config, len(trained.vocabulary), "float32")
    model.set_weights(trained.run.best_weights())
    return model


def step(trained: Training, _: Path) -> Callable[[], Any]:
    config = trained.run.info.config
    batches = batches_of(trained.text, config)
    trainer = Trainer(config, trained.vocabulary, len(batches))
    return lambda: trainer.step(*next(iter(batches.epoch(0))))


def loss(trained: Training, _: Path) -> Callable[[], Any]:
    model = model_of(trained)
    return lambda: validation_loss(model, trained.run.info.config, trained.text)


def sample(trained: Training, _: Path) -> Callable[[], Any]:
    model = model_of(trained)
    return lambda: sample_text(model, trained.run.info.config, trained.vocabulary, "The ", 1.0)


def calibration(trained: Training, _: Path) -> Callable[[], Any]:
    model = model_of(trained)
    return lambda: calibrate(model, trained.run.info.config, trained.text)


def exporting(trained: Training, folder: Path) -> Callable[[], Any]:
    model = model_of(trained)
    return lambda: export(model, trained.run.info.config, folder)


def parity(trained: Training, folder: Path) -> Callable[[], Any]:
    config, model = trained.run.info.config, model_of(trained)
    export(model, config, folder)
    return lambda: check_parity(model, config, trained.text, folder)


@pytest.mark.slow
@pytest.mark.parametrize("begin", [step, loss, sample, calibration, exporting, parity])
def test_no_computation_loses_an_interrupt(
    begin: Callable[[Training, Path], Callable[[], Any]],
    trained: Training,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An interrupt where Python loses errors, while TensorFlow traces a function, ends the computation."""
    compute = begin(trained, tmp_path)
    _interrupt_the_next_layer(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        compute()


@pytest.mark.slow
def test_no_teacher_loses_an_interrupt(
    trained: Training, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt where Python loses errors, while a teacher is made, ends the making."""
    teacher = Start.at("small", ModelStore(published))
    _interrupt_the_next_layer(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        reading([teacher], trained.text, trained.vocabulary)


def _interrupt_the_next_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete an Interrupting when Keras calls the next layer."""
    left = [Interrupting()]
    call = keras.layers.Layer.__call__

    def interrupted(self: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        left.clear()
        return call(self, *inputs, **options)

    monkeypatch.setattr(keras.layers.Layer, "__call__", interrupted)
