"""From logits to characters: pure NumPy, each row independent of the others."""

import numpy as np
from numpy.typing import NDArray

from service.engine.exact import steps_per_unit, weights

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
    logits: Floats,
    steepness: Floats,
    uniforms: Uniforms,
    top_k: Ids | None = None,
    top_p: Uniforms | None = None,
) -> Ids:
    """Draw one id per row of logits [B, V]; steepness, uniforms, top_k and top_p are [B].

    A top_k of V and a top_p of 1 leave the distribution of a row whole; without the two all rows are
    whole. No operation mixes rows, so a row's id does not depend on the other rows. IEEE 754 defines
    the bits of every operation, so an id does not depend on the processor. `service.engine.loop` has
    the same operations for whole distributions.
    """
    chances = weights(logits, steepness)
    if top_k is not None and top_p is not None:
        _restrict_some(chances, top_k, top_p)
    # Inverse transform sampling: the first id whose running sum exceeds u times the total. A running
    # sum adds from left to right in every row, so the order of additions is always the same.
    cumulative = np.cumsum(chances, axis=1, dtype=np.float64)
    threshold = uniforms * cumulative[:, -1]
    ids: Ids = (cumulative > threshold[:, None]).argmax(axis=1)
    return ids


def penalise(
    logits: Floats, counts: Floats, presence: Uniforms, frequency: Uniforms, bias: Floats
) -> Floats:
    """Return logits [B, V] minus the penalties [B] for drawn characters, plus the bias [B, V].

    `counts` [B, V] are the numbers of times that each character was drawn. The formula is OpenAI's:
    https://platform.openai.com/docs/guides/text-generation (frequency and presence penalties).
    """
    penalty = presence[:, None] * (counts > 0) + frequency[:, None] * counts
    adjusted: Floats = (logits - penalty + bias).astype(np.float32)
    return adjusted


def _restrict_some(chances: Floats, top_k: Ids, top_p: Uniforms) -> None:
    """Restrict the rows of chances [B, V] whose top_k or top_p [B] leaves something out."""
    some = np.flatnonzero((top_k < chances.shape[1]) | (top_p < 1))
    if some.size:
        chances[some] = _restrict(chances[some], top_k[some], top_p[some])


def _restrict(chances: Floats, top_k: Ids, top_p: Uniforms) -> Floats:
    """Zero all but the top_k likeliest, then all but the fewest that hold top_p of the remaining sum.

    Chances are [B, V], top_k and top_p [B]. Nucleus sampling: Holtzman et al., "The curious case of
    neural text degeneration", 2020.
    """
    # Ranked from the likeliest down; the stable sort orders equal chances by id.
    order = np.argsort(-chances, axis=1, kind="stable")
    ranked = np.take_along_axis(chances, order, axis=1)
    ranked[np.arange(chances.shape[1]) >= top_k[:, None]] = 0
    cumulative = np.cumsum(ranked, axis=1, dtype=np.float64)
    before = cumulative - ranked  # the sum of all likelier ones
    ranked[before >= top_p[:, None] * cumulative[:, -1:]] = 0
    kept = np.zeros_like(chances)
    np.put_along_axis(kept, order, ranked, axis=1)
    return kept
