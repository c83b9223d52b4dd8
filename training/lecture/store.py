"""The ice-cream store: its rules, its records, and the least loss of a network that predicts the sign.

The store holds two units and starts full. Each day is sunny, cloudy or rainy at random. A sunny day sells
one unit. A cloudy day orders one unit, which is delivered three days later and accepted only if there is
room; a delivery comes before the sale of the day. The sign says whether ice is left at the end of the day.
"""

from collections import defaultdict
from itertools import product

import numpy as np
from numpy.typing import NDArray

WEATHERS = ["sunny", "cloudy", "rainy"]
SUNNY, CLOUDY, RAINY = range(3)
CAPACITY = 2
DELIVERY = 3  # days from order to delivery
CUT = 40  # days of one training example

Ids = NDArray[np.int64]
Probabilities = NDArray[np.float64]

# A state is the stock, and the orders of one, two, … DELIVERY days ago: (stock, o1, o2, o3).
STATES = list(product(range(CAPACITY + 1), *[(0, 1)] * DELIVERY))
FULL = STATES.index((CAPACITY, *[0] * DELIVERY))


def next_state(state: int, weather: int) -> int:
    """Return the state after a day of this weather."""
    stock, *orders = STATES[state]
    stock = min(stock + orders.pop(), CAPACITY)
    if weather == SUNNY:
        stock = max(stock - 1, 0)
    return STATES.index((stock, int(weather == CLOUDY), *orders))


NEXT = np.array([[next_state(s, x) for x in range(3)] for s in range(len(STATES))])
SIGN = np.array([int(stock > 0) for stock, *_ in STATES])  # 1: there is ice


def record(days: int, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Return weather and sign of each day, [days] each, beginning with a full store."""
    weather = rng.integers(3, size=days)
    sign = np.empty(days, int)
    state = FULL
    for day in range(days):
        state = NEXT[state, weather[day]]
        sign[day] = SIGN[state]
    return weather, sign


def cuts(weather: Ids, sign: Ids, number: int, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Return random cuts of a record: weathers and signs, [number, CUT] each."""
    starts = rng.integers(len(weather) - CUT + 1, size=number)
    days = starts[:, None] + np.arange(CUT)
    return weather[days], sign[days]


def transition() -> Probabilities:
    """Return P(state tomorrow | state today), [states, states]."""
    matrix = np.zeros((len(STATES), len(STATES)))
    for state, after in enumerate(NEXT):
        np.add.at(matrix[state], after, 1 / 3)
    return matrix


def stationary() -> Probabilities:
    """Return P(state) on a day long after the start, [states]."""
    return np.asarray(np.linalg.matrix_power(transition(), 512)[FULL])


def least_loss(days: int = CUT) -> Probabilities:
    """Return the least expected loss of each day of a cut given the weather so far, in nats, [days].

    A cut starts in an unknown state, so the best prediction follows from the belief
    P(state | x_1 … x_t). Few different beliefs occur, so the result is exact: the sum over every
    belief, weighted by the belief's probability.
    """
    losses = np.zeros(days)
    beliefs = {tuple(stationary()): 1.0}
    for day in range(days):
        after: dict[tuple[float, ...], float] = defaultdict(float)
        for belief, probability in beliefs.items():
            for weather in range(3):
                moved = np.bincount(NEXT[:, weather], weights=belief, minlength=len(STATES))
                after[tuple(moved.round(12))] += probability / 3
        beliefs = dict(after)
        losses[day] = sum(p * _entropy(np.dot(belief, SIGN)) for belief, p in beliefs.items())
    return losses


def _entropy(p: float) -> float:
    return float(-sum(q * np.log(q) for q in (p, 1 - p) if q > 1e-9))
