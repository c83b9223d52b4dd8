"""Deep against shallow: networks of equal size, on a text that they learn."""

import pytest

from training.lecture.sequences.architectures import (
    DEPTHS,
    PARAMETERS,
    english,
    parameters,
    train,
    units_for,
)


@pytest.mark.parametrize("layers", DEPTHS)
def test_equal_number_of_parameters(layers) -> None:
    """All depths have the same number of weights, within three per cent."""
    assert parameters(layers, units_for(layers, 100), 100) == pytest.approx(PARAMETERS, rel=0.03)


def test_counted_as_built() -> None:
    """The formula counts the weights that Keras builds, and training lowers the loss."""
    text, symbols = english()
    result = train(2, text, symbols, iterations=10, seed=1)
    assert result.parameters == parameters(2, result.config.units, symbols)
    assert result.losses[-1] < result.losses[0] - 0.3
