"""The networks of `captioning`: an encoder of convolutions, and an LSTM that writes, with or without attention.

K. Xu et al., "Show, attend and tell: neural image caption generation with visual attention", 2015. The
encoder gives one vector a_i for each place i of the picture. Before each word the decoder weighs the places:

e_ti = v·tanh(a_i W + h_{t−1} U + b),  alpha_t = softmax(e_t),  z_t = Σ_i alpha_ti a_i,
h_t = LSTM([y_{t−1}, z_t], h_{t−1}),  ŷ_t = softmax([h_t, z_t] V + c).
"""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from training.lecture.learning import mean_nats, minimise, set_seeds
from training.lecture.sequences.scenes import LONGEST, SIZE, WORDS, Floats, Ids, scenes

PLACES = 8  # of a side: each place has 4 × 4 pixels
FEATURES = 32
UNITS = 32
BATCH = 32


class Captioner:
    """Encoder and decoder; without attention all places weigh the same."""

    def __init__(self, attention: bool, seed: int) -> None:
        set_seeds(seed)
        self.attention = float(attention)  # 0: all scores are equal
        self.encoder = [
            keras.layers.Conv2D(16, 5, 2, "same", activation="relu"),
            keras.layers.Conv2D(FEATURES, 3, 2, "same", activation="relu"),
            keras.layers.Conv2D(FEATURES, 3, 1, "same", activation="relu"),
        ]
        self.embedding = keras.layers.Embedding(len(WORDS), UNITS)
        self.start = keras.layers.Dense(2 * UNITS, "tanh")
        self.W, self.U = keras.layers.Dense(FEATURES, use_bias=False), keras.layers.Dense(FEATURES)
        self.v = keras.layers.Dense(1, use_bias=False)
        self.lstm = keras.layers.LSTMCell(UNITS)
        self.output = keras.layers.Dense(len(WORDS))
        self.teach(tf.zeros((1, SIZE, SIZE, 3)), tf.zeros((1, LONGEST), tf.int32))
        layers = [self.embedding, self.start, self.W, self.U, self.v, self.lstm, self.output]
        self.weights = [w for layer in [*self.encoder, *layers] for w in layer.trainable_weights]

    def encode(self, picture: tf.Tensor) -> tf.Tensor:
        """Return the vector of each place, [B, PLACES², FEATURES]."""
        grid = tf.linspace(-1.0, 1.0, SIZE)
        where = tf.stack(tf.meshgrid(grid, grid), axis=-1)  # a convolution does not know its place
        where = tf.broadcast_to(where, tf.concat([tf.shape(picture)[:3], [2]], 0))
        maps = tf.concat([1 - picture, where], axis=-1)  # the white ground becomes zero
        for layer in self.encoder:
            maps = layer(maps)
        return tf.reshape(maps, (-1, PLACES**2, FEATURES))

    def look(self, a: tf.Tensor, h: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the attention [B, PLACES²] and the context vector z [B, FEATURES]."""
        e = self.v(tf.tanh(self.W(a) + self.U(h)[:, None]))[..., 0]
        alpha = tf.nn.softmax(e * self.attention)
        return alpha, tf.einsum("bi,bif->bf", alpha, a)

    def begin(self, picture: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return the vectors a of the places, and the first h and C of the decoder."""
        a = self.encode(picture)
        return a, tf.split(self.start(tf.reduce_mean(a, axis=1)), 2, axis=1)

    def step(
        self, word: tf.Tensor, state: list[tf.Tensor], a: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Write one word; return logits [B, WORDS], the state (h, C), and the attention [B, PLACES²]."""
        alpha, z = self.look(a, state[0])
        h, state = self.lstm(tf.concat([self.embedding(word), z], axis=1), state)
        return self.output(tf.concat([h, z], axis=1)), state, alpha

    def teach(self, picture: tf.Tensor, caption: tf.Tensor) -> tf.Tensor:
        """Return the loss in nats per word, with the right words fed to the decoder."""
        a, state = self.begin(picture)
        word = tf.zeros_like(caption[:, 0])  # END starts every caption
        lines = []
        for target in tf.unstack(caption, axis=1):
            logits, state, _ = self.step(word, state, a)
            lines.append(logits)
            word = target
        return mean_nats(tf.stack(lines, axis=1), caption)

    def greedy(self, picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Write with the likeliest words fed back; return captions and attention [B, LONGEST, PLACES²]."""
        a, state = self.begin(picture)
        word = tf.zeros(tf.shape(picture)[:1], tf.int32)
        caption, looks = [], []
        for _ in range(LONGEST):
            logits, state, alpha = self.step(word, state, a)
            word = tf.argmax(logits, axis=1, output_type=tf.int32)
            caption.append(word)
            looks.append(alpha)
        return tf.stack(caption, axis=1), tf.stack(looks, axis=1)


def train(attention: bool, iterations: int, seed: int) -> Captioner:
    """Train on fresh scenes of the pairs of nouns in training."""
    model = Captioner(attention, seed)
    minimise(model.teach, model.weights, _batches(seed), iterations, learning_rate=0.01)
    return model


def _batches(seed: int) -> Iterator[tuple[Floats, Ids]]:
    rng = np.random.default_rng(seed)
    while True:
        shown = scenes(BATCH, unseen=False, rng=rng)
        yield shown.pictures(), shown.captions()
