"""charloom's training job, step by step: its network, optimiser and running average of the weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.learning.recipe import EMBEDDING, RATE, ROWS, UNITS
from benchmarks.learning.text import Ids, Text
from model_store import Vocabulary
from training.config import TrainingConfig
from training.learning.trainer import Trainer
from training.network.model import zero_state

CONFIG = TrainingConfig(
    units=UNITS,
    embedding=EMBEDDING,
    dropout=0.0,
    weight_drop=0.0,
    batch_size=ROWS,
    learning_rate=RATE,
    schedule="constant",
)


class Charloom:
    """A trainer, measured with the running average of its weights as the job does."""

    context = None

    def __init__(self, symbols: int, config: TrainingConfig) -> None:
        vocabulary = Vocabulary.from_text("".join(map(chr, range(0x100, 0x100 + symbols))))
        self.config = config
        self.trainer = Trainer(config, vocabulary, steps_per_epoch=1)

    def batches(self, text: Text, length: int) -> Iterator[tuple[Ids, Ids]]:
        """Yield the batches of parallel streams."""
        return text.streams(ROWS, length)

    def step(self, inputs: Ids, targets: Ids) -> None:
        """Update the weights once."""
        self.trainer.step(inputs.astype(np.int32), targets.astype(np.int32))

    def losses(self, rows: Ids) -> Any:
        """Return the losses [B, T − 1], from the zero state."""
        ids = tf.constant(rows.astype(np.int32))
        with self.trainer.averaged():
            state = zero_state(self.config, len(ids))
            logits, *_ = self.trainer.model([ids[:, :-1], *state], training=False)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits).numpy()


def network(symbols: int, threads: int, seed: int, bfloat16: bool) -> Charloom:
    """Return the side; its products are in bf16 where that is wanted and the processor has bf16."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    precision = "auto" if bfloat16 else "float32"
    update = {"random_seed": seed, "precision": precision}
    return Charloom(symbols, CONFIG.model_copy(update=update))
