"""Log-probabilities of drawn characters, and of the likeliest ones in their places."""

import numpy as np
from numpy.typing import NDArray

from service.engine.exact import log, weights
from service.stream.details import LIKELIEST, Details


def describe(logits: NDArray[np.float32], drawn: NDArray[np.int64]) -> Details:
    """Explain one drawn id [B] per row of logits [B, V]; no operation mixes rows."""
    shifted = (logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
    # The last of the running sums, as in the sampler: always the same order of additions.
    total = weights(logits, np.ones(len(logits))).cumsum(axis=1, dtype=np.float64)[:, -1:]
    logprobs = (shifted - log(total)).astype(np.float32)
    top = np.argsort(-logprobs, axis=1, kind="stable")[:, :LIKELIEST]
    return Details(
        logprobs[np.arange(len(drawn)), drawn],
        top.astype(np.uint16),
        np.take_along_axis(logprobs, top, axis=1),
    )
