"""The training step, and all that a step changes: weights, optimiser, carried state, position."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model_store import Vocabulary
from training.config import TrainingConfig
from training.errors import TrainingError
from training.frozen.weights import Weights, load_weights
from training.learning.arrays import Arrays
from training.learning.workers import Workers
from training.network.loss import cross_entropy, mean_loss
from training.network.model import build_model, resolve_policy, zero_state

# A loss above twice the loss of a uniform guess means that the weights exploded.
EXPLODED = 2.0


@dataclass
class Position:
    """The position of a training: the epoch, from 1, and the losses of the epoch's batches so far."""

    epoch: int = 1
    losses: list[float] = field(default_factory=list)


class Trainer:
    """A model in training; `arrays` returns all of its state, `restore` sets the state."""

    def __init__(
        self,
        config: TrainingConfig,
        vocabulary: Vocabulary,
        steps_per_epoch: int,
        weights: Weights | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.workers = workers = workers or Workers()
        keras.utils.set_random_seed(config.random_seed)
        tf.config.experimental.enable_op_determinism()
        self.config, self.position = config, Position()
        policy = resolve_policy(config.precision)
        with workers.together(), workers.strategy.scope():
            text_end = vocabulary.symbols.index(vocabulary.text_end) if config.of_texts else None
            self.model = build_model(
                config, len(vocabulary), policy, vocabulary.unknown_id, text_end
            )
            if weights:
                load_weights(self.model, weights)
            self.optimizer = make_optimizer(config, config.epochs * steps_per_epoch)
            self.optimizer.build(self.model.trainable_variables)
        self._state = self._zero_state()
        self._step = _train_step(self.model, self.optimizer, config.clip_norm, workers)
        self._highest_loss = EXPLODED * math.log(len(vocabulary))

    def expect(self, loss: float) -> None:
        """Raise the explosion limit to twice the starting loss, given in nats per character."""
        self._highest_loss = max(self._highest_loss, EXPLODED * loss)

    def step(self, inputs: NDArray[Any], targets: NDArray[Any]) -> float:
        """Train on inputs [B, T] and the targets of their last S positions; return the loss.

        Targets are ids [B, S] or distributions [B, S, V]. The loss is in nats per character.

        Raises:
            TrainingError: the loss or a gradient is not a number, or the loss exploded.
        """
        rows = (tf.constant(self.workers.rows(part)) for part in (inputs, targets))
        with self.workers.together():
            loss, state = self._step(*rows, self._state)
            value = float(loss)
        if not value <= self._highest_loss:  # `not <=` instead of `>`, so that NaN fails
            raise TrainingError(
                f"the loss is {value:.4g} in epoch {self.position.epoch}: lower learning_rate, "
                "and begin anew with --fresh"
            )
        self.position.losses.append(value)
        if not self.config.window_stride:  # each window starts from the zero state
            self._state = state
        return value

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Give the model the running average of its weights during the block."""
        weights = self.model.get_weights()
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        try:
            yield
        finally:
            self.model.set_weights(weights)

    def end_epoch(self) -> None:
        """Move to the next epoch, whose streams start from the zero state."""
        self.position = Position(self.position.epoch + 1)
        self._state = self._zero_state()

    def _zero_state(self) -> list[tf.Tensor]:
        """Return the zero state of this worker's rows."""
        return zero_state(self.config, self.config.batch_size // self.workers.number)

    def arrays(self) -> Arrays:
        """Return the arrays that the next step depends on, by name."""
        variables = [*self.model.variables, *self.optimizer.variables]
        return {
            "epoch": np.array(self.position.epoch),
            "losses": np.array(self.position.losses),
            "highest_loss": np.array(self._highest_loss),
            **{f"state{place}": part.numpy() for place, part in enumerate(self._state)},
            **{f"variable{place}": v.numpy() for place, v in enumerate(variables)},
        }

    def restore(self, arrays: Arrays) -> None:
        """Set the state that `arrays` returned, so that the next step is the same."""
        self.position = Position(int(arrays["epoch"]), arrays["losses"].tolist())
        self._highest_loss = float(arrays["highest_loss"])
        self._state = [tf.constant(arrays[f"state{n}"]) for n in range(len(self._state))]
        for place, variable in enumerate([*self.model.variables, *self.optimizer.variables]):
            variable.assign(arrays[f"variable{place}"])

    def follow_chief(self) -> None:
        """Copy the chief's state to every worker; all workers call this at the start of an epoch."""
        if self.workers.number > 1:
            self.restore(self.workers.of_chief(self.arrays()))


class AveragingAdamW(keras.optimizers.AdamW):  # type: ignore[misc]
    """AdamW with a running average of the weights, which forgets its first weights quickly.

    After n steps the momentum is min(m, (1 + n) / (10 + n)), as in TensorFlow's
    ExponentialMovingAverage: a constant momentum m of 0.995 would leave a fifth of the random weights in
    the average after 312 steps.
    """

    @property
    def ema_momentum(self) -> tf.Tensor:
        """The momentum of the next update of the average."""
        steps = tf.cast(self.iterations, tf.float32)
        return tf.minimum(self._highest_momentum, (1 + steps) / (10 + steps))

    @ema_momentum.setter
    def ema_momentum(self, highest: float) -> None:
        self._highest_momentum = highest


def make_optimizer(config: TrainingConfig, total_steps: int) -> AveragingAdamW:
    """Return AdamW (Loshchilov and Hutter, 2019) with the schedule of the configuration.

    With the schedule `cosine`, the learning rate rises from 0 during the warm-up, for at most a tenth
    of the steps, and then falls to 0 as a cosine (https://arxiv.org/abs/1608.03983).
    """
    warmup_steps = min(config.warmup_steps, total_steps // 10)
    cosine = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=total_steps - warmup_steps,
        warmup_target=config.learning_rate,
        warmup_steps=warmup_steps,
    )
    return AveragingAdamW(
        cosine if config.schedule == "cosine" else config.learning_rate,
        weight_decay=config.weight_decay,
        use_ema=True,
        ema_momentum=config.ema_momentum,
    )


def _train_step(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, clip_norm: float, workers: Workers
) -> Any:
    """Return the step of all workers: inputs, targets and state → mean loss and next state."""

    def step(
        inputs: tf.Tensor, targets: tf.Tensor, state: list[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            logits, *state = model([inputs, *state], training=True)
            logits = logits[:, -tf.shape(targets)[1] :]  # [B, T, V] → [B, S, V]
            loss = mean_loss(cross_entropy(targets, logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients = workers.mean([tf.convert_to_tensor(gradient) for gradient in gradients])
        # The mean is clipped, not each worker's gradient, as with one worker.
        gradients, norm = tf.clip_by_global_norm(gradients, clip_norm)
        # Keras sums the gradients of the workers, and each worker passes the same mean.
        gradients = [gradient / workers.number for gradient in gradients]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        # A gradient that is not a number spoils the weights now, but the loss only in the next step.
        return tf.where(tf.math.is_finite(norm), workers.mean(loss), float("nan")), state

    @tf.function
    def everywhere(*batch: Any) -> Any:
        return workers.strategy.run(step, batch)

    return everywhere
