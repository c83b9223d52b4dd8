"""Further losses of the graph as served: over nanoGPT's windows, and over the test part of the text."""

from pathlib import Path

import numpy as np

from training.corpus.split import Split
from training.frozen.runtime import stream_loss, windows_loss
from training.publishing.metrics import TEST_NATS, WINDOWS_NATS


def further_losses(graph: Path, text: Split, characters: int) -> dict[str, float]:
    """Return the losses of an int8 graph by metric, in nats per character.

    `windows_nats` is over windows of the first `characters` held-out ones, each read from the zero
    state. `test_nats` is over the whole test part, read in order with the state carried; a text without
    a test part has no `test_nats`.
    """
    held_out, test = (part.astype(np.int64) for part in (text.validation[:characters], text.test))
    losses = {WINDOWS_NATS: windows_loss(graph, held_out)}
    if len(test):
        losses[TEST_NATS] = stream_loss(graph, test, "measuring the test text")
    return losses
