"""The messages between a worker and the hub: single orders one way, lists of reports the other way.

A list without reports shows that the hub runs.
"""

from dataclasses import dataclass

from service.hub.counters import Count
from service.stream.details import Details, Look, Reading
from service.stream.job import Ending, Ids, Job, Snapshot, State


@dataclass(frozen=True)
class EngineSpec:
    """The engine of one version; workers that open equal specs share one engine.

    `kind` is onnx or tensorflow, `path` the graph or the SavedModel's folder, `graph` an ONNX graph with
    the same weights, `digest` the digest of the version's files, `queue` the sequences that may wait for
    one of the `slots`, and `tape_length` the most characters of a prompt and its generated text together.
    """

    kind: str
    path: str
    graph: str
    digest: str
    slots: int
    queue: int
    threads: int
    tape_length: int
    vocabulary_size: int


@dataclass(frozen=True)
class Open:
    """To the hub: open an engine, which is called by its number from now on.

    The first worker to open the engine has the engine walk: the ids [B] of each step go to a new batch.
    """

    number: int
    spec: EngineSpec
    walk: list[Ids]


@dataclass(frozen=True)
class Close:
    """To the hub: this worker needs an engine no longer."""

    engine: int


@dataclass(frozen=True)
class Submit:
    """To the hub: draw the characters of a job, for a reader who follows or who waits.

    Jobs of different readers with the same `key` are drawn once where possible; None shares nothing.
    The slots are shared by `client`, and a job that cannot be drawn in so many `seconds` is refused.
    """

    number: int
    engine: int
    job: Job
    key: str | None
    followed: bool
    client: str
    seconds: float


@dataclass(frozen=True)
class Follow:
    """To the hub: the reader of a sequence wants characters before the end."""

    number: int


@dataclass(frozen=True)
class Abort:
    """To the hub: the reader of a sequence has left."""

    number: int


@dataclass(frozen=True)
class Inspect:
    """To the hub: feed these ids to an engine and return what there is to see."""

    number: int
    engine: int
    ids: Ids
    look: Look


@dataclass(frozen=True)
class Find:
    """To the hub: return the first of these keys that has a value in memory, and the value."""

    number: int
    keys: list[str]


@dataclass(frozen=True)
class Keep:
    """To the hub: keep these values in memory."""

    values: dict[str, bytes]


@dataclass(frozen=True)
class Charge:
    """To the hub: charge a key for an amount, if the limit of the key's minute allows the amount."""

    number: int
    key: str
    amount: int
    limit: int


@dataclass(frozen=True)
class Opened:
    """From the hub: an engine is open, and has walked.

    `logits` holds [B, V] of each step, `states` is [parts, rows, units] after the last step.
    """

    number: int
    logits: list[State]
    states: State


@dataclass(frozen=True)
class NotOpened:
    """From the hub: an engine cannot be opened; the log says why."""

    number: int


@dataclass(frozen=True)
class Admitted:
    """From the hub: a sequence got its slot at this monotonic time, as one of so many rows."""

    number: int
    time: float
    rows: int


@dataclass(frozen=True)
class Delivered:
    """From the hub: characters of a sequence, from the given place in the sequence on.

    `snapshot` is a state within the characters so far, for one of the readers who share them.
    """

    number: int
    place: int
    ids: Ids
    details: Details | None
    snapshot: Snapshot | None = None


@dataclass(frozen=True)
class Finished:
    """From the hub: a sequence has ended; `ending` is None when the engine failed.

    `shared` is whether another reader of the same characters gets the same ending, with its snapshots.
    """

    number: int
    ending: Ending | None
    shared: bool


@dataclass(frozen=True)
class Refused:
    """From the hub: the queue is full, or too long for the time that a sequence has.

    In so many `seconds` there should be room.
    """

    number: int
    seconds: float


@dataclass(frozen=True)
class Inspected:
    """From the hub: an inspection has ended; `reading` is None when the engine failed."""

    number: int
    reading: Reading | None


@dataclass(frozen=True)
class Found:
    """From the hub: a key that has a value, with the value; None when none of the keys has one."""

    number: int
    value: tuple[str, bytes] | None


@dataclass(frozen=True)
class Charged:
    """From the hub: the state of a count after a charge."""

    number: int
    count: Count


Order = Open | Close | Submit | Follow | Abort | Inspect | Find | Keep | Charge
Answer = Opened | NotOpened | Found | Charged
Report = Answer | Admitted | Delivered | Finished | Refused | Inspected
