"""The resolved request: what a generation is, with every default decided."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

FinishReason = Literal["length", "stop"]


@dataclass(frozen=True)
class Sampling:
    """How the next character is drawn from the logits."""

    temperature: float
    top_k: int | None
    top_p: float | None
    random_seed: int
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()

    @property
    def adjusts(self) -> bool:
        """Whether the logits depend on the text so far or on a bias."""
        return bool(self.presence_penalty or self.frequency_penalty or self.logit_bias)


@dataclass(frozen=True)
class Stream:
    """An endless, deterministic text: what computes it, where it begins and the sampling.

    Nothing else determines a character, so this is also what a cached text is filed under.
    """

    identity: str
    """The digest of the model's files and the engine that computes on them."""
    prompt: str
    """What the first character follows, never empty."""
    sampling: Sampling

    @cached_property
    def key(self) -> str:
        """A name for the stream that is the same in every process."""
        return hashlib.blake2b(repr(self).encode(), digest_size=20).hexdigest()


@dataclass(frozen=True)
class Generation:
    """A stream, where to cut it, and whether each character is to be explained."""

    stream: Stream
    seed: str
    """The seed text as it is answered: like the prompt, but it may be empty."""
    length: int
    stop: tuple[str, ...] = ()
    details: bool = False
