"""The ice-cream store: its rules, its records, and what can be known about it exactly.

The store holds two units and starts full. Each day the weather is sunny, cloudy or rainy at random: sunny
sells one unit; cloudy orders one, which comes three days later and is taken only if there is room
(delivery before sale on a day). The sign says whether there is ice left at the end of the day.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

WEATHERS = ["sunny", "cloudy", "rainy"]
SUNNY, CLOUDY, RAINY = range(3)
CAPACITY = 2
DELIVERY = 3  # days from order to delivery
CUT = 40  # days of one training example

Ids = NDArray[np.int64]
Probabilities = NDArray[np.float64]

# A state is the stock and what was ordered one, two and three days ago: (stock, o1, o2, o3).
STATES = [(s, a, b, c) for s in range(CAPACITY + 1) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
FULL = STATES.index((CAPACITY, 0, 0, 0))


def next_state(state: int, weather: int) -> int:
    """Return the state after a day of this weather."""
    stock, *orders = STATES[state]
    stock = min(stock + orders.pop(), CAPACITY)
    if weather == SUNNY:
        stock = max(stock - 1, 0)
    return STATES.index((stock, int(weather == CLOUDY), orders[0], orders[1]))


NEXT = np.array([[next_state(s, x) for x in range(3)] for s in range(len(STATES))])
SIGN = np.array([int(stock > 0) for stock, *_ in STATES])  # 1: there is ice


def record(days: int, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Return weather and sign of so many days, from a full store on."""
    weather = rng.integers(3, size=days)
    sign = np.empty(days, int)
    state = FULL
    for day in range(days):
        state = NEXT[state, weather[day]]
        sign[day] = SIGN[state]
    return weather, sign


def cuts(weather: Ids, sign: Ids, number: int, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Cut pieces of 40 days out of a record at random; each is [number, 40]."""
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
    """Return P(state) on a random day long after the start."""
    return np.asarray(np.linalg.matrix_power(transition(), 512)[FULL])


def least_loss(days: int = CUT) -> Probabilities:
    """Return the least expected loss of each day of a cut, in nats, knowing the weather so far.

    A cut starts in an unknown state, so what can be known is a belief, P(state | x_1 … x_t). Most
    weathers lead to few beliefs, which are all followed here with their probabilities: it is exact.
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
