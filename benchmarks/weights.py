"""The network that every side runs: the lecture's 3×512 LSTM, with random weights."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from training.frozen.weights import Layer, Weights

LAYERS, UNITS = 3, 512
SYMBOLS = tuple(chr(code) for code in [10, *range(32, 127), *range(161, 174)])

Floats = NDArray[np.float32]


@cache
def random_weights() -> Weights:
    """Return the weights, equal in every process; the embedding is one-hot."""
    rng = np.random.default_rng(2017)
    symbols = len(SYMBOLS)

    def draw(*shape: int) -> Floats:
        return rng.normal(0, 1.5 / np.sqrt(shape[0]), shape).astype(np.float32)

    return Weights(
        cell="lstm",
        embedding=np.eye(symbols, dtype=np.float32),
        layers=[
            Layer(draw(below, 4 * UNITS), draw(UNITS, 4 * UNITS), draw(4 * UNITS))
            for below in [symbols, *[UNITS] * (LAYERS - 1)]
        ],
        output=draw(UNITS, symbols),
        output_bias=draw(symbols),
    )


def operations_per_character() -> int:
    """Count the operations of the products: two for each weight.

    The first layer's input is one-hot, so the input product is a row lookup and costs nothing.
    """
    weights = random_weights()
    first, *above = weights.layers
    products = [first.recurrent, weights.output]
    products += [part for layer in above for part in (layer.kernel, layer.recurrent)]
    return 2 * sum(product.size for product in products)


def ifco(matrix: Floats) -> Floats:
    """Reorder gates [..., 4u] from charloom's order i, f, o, g to Keras's order i, f, g, o."""
    i, f, o, g = np.split(matrix, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)
