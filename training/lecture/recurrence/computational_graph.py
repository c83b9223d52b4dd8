"""Back-propagation through f = (x + y)·z, node by node: gradient = upstream × local."""

from __future__ import annotations

from dataclasses import dataclass, field

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


def by_differences(nudge: float = 1e-6) -> dict[str, float]:
    """Return the same five gradients as difference quotients: nudge a node, and see how far f moves."""

    def moved(x: float = 0, y: float = 0, z: float = 0, q: float = 0, f: float = 0) -> float:
        return ((-2.0 + x) + (5.0 + y) + q) * (-4.0 + z) + f

    return {
        name: (moved(**{name: nudge}) - moved(**{name: -nudge})) / (2 * nudge) for name in "xyzqf"
    }


def run(lesson: Lesson) -> None:
    """Print values and gradients, by hand and as difference quotients, and draw the graph."""
    nodes, quotients = slide(), by_differences()
    show_table(
        "f = (x + y)·z at x = −2, y = 5, z = −4",
        ["node", "value", "∂f/∂node by hand", "as difference quotient"],
        [[node.name, node.value, node.gradient, quotients[node.name]] for node in nodes],
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
