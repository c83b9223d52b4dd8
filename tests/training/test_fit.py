"""A training learns, is repeatable, and keeps the weights of its best epoch."""

import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.small import Training, small_config
from training.config import load_config
from training.corpus.seed_text import seed_text_of
from training.errors import TrainingError
from training.learning.batches import batches_of
from training.learning.evaluate import validation_loss
from training.learning.sample import sample_text
from training.learning.trainer import Trainer, make_optimizer
from training.network.model import build_model

pytestmark = pytest.mark.slow

LECTURE = Path(__file__).parents[2] / "training" / "configs" / "lecture.toml"
PERIODIC = "the cat sat on the mat.\n" * 120


def unigram_entropy(text: str) -> float:
    """The loss of a model that knows the frequencies of characters alone, in nats."""
    return -sum(n / len(text) * math.log(n / len(text)) for n in Counter(text).values())


@pytest.fixture(scope="module")
def periodic(tmp_path_factory: pytest.TempPathFactory) -> Training:
    config = small_config(epochs=8, units=32)
    return Training(tmp_path_factory.mktemp("periodic"), PERIODIC, config).fit()


def test_a_periodic_text_is_learned(periodic: Training) -> None:
    """A small model learns a periodic text far below the entropy of its characters."""
    assert periodic.run.best.validation_loss < 0.1 * unigram_entropy(PERIODIC)
    assert periodic.run.epochs[0].validation_loss > periodic.run.best.validation_loss


def test_what_was_learned_is_written(periodic: Training) -> None:
    """The sample at temperature 0.5 continues the text."""
    seed_text, sample = periodic.run.info.seed_text, periodic.run.best.samples["0.5"]
    assert seed_text + sample in PERIODIC


def test_every_epoch_is_recorded_with_its_samples(periodic: Training) -> None:
    """Each epoch has samples of the configured length at temperatures 0.5 and 1.0."""
    assert [epoch.number for epoch in periodic.run.epochs] == list(range(1, 9))
    for epoch in periodic.run.history:
        assert {key: len(sample) for key, sample in epoch.samples.items()} == {"0.5": 20, "1.0": 20}


def test_the_untrained_network_is_recorded_as_epoch_0(periodic: Training) -> None:
    """Epoch 0 has the loss of random weights, about that of a uniform guess, and no weights are kept."""
    untrained = periodic.run.history[0]
    assert untrained == periodic.run.untrained
    assert untrained.number == 0
    assert untrained.validation_loss == pytest.approx(math.log(len(periodic.vocabulary)), rel=0.2)
    assert not (periodic.run.folder / "best-0.npz").exists()


def sampler(training: Training) -> Callable[[str, float], str]:
    """A sampler with the best weights of a run."""
    config, vocabulary = training.run.info.config, training.vocabulary
    model = build_model(config, len(vocabulary), "float32")
    model.set_weights(training.run.best_weights())
    return partial(sample_text, model, config, vocabulary)


def test_samples_go_on_from_the_held_out_seed_text(trained: Training) -> None:
    """The best epoch's samples are drawn with its weights after the held-out seed text."""
    run, sample = trained.run, sampler(trained)
    assert run.info.seed_text == seed_text_of(trained.text, trained.vocabulary)
    assert run.best.samples == {str(t): sample(run.info.seed_text, t) for t in (0.5, 1.0)}


@pytest.mark.parametrize("start", [0, 5, 10, 15])
def test_a_sample_follows_its_seed_text(periodic: Training, start: int) -> None:
    """A sample continues the seed text, at whatever position the seed text ends."""
    seed_text = PERIODIC[start : start + 30]
    assert seed_text + sampler(periodic)(seed_text, 0.5) in PERIODIC


def test_a_random_seed_gives_the_same_weights(tmp_path: Path) -> None:
    """The same random seed gives the same weights, and another random seed other weights."""

    def weights(random_seed: int, folder: str) -> np.ndarray:
        config = small_config(epochs=1, dropout=0.3, random_seed=random_seed)
        run = Training(tmp_path / folder, PERIODIC, config).fit().run
        return np.concatenate([weight.ravel() for weight in run.best_weights()])

    first = weights(1, "a")
    np.testing.assert_array_equal(weights(1, "b"), first)
    assert np.abs(weights(2, "c") - first).max() > 0.1


def test_the_best_epoch_is_kept_not_the_last(tmp_path: Path) -> None:
    """If later epochs are worse, the weights on disk are those of the best epoch."""
    rng = np.random.default_rng(0)
    unlike = "".join(rng.choice(list("abcd"), size=800))
    training = Training(
        tmp_path, "abcd" * 200 + unlike, small_config(epochs=4, validation_fraction=0.5)
    ).fit()
    run = training.run
    losses = [epoch.validation_loss for epoch in run.epochs]
    assert run.best.number < 4
    assert run.best.validation_loss == min(losses) < losses[-1] - 0.02
    model = build_model(run.info.config, len(training.vocabulary), "float32")
    model.set_weights(run.best_weights())
    measured = validation_loss(model, run.info.config, training.text)
    assert measured == pytest.approx(min(losses), abs=1e-5)


