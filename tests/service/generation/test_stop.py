"""A text ends before its first stop string, and no part of a stop string is shown."""

from hypothesis import given
from hypothesis import strategies as st

from service.generation.stop import StopStrings

letters = st.text("ab", max_size=30)
stops = st.lists(st.text("ab", min_size=1, max_size=5), max_size=4).map(tuple)


def _cut(text: str, strings: tuple[str, ...], sizes: list[int]) -> tuple[str, bool]:
    """Feed the text in pieces of the given sizes; return what was shown and whether it stopped."""
    stop, shown, begin = StopStrings(strings), "", 0
    for size in [*sizes, *[1] * len(text)]:
        piece = text[begin : begin + size]
        begin += size
        shown += stop.feed(piece)
        if stop.found or begin >= len(text):
            break
    return (shown, True) if stop.found is not None else (text, False)


@given(letters, stops, st.lists(st.integers(1, 7), max_size=10))
def test_pieces_do_not_matter(text: str, strings: tuple[str, ...], sizes: list[int]) -> None:
    """A text stops at the same place for any division into pieces."""
    assert _cut(text, strings, sizes) == _cut(text, strings, [])


@given(letters, stops)
def test_ends_before_the_first_complete_stop_string(text: str, strings: tuple[str, ...]) -> None:
    """The shown text ends before the stop string that is complete first."""
    shown, stopped = _cut(text, strings, [])
    ends = [text.find(s) + len(s) for s in strings if s in text]
    assert stopped is bool(ends)
    if ends:
        end = min(ends)
        longest = max((s for s in strings if text[:end].endswith(s)), key=len)
        assert shown == text[: end - len(longest)]


@given(letters, stops)
def test_nothing_of_a_stop_string_leaks(text: str, strings: tuple[str, ...]) -> None:
    """The shown text is a prefix of the final text at every time."""
    final, _ = _cut(text, strings, [])
    stop, shown = StopStrings(strings), ""
    for character in text:
        shown += stop.feed(character)
        assert final.startswith(shown)
        if stop.found:
            break


def test_text_without_stop_strings_passes_at_once() -> None:
    """Without stop strings no character is held back."""
    assert StopStrings(()).feed("abc") == "abc"


def test_the_string_that_ended_the_text_is_told() -> None:
    """The stop string that is complete first is the one that was found."""
    stop = StopStrings(("bb", "\n"))
    stop.feed("ab")
    assert stop.found is None
    stop.feed("a\nbb")
    assert stop.found == "\n"
