"""The size of a network, from its configuration alone, without Keras."""

from training.config import TrainingConfig

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def count_weights(config: TrainingConfig, symbols: int) -> int:
    """Return the number of weights of `build_model`, without the memory of a model."""
    columns = GATES[config.cell] * config.units
    embedding = config.embedding or symbols  # a one-hot embedding is as wide as the vocabulary
    inputs = [embedding, *[config.units] * (config.layers - 1)]
    # Kernel, recurrent matrix and bias of a layer have the same columns.
    layers = sum((rows + config.units + 1) * columns for rows in inputs)
    return symbols * embedding + layers + (config.units + 1) * symbols


def count_table(config: TrainingConfig, symbols: int) -> int:
    """Return the number of entries of the table of characters in a step graph.

    The table has a row for each symbol and a column for each gate of each unit.
    """
    return symbols * GATES[config.cell] * config.units
