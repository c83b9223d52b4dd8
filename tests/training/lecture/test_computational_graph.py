"""The slide's graph: gradients by hand."""

import pytest

from training.lecture.computational_graph import Node, backward, by_tape, plus, slide, times


def test_the_slide() -> None:
    """The gradients by hand and by GradientTape are the slide's."""
    expected = {"x": -4.0, "y": -4.0, "z": 3.0, "q": -4.0, "f": 1.0}
    assert {node.name: node.gradient for node in slide()} == expected == by_tape()


@pytest.mark.parametrize(("operation", "gradients"), [(plus, (1.0, 1.0)), (times, (7.0, 3.0))])
def test_junctions(operation, gradients) -> None:
    """A plus node passes the gradient on, a times node swaps its inputs."""
    a, b = Node("a", 3.0), Node("b", 7.0)
    backward([a, b, operation("f", a, b)])
    assert (a.gradient, b.gradient) == gradients


def test_a_value_used_twice() -> None:
    """Gradients of several uses add up: f = a·a has 2a."""
    a = Node("a", 3.0)
    backward([a, times("f", a, a)])
    assert a.gradient == 6.0
