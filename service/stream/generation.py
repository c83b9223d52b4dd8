"""The resolved request: a generation with every default decided."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from service.stream.automaton import Automaton

FinishReason = Literal["length", "stop", "end", "pattern"]

REPETITION_WINDOW = 64  # characters; llama.cpp has this default too

# Made once: every request needs a key, and `json.dumps` would make an encoder each time.
_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Pattern(NamedTuple):
    """A regular expression that the whole text matches, and the most characters of the text.

    Which characters may come next depends on how many are left, so both determine a character.
    """

    expression: str
    length: int


# In every key since the first release; a later parameter is in a key where it is not at its default.
_IN_EVERY_KEY = {
    "temperature",
    "top_k",
    "top_p",
    "random_seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
}


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
    min_p: float | None = None
    typical_p: float | None = None
    repetition_penalty: float = 1.0
    repetition_window: int = REPETITION_WINDOW  # characters
    pattern: Pattern | None = None

    @property
    def adjusts(self) -> bool:
        """Whether a penalty or a bias changes the logits."""
        penalties = self.presence_penalty or self.frequency_penalty or self.repetition_penalty != 1
        return bool(penalties or self.logit_bias)

    @property
    def restricts(self) -> bool:
        """Whether a parameter leaves characters out of the draw."""
        return any(
            limit is not None for limit in (self.top_k, self.top_p, self.min_p, self.typical_p)
        )

    @property
    def looks_back(self) -> bool:
        """Whether a draw depends on the stream's earlier characters beside the state."""
        return self.adjusts or self.pattern is not None

    def in_key(self) -> dict[str, Any]:
        """Return the parameters that the key of a stream is made from."""
        return {
            name: value
            for name, value in vars(self).items()
            if name in _IN_EVERY_KEY or value != getattr(Sampling, name)
        }


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
        fields = {**vars(self), "sampling": self.sampling.in_key()}
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
    automaton: Automaton | None = None
    """The automaton of the stream's pattern over the model's ids."""
    end: str | None = None
    """The symbol at which the model ends a text, in a model of many short texts."""

    @property
    def ends(self) -> tuple[str, ...]:
        """The strings before the first of which the text ends."""
        return self.stop if self.end is None else (*self.stop, self.end)
