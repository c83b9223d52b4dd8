"""From logits to characters: pure NumPy, each row independent of the others."""

import numpy as np
from numpy.typing import NDArray

from service.engine.exact import steps_per_unit, weights
from service.engine.limits import Limits, restrict_some

Floats = NDArray[np.float32]
Uniforms = NDArray[np.float64]
Ids = NDArray[np.int64]

BLOCK = 256
# Philox yields four 64-bit words for each count, and a uniform number takes one word.
COUNTS_PER_BLOCK = BLOCK // 4
# A temperature below this one takes the likeliest id, and is raised so that no product overflows.
COLDEST = 1e-20


def steepness_of(temperature: Uniforms) -> Floats:
    """Return the steepness [B], which `sample` takes, of temperatures [B] from 0 on."""
    return steps_per_unit(np.maximum(temperature, COLDEST))


def numbers_of(random_seed: int, block: int, temperature: float) -> Uniforms:
    """Return the uniform numbers [BLOCK] of a block of a stream, zeros below COLDEST.

    At COLDEST any logit more than 1e-18 below the largest has the weight 0, and the number 0 draws
    the first id of a positive weight.
    """
    if temperature < COLDEST:
        return np.zeros(BLOCK)
    return uniform_block(random_seed, block)


def uniform_block(random_seed: int, block: int) -> Uniforms:
    """Return the uniform numbers [BLOCK] for characters block * BLOCK to (block + 1) * BLOCK.

    The generator is counter-based and keyed by the random seed, so the number of character k needs
    no history. Philox: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
    """
    bits = np.random.Philox(key=random_seed, counter=block * COUNTS_PER_BLOCK)
    return np.random.Generator(bits).random(BLOCK)


def sample(
    logits: Floats, steepness: Floats, uniforms: Uniforms, limits: Limits | None = None
) -> Ids:
    """Draw one id per row of logits [B, V]; steepness, uniforms and each of the limits are [B].

    Without limits the distribution of every row is whole. A logit of −inf is never drawn. No
    operation mixes rows, so a row's id does not depend on the other rows. IEEE 754 defines the bits
    of every operation, so an id does not depend on the processor. `service.engine.loop` has the same
    operations for whole distributions.
    """
    chances = weights(logits, steepness)
    if limits is not None:
        restrict_some(chances, limits)
    # Inverse transform sampling: the first id whose running sum exceeds u times the total. A running
    # sum adds from left to right in every row, so the order of additions is always the same.
    cumulative = np.cumsum(chances, axis=1, dtype=np.float64)
    threshold = uniforms * cumulative[:, -1]
    ids: Ids = (cumulative > threshold[:, None]).argmax(axis=1)
    return ids
