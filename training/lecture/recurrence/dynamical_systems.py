"""The principle idea of recurrent networks: s_t = f(s_{t−1}; θ), the same f and the same θ at every step.

Three systems without an input (a Markov chain, a body without forces, the fish in a lake each spring) and
one with (the fish and the boats) are unfolded by one function and fitted to noisy records by another one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from training.lecture.descent import descend
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.recurrence.dynamical_picture import draw
from training.lecture.tape import Array, Value, mean

SEQUENCES = 8
SEEN = 12  # observed steps of each record
LONGER = 24  # steps of a forecast
ITERATIONS = 400

Function = Callable[[Value, Value, Value], Value]  # f(s, x; θ)


@dataclass(frozen=True)
class System:
    """A system: f, its true θ, a first guess of θ, the noise of a measurement, and starts and inputs."""

    f: Function
    theta: Array
    guess: Array
    noise: float
    start: Callable[[np.random.Generator], Array]  # [SEQUENCES, parts]
    drive: Callable[[np.random.Generator], Array]  # [LONGER, SEQUENCES, parts]
    shown: str


def linear(s: Value, _: Value, theta: Value) -> Value:
    """Return s·θ: a Markov chain, and a body without forces."""
    return s @ theta


def growth(s: Value, _: Value, theta: Value) -> Value:
    """Return θ·s·(1 − s): many fish have many young, and eat each other's food."""
    return theta * s * (1.0 - s)


def fished(s: Value, x: Value, theta: Value) -> Value:
    """Return θ_1·s·(1 − s) − θ_2·x: each of x boats takes its catch."""
    return theta @ np.array([[1.0], [0.0]]) * s * (1.0 - s) - theta @ np.array([[0.0], [1.0]]) * x


def no_input(_: np.random.Generator) -> Array:
    """Return inputs of no effect."""
    return np.zeros((LONGER, SEQUENCES, 1))


SYSTEMS = {
    "Markov chain": System(
        f=linear,
        theta=np.array([[0.8, 0.15, 0.05], [0.3, 0.4, 0.3], [0.2, 0.3, 0.5]]),
        guess=np.full((3, 3), 1 / 3),
        noise=0.01,
        start=lambda rng: np.eye(3)[rng.permutation(SEQUENCES) % 3],
        drive=no_input,
        shown="P(sunny)",
    ),
    "body without forces": System(
        f=linear,  # s = (place, speed): the place grows by the speed, the speed stays
        theta=np.array([[1.0, 0.0], [1.0, 1.0]]),
        guess=np.array([[0.9, 0.1], [0.5, 0.9]]),
        noise=0.05,
        start=lambda rng: rng.normal(size=(SEQUENCES, 2)) * [1.0, 0.3],
        drive=no_input,
        shown="place",
    ),
    "fish each spring": System(
        f=growth,
        theta=np.array([[2.8]]),
        guess=np.array([[2.0]]),
        noise=0.02,
        start=lambda rng: rng.uniform(0.05, 0.5, (SEQUENCES, 1)),
        drive=no_input,
        shown="fish, share of the lake's capacity",
    ),
    "fish and boats (driven)": System(
        f=fished,
        theta=np.array([[2.8, 0.03]]),
        guess=np.array([[2.0, 0.0]]),
        noise=0.02,
        start=lambda rng: rng.uniform(0.3, 0.6, (SEQUENCES, 1)),
        drive=lambda rng: rng.integers(0, 5, (LONGER, SEQUENCES, 1)).astype(float),
        shown="fish, share of the lake's capacity",
    ),
}


def unfold(f: Function, s: Array, theta: Value, x: Array) -> list[Value]:
    """Return s_0, s_1, …: one application of f for each input x [steps, ...], with the same θ."""
    states = [Value(s)]
    for x_t in x:
        states.append(f(states[-1], Value(x_t), theta))
    return states


def record(system: System, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return inputs and noisy observations of s_0 … s_LONGER, [LONGER + 1, SEQUENCES, parts]."""
    start, x = system.start(rng), system.drive(rng)
    states = np.array([s.data for s in unfold(system.f, start, Value(system.theta), x)])
    noise = rng.normal(0, system.noise, states.shape)
    noise[0] = 0  # the start is known
    return x, states + noise


def fit(system: System, x: Array, observed: Array, iterations: int = ITERATIONS) -> Array:
    """Return θ with the least mean squared error of the unfolded states, by back-propagation through time."""
    theta = Value(system.guess.copy())

    def error(steps: int) -> Value:
        states = unfold(system.f, observed[0], theta, x[:steps])
        errors = [s - y for s, y in zip(states[1:], observed[1:], strict=False)]
        return mean(sum((e * e for e in errors), Value(0.0)))

    descend(error, [theta], repeat(SEEN), iterations, learning_rate=0.03)
    return theta.data


def forecast(system: System, theta: Array, x: Array, start: Array) -> Array:
    """Return the states s_0 … s_LONGER from a known start, [LONGER + 1, SEQUENCES, parts]."""
    return np.array([s.data for s in unfold(system.f, start, Value(theta), x)])


def run(lesson: Lesson) -> None:
    """Fit each system to its first SEEN steps, forecast as many more, and draw the graphs."""
    rows, panels = [], {}
    for number, (name, system) in enumerate(SYSTEMS.items()):
        x, observed = record(system, np.random.default_rng([lesson.seed, number]))
        fitted = fit(system, x, observed, lesson.iterations(ITERATIONS, quick=150))
        errors = {
            label: np.sqrt(
                np.mean((forecast(system, theta, x, observed[0]) - observed)[SEEN:] ** 2)
            )
            for label, theta in (("guess", system.guess), ("fitted", fitted))
        }
        off = float(np.abs(fitted - system.theta).max())
        rows.append(
            [name, _numbers(system.theta), _numbers(fitted), off, *map(float, errors.values())]
        )
        panels[name] = (system.shown, observed, forecast(system, fitted, x, observed[0]))
    show_table(
        f"θ from {SEQUENCES} records of {SEEN} steps; forecast of steps {SEEN} to {LONGER}",
        ["system", "true θ", "fitted θ", "θ off by", "error, first guess", "error, fitted"],
        rows,
    )
    save_picture(draw(panels, SEEN), lesson, "dynamical-systems")


def _numbers(theta: Array) -> str:
    return " | ".join(" ".join(f"{number:.2f}" for number in row) for row in theta)
