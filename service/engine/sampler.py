"""From logits to characters: pure NumPy, each row independent of the others."""

import numpy as np
from numpy.typing import NDArray

from service.engine.exact import weights

Floats = NDArray[np.float32]
Uniforms = NDArray[np.float64]
Ids = NDArray[np.int64]

BLOCK = 256
# Philox yields four 64-bit words for each count, and a uniform number takes one word.
COUNTS_PER_BLOCK = BLOCK // 4
# At this temperature the likeliest character is certain, and no quotient overflows.
COLDEST = 1e-20


def uniform_block(random_seed: int, block: int) -> Uniforms:
    """Return the uniform numbers [BLOCK] for characters block * BLOCK to (block + 1) * BLOCK.

    The generator is counter-based and keyed by the random seed, so the number of character k needs
    no history. Philox: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
    """
    bits = np.random.Philox(key=random_seed, counter=block * COUNTS_PER_BLOCK)
    return np.random.Generator(bits).random(BLOCK)


def sample(
    logits: Floats,
    temperature: Uniforms,
    uniforms: Uniforms,
    top_k: Ids,
    top_p: Uniforms,
) -> Ids:
    """Draw one id per row of logits [B, V]; temperature, uniforms, top_k and top_p are [B].

    A temperature below COLDEST, 0 included, takes the likeliest id. A top_k of V and a top_p of 1
    leave the distribution whole. No operation mixes rows, so a row's id does not depend on the other
    rows. IEEE 754 defines the bits of every operation, so an id does not depend on the processor.
    """
    chances = weights(logits, np.maximum(temperature, COLDEST))
    restricted = np.flatnonzero((top_k < logits.shape[1]) | (top_p < 1))
    if restricted.size:
        chances[restricted] = _restrict(chances[restricted], top_k[restricted], top_p[restricted])
    # Inverse transform sampling: the first id whose running sum exceeds u times the total. A running
    # sum adds from left to right in every row, so the order of additions is always the same.
    cumulative = np.cumsum(chances, axis=1, dtype=np.float64)
    threshold = uniforms * cumulative[:, -1]
    ids: Ids = (cumulative > threshold[:, None]).argmax(axis=1)
    greedy = np.flatnonzero(temperature < COLDEST)
    if greedy.size:
        ids[greedy] = logits[greedy].argmax(axis=1)
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
