"""One-to-one, one-to-many, many-to-one, many-to-many; and deep against shallow.

Layer l of a deep network reads the hidden states of the layer below: h_t^l = LSTM(h_t^{l−1}, h_{t−1}^l),
with h_t^0 the embedding of character t. The networks have an equal number of parameters, so a deeper
network is narrower.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pydoc_data.topics import topics

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from model_store import Vocabulary
from training.config import TrainingConfig
from training.corpus.split import Split, split
from training.learning.batches import Batch, StreamBatches
from training.learning.evaluate import validation_loss
from training.lecture.learning import mean_nats, minimise, set_seeds
from training.lecture.lesson import Lesson, save_picture, show_table
from training.network.model import build_model, zero_state

SHAPES = [
    ["one-to-one", "x → ŷ", "a sequence at once", "weight-sharing (feed-forward)"],
    ["one-to-many", "seed text → text", "writing characters", "character-model"],
    ["one-to-many", "picture → words", "a caption", "captioning"],
    ["many-to-one", "x_1 … x_T → ŷ", "the symbol after a mark", "weight-sharing (recurrent)"],
    ["many-to-one", "x_1 … x_T → ŷ", "the sentiment of a sentence", "sentiment"],
    ["many-to-one", "x_1 … x_T → h_T", "a word in one vector", "seq2seq (its encoder)"],
    ["many-to-many, in step", "x_t → ŷ_t", "the sign from the weather", "ice-cream, cells"],
    ["many-to-many, in step", "x_t → ŷ_t", "a symbol through distractors", "vanishing-gradient"],
    ["many-to-many, in step", "x_t → x_{t+1}", "the next character", "urls, architectures"],
    ["many-to-many, in step", "x_1 … x_{t−1} → x_t", "the next pixel", "pixel-rnn"],
    ["many-to-many, both ways", "x_1 … x_T → ŷ_t", "the weather from the sign", "bidirectional"],
    ["many-to-many, one after other", "x_1 … x_T → ŷ_1 … ŷ_S", "reversing a word", "seq2seq"],
    ["many-to-many, one after other", "x_1 … x_T → ŷ_1 … ŷ_S", "numbers in words", "translation"],
    [
        "many-to-many, one after other",
        "x_1 … x_T → x_1 … x_T",
        "copying from a memory",
        "external-memory",
    ],
    ["state alone", "s_{t−1} → s_t", "weather, a body, fish", "dynamical-systems"],
    ["one step", "h_{t−1}, x_t → h_t", "the cell itself", "forward-pass, gradient-highway"],
]
DEPTHS = (1, 2, 3)
PARAMETERS = 60_000
EMBEDDING = 24
CHARACTERS = 200_000
ITERATIONS = 1500


@dataclass(frozen=True)
class Result:
    """The result of one depth: training losses and held-out loss, in nats per character."""

    config: TrainingConfig
    parameters: int
    losses: list[float]
    validation_loss: float


def english() -> tuple[Split, int]:
    """Return Python's own reference manual as ids, split, and the number of symbols."""
    text = "".join(topics.values())[:CHARACTERS]
    vocabulary = Vocabulary.from_text(text, 1000)
    return split(vocabulary.encode(text).astype(np.int32), 0.1), len(vocabulary)


def parameters(layers: int, units: int, symbols: int) -> int:
    """Count the weights: embedding, four gates in each layer, and the output layer."""
    inputs = [EMBEDDING] + [units] * (layers - 1)
    gates = sum(4 * units * (size + units + 1) for size in inputs)
    return symbols * EMBEDDING + gates + (units + 1) * symbols


def units_for(layers: int, symbols: int) -> int:
    """Return the units of each layer with which the network comes closest to PARAMETERS."""
    return min(
        range(1, 512), key=lambda units: abs(parameters(layers, units, symbols) - PARAMETERS)
    )


def train(layers: int, text: Split, symbols: int, iterations: int, seed: int) -> Result:
    """Train a network of this depth, from the zero state before each sequence."""
    config = TrainingConfig(
        layers=layers,
        units=units_for(layers, symbols),
        embedding=EMBEDDING,
        dropout=0.0,
        weight_drop=0.0,
        batch_size=32,
        sequence_length=32,
        random_seed=seed,
    )
    set_seeds(seed)
    model = build_model(config, symbols, "float32")
    embeddings = model.get_layer("embedding").embeddings
    # Keras draws from ±0.05, which nearly vanishes in three layers.
    embeddings.assign(keras.random.normal(embeddings.shape))

    def loss(ids: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        logits, *_ = model([ids, *zero_state(config, config.batch_size)])
        return mean_nats(logits, targets)

    batches = _batches(text, config)
    losses = minimise(loss, model.trainable_weights, batches, iterations)
    return Result(config, model.count_params(), losses, validation_loss(model, config, text))


def _batches(text: Split, config: TrainingConfig) -> Iterator[tuple[Batch, Batch]]:
    rng = np.random.default_rng(config.random_seed)
    batches = StreamBatches(text.train, config.batch_size, config.sequence_length)
    while True:
        yield from batches.epoch(int(rng.integers(len(text.train))))


def run(lesson: Lesson) -> None:
    """Print the table of shapes, then train each depth and draw its losses."""
    show_table("Which command shows which", ["shape", "from → to", "task", "command"], SHAPES)
    text, symbols = english()
    results = [
        train(layers, text, symbols, lesson.iterations(ITERATIONS, quick=150), lesson.seed)
        for layers in DEPTHS
    ]
    show_table(
        "Deep against shallow: LSTMs on English, equal number of parameters",
        ["layers × units", "parameters", "held-out nats per character"],
        [[_name(result), result.parameters, result.validation_loss] for result in results],
    )
    save_picture(_picture(results), lesson, "architectures")


def _name(result: Result) -> str:
    return f"{result.config.layers}×{result.config.units}"


def _picture(results: list[Result]) -> Figure:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for result in results:
        window = min(50, len(result.losses))
        smooth = np.convolve(result.losses, np.ones(window) / window, mode="valid")
        label = f"{_name(result)}, held out: {result.validation_loss:.3f}"
        axes.plot(np.arange(len(smooth)) + window, smooth, label=label)
    axes.set(xlabel="updates", ylabel="training loss, nats per character\n(mean of 50 updates)")
    axes.set_title(f"LSTMs of about {PARAMETERS:,} parameters: layers × units")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