@pytest.mark.parametrize("changes", [{}, {"warmup_steps": 0}])
def test_few_steps_are_enough_to_learn_something(tmp_path: Path, changes: dict[str, int]) -> None:
    """With twenty steps the running average of the weights still learns the frequencies."""
    config = small_config(epochs=5, batch_size=4, sequence_length=160, **changes)
    training = Training(tmp_path, PERIODIC, config).fit()
    assert len(training.text.train) // (4 * 160) * 5 == 20
    untrained = math.log(len(training.vocabulary))
    assert training.run.best.number == 5
    assert training.run.best.validation_loss < untrained - 0.2


def test_the_average_forgets_the_first_weights(tmp_path: Path) -> None:
    """The momentum of the average rises with the steps, from 0 to the configured one."""
    training = Training(tmp_path, PERIODIC, small_config(ema_momentum=0.25))
    batches = batches_of(training.text, training.run.info.config)
    trainer = Trainer(training.run.info.config, training.vocabulary, len(batches))
    average = np.nan
    for momentum, batch in zip([0, 2 / 11, 0.25, 0.25], batches.epoch(0), strict=False):
        trainer.step(*batch)
        weights = trainer.model.get_weights()[0]
        average = weights if momentum == 0 else momentum * average + (1 - momentum) * weights
    trainer.optimizer.finalize_variable_values(trainer.model.trainable_variables)
    np.testing.assert_allclose(trainer.model.get_weights()[0], average, rtol=1e-5)


def test_the_learning_rate_rises_and_falls() -> None:
    """The learning rate rises from zero during the warm-up, then falls to zero."""
    config = small_config(warmup_steps=5, learning_rate=0.02)
    schedule = make_optimizer(config, total_steps=100)._learning_rate
    rates = [float(schedule(step)) for step in range(101)]
    assert rates[0] == 0.0
    assert rates[5] == max(rates) == pytest.approx(0.02)
    assert rates[:6] == sorted(rates[:6])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[100] == pytest.approx(0.0, abs=1e-8)


def test_the_optimiser_is_as_configured() -> None:
    """The optimiser is AdamW with the weight decay of the configuration."""
    optimizer = make_optimizer(small_config(weight_decay=0.03), total_steps=100)
    assert isinstance(optimizer, keras.optimizers.AdamW)
    assert optimizer.weight_decay == 0.03


def moments_after_one_step(folder: Path, clip_norm: float) -> float:
    """The norm of AdamW's first moments after one step: (1 − β₁) times the gradient's norm."""
    training = Training(folder, PERIODIC, small_config(clip_norm=clip_norm))
    config = training.run.info.config
    trainer = Trainer(config, training.vocabulary, steps_per_epoch=10)
    trainer.step(*next(batches_of(training.text, config).epoch(0)))
    moments = np.concatenate([np.ravel(moment) for moment in trainer.optimizer._momentums])
    return float(np.linalg.norm(moments) / (1 - trainer.optimizer.beta_1))


def test_the_gradients_norm_is_bounded(tmp_path: Path) -> None:
    """A gradient above `clip_norm` is scaled to that norm; a gradient below is unchanged."""
    unbounded = moments_after_one_step(tmp_path / "unbounded", clip_norm=1e6)
    assert 0.01 < unbounded < 100
    bound = unbounded / 3
    bounded = moments_after_one_step(tmp_path / "bounded", clip_norm=bound)
    assert bounded == pytest.approx(bound, rel=1e-4)


def test_a_single_step_trains(tmp_path: Path) -> None:
    """One step is a whole training, in bfloat16 and with two layers."""
    config = small_config(
        epochs=1, batch_size=8, sequence_length=300, layers=2, precision="mixed_bfloat16"
    )
    run = Training(tmp_path, PERIODIC, config).fit().run
    assert math.isfinite(run.best.validation_loss)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    """A loss that is not a number ends the training, and its weights are not kept."""
    training = Training(tmp_path, PERIODIC, small_config(learning_rate=1e38))
    with pytest.raises(
        TrainingError, match=r"the loss is (nan|inf) in epoch 1: lower learning_rate"
    ):
        training.fit()
    assert training.run.epochs == []
    assert not list(tmp_path.glob("best-*.npz"))


def test_the_lectures_windows_learn_too(tmp_path: Path) -> None:
    """A small network learns with the lecture's windows, one-hot characters and constant rate."""
    smaller = ["layers=1", "units=32", "batch_size=16", "epochs=12", "learning_rate=0.02"]
    smaller += ["window_stride=5"]  # the recipe's stride of 3 divides the period
    recipe = load_config(LECTURE, smaller)
    training = Training(tmp_path, PERIODIC, recipe).fit()
    assert training.run.best.validation_loss < 0.5 * unigram_entropy(PERIODIC)
    embedding, *_ = training.run.best_weights()
    np.testing.assert_array_equal(embedding, np.eye(len(training.vocabulary)))


def test_the_lectures_recipe_is_the_lectures() -> None:
    """The lecture's configuration has the lecture's network, windows and optimiser."""
    config = load_config(LECTURE, [])
    assert (config.cell, config.layers, config.units, config.dropout) == ("lstm", 3, 512, 0.5)
    assert (config.sequence_length, config.window_stride, config.batch_size) == (25, 3, 128)
    assert config.validation_fraction == 0.1
    optimizer = make_optimizer(config, total_steps=100)
    assert float(optimizer.learning_rate) == pytest.approx(0.001)
    assert (config.clip_norm, optimizer.weight_decay) == (5.0, 0.0)
