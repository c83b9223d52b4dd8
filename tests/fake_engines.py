"""Engine clients without a process, which a test starts, draws with and ends by hand."""

import threading
from datetime import UTC, datetime
from time import monotonic
from typing import Any, cast

import numpy as np

from model_store import FileEntry, Manifest, Vocabulary
from model_store.manifest import digest_of
from service.errors import ServiceError
from service.hub.worker.engine_client import EngineClient
from service.models.loading import LoadedModel
from service.stream.details import LIKELIEST, Details
from service.stream.job import Ending, Snapshot
from service.stream.sequence import Sequence
from tests.factories import SYMBOLS, description

FINGERPRINT = "f" * 64


class FakeEngine:
    """An engine client whose character at place n of any stream is symbol n of the vocabulary.

    Given characters stay as they are. A submitted sequence is drawn at once, or as far as `draws_first` says; the test draws the rest.
    """

    def __init__(self, draws_first: int | None = None) -> None:
        self.alive = True
        self.closed = False
        self.fingerprint = FINGERPRINT
        self.refusal: ServiceError | None = None
        self.sequences: list[Sequence] = []
        self.keys: list[str | None] = []
        self.draws_first = draws_first

    @property
    def ready(self) -> bool:
        return self.alive

    @property
    def idle(self) -> bool:
        return all(sequence.ended for sequence in self.sequences)

    def submit(self, sequence: Sequence, key: str | None) -> None:
        self.keys.append(key)
        if self.refusal is not None:
            raise self.refusal
        self.sequences.append(sequence)
        sequence.on_cancel = lambda: self.finish(sequence)
        length = sequence.job.end - sequence.job.begin
        if number := length if self.draws_first is None else self.draws_first:
            self.draw(sequence, number)

    def draw(self, sequence: Sequence, characters: int, snapshot: Snapshot | None = None) -> None:
        """Draw the next characters, with a state; the last of the sequence end it."""
        if sequence.admitted is None:
            sequence.admit(monotonic())
        begin = sequence.job.begin + len(sequence.ids)
        places = np.arange(begin, begin + characters)
        given = sequence.job.given
        ids = places % len(SYMBOLS) if given is None else given[places]
        details = details_of(ids) if sequence.job.wants_details else None
        sequence.deliver(ids, details, snapshot=snapshot)
        if begin + characters == sequence.job.end:
            self.finish(sequence)

    def finish(self, sequence: Sequence, snapshots: list[Snapshot] | None = None) -> None:
        """End a sequence where it stands; the state counts the drawn characters."""
        drawn = sequence.job.begin + len(sequence.ids)
        state = np.full((2, 1), drawn, np.float32) if len(sequence.ids) else None
        now = monotonic()
        sequence.finish(Ending(state, snapshots or [], now, now))

    def close(self) -> None:
        assert not self.closed, "an engine is closed once"
        self.alive, self.closed = False, True


class FakeStarts:
    """Stands in for the class `EngineClient`: starts fake engines, as soon as `gate` is set."""

    def __init__(self) -> None:
        self.engines: list[FakeEngine] = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self, *_: Any) -> FakeEngine:
        self.begun.set()
        assert self.gate.wait(10), "the test never opened the gate"
        if self.error is not None:
            raise self.error
        self.engines.append(FakeEngine())
        return self.engines[-1]

    def hold(self) -> None:
        """Let every start from now on wait for the gate."""
        self.begun.clear()
        self.gate.clear()


def drawn(begin: int, end: int) -> str:
    """Characters `begin` to `end` of any stream of a fake engine."""
    return "".join(SYMBOLS[place % len(SYMBOLS)] for place in range(begin, end))


def details_of(ids: np.ndarray) -> Details:
    """Details of characters: each had log-probability -1/3, the likeliest are ids 0 to 4."""
    top = np.tile(np.arange(LIKELIEST, dtype=np.uint16), (len(ids), 1))
    logprobs = np.full(len(ids), -1 / 3, np.float32)
    return Details(logprobs, top, (top / -3).astype(np.float32))


def fake_model(engine: FakeEngine | None = None, symbols: tuple[str, ...] = SYMBOLS) -> LoadedModel:
    """A loaded model with a fake engine, `fake@3`."""
    files = {"vocabulary.json": FileEntry(sha256="0" * 64, size=1)}
    manifest = Manifest(
        **dict(description(1, 1)),
        name="fake",
        version=3,
        created=datetime.now(UTC),
        digest=digest_of(files),
        files=files,
    )
    client = cast("EngineClient", engine or FakeEngine())
    return LoadedModel(manifest, Vocabulary(symbols), client, "identity", exact=True)
