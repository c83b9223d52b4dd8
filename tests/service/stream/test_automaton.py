"""A text goes through an automaton as far as the pattern and the length let it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.stream.automaton import Automaton, Walk
from service.stream.pattern import automaton_of

SYMBOLS = tuple("abc")


def _walked(expression: str, text: str, length: int = 9) -> tuple[str, bool]:
    """The characters of a text that belong to it, and whether the text is over."""
    walk = Walk(automaton_of(expression, SYMBOLS, ""), length)
    return text[: walk.feed_all(map(SYMBOLS.index, text))], walk.over


@pytest.mark.parametrize(
    ("expression", "text", "length", "expected"),
    [
        ("ab", "a", 9, ("a", False)),
        ("ab", "abc", 9, ("ab", True)),  # nothing can follow
        ("ab*", "abb", 9, ("abb", False)),
        ("ab*", "abbc", 9, ("abb", True)),  # c cannot follow, and does not belong to the text
        ("ab*", "abbb", 3, ("abb", True)),  # nothing more within the length
        ("a(?:bc)?", "ab", 2, ("a", True)),  # "bc" would be too long
        ("a*", "b", 9, ("", True)),
    ],
)
def test_where_a_text_is_over(
    expression: str, text: str, length: int, expected: tuple[str, bool]
) -> None:
    """A complete text is over where it cannot go on, or before a character that cannot follow."""
    assert _walked(expression, text, length) == expected


@given(
    st.sampled_from(["ab*c", "(?:ab|c){2,}", "a?b?c?", "(?:a|bb|ccc)*c", ".{2,5}"]),
    st.integers(3, 8),
    st.randoms(use_true_random=False),
)
def test_every_way_leads_to_an_end(expression: str, length: int, random) -> None:
    """Drawing any id that may be drawn leads to a text of the pattern within the length."""
    automaton = automaton_of(expression, SYMBOLS, "")
    walk, left = Walk(automaton, length), length
    while not walk.over:
        walk.feed(int(random.choice(np.flatnonzero(walk.needed <= left))))
        left -= 1
    assert left >= -1  # one more where a character that cannot follow has ended the text


@pytest.mark.parametrize(
    ("expression", "shortest", "longest"),
    [("ab?", 1, 2), ("a*", 1, None), ("d", None, 0), ("(?:)", None, 0), ("abc|b{5}", 3, 5)],
)
def test_the_lengths_of_a_pattern(
    expression: str, shortest: int | None, longest: int | None
) -> None:
    """The shortest text counts at least one character; a pattern without a bound has no longest."""
    automaton = automaton_of(expression, SYMBOLS, "")
    assert (automaton.shortest, automaton.longest) == (shortest, longest)


def test_an_automaton_that_does_not_fit_is_noticed() -> None:
    """Arrays of another vocabulary, or that point outside the table, do not fit."""
    automaton = automaton_of("ab", SYMBOLS, "")
    assert automaton.fits(3)
    assert not automaton.fits(4)
    outside = np.full_like(automaton.following, len(automaton.following))
    assert not Automaton(automaton.classes, outside, automaton.distance, 2).fits(3)
