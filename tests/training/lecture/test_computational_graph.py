"""The slide's graph: gradients by hand."""

import pytest
import tensorflow as tf

from training.lecture.recurrence.computational_graph import (
    Node,
    backward,
    by_differences,
    plus,
    slide,
    times,
)

GRADIENTS = {"x": -4.0, "y": -4.0, "z": 3.0, "q": -4.0, "f": 1.0}


def test_the_slide() -> None:
    """The gradients by hand and the difference quotients are the slide's."""
    assert {node.name: node.gradient for node in slide()} == GRADIENTS
    assert by_differences() == pytest.approx(GRADIENTS, abs=1e-6)


def test_tensorflow_agrees() -> None:
    """TensorFlow's GradientTape finds the slide's gradients."""
    x, y, z = tf.constant(-2.0), tf.constant(5.0), tf.constant(-4.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y, z])
        q = x + y
        f = q * z
    assert list(map(float, tape.gradient(f, [x, y, z, q, f]))) == list(GRADIENTS.values())


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
