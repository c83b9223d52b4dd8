"""The automaton of a pattern over a model's ids, and the way of a text through the automaton."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

DEAD, START = 0, 1  # states
FAR = 2**30  # characters; the distance from a state of which no text of the pattern comes

Numbers = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Automaton:
    """A deterministic automaton with S states over V ids, which fall into C classes.

    `classes` [V] has the class of each id, `following` [S, C] the next state, and `distance` [S]
    the fewest characters to a state where a text may end. `longest` is the number of characters
    of the longest text; None for a pattern with texts of any length.
    """

    classes: NDArray[np.intp]  # as an index it is twice as fast as a smaller type
    following: NDArray[np.uint16]
    distance: Numbers
    longest: int | None

    @cached_property
    def needed(self) -> Numbers:
        """The fewest characters [S, C] to an end, for each next character and including it."""
        return self.distance[self.following] + np.int32(1)

    @cached_property
    def _onward(self) -> Numbers:
        """The fewest characters [S], but at least one, from each state to an end."""
        needed: Numbers = self.needed.min(axis=1)
        return needed

    @property
    def shortest(self) -> int | None:
        """The number of characters of the shortest text that is not empty; None without such a text."""
        characters = int(self._onward[START])
        return characters if characters < FAR else None

    @property
    def matches_empty(self) -> bool:
        """Whether the empty text is one of the pattern."""
        return bool(self.distance[START] == 0)

    def fits(self, vocabulary_size: int) -> bool:
        """Return whether the arrays agree with each other and with a vocabulary."""
        states, classes = self.following.shape
        return (
            self.classes.shape == (vocabulary_size,)
            and self.distance.shape == (states,)
            and states > START
            and bool((self.classes < classes).all())
            and bool((self.following < states).all())
        )

    def ends(self, state: int, left: int) -> bool:
        """Return whether a text in a state is complete, and cannot go on within `left` characters."""
        return bool(self.distance[state] == 0 and self._onward[state] > left)


class Walk:
    """The way of a text of at most `length` characters through an automaton.

    A text is over as soon as the text is complete and cannot go on. A complete text that could go on is
    over with the first character that cannot follow; this character does not belong to the text.
    """

    def __init__(self, automaton: Automaton, length: int) -> None:
        self.over = False
        self._automaton = automaton
        self._left = length
        self._state = START

    @property
    def needed(self) -> Numbers:
        """The fewest characters [V] to an end, for each next id; zeros where the text is complete.

        An id may be drawn whose number is at most the number of characters that are left.
        """
        automaton = self._automaton
        if automaton.distance[self._state] == 0:
            return np.zeros(len(automaton.classes), np.int32)
        needed: Numbers = automaton.needed[self._state][automaton.classes]
        return needed

    def feed(self, id_: int) -> bool:
        """Take the next character, and return whether the character belongs to the text."""
        automaton = self._automaton
        place = self._state, automaton.classes[id_]
        if automaton.needed[place] > self._left:
            self.over = True
            return False
        self._left -= 1
        self._state = int(automaton.following[place])
        self.over = automaton.ends(self._state, self._left)
        return True

    def feed_all(self, ids: Iterable[int]) -> int:
        """Take characters until the text is over; return how many of them belong to the text."""
        belonging = 0
        for id_ in ids:
            belonging += self.feed(id_)
            if self.over:
                break
        return belonging
