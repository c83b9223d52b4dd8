"""A Neural Turing Machine: an LSTM with one head that reads an external memory and one that writes to it.

After Graves, Wayne and Danihelka ("Neural Turing Machines", 2014, https://arxiv.org/abs/1410.5401); the
comments name the paper's equations. The memory M is [CELLS, rows, WIDTH], a weighting of its cells
[CELLS, rows, 1]. The weightings of both heads stand side by side, [CELLS, HEADS, rows, 1], as the networks of
`zoo.Weights` do.
"""

from dataclasses import dataclass

import numpy as np

from training.lecture.tape import Array, Value, exp, join, part, power, roll, sigmoid, tanh, total
from training.lecture.zoo import Weights, lstm

CELLS, WIDTH, UNITS = 36, 8, 20
HEADS = 2
READ, WRITE = np.s_[:, 0], np.s_[:, 1]
TINY = 1e-9  # keeps the norms above zero and the logarithms finite
# The outputs of each head besides its key, in this order, as logarithms. At the start the heads look by place
# (gate), sharply; the reading head stays, and the writing head moves on.
NUMBERS = ("strength", "gate", "back", "stay", "on", "sharpening")
START = np.array([[[0, -2, 0, 1, 0, 0.5]], [[0, -2, 0, 0, 2, 1]]])


@dataclass(frozen=True)
class State:
    """The state after a step: of the controller (h, C), the memory, the weightings, and what was read."""

    h: Value
    C: Value
    memory: Value
    weightings: Value
    read: Value


class Machine:
    """A Neural Turing Machine that maps an input of each step to logits."""

    def __init__(self, inputs: int, outputs: int, seed: int) -> None:
        self.controller = Weights(1, UNITS, seed)
        self.keys = Weights(HEADS, WIDTH, seed + 1)
        self.numbers = Weights(HEADS, len(NUMBERS), seed + 2)
        self.vectors = Weights(1, WIDTH, seed + 3)
        self.output = Weights(1, outputs, seed + 4)
        self.step(np.zeros((1, inputs)), self.start(1))  # makes the weights

    @property
    def weights(self) -> list[Value]:
        """All weights."""
        gates = (self.controller, self.keys, self.numbers, self.vectors, self.output)
        return [weight for each in gates for weight in each.values]

    def start(self, rows: int) -> State:
        """Return the state with an empty memory and both heads at its first cell."""
        h = Value(np.zeros((1, rows, UNITS)))
        memory = Value(np.full((CELLS, rows, WIDTH), 1e-3))
        first = np.zeros((CELLS, HEADS, rows, 1))
        first[0] = 1
        return State(h, h, memory, Value(first), Value(np.zeros((1, rows, WIDTH))))

    def step(self, x: Array, before: State) -> tuple[Value, State]:
        """Return the logits [1, rows, outputs] for an input x [rows, inputs], and the next state."""
        seen = join([Value(x[None]), before.read])
        h, C = lstm(before.h, before.C, seen, self.controller)
        weightings = self.address(h, before)
        memory = self.write(h, part(weightings, WRITE), before.memory)
        read = total(part(weightings, READ) * memory, axis=0)  # (2)
        return self.output("y", h, read), State(h, C, memory, weightings, read)

    def address(self, h: Value, before: State) -> Value:
        """Return where each head looks: at what is like its key, or near its place before.

        A weighting's factor needs no division before (9), where the factor cancels.
        """
        numbers = exp(self.numbers("numbers", h) + START)
        strength, gate, back, stay, on, sharpening = (
            part(numbers, np.s_[..., n : n + 1]) for n in range(len(NUMBERS))
        )
        likeness = cosine(tanh(self.keys("key", h)), part(before.memory, np.s_[:, None]))
        content = share(exp(strength * likeness))  # (5)
        mixed = gate * content + before.weightings  # (7): gate is the paper's g / (1 − g)
        moved = back * roll(mixed, -1, axis=0) + stay * mixed + on * roll(mixed, 1, axis=0)  # (8)
        return share(power(moved + TINY, 1 + sharpening))  # (9)

    def write(self, h: Value, w: Value, memory: Value) -> Value:
        """Return the memory, erased and added to where w looks."""
        erase, add = sigmoid(self.vectors("erase", h)), tanh(self.vectors("add", h))
        return memory * (1 - w * erase) + w * add  # (3), (4)


def cosine(key: Value, memory: Value) -> Value:
    """Return the cosine of the angle between the key and every cell (6)."""
    squares = total(key * key, axis=-1) * total(memory * memory, axis=-1)
    return total(key * memory, axis=-1) * power(squares + TINY, -0.5)


def share(w: Value) -> Value:
    """Return w over its sum over the cells."""
    return w * power(total(w, axis=0), -1.0)
