"""The section of the model card about what the model copies."""

from collections.abc import Mapping

from training.publishing.copied import (
    BY_HEART,
    HELD_OUT,
    LENGTH,
    RISE,
    RUNS,
    SAMPLES,
    TEMPERATURES,
    longest_key,
    share_key,
    texts_key,
)


def copies_section(metrics: Mapping[str, float]) -> str:
    """Return the section as Markdown, or nothing for metrics without the figures."""
    if longest_key(HELD_OUT) not in metrics:
        return ""
    explained = (
        f"Of {SAMPLES} samples of {LENGTH:,} characters at each temperature, and of as much held-out\n"
        "text: the characters of the longest run that stands word for word in the training text,\n"
        "and the share of all runs of that many characters that stand there. "
        f"{_texts(metrics)}{_by_heart(metrics)}\n"
    )
    shown = {str(t): f"samples at {t}" for t in TEMPERATURES} | {HELD_OUT: "held-out text"}
    return "\n".join(
        [
            "## Copies of the training text\n",
            f"| | longest copied run | {' | '.join(f'runs of {length}' for length in RUNS)} |",
            "|---|---|" + "---|" * len(RUNS),
            *(_row(name, group, metrics) for group, name in shown.items()),
            "",
            explained,
        ]
    )


def _row(name: str, group: str, metrics: Mapping[str, float]) -> str:
    shares = (f"{metrics[share_key(length, group)]:.2%}" for length in RUNS)
    return f"| {name} | {metrics[longest_key(group)]:.0f} | {' | '.join(shares)} |"


def _texts(metrics: Mapping[str, float]) -> str:
    if texts_key(str(TEMPERATURES[0])) not in metrics:
        return ""
    shares = (f"{metrics[texts_key(str(t))]:.1%} at {t}" for t in TEMPERATURES)
    return f"Of the whole texts in the samples, {' and '.join(shares)} stand in the corpus. "


def _by_heart(metrics: Mapping[str, float]) -> str:
    if BY_HEART not in metrics:
        return (
            "No epoch learns by heart: the validation loss never rises by more than "
            f"{RISE} nats above its lowest value while the training loss falls."
        )
    return (
        f"The training learns by heart from epoch {metrics[BY_HEART]:.0f} on: the validation loss "
        f"rises while the training loss falls. The weights are those of epoch "
        f"{metrics['best_epoch']:.0f}."
    )
