"""Limits of a draw: which characters a row leaves out because others are likelier or more typical."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.exact import log

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ids = NDArray[np.int64]


class Limits(NamedTuple):
    """The limits of B rows; V, 1, 0 and 1 leave the distribution of a row whole."""

    top_k: Ids
    top_p: Doubles
    min_p: Doubles
    typical_p: Doubles

    def of(self, rows: NDArray[np.intp] | Ids) -> "Limits":
        """Return the limits of some of the rows."""
        return Limits(self.top_k[rows], self.top_p[rows], self.min_p[rows], self.typical_p[rows])


def restrict_some(chances: Floats, limits: Limits) -> None:
    """Zero in chances [B, V] what the limits [B] leave out; the largest chance of a row is 1."""
    some = np.flatnonzero(
        (limits.top_k < chances.shape[1])
        | (limits.top_p < 1)
        | (limits.min_p > 0)
        | (limits.typical_p < 1)
    )
    if some.size:
        chances[some] = _restricted(chances[some], limits.of(some))


def _restricted(chances: Floats, limits: Limits) -> Floats:
    """Return chances [B, V] under the limits [B], each of which sees what the one before has left.

    min_p leaves out what is less likely than this share of the likeliest (Nguyen et al., "Turning up
    the heat: min-p sampling for creative and coherent LLM outputs", 2024); top_k leaves the k
    likeliest, top_p the fewest likeliest that hold this share of the sum (Holtzman et al., "The
    curious case of neural text degeneration", 2020).
    """
    chances[chances < limits.min_p[:, None]] = 0
    # Ranked from the likeliest down; the stable sort orders equal chances by id.
    order = np.argsort(-chances, axis=1, kind="stable")
    ranked = np.take_along_axis(chances, order, axis=1)
    ranked[np.arange(chances.shape[1]) >= limits.top_k[:, None]] = 0
    kept = _fewest(ranked, order, limits.top_p)
    (typical,) = (limits.typical_p < 1).nonzero()
    if typical.size:
        kept[typical] = _typical(kept[typical], limits.typical_p[typical])
    return kept


def _typical(chances: Floats, share: Doubles) -> Floats:
    """Leave the fewest characters that hold this share of the sum, the most typical ones first.

    A character is typical where its information −log p is near the distribution's entropy (Meister
    et al., "Locally typical sampling", 2022).
    """
    probabilities = chances / np.cumsum(chances, axis=1, dtype=np.float64)[:, -1:]
    possible = probabilities > 0
    information = -log(np.where(possible, probabilities, 1))
    entropy = np.cumsum(probabilities * information, axis=1)[:, -1:]
    distance = np.where(possible, np.abs(information - entropy), np.inf)
    order = np.argsort(distance, axis=1, kind="stable")
    return _fewest(np.take_along_axis(chances, order, axis=1), order, share)


def _fewest(ranked: Floats, order: NDArray[np.intp], share: Doubles) -> Floats:
    """Return chances [B, V], of which the first of a ranking are left: the fewest that hold the share.

    `ranked` [B, V] are the chances of the ids `order` [B, V]; the share [B] is of their sum.
    """
    cumulative = np.cumsum(ranked, axis=1, dtype=np.float64)
    before = cumulative - ranked  # the sum of all that rank higher
    ranked[before >= share[:, None] * cumulative[:, -1:]] = 0
    kept = np.zeros_like(ranked)
    np.put_along_axis(kept, order, ranked, axis=1)
    return kept
