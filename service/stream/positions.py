r"""The positions of a regular expression: which characters may stand at each, and which may follow.

Glushkov, "The abstract theory of automata", 1961. A set of positions is a whole number with one bit
for each position. Python's own parser reads the expression, and Python's own matcher says which
characters a place such as `\w` or `[^,]` takes, so an expression means what it means in Python.
"""

import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

MAX_POSITIONS = 4_000  # so that a set has at most 500 bytes

BASIC = 0xFFFF  # the last code point of Unicode's Basic Multilingual Plane
END = 1  # the set of the one position 0, the end of a text

UNSUPPORTED = {
    _constants.ASSERT: "look-ahead and look-behind",
    _constants.ASSERT_NOT: "look-ahead and look-behind",
    _constants.ATOMIC_GROUP: "atomic groups",
    _constants.POSSESSIVE_REPEAT: "possessive repetitions",
    _constants.GROUPREF: "back-references",
    _constants.GROUPREF_EXISTS: "conditions on a group",
    _constants.AT: "anchors and word boundaries inside a pattern",
}
CHARACTERS = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
BEGIN_ANCHORS = [
    (_constants.AT, _constants.AT_BEGINNING),
    (_constants.AT, _constants.AT_BEGINNING_STRING),
]
END_ANCHORS = [(_constants.AT, _constants.AT_END), (_constants.AT, _constants.AT_END_STRING)]

Node = tuple[Any, Any]

_parsing = threading.Lock()


class PatternError(ValueError):
    """A pattern that cannot be used; the message says why."""


class Budget:
    """The work that a pattern may cost, in steps of less than a microsecond."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps off the budget; raises `PatternError` where too few are left."""
        self._left -= steps
        if self._left < 0:
            raise PatternError("the pattern's automaton is too large; write a simpler pattern")


@dataclass(frozen=True)
class Part:
    """The first and last positions of a part of an expression, and whether the part may be empty."""

    first: int
    last: int
    empty: bool


EMPTY = Part(0, 0, True)


