"""Random draws, as in the service, for the sides that sample outside their engine."""

import numpy as np

from service.engine.sampler import (
    BLOCK,
    Floats,
    Ids,
    Uniforms,
    sample,
    steepness_of,
    uniform_block,
)


class Drawer:
    """Draws one character per row and step at temperature 1."""

    def __init__(self, rows: int, first_seed: int = 0) -> None:
        self.steepness = steepness_of(np.ones(rows))
        self._seeds = range(first_seed, first_seed + rows)
        self._block = np.zeros((BLOCK, rows))

    def uniforms(self, position: int, steps: int) -> Uniforms:
        """Return the uniform numbers [steps, rows] from a position on, all in one block."""
        begin = position % BLOCK
        if begin == 0:
            blocks = [uniform_block(seed, position // BLOCK) for seed in self._seeds]
            self._block = np.stack(blocks, axis=1)
        return self._block[begin : begin + steps]

    def draw(self, logits: Floats, position: int) -> Ids:
        """Return an id for each row of logits [rows, symbols]."""
        return sample(logits, self.steepness, self.uniforms(position, 1)[0])
