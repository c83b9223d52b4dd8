"""A corpus with links: the text of Python's own reference manual, with made-up addresses put in between.

A link is `[http://www.name.org/words/of/the/text.html shown words]`, the markup of a wiki. The addresses are made
of words of the manual, so that a letter alone does not tell whether it is inside an address.
"""

from pydoc_data.topics import topics

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.bool_]  # of each character: whether it is inside an address

ENDINGS = ("com", "org", "net", "edu", "de", "ch")


def corpus(characters: int, rng: np.random.Generator) -> tuple[str, Marks]:
    """Return a text with a link about every ten words, and which characters are inside an address."""
    words = "".join(topics.values()).encode("ascii", "ignore").decode().split()
    names = sorted({word.lower() for word in words if word.isalpha()})
    pieces, marks = [], []
    at, length = int(rng.integers(len(words))), 0
    while length < characters:
        for piece, inside in (
            _link(names, rng) if rng.random() < 0.1 else [(words[at] + " ", False)]
        ):
            pieces.append(piece)
            marks += [inside] * len(piece)
            length += len(piece)
        at = (at + 1) % len(words)
    return "".join(pieces)[:characters], np.array(marks[:characters])


def _link(names: list[str], rng: np.random.Generator) -> list[tuple[str, bool]]:
    host, *path = rng.choice(names, size=rng.integers(2, 5))
    end = rng.choice([".html", "/", f"?id={rng.integers(1000)}"])
    address = f"http://www.{host}.{rng.choice(ENDINGS)}/{'/'.join(path)}{end}"
    return [("[", False), (address, True), (f" {rng.choice(names)}] ", False)]
