"""Encoder and decoder for short sequences, through one context vector or with attention.

Encoder: h_t = GRU(x_t, h_{t−1}). The encoder's last state is the decoder's first state, s_0 = h_T, and
without attention the decoder's only knowledge of what was read. With attention the decoder reads all encoder
states at every step: a_t = softmax(s·h_t), context = Σ a_t h_t, ŷ = softmax([s, context] V + c).
"""

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.lecture.learning import set_seeds

Ids = NDArray[np.int32]

PADDING = 0  # the symbol of empty places


class EncoderDecoder:
    """Encoder and decoder, each one GRU cell, with or without attention.

    The encoder reads sequences [B, longest], padded on the left, so that its last input is the last symbol.
    The decoder reads a first symbol, and writes up to longest + 1 symbols.
    """

    def __init__(
        self, symbols: int, longest: int, units: int, seed: int, *, attention: bool
    ) -> None:
        set_seeds(seed)
        self.attention = attention
        self.longest = longest
        self.units = units
        self.embedding = keras.layers.Embedding(symbols, units)
        self.encoder = keras.layers.GRUCell(units)
        self.decoder = keras.layers.GRUCell(units)
        self.output = keras.layers.Dense(symbols)
        self.teach(tf.ones((1, longest), tf.int32), tf.ones((1, 2), tf.int32))
        layers = [self.embedding, self.encoder, self.decoder, self.output]
        self.weights = [weight for layer in layers for weight in layer.trainable_weights]

    def encode(self, read: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Read the sequences; return all encoder states [B, longest, units] and the last state."""
        state = tf.zeros((tf.shape(read)[0], self.units))
        states = []
        for symbol in tf.unstack(self.embedding(read), axis=1):
            state, _ = self.encoder(symbol, [state])
            states.append(state)
        return tf.stack(states, axis=1), state

    def step(
        self, symbol: tf.Tensor, state: tf.Tensor, memory: tf.Tensor, read: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Decode one step; return logits [B, symbols], the decoder's state, and the attention [B, longest]."""
        state, _ = self.decoder(self.embedding(symbol), [state])
        scores = tf.einsum("bu,btu->bt", state, memory)
        alpha = tf.nn.softmax(tf.where(read == PADDING, -1e9, scores))
        context = tf.einsum("bt,btu->bu", alpha, memory)
        seen = tf.concat([state, context if self.attention else tf.zeros_like(context)], axis=1)
        return self.output(seen), state, alpha

    def teach(self, read: tf.Tensor, answer: tf.Tensor) -> tf.Tensor:
        """Return the loss in nats per symbol, with the right symbols fed to the decoder.

        An answer is the decoder's first symbol and the symbols to write, padded on the right.
        """
        memory, state = self.encode(read)
        symbol, *targets = tf.unstack(answer, axis=1)
        losses = []
        for target in targets:
            logits, state, _ = self.step(symbol, state, memory, read)
            losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits))
            symbol = target
        wanted = tf.cast(answer[:, 1:] != PADDING, tf.float32)
        return tf.reduce_sum(tf.stack(losses, axis=1) * wanted) / tf.reduce_sum(wanted)

    def greedy(self, read: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Decode from the first symbols [B] with the decoder's own output fed back.

        Return the symbols [B, longest + 1] and the attention weights by step [B, longest + 1, longest].
        """
        memory, state = self.encode(read)
        symbol = first
        symbols, alphas = [], []
        for _ in range(self.longest + 1):
            logits, state, alpha = self.step(symbol, state, memory, read)
            symbol = tf.argmax(logits, axis=1, output_type=tf.int32)
            symbols.append(symbol)
            alphas.append(alpha)
        return tf.stack(symbols, axis=1), tf.stack(alphas, axis=1)

    def right(self, read: Ids, answer: Ids) -> NDArray[np.bool_]:
        """Return whether each answer [B, 1 + steps] is written without a mistake, [B]."""
        symbols, _ = self.greedy(tf.constant(read), tf.constant(answer[:, 0]))
        wanted = answer[:, 1:]
        wrong = (np.asarray(symbols)[:, : wanted.shape[1]] != wanted) & (wanted != PADDING)
        return np.asarray(~wrong.any(axis=1))
