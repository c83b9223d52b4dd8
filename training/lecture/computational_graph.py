"""Back-propagation through f = (x + y)·z, node by node: gradient = upstream × local."""

from __future__ import annotations

from dataclasses import dataclass, field

import tensorflow as tf
from matplotlib.figure import Figure

from training.lecture.lesson import Lesson, save_picture, show_table


@dataclass
class Node:
    """A value in the graph, its inputs, and the local derivative by each input."""

    name: str
    value: float
    inputs: list[Node] = field(default_factory=list)
    local: list[float] = field(default_factory=list)
    gradient: float = 0.0


def plus(name: str, a: Node, b: Node) -> Node:
    """Add two nodes: both local derivatives are 1, so a plus passes the gradient on."""
    return Node(name, a.value + b.value, [a, b], [1.0, 1.0])


def times(name: str, a: Node, b: Node) -> Node:
    """Multiply two nodes: each local derivative is the other input, so a times swaps its inputs."""
    return Node(name, a.value * b.value, [a, b], [b.value, a.value])


def backward(order: list[Node]) -> None:
    """Fill in ∂f/∂node for every node; `order` is the order of the forward pass and ends in f."""
    order[-1].gradient = 1.0
    for node in reversed(order):
        for source, local in zip(node.inputs, node.local, strict=True):
            source.gradient += node.gradient * local  # upstream × local, summed over all uses


def slide() -> list[Node]:
    """Return the slide's graph after both passes: x, y, z, q = x + y, f = q·z."""
    x, y, z = Node("x", -2.0), Node("y", 5.0), Node("z", -4.0)
    q = plus("q", x, y)
    f = times("f", q, z)
    order = [x, y, z, q, f]
    backward(order)
    return order


def by_tape() -> dict[str, float]:
    """Return the same five gradients from TensorFlow."""
    x, y, z = tf.constant(-2.0), tf.constant(5.0), tf.constant(-4.0)
    with tf.GradientTape() as tape:
        tape.watch([x, y, z])
        q = x + y
        f = q * z
    gradients = tape.gradient(f, [x, y, z, q, f])
    return dict(zip("xyzqf", map(float, gradients), strict=True))


def run(lesson: Lesson) -> None:
    """Print values and gradients, by hand and by tape, and draw the graph."""
    nodes, tape = slide(), by_tape()
    show_table(
        "f = (x + y)·z at x = −2, y = 5, z = −4",
        ["node", "value", "∂f/∂node by hand", "by GradientTape"],
        [[node.name, node.value, node.gradient, tape[node.name]] for node in nodes],
    )
    show_table(
        "At a junction the gradient is upstream × local",
        ["from", "to", "upstream", "local", "product", "rule"],
        [
            [node.name, source.name, node.gradient, local, node.gradient * local, rule]
            for node, rule in zip(nodes[3:], ["plus passes", "times swaps"], strict=True)
            for source, local in zip(node.inputs, node.local, strict=True)
        ],
    )
    save_picture(_picture(nodes), lesson, "computational-graph")


def _picture(nodes: list[Node]) -> Figure:
    places = {"x": (0.0, 2.0), "y": (0.0, 1.0), "z": (0.0, 0.0), "q": (1.5, 1.5), "f": (3.0, 0.75)}
    signs = {"q": "+", "f": "×"}
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    for node in nodes:
        place = places[node.name]
        for source in node.inputs:
            axes.annotate(
                "",
                place,
                places[source.name],
                arrowprops={"arrowstyle": "->", "shrinkA": 14, "shrinkB": 14},
            )
        sign = signs.get(node.name, node.name)
        axes.text(*place, sign, ha="center", va="center", bbox={"boxstyle": "circle", "fc": "w"})
        shown = f"{node.name} = {node.value:g}"
        axes.text(place[0], place[1] + 0.34, shown, ha="center", color="tab:green")
        shown = f"∂f/∂{node.name} = {node.gradient:g}"
        axes.text(place[0], place[1] + 0.17, shown, ha="center", color="tab:red")
    axes.set(xlim=(-0.4, 3.4), ylim=(-0.2, 2.5))
    axes.set_title("forward: values (green), backward: gradients (red)")
    axes.axis("off")
    return figure
