"""A pattern's automaton takes the texts that Python's `re` matches as a whole, within a bound."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.stream.automaton import FAR, START, Automaton
from service.stream.pattern import automaton_of
from service.stream.positions import PatternError

SYMBOLS = ("\n", "B", "a", "b", "ä", "\N{REPLACEMENT CHARACTER}")
NEVER = SYMBOLS[-1]
LONGEST = 4
# 42 million characters.
FAR_RANGES = "".join(f"{chr(0x100 + n)}-\uffff" for n in range(650))
TEXTS = [
    text for size in range(LONGEST + 1) for text in product(range(len(SYMBOLS) - 1), repeat=size)
]

atoms = st.sampled_from(
    [
        "a",
        "b",
        "ä",
        ".",
        r"\w",
        r"\s",
        "[^a]",
        "[a-b]",
        "(?i:b)",
        "(?s:.)",
        "()",
        r"\n",
        "x",
        r"(?a:\w)",
        "(?i:b(?-i:b))",
    ]
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


def _automaton(expression: str) -> Automaton:
    return automaton_of(expression, SYMBOLS, NEVER)


def _matched(expression: str) -> set[tuple[int, ...]]:
    """The texts of at most LONGEST characters that Python matches."""
    matches = re.compile(expression).fullmatch
    return {text for text in TEXTS if matches("".join(SYMBOLS[id_] for id_ in text))}


def _state(automaton: Automaton, text: tuple[int, ...]) -> int:
    state = START
    for id_ in text:
        state = int(automaton.following[state, automaton.classes[id_]])
    return state


@settings(max_examples=60, deadline=None)
@given(expressions)
def test_an_automaton_takes_what_python_matches(expression: str) -> None:
    """The automaton and Python's own matcher agree about every short text."""
    automaton, matched = _automaton(expression), _matched(expression)
    taken = {text for text in TEXTS if automaton.distance[_state(automaton, text)] == 0}
    assert taken == matched


@settings(max_examples=60, deadline=None)
@given(expressions)
def test_distances_are_those_of_the_shortest_texts(expression: str) -> None:
    """The distance of a prefix is the number of characters to the nearest match, if one is short."""
    automaton, matched = _automaton(expression), _matched(expression)
    for text in TEXTS:
        ahead = [len(match) - len(text) for match in matched if match[: len(text)] == text]
        distance = int(automaton.distance[_state(automaton, text)])
        assert distance == min(ahead) if ahead else distance > LONGEST - len(text)


@settings(max_examples=60, deadline=None)
@given(expressions)
def test_the_longest_text_is_the_longest_match(expression: str) -> None:
    """`longest` is the length of the longest match; no pattern with longer texts has a short one."""
    automaton, matched = _automaton(expression), _matched(expression)
    longest = max(map(len, matched), default=0)
    if automaton.longest is not None and automaton.longest <= LONGEST:
        assert automaton.longest == longest
    elif automaton.longest is None:
        assert automaton.distance[START] < FAR


def test_a_character_that_a_model_never_writes_is_in_no_text() -> None:
    """The unknown symbol matches nothing, a dot and a negated class included."""
    automaton = _automaton(r"(?s:.)|[^a]|\W")
    assert automaton.distance[_state(automaton, (SYMBOLS.index(NEVER),))] == FAR


def test_anchors_at_both_ends_change_nothing() -> None:
    """`^` and `$` around a pattern are taken, since a pattern holds for the whole text."""
    assert _automaton(r"^ab$").following.tolist() == _automaton("ab").following.tolist()
    assert _automaton(r"\Aab\Z").following.tolist() == _automaton("ab").following.tolist()


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("a(?=b)", "look-ahead and look-behind"),
        ("a(?<!b)", "look-ahead and look-behind"),
        (r"(a)\1", "back-references"),
        ("(a)(?(1)b)", "conditions on a group"),
        ("(?>a)", "atomic groups"),
        ("a++", "possessive repetitions"),
        (r"a\bb", "anchors and word boundaries"),
        ("(a", "no regular expression: missing )"),
        ("[[a]b|(", "no regular expression"),
        ("a{99999999999999999999}", "no regular expression"),
        ("(" * 700 + "a" + ")" * 700, "nested too deeply"),
    ],
)
def test_syntax_that_cannot_be_used_is_named(expression: str, named: str) -> None:
    """Syntax that is wrong, or that no automaton can follow, is an error that names the syntax."""
    with pytest.raises(PatternError, match=re.escape(named)):
        _automaton(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "(a|b)*a(a|b){20}",  # 2^21 states
        "((a{100}){100}){100}",
        "(a?){3999}",
        "(a*){4000000000}",
        "(((((a?){9})*){9})*){90}",
        "|".join(f".{{{n}}}" for n in range(300)),
        f"[{''.join(map(chr, range(0x4E00, 0x4E00 + 1_900)))}]{{4001}}",
        "".join(f"[\u0100-{chr(0x2000 + n)}]" for n in range(400)),  # each takes milliseconds
        f"[a{FAR_RANGES}]",
        f"(?i)[a{FAR_RANGES}]",
        f"(?:{'()' * 980}a){{3999}}",  # groups that are read again for each copy
        f"(?:{'a{0}' * 480}a){{3999}}",
    ],
)
def test_a_large_automaton_is_refused_early(expression: str) -> None:
    """An expression whose automaton is too large is refused after a bounded number of steps."""
    with pytest.raises(PatternError, match=r"too large|more than"):
        _automaton(expression)


@pytest.mark.parametrize(
    "expression",
    [
        r"[\u4e00-\u9fff]{1,9}",
        r"[\0-\U0010ffff]+",
        r"(?i)[\u0400-\u04ff]+([ “”—][\u0400-\u04ff]+)*",
    ],
)
def test_classes_of_other_scripts_are_taken(expression: str) -> None:
    """A few ranges of characters beyond Latin-1 are no large automaton."""
    assert _automaton(expression).fits(len(SYMBOLS))


def test_empty_groups_may_be_repeated() -> None:
    """A repetition of the empty text takes no work, however large its number."""
    assert _automaton("(){99999999}a").longest == 1
