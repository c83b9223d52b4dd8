"""PixelRNN and PixelCNN: the distribution of every pixel, given the pixels before it in reading order.

A. van den Oord, N. Kalchbrenner and K. Kavukcuoglu, "Pixel Recurrent Neural Networks", 2016: the diagonal
BiLSTM, and the network of masked convolutions. Maps are [pictures, SIDE, SIDE, channels].
"""

from abc import ABC, abstractmethod
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from training.lecture.learning import set_seeds

SIDE = 8
LEVELS = 17
TRAINING = 1500  # of 1,797 pictures; the others are held out

# Moves (down, right) that bring the neighbours before a pixel onto the pixel.
ABOVE = [(1, 1), (1, 0), (1, -1)]
BEFORE = [*ABOVE, (0, 1)]
ITSELF = (0, 0)

Pictures = NDArray[np.int32]


def digits() -> tuple[Pictures, Pictures]:
    """Return scikit-learn's handwritten digits, grey levels 0 … 16, [pictures, SIDE, SIDE]: training and held out.

    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", 1998.
    """
    pictures = load_digits().images.astype(np.int32)
    order = np.random.default_rng(0).permutation(len(pictures))
    return pictures[order[:TRAINING]], pictures[order[TRAINING:]]


def moved(maps: tf.Tensor, down: int, right: int) -> tf.Tensor:
    """Return the maps moved by at most one pixel each way; zeros come in at the border."""
    padded = tf.pad(maps, [[0, 0], [1, 1], [1, 1], [0, 0]])
    return padded[:, 1 - down : 1 - down + SIDE, 1 - right : 1 - right + SIDE]


def neighbours(maps: tf.Tensor, moves: list[tuple[int, int]]) -> tf.Tensor:
    """Return the maps of all moves side by side: a product with them is a masked convolution."""
    return tf.concat([moved(maps, *move) for move in moves], axis=-1)


def skewed(maps: tf.Tensor) -> tf.Tensor:
    """Move row r right by r pixels: column d of the result, [.., SIDE, 2·SIDE − 1, ..], is the d-th diagonal."""
    channels = maps.shape[-1]
    flat = tf.reshape(
        tf.pad(maps, [[0, 0], [0, 0], [0, SIDE], [0, 0]]), (-1, 2 * SIDE**2, channels)
    )
    # Each row of 2·SIDE pixels loses one: the next row starts one pixel earlier.
    return tf.reshape(flat[:, :-SIDE], (-1, SIDE, 2 * SIDE - 1, channels))


def straightened(maps: tf.Tensor) -> tf.Tensor:
    """Undo `skewed`."""
    channels = maps.shape[-1]
    flat = tf.reshape(maps, (-1, SIDE * (2 * SIDE - 1), channels))
    wide = tf.pad(flat, [[0, 0], [0, SIDE], [0, 0]])
    return tf.reshape(wide, (-1, SIDE, 2 * SIDE, channels))[:, :, :SIDE]


class PixelNetwork(ABC):
    """A network that predicts each pixel from the pixels before it in reading order."""

    channels: int

    def __init__(self, seed: int) -> None:
        set_seeds(seed)
        self.layers = self.build()
        self.hidden = keras.layers.Dense(self.channels, "relu")
        self.output = keras.layers.Dense(LEVELS)
        # Each pixel has a bias for each level: alone, they are the distribution of the pixel.
        self.bias = tf.Variable(tf.zeros((SIDE, SIDE, LEVELS)))
        self(tf.zeros((1, SIDE, SIDE)))  # makes the weights
        layers = [*self.layers, self.hidden, self.output]
        self.weights = [weight for layer in layers for weight in layer.trainable_weights]
        self.weights.append(self.bias)

    @abstractmethod
    def build(self) -> list[Any]:
        """Return the layers below the hidden layer."""

    @abstractmethod
    def read(self, ink: tf.Tensor) -> tf.Tensor:
        """Return features of the pixels before each pixel."""

    def __call__(self, pictures: tf.Tensor) -> tf.Tensor:
        """Return logits [pictures, SIDE, SIDE, LEVELS] of the levels of each pixel."""
        grey = tf.cast(pictures, tf.float32)[..., None] / (LEVELS - 1)
        ink = tf.concat([grey, tf.ones_like(grey)], axis=-1)  # white differs from outside
        return self.output(self.hidden(self.read(ink))) + self.bias

    @tf.function(input_signature=[tf.TensorSpec((None, SIDE, SIDE), tf.int32)], autograph=False)
    def probabilities(self, pictures: tf.Tensor) -> tf.Tensor:
        """Return the probability of each level at each pixel, [pictures, SIDE, SIDE, LEVELS]."""
        return tf.nn.softmax(self(pictures))

    @property
    def size(self) -> int:
        """The number of weights."""
        return sum(int(np.prod(weight.shape)) for weight in self.weights)


class PixelRNN(PixelNetwork):
    """The diagonal BiLSTM: an LSTM from the upper left corner, and an LSTM from the upper right corner."""

    channels = 26

    def build(self) -> list[Any]:
        """Return the four gates of each LSTM."""
        return [keras.layers.Dense(4 * self.channels) for _ in range(2)]

    def read(self, ink: tf.Tensor) -> tf.Tensor:
        """Return the neighbours before each pixel and the hidden states of both LSTMs."""
        left, right = self.layers
        before, above = neighbours(ink, BEFORE), neighbours(ink, ABOVE)
        from_left = self.diagonals(before, left)
        # From the right come the rows above alone: the pixels right of a pixel are not before it.
        from_right = self.diagonals(above[:, :, ::-1], right)[:, :, ::-1]
        return tf.concat([before, from_left, from_right], axis=-1)

    def diagonals(self, x: tf.Tensor, gates: Any) -> tf.Tensor:
        """Return h of each pixel, from its x, the h on its left and the h above it.

        The pixels of a diagonal depend on those of the diagonal before alone, so a step takes a diagonal.
        """
        h = C = tf.zeros((tf.shape(x)[0], SIDE, self.channels))
        states = []
        for x_d in tf.unstack(skewed(x), axis=2):
            above = tf.pad(h, [[0, 0], [1, 0], [0, 0]])[:, :SIDE]
            f, i, o, new = tf.split(gates(tf.concat([h, above, x_d], axis=-1)), 4, axis=-1)
            C = tf.sigmoid(f + 1) * C + tf.sigmoid(i) * tf.tanh(new)  # 1: remember from the start
            h = tf.sigmoid(o) * tf.tanh(C)
            states.append(h)
        return straightened(tf.stack(states, axis=2))


class PixelCNN(PixelNetwork):
    """Masked convolutions: a layer reads the neighbours before a pixel, and above the first layer the pixel's place."""

    channels = 22
    depth = 7  # with the cone of each layer, all rows of the picture

    def build(self) -> list[Any]:
        """Return the layers, each a product with neighbours side by side."""
        return [keras.layers.Dense(self.channels, "relu") for _ in range(self.depth)]

    def read(self, ink: tf.Tensor) -> tf.Tensor:
        """Add the output of each layer to its input."""
        first, *others = self.layers
        maps = first(neighbours(ink, BEFORE))
        for layer in others:
            maps += layer(neighbours(maps, [*BEFORE, ITSELF]))
        return maps
