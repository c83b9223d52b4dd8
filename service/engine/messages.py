"""The messages between the service's process and an engine's process, over a socket pair."""

from dataclasses import dataclass

from service.stream.details import Details, Reading
from service.stream.job import Ending, Ids, Job, State


@dataclass(frozen=True)
class EngineSpec:
    """The engine to open: its files, and its rows and threads.

    `kind` is onnx or tensorflow, `path` the graph or the SavedModel's folder, and `tape_length` the
    most characters of a prompt and its generated text together.
    """

    kind: str
    path: str
    slots: int
    threads: int
    tape_length: int
    vocabulary_size: int


@dataclass(frozen=True)
class Walk:
    """To the engine, as the first order: feed the ids [B] of each step to a new batch."""

    steps: list[Ids]


@dataclass(frozen=True)
class Submit:
    """To the engine: draw the characters of a job, for a reader who follows or who waits."""

    number: int
    job: Job
    followed: bool


@dataclass(frozen=True)
class Follow:
    """To the engine: a reader wants characters of a sequence before its end."""

    number: int


@dataclass(frozen=True)
class Abort:
    """To the engine: end a sequence, which has no reader left."""

    number: int


@dataclass(frozen=True)
class Inspect:
    """To the engine: feed these ids and return the states of one layer after each."""

    number: int
    ids: Ids
    layer: int


@dataclass(frozen=True)
class Ready:
    """From the engine: the engine is open, and has walked.

    `logits` holds [B, V] of each step, `states` is [parts, rows, units] after the last step.
    """

    logits: list[State]
    states: State


@dataclass(frozen=True)
class Admitted:
    """From the engine: a sequence got its slot at this monotonic time."""

    number: int
    time: float


@dataclass(frozen=True)
class Delivered:
    """From the engine: the next characters of a sequence."""

    number: int
    ids: Ids
    details: Details | None


@dataclass(frozen=True)
class Finished:
    """From the engine: a sequence has ended; `ending` is None when the engine failed."""

    number: int
    ending: Ending | None


@dataclass(frozen=True)
class Inspected:
    """From the engine: an inspection has ended; `reading` is None when the engine failed."""

    number: int
    reading: Reading | None


Order = Submit | Follow | Abort | Inspect
Report = Admitted | Delivered | Finished | Inspected
