"""Plausible names of towns, made of syllables: the corpus of lines of the tests."""

from random import Random

BEGINNINGS = (
    "Alt",
    "Berg",
    "Bir",
    "Brun",
    "Eber",
    "Fal",
    "Grün",
    "Hei",
    "Kal",
    "Lin",
    "Mühl",
    "Neu",
)
MIDDLES = ("en", "er", "el", "in", "a", "o", "")
ENDS = (
    "au",
    "bach",
    "berg",
    "burg",
    "dorf",
    "feld",
    "hausen",
    "heim",
    "ingen",
    "rode",
    "stedt",
    "tal",
)


def town_names(number: int) -> list[str]:
    """Return distinct names; equal numbers give equal names."""
    random, names = Random(1), dict[str, None]()
    while len(names) < number:
        syllables = random.choice(BEGINNINGS), random.choice(MIDDLES), random.choice(ENDS)
        more = f" an der {random.choice(BEGINNINGS)}e" if random.random() < 0.2 else ""
        names["".join(syllables) + more] = None
    return list(names)
