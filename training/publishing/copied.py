"""How much of what a model writes stands in its corpus, and from which epoch it learns by heart."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model_store import KnownTexts, Vocabulary, contents
from training.bar import bar, track
from training.corpus.split import Ids, Split
from training.frozen.runtime import StepGraph
from training.learning.epochs import Epoch
from training.publishing.known_runs import KnownRuns

TEMPERATURES = (0.5, 1.0)
SAMPLES = 20  # at each temperature
LENGTH = 2000  # characters of a sample
RUNS = (20, 50)  # characters of the runs that are counted
HELD_OUT, BY_HEART = "held_out", "by_heart_from"  # in the names of metrics
RISE = 0.005  # nats of the validation loss; less may be chance


def copied(graph: Path, text: Split, vocabulary: Vocabulary, seed_text: str) -> dict[str, float]:
    """Measure an exported model: the longest run that its samples copy, and the share of short runs.

    Samples of a continuous text follow the seed text. The same figures for held-out text are the baseline.
    For a corpus of many short texts there is also the share of whole texts that stand in the corpus.
    """
    prompt = vocabulary.encode(seed_text if text.text_end is None else vocabulary.text_end)
    samples = _samples(graph, prompt)
    held_out = text.validation[: SAMPLES * LENGTH]
    width = min(LENGTH, len(held_out))
    held_out = held_out[: len(held_out) // width * width].reshape(-1, width)
    groups: dict[str, Ids] = {**samples, HELD_OUT: held_out}
    metrics = {}
    with bar("comparing with the corpus", None) as advance:
        corpus = KnownRuns(text.train, len(vocabulary), advance)
        for group, rows in groups.items():
            metrics[longest_key(group)] = float(corpus.longest(rows))
            metrics |= {share_key(length, group): corpus.shares(rows, length) for length in RUNS}
    if text.text_end is not None:
        known = KnownTexts(graph.with_name(contents.TEXTS))
        metrics |= {
            texts_key(group): _known(rows, vocabulary, known) for group, rows in samples.items()
        }
    return metrics


def by_heart_from(epochs: Sequence[Epoch]) -> int | None:
    """Return the epoch from which a model learns by heart, or None.

    From that epoch on the validation loss rises while the training loss falls.
    """
    best = min(epochs, key=lambda epoch: epoch.validation_loss)
    last = epochs[-1]
    rises = last.validation_loss > best.validation_loss + RISE
    return best.number + 1 if rises and last.train_loss < best.train_loss else None


def longest_key(group: str) -> str:
    """Return the metric of the longest copied run."""
    return f"copied_longest_{group}"


def share_key(length: int, group: str) -> str:
    """Return the metric of the share of runs of a length that are copies."""
    return f"copied_{length}_{group}"


def texts_key(group: str) -> str:
    """Return the metric of the share of whole texts that are copies."""
    return f"copied_texts_{group}"


def _samples(graph: Path, prompt: Ids) -> dict[str, Ids]:
    """Return ids [SAMPLES, LENGTH] by temperature, drawn after the prompt in one batch."""
    temperatures = np.repeat(TEMPERATURES, SAMPLES)[:, None]
    steps, rng = StepGraph(graph, rows=len(temperatures)), np.random.default_rng(0)
    *read, ids = (np.full(len(temperatures), id_) for id_ in prompt)
    for each in read:
        steps.step(each)
    drawn = []
    for _ in track("writing samples", range(LENGTH), LENGTH):
        logits = steps.step(ids)
        # The largest of logit / temperature + Gumbel noise is a draw from the softmax.
        ids = np.argmax(logits / temperatures + rng.gumbel(size=logits.shape), axis=1)
        drawn.append(ids)
    parts = np.split(np.stack(drawn, axis=1), len(TEMPERATURES))
    return dict(zip(map(str, TEMPERATURES), parts, strict=True))


def _known(rows: Ids, vocabulary: Vocabulary, known: KnownTexts) -> float:
    """Return the share of the whole texts in rows [R, T] that stand in the corpus."""
    end = vocabulary.text_end
    texts = [text for row in rows for text in vocabulary.decode(row).split(end)[:-1]]
    return float(np.mean([known.contains(text) for text in texts])) if texts else 0.0
