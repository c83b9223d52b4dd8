"""From logits to characters: pure NumPy, every row on its own."""

import numpy as np
from numpy.typing import NDArray

from service.engine.exact import weights

Floats = NDArray[np.float32]
Uniforms = NDArray[np.float64]
Ids = NDArray[np.int64]

BLOCK = 256
# Philox yields four 64-bit words for each count, and a uniform number takes one word.
COUNTS_PER_BLOCK = BLOCK // 4
# At this temperature the likeliest character has been certain for long, and no quotient overflows.
COLDEST = 1e-20


def uniform_block(random_seed: int, block: int) -> Uniforms:
    """Return the uniform numbers [BLOCK] of characters block * BLOCK and following.

    They come from a counter-based generator (Philox: Salmon et al., "Parallel random numbers: as
    easy as 1, 2, 3", 2011) keyed by the random seed: character k needs no history.
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

    Temperature 0 takes the likeliest, and so does one below COLDEST. A top_k of V and a top_p of 1
    leave the distribution whole. No operation mixes rows, so a row's draw does not depend on the
    other rows; each is one that IEEE 754 rounds in one way, so it does not depend on the processor.
    """
    chances = weights(logits, np.maximum(temperature, COLDEST))
    restricted = np.flatnonzero((top_k < logits.shape[1]) | (top_p < 1))
    if restricted.size:
        chances[restricted] = _restrict(chances[restricted], top_k[restricted], top_p[restricted])
    # Sums run from left to right, one row at a time: the order of additions is always the same.
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
    """Return logits [B, V] less the penalties [B] for characters drawn before, plus the bias.

    `counts` [B, V] says how often each character was drawn. The formula is OpenAI's:
    https://platform.openai.com/docs/guides/text-generation (frequency and presence penalties).
    """
    penalty = presence[:, None] * (counts > 0) + frequency[:, None] * counts
    adjusted: Floats = (logits - penalty + bias).astype(np.float32)
    return adjusted


def _restrict(chances: Floats, top_k: Ids, top_p: Uniforms) -> Floats:
    """Zero all but the top_k likeliest, then all but the fewest that hold top_p of the rest.

    Nucleus sampling: Holtzman et al., "The curious case of neural text degeneration", 2020.
    """
    order = np.argsort(-chances, axis=1, kind="stable")
    ranked = np.take_along_axis(chances, order, axis=1)
    ranked[np.arange(chances.shape[1]) >= top_k[:, None]] = 0
    cumulative = np.cumsum(ranked, axis=1, dtype=np.float64)
    before = cumulative - ranked
    ranked[before >= top_p[:, None] * cumulative[:, -1:]] = 0
    kept = np.zeros_like(chances)
    np.put_along_axis(kept, order, ranked, axis=1)
    return kept
