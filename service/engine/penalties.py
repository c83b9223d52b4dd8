"""Penalties and biases: what changes the logits of a row before the draw."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def penalise(
    logits: Doubles | Floats, counts: Floats, presence: Doubles, frequency: Doubles, bias: Floats
) -> Floats:
    """Return logits [B, V] minus the penalties [B] for drawn characters, plus the bias [B, V].

    `counts` [B, V] are the numbers of times that each character was drawn. The formula is OpenAI's:
    https://platform.openai.com/docs/guides/text-generation (frequency and presence penalties).
    """
    penalty = presence[:, None] * (counts > 0) + frequency[:, None] * counts
    adjusted: Floats = (logits - penalty + bias).astype(np.float32)
    return adjusted


def discourage(logits: Floats, recent: NDArray[np.bool_], penalty: Doubles) -> Doubles:
    """Return logits [B, V] with the penalty [B] on recent characters [B, V].

    The penalty divides a positive logit and multiplies a negative one, so that a penalty above 1 makes
    the character less likely (Keskar et al., "CTRL: a
    conditional transformer language model for controllable generation", 2019, section 4.1, with the
    treatment of negative logits that vLLM and Transformers have).
    """
    exact, factor = logits.astype(np.float64), penalty[:, None]
    return np.where(recent, np.where(exact > 0, exact / factor, exact * factor), exact)
