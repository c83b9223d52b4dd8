r"""From a regular expression to its automaton over a vocabulary, within bounded time and memory.

`interegular` and `greenery` take ASCII alone for `\w`, and neither bounds the automaton: the 2^21
states of `(a|b)*a(a|b){20}` take them minutes and gigabytes.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from service.stream.automaton import DEAD, FAR, Automaton
from service.stream.positions import END, Budget, Positions, members

# A tenth of a second on a slow core, and at most 100,000 entries in the automaton's table.
STEPS = 100_000

Table = list[list[int]]


@lru_cache(maxsize=64)
def automaton_of(expression: str, symbols: tuple[str, ...], never: str) -> Automaton:
    """Return the automaton of the texts that an expression matches as a whole.

    The ids of the automaton are the places of the symbols. A text has none of the symbols `never`.

    Raises:
        PatternError: the syntax is wrong or not supported, or the automaton is too large.
    """
    budget = Budget(STEPS)
    known = ["" if symbol in never else symbol for symbol in symbols]
    positions = Positions(expression, known, budget)
    classes, places = _classes(positions, len(symbols), budget)
    table, ends = _determined(positions, places, budget)
    before = _predecessors(table)
    distance = _distances(before, ends)
    live = [number < FAR for number in distance]
    return Automaton(
        np.array(classes, np.intp),
        np.array(table, np.uint16),
        np.array(distance, np.int32),
        _longest(table, before, live),
    )


def _classes(positions: Positions, size: int, budget: Budget) -> tuple[list[int], list[int]]:
    """Return the class of each id, and the set of positions that each class of ids may stand at."""
    places = [0] * size
    for symbols, set_ in positions.places.items():
        for id_ in members(symbols):
            budget.spend()
            places[id_] |= set_
    numbers = {set_: number for number, set_ in enumerate(dict.fromkeys(places))}
    return [numbers[set_] for set_ in places], list(numbers)


def _determined(
    positions: Positions, places: Sequence[int], budget: Budget
) -> tuple[Table, list[int]]:
    """Return the table of the deterministic automaton, and the states in which a text may end.

    A state is the set of positions that may come next (Aho et al., Compilers, 2006, section 3.9.5).
    """
    states = {0: DEAD, positions.start: 1}
    table: Table = [[DEAD] * len(places)]
    ahead = [positions.start]
    for state in ahead:
        row = []
        for place in places:
            reached = 0
            for position in members(state & place):
                budget.spend()
                reached |= positions.follow[position]
            if reached not in states:
                states[reached] = len(states)
                ahead.append(reached)
            row.append(states[reached])
        budget.spend(len(row))
        table.append(row)
    return table, [number for state, number in states.items() if state & END]


def _predecessors(table: Table) -> list[set[int]]:
    before: list[set[int]] = [set() for _ in table]
    for state, row in enumerate(table):
        for following in row:
            before[following].add(state)
    return before


def _distances(before: Sequence[Iterable[int]], ends: Sequence[int]) -> list[int]:
    """Return the fewest characters from each state to one of the ends, by breadth-first search."""
    distances = [FAR] * len(before)
    for end in ends:
        distances[end] = 0
    ahead = deque(ends)
    while ahead:
        state = ahead.popleft()
        for each in before[state]:
            if distances[each] == FAR:
                distances[each] = distances[state] + 1
                ahead.append(each)
    return distances


def _longest(table: Table, before: Sequence[Iterable[int]], live: Sequence[bool]) -> int | None:
    """Return the most characters of a text, None where a circle of live states has no end.

    States without a live successor are taken off, again and again (Kahn, "Topological sorting of
    large networks", 1962).
    """
    successors = [sum(live[following] for following in set(row)) for row in table]
    height = [0] * len(table)
    ahead = [state for state, count in enumerate(successors) if live[state] and not count]
    for state in ahead:
        for each in before[state]:
            successors[each] -= 1
            height[each] = max(height[each], height[state] + 1)
            if not successors[each]:
                ahead.append(each)
    return None if successors[1] else height[1]
