"""The weather of every day, inferred from the store's signs: past signs alone, or all signs."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from training.lecture import store
from training.lecture.learning import Batch, layer, mean_nats, minimise, set_seeds
from training.lecture.lesson import Lesson, save_picture, show_table
from training.lecture.store import NEXT, SIGN, STATES, Ids, Probabilities

UNITS = 24
CUTS = 100
ITERATIONS = 800
DAYS = 20_000


def posterior(sign: Ids, *, future: bool) -> Probabilities:
    """Return the exact P(weather of each day | signs up to the day, or with `future` all signs), [days, 3].

    The forward-backward algorithm on the store's states: alpha is the belief before the day, beta
    the likelihood of the signs after the day (Rabiner, "A tutorial on hidden Markov models", 1989).
    """
    alpha, beta = _alphas(sign), _betas(sign) if future else np.ones((len(sign), len(STATES)))
    result = np.empty((len(sign), 3))
    for day, shown in enumerate(sign):
        # likelihood [states] = P(this sign and later signs | state today). NEXT [states, weathers] turns
        # likelihood into [states yesterday, weathers], and alpha sums over the states of yesterday.
        likelihood = beta[day] * (shown == SIGN)
        result[day] = alpha[day] @ likelihood[NEXT]
    return np.asarray(result / result.sum(axis=1, keepdims=True))


def _alphas(sign: Ids) -> Probabilities:
    """Return P(state before the day | signs before the day), [days, states]."""
    alphas = [store.stationary()]
    for shown in sign[:-1]:
        alpha = (alphas[-1] @ store.transition()) * (shown == SIGN)
        alphas.append(alpha / alpha.sum())
    return np.array(alphas)


def _betas(sign: Ids) -> Probabilities:
    """Return P(signs after the day | state after the day) up to a factor, [days, states]."""
    betas = [np.ones(len(STATES))]
    for shown in sign[:0:-1]:
        beta = store.transition() @ ((shown == SIGN) * betas[-1])
        betas.append(beta / beta.max())
    return np.array(betas[::-1])


def network(*, future: bool) -> keras.Model:
    """Return a GRU that reads the signs forward; with `future`, a second GRU reads backward."""
    reader = layer("gru", UNITS)
    if future:
        reader = keras.layers.Bidirectional(reader)
    return keras.Sequential([keras.Input((store.CUT, 1)), reader, keras.layers.Dense(3)])


def batches(rng: np.random.Generator) -> Iterator[Batch]:
    """Yield mini-batches: signs −1 or 1 [CUTS, days, 1], and the weathers [CUTS, days]."""
    weather, sign = store.record(DAYS, rng)
    while True:
        x, y = store.cuts(weather, sign, CUTS, rng)
        yield _signal(y), x


def learn(model: keras.Model, iterations: int, seed: int) -> None:
    """Train the network to name the weathers."""

    def loss(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return mean_nats(model(x), y)

    rng = np.random.default_rng(seed)
    minimise(loss, model.trainable_variables, batches(rng), iterations)


def probabilities(model: keras.Model, signs: Ids) -> Probabilities:
    """Return the network's P(weather) of every day, [cuts, days, 3]."""
    return np.asarray(tf.nn.softmax(model(tf.constant(_signal(signs)))), np.float64)


def nats(predicted: Probabilities, weather: Ids) -> float:
    """Return the mean of −log P(the true weather)."""
    chosen = np.take_along_axis(predicted, weather[..., None], axis=-1)
    return float(-np.log(chosen).mean())


def run(lesson: Lesson) -> None:
    """Compare one direction with two directions, and each with its exact limit."""
    rng = np.random.default_rng([lesson.seed, 1])
    weather, signs = store.cuts(*store.record(DAYS, rng), 100 if lesson.quick else 500, rng)
    rows, shown = [], {}
    for name, future in (("past only", False), ("past and future", True)):
        set_seeds(lesson.seed)
        model = network(future=future)
        learn(model, lesson.iterations(ITERATIONS, quick=60), lesson.seed)
        exact = np.array([posterior(sign, future=future) for sign in signs])
        for who, predicted in (("network", probabilities(model, signs)), ("exact limit", exact)):
            right = float(np.mean(predicted.argmax(axis=-1) == weather))
            rows.append([name, who, nats(predicted, weather), right])
            shown[f"{who}, {name}"] = predicted[0]
    rows.append(["–", "guessing", float(np.log(3)), 1 / 3])
    show_table("Weather from the sign, on new cuts", ["sees", "who", "nats per day", "right"], rows)
    save_picture(_picture(weather[0], signs[0], shown), lesson, "bidirectional")


def _signal(signs: Ids) -> tf.Tensor:
    return (2.0 * signs - 1.0)[..., None].astype(np.float32)


def _picture(weather: Ids, sign: Ids, shown: dict[str, Probabilities]) -> Figure:
    figure = Figure(figsize=(11, 8), layout="constrained")
    record, *strips = figure.subplots(1 + len(shown), 1, sharex=True)
    record.imshow(sign[None], aspect="auto", cmap="Greys_r", vmin=-1, vmax=1)
    for day, x in enumerate(weather):
        record.text(day, 0, store.WEATHERS[x][0], ha="center", va="center")
    record.set(title="the sign (white: ice, gray: none) and the true weather", yticks=[])
    for axes, (name, predicted) in zip(strips, shown.items(), strict=True):
        axes.imshow(predicted.T, aspect="auto", cmap="viridis", vmin=0, vmax=1)
        axes.plot(weather, "r.", markersize=5)
        axes.set(title=f"P(weather): {name}", yticks=range(3), yticklabels=store.WEATHERS)
    strips[-1].set_xlabel("day (red: the true weather)")
    figure.colorbar(strips[-1].images[0], ax=strips, shrink=0.6)
    return figure
