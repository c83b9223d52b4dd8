"""A job for the engine: the characters to draw, the state to start from, and the state at the end."""

from dataclasses import KW_ONLY, dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.stream.automaton import Automaton
from service.stream.generation import Sampling

Ids = NDArray[np.int64]
State = NDArray[np.float32]

# The engine copies the state of every text at each multiple of this many characters.
SNAPSHOT_INTERVAL = 256
# A sequence that is followed reports a state after at least this many characters, for the cache: one
# state takes up to 24 KB, and a stream whose service dies is drawn again from the last one.
REPORT_INTERVAL = 1024


@dataclass(frozen=True)
class Start:
    """A state that has consumed the first `consumed` characters of a text, and the next ids.

    `prompt` holds at least one id, which the engine feeds to the state before it draws.
    """

    prompt: Ids
    consumed: int = 0
    state: State | None = None  # [parts, units]; None is the zero state
    generated: Ids | None = None  # the stream's earlier ids, for a sampling that looks back


@dataclass(frozen=True)
class Job:
    """Characters `begin` to `end` of a stream, to be drawn from a start.

    With `given`, the characters are these and none is drawn: the details of the job score a text.
    """

    start: Start
    sampling: Sampling
    _: KW_ONLY
    begin: int = 0
    end: int
    wants_details: bool = False
    automaton: Automaton | None = None  # of the pattern of characters 0 to `end`
    given: Ids | None = None

    def __len__(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class Snapshot:
    """The state [parts, units] after the first `consumed` characters of a text.

    The text is the prompt and the generated characters.
    """

    consumed: int
    state: State


@dataclass(frozen=True)
class Ending:
    """The states and times that an ended sequence leaves.

    `state` [parts, units] has consumed every drawn character but the last; None when none was
    drawn. `first_time` and `last_time` are the monotonic seconds at which the first and the last
    character were drawn.
    """

    state: State | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    first_time: float = 0.0
    last_time: float = 0.0
