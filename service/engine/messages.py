"""What the service and its engine's process say to each other, over a socket of their own."""

from dataclasses import dataclass

from service.stream.details import Details, Reading
from service.stream.generation import Sampling
from service.stream.sequence import Ending, Ids, Start


@dataclass(frozen=True)
class EngineSpec:
    """Which engine to open, and how many rows it runs in how many threads."""

    kind: str
    path: str
    slots: int
    threads: int
    tape_length: int


@dataclass(frozen=True)
class Submit:
    """To the engine: draw these characters."""

    number: int
    start: Start
    sampling: Sampling
    first: int
    end: int
    wants_details: bool
    followed: bool


@dataclass(frozen=True)
class Follow:
    """To the engine: a reader reads along."""

    number: int


@dataclass(frozen=True)
class Abort:
    """To the engine: nobody waits any more."""

    number: int


@dataclass(frozen=True)
class Inspect:
    """To the engine: read these characters, and say what each leaves behind in a layer."""

    number: int
    ids: Ids
    layer: int


@dataclass(frozen=True)
class Ready:
    """From the engine: it is open, and its fingerprint on this machine."""

    fingerprint: str


@dataclass(frozen=True)
class Started:
    """From the engine: a sequence has got its slot, at that monotonic time."""

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
    """From the engine: a sequence has ended, or, with `ending` None, the engine has failed it."""

    number: int
    ending: Ending | None


@dataclass(frozen=True)
class Inspected:
    """From the engine: what a text left behind, or, with `reading` None, the engine has failed."""

    number: int
    reading: Reading | None


Order = Submit | Follow | Abort | Inspect
Report = Started | Delivered | Finished | Inspected
