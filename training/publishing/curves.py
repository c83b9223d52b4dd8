"""Learning curves as pictures: nats per character on the left, bits on the right."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.learning.epochs import Epoch, bits
from training.learning.run import Run, RunInfo


def write_curves(run: Run, baselines: Mapping[str, float], path: Path) -> None:
    """Draw training and validation loss by epoch, and the baselines as horizontal lines."""
    figure, axes = _figure()
    epochs = run.epochs
    numbers = [epoch.number for epoch in epochs]
    validation = [epoch.validation_loss for epoch in epochs]
    training = [epoch.train_loss for epoch in epochs]
    axes.plot(numbers, training, "o-", label=training_label(run.info))
    axes.plot(numbers, validation, "o-", label="validation")
    best = int(np.argmin(validation))
    axes.annotate(
        f"{validation[best]:.4f}",
        (numbers[best], validation[best]),
        textcoords="offset points",
        xytext=(0, 8),
        ha="center",
    )
    # The picture cuts off the high losses of the first epochs, so that the later ones can be read.
    top = min(max(*training, *validation), 1.8 * validation[best])
    for number, (name, nats) in enumerate(baselines.items()):
        if nats < top:
            _mark(axes, name, nats, number)
    axes.set_ylim(top=1.02 * top)
    axes.legend()
    figure.savefig(path, dpi=120, format="png")


def training_label(info: RunInfo) -> str:
    """Return a name for the training loss that tells why the loss is above the validation loss."""
    if info.teachers:
        return "training (towards the teachers)"
    return "training (with dropout)" if info.config.dropout else "training"


def write_comparison(curves: Mapping[str, list[Epoch]], path: Path) -> None:
    """Draw the validation loss of several versions by epoch."""
    figure, axes = _figure()
    for name, epochs in curves.items():
        axes.plot(
            [epoch.number for epoch in epochs],
            [epoch.validation_loss for epoch in epochs],
            "o-",
            label=name,
        )
    axes.set_title("validation loss")
    axes.legend()
    figure.savefig(path, dpi=120, format="png")


def _mark(axes: Axes, name: str, nats: float, number: int) -> None:
    """Draw a horizontal line; `number` shifts its name, so that names of close lines do not overlap."""
    axes.axhline(nats, color="grey", linewidth=0.8, linestyle=":")
    axes.annotate(
        name,
        (0.5 + 0.1 * number, nats),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        xytext=(0, 2),
        color="grey",
        fontsize="small",
    )


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("nats per character")
    to_bits = (lambda nats: np.multiply(nats, bits(1)), lambda value: np.divide(value, bits(1)))
    axes.secondary_yaxis("right", functions=to_bits).set_ylabel("bits per character")
    axes.grid(alpha=0.3)
    return figure, axes
