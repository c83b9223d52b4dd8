"""Text from a model in training, one character at a time with the state carried."""

import keras
import numpy as np
import tensorflow as tf

from model_store import TEXT_END, Vocabulary
from training.config import TrainingConfig
from training.interrupts import deferred
from training.network.model import zero_state


def sample_text(
    model: keras.Model,
    config: TrainingConfig,
    vocabulary: Vocabulary,
    seed_text: str,
    temperature: float,
) -> str:
    """Continue the seed text by `config.sample_length` characters; equal calls give equal text.

    In a model of many short texts, the seed text is the beginning of a text. An END OF TEXT, which nobody
    sees, becomes its picture and a line end.
    """
    prompt = vocabulary.text_end + seed_text if config.of_texts else seed_text
    ids = tf.constant(vocabulary.encode(prompt)[None, :], tf.int32)  # a batch of one row, [1, T]
    seed = tf.constant([config.random_seed, int(temperature * 1000)])
    length = tf.constant(config.sample_length)
    sampled = _generate(model, ids, zero_state(config, 1), length, tf.constant(temperature), seed)
    return vocabulary.decode(np.asarray(sampled, np.int64)).replace(TEXT_END, "␃\n")


@deferred()
@tf.function(reduce_retracing=True)
def _generate(
    model: keras.Model,
    ids: tf.Tensor,
    state: list[tf.Tensor],
    length: tf.Tensor,
    temperature: tf.Tensor,
    seed: tf.Tensor,
) -> tf.Tensor:
    """Return the ids [length] drawn after ids [1, T]."""
    sampled = tf.TensorArray(tf.int32, size=length)
    for position in tf.range(length):
        # The first step is the prefill of the seed text [1, T]; each other step decodes one id [1, 1].
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[(ids, tf.TensorShape([1, None]))]
        )
        logits, *state = model([ids, *state], training=False)
        state = [tf.cast(part, tf.float32) for part in state]
        draw = tf.stack([seed[0], seed[1] + position])
        ids = tf.random.stateless_categorical(logits[:, -1] / temperature, 1, draw, dtype=tf.int32)
        sampled = sampled.write(position, ids[0, 0])
    return sampled.stack()
