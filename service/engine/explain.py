"""Log-probabilities of drawn characters, and of the likeliest characters in their places."""

import numpy as np

from service.engine.batch import Floats, Ids
from service.engine.exact import log, steps_per_unit, weights
from service.stream.details import LIKELIEST, Details


def describe(logits: Floats, ids: Ids) -> Details:
    """Return the details of drawn ids [B], one for each row of logits [B, V].

    No operation mixes rows.
    """
    logprobs = log_softmax(logits)
    top = np.argsort(-logprobs, axis=1, kind="stable")[:, :LIKELIEST]
    return Details(
        logprobs[np.arange(len(ids)), ids],
        top.astype(np.uint16),
        np.take_along_axis(logprobs, top, axis=1),
    )


def log_softmax(logits: Floats) -> Floats:
    """Return log softmax(logits) of each row of logits [B, V]."""
    shifted = (logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
    # The last running sum, as in the sampler, so that additions always have the same order.
    chances = weights(logits, steps_per_unit(np.ones(len(logits))))
    total = chances.cumsum(axis=1, dtype=np.float64)[:, -1:]
    logprobs: Floats = (shifted - log(total)).astype(np.float32)
    return logprobs
