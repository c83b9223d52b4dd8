"""The seed text of a model is the beginning of something in the held-out part."""

import pytest

from model_store import Vocabulary
from training.corpus.seed_text import seed_text_of
from training.corpus.split import Split

TRAINING = "aa\n"


@pytest.mark.parametrize(
    ("held_out", "texts", "expected"),
    [
        ("f a line\n \n\nROMEO:\nWhat", False, "ROMEO:"),
        ("half\n" + "a" * 30, False, "a" * 25),
        ("no line end " * 5, False, "no line end no line end n"),
        ("\nTrier\nUlm\n", True, "Tri"),
        ("\n" + "b" * 99 + "\n", True, "b" * 25),
    ],
)
def test_a_seed_text_is_a_beginning(held_out: str, texts: bool, expected: str) -> None:
    """The seed text is the first whole line, or half of the first short text, 25 characters at most."""
    vocabulary = Vocabulary.from_text(TRAINING + held_out)
    end = vocabulary.symbols.index("\n") if texts else None
    text = Split(vocabulary.encode(TRAINING + held_out), len(TRAINING), end)
    assert seed_text_of(text, vocabulary) == expected
