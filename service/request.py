"""The resolved request: what a generation is, with every default decided."""

import hashlib
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Sampling:
    """How the next character is drawn from the logits."""

    temperature: float
    top_k: int | None
    top_p: float | None
    random_seed: int


@dataclass(frozen=True)
class Stream:
    """An endless, deterministic text: the model's digest, the seed text and the sampling.

    Nothing else determines a character, so this is also what a cached text is filed under.
    """

    digest: str
    seed: str
    sampling: Sampling

    @cached_property
    def key(self) -> str:
        """A name for the stream that is the same in every process."""
        return hashlib.blake2b(repr(self).encode(), digest_size=20).hexdigest()


@dataclass(frozen=True)
class Generation:
    """A stream and where to cut it."""

    stream: Stream
    length: int
