"""Random draws, as in the service, for the sides that sample outside their engine."""

import numpy as np

from service.engine.sampler import BLOCK, Floats, Ids, sample, uniform_block


class Drawer:
    """Draws one character per row and step at temperature 1."""

    def __init__(self, rows: int, symbols: int, first_seed: int = 0) -> None:
        self._seeds = range(first_seed, first_seed + rows)
        self._temperature = np.ones(rows)
        self._top_k = np.full(rows, symbols)
        self._top_p = np.ones(rows)
        self._uniforms = np.zeros((BLOCK, rows))

    def draw(self, logits: Floats, position: int) -> Ids:
        """Return an id for each row of logits [rows, symbols]."""
        if position % BLOCK == 0:
            blocks = [uniform_block(seed, position // BLOCK) for seed in self._seeds]
            self._uniforms = np.stack(blocks, axis=1)
        uniforms = self._uniforms[position % BLOCK]
        return sample(logits, self._temperature, uniforms, self._top_k, self._top_p)