class Positions:
    """The positions of an expression over symbols.

    `start` is the set of positions that a text begins with, `follow` has the set that follows each
    position, and `places` maps each set of symbols [one bit for each] to the set of its positions.
    END is in a set where a text may end.
    """

    def __init__(self, expression: str, symbols: Sequence[str], budget: Budget) -> None:
        """Read an expression, which is to match a whole text.

        Raises:
            PatternError: the syntax is wrong or not supported, or the expression is too large.
        """
        self.follow = [0]
        self.places: dict[int, int] = {}
        self._symbols = symbols
        self._budget = budget
        self._taken: dict[tuple[str, int], int] = {}
        self._of_node: dict[tuple[int, int], int] = {}
        try:
            tree = _parsed(expression)
            whole = self._sequence(_unanchored(tree), tree.state.flags)
        except RecursionError:
            raise PatternError("the pattern's groups are nested too deeply") from None
        self._link(whole.last, END)
        self.start = whole.first | (END if whole.empty else 0)

    def _sequence(self, nodes: Sequence[Node], flags: int) -> Part:
        # A repetition reads its nodes again for each copy, empty groups and empty branches included.
        self._budget.spend(1 + len(nodes))
        whole = EMPTY
        # From the right, so that each join looks at the last positions of one node alone.
        for node in reversed(nodes):
            whole = self._joined(self._part(node, flags), whole)
        return whole

    def _part(self, node: Node, flags: int) -> Part:
        kind, argument = node
        if kind in CHARACTERS:
            return self._character(node, flags)
        if kind is _constants.BRANCH:
            return _either([self._sequence(branch, flags) for branch in argument[1]])
        if kind is _constants.SUBPATTERN:
            _, added, removed, inner = argument
            return self._sequence(inner, _combined(flags, added, removed))
        if kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            least, most, inner = argument
            return self._repeated(least, most, inner, flags)
        raise PatternError(f"{UNSUPPORTED.get(kind, kind)}: not supported in a pattern")

    def _character(self, node: Node, flags: int) -> Part:
        if len(self.follow) > MAX_POSITIONS:
            raise PatternError(
                f"the pattern has more than {MAX_POSITIONS} characters when its repetitions are written out"
            )
        position = 1 << len(self.follow)
        self.follow.append(0)
        # A repetition has the same node many times, and the text of a node may be long.
        place = id(node), flags
        if place not in self._of_node:
            self._of_node[place] = self._symbols_of(node, flags)
        symbols = self._of_node[place]
        self.places[symbols] = self.places.get(symbols, 0) | position
        return Part(position, position, empty=False)

    def _symbols_of(self, node: Node, flags: int) -> int:
        """Return the set of the symbols that a node of one character takes."""
        key = repr(node), flags
        if key not in self._taken:
            self._budget.spend(_price(node) + len(self._symbols) // 4)
            # A state of its own: the tree's has the flags of the whole expression.
            one = _parser.SubPattern(_parser.State(), [node])
            takes = _compiler.compile(one, flags).fullmatch
            self._taken[key] = sum(
                1 << n for n, symbol in enumerate(self._symbols) if takes(symbol)
            )
        return self._taken[key]

    def _repeated(self, least: int, most: int, inner: Sequence[Node], flags: int) -> Part:
        whole, copies = EMPTY, most
        if most is _constants.MAXREPEAT:
            whole = self._looped(self._sequence(inner, flags), may_lack=least == 0)
            copies = least - 1
        for number in range(copies, 0, -1):
            copy = self._sequence(inner, flags)
            if not copy.first:  # only the empty text
                return EMPTY
            whole = self._joined(copy, whole)
            if number > least:
                whole = Part(whole.first, whole.last, empty=True)
        return whole

    def _looped(self, part: Part, *, may_lack: bool) -> Part:
        self._link(part.last, part.first)
        return Part(part.first, part.last, part.empty or may_lack)

    def _joined(self, left: Part, right: Part) -> Part:
        self._link(left.last, right.first)
        return Part(
            left.first | (right.first if left.empty else 0),
            right.last | (left.last if right.empty else 0),
            left.empty and right.empty,
        )

    def _link(self, before: int, after: int) -> None:
        for position in members(before):
            self._budget.spend()
            self.follow[position] |= after


def members(set_: int) -> Iterator[int]:
    """Yield the members of a set, which is a whole number with a bit for each."""
    while set_:
        lowest = set_ & -set_
        yield lowest.bit_length() - 1
        set_ ^= lowest


def _either(parts: Sequence[Part]) -> Part:
    first = last = 0
    for part in parts:
        first, last = first | part.first, last | part.last
    return Part(first, last, any(part.empty for part in parts))


def _combined(flags: int, added: int, removed: int) -> int:
    """Return the flags within a group; of Unicode and ASCII, one takes the place of the other."""
    if added & _parser.TYPE_FLAGS:
        flags &= ~_parser.TYPE_FLAGS
    return (flags | added) & ~removed


def _price(node: Node) -> int:
    """Return the steps that Python's matcher takes to be made for a node of one character."""
    kind, argument = node
    if kind is not _constants.IN:
        return 10
    literals = [code for item, code in argument if item is _constants.LITERAL]
    ranges = [codes for item, codes in argument if item is _constants.RANGE]
    # The matcher goes through the characters of each range up to U+FFFF, ten in a microsecond.
    gone: int = sum(max(0, min(last, BASIC) + 1 - first) for first, last in ranges)
    # Beyond Latin-1 the matcher makes a table of 65,536 characters, in a millisecond.
    table = 1_000 if max([*literals, *(last for _, last in ranges)], default=0) > 255 else 0
    return 30 + len(argument) + gone // 10 + table


def _parsed(expression: str) -> Any:
    """Return the tree of an expression."""
    try:
        # The filters of warnings are the process's own, so threads take turns.
        with _parsing, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what a later Python may read otherwise
            return _parser.parse(expression)
    except (re.error, OverflowError, ValueError) as error:
        raise PatternError(f"the pattern is no regular expression: {error}") from None


def _unanchored(tree: Sequence[Node]) -> Sequence[Node]:
    """Return the nodes without an anchor at the very beginning or end, which changes nothing."""
    nodes = list(tree)
    while nodes and nodes[0] in BEGIN_ANCHORS:
        del nodes[0]
    while nodes and nodes[-1] in END_ANCHORS:
        del nodes[-1]
    return nodes
