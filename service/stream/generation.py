"""The resolved request: a generation with every default decided."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

FinishReason = Literal["length", "stop", "end"]

# Made once: every request needs a key, and `json.dumps` would make an encoder each time.
_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True)
class Sampling:
    """The parameters by which the next character is drawn from the logits."""

    temperature: float
    top_k: int | None
    top_p: float | None
    random_seed: int
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()

    @property
    def adjusts(self) -> bool:
        """Whether a penalty or a bias changes the logits."""
        return bool(self.presence_penalty or self.frequency_penalty or self.logit_bias)


@dataclass(frozen=True)
class Stream:
    """An endless, deterministic text, given by a model, a prompt and the sampling.

    No other value determines a character, so the cache files a text under its stream.
    """

    identity: str
    """The digest of the model's files and the engine that computes on them."""
    prompt: str
    """The text before the first character: the seed text, or one character and the seed text."""
    sampling: Sampling

    @cached_property
    def key(self) -> str:
        """The digest of the stream's fields, the same in every process and Python version.

        The digest is BLAKE2b, 20 bytes, over a JSON object: one member for each field, members
        sorted by name, no spaces, ASCII with escapes, and the shortest decimal of each float.
        """
        fields = {**vars(self), "sampling": vars(self.sampling)}
        return hashlib.blake2b(_json(fields).encode(), digest_size=20).hexdigest()


@dataclass(frozen=True)
class Generation:
    """A stream, the place to cut the text, and whether to return details."""

    stream: Stream
    seed: str
    """The seed text of the answer: like the prompt, but possibly empty."""
    length: int
    stop: tuple[str, ...] = ()
    wants_details: bool = False
    end: str | None = None
    """The symbol at which the model ends a text, in a model of many short texts."""

    @property
    def ends(self) -> tuple[str, ...]:
        """The strings before the first of which the text ends."""
        return self.stop if self.end is None else (*self.stop, self.end)
