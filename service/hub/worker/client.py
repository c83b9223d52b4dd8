"""A worker's side of the hub: sends orders, hands out the reports, and survives the hub."""

import logging
import threading
from dataclasses import dataclass
from functools import singledispatchmethod
from itertools import count

from model_store import fingerprint
from service.errors import (
    DeadlineExceeded,
    Draining,
    EngineFailed,
    ModelUnavailable,
    ServiceError,
)
from service.hub.counters import Count
from service.hub.messages import (
    Abort,
    Admitted,
    Answer,
    Charge,
    Charged,
    Close,
    Delivered,
    EngineSpec,
    Find,
    Finished,
    Follow,
    Found,
    Inspect,
    Inspected,
    Keep,
    NotOpened,
    Open,
    Opened,
    Refused,
    Report,
)
from service.hub.rendezvous import Rendezvous
from service.hub.worker.connection import HubConnection
from service.hub.worker.inspections import Inspections
from service.hub.worker.questions import Asking, Questions
from service.hub.worker.running import FAILED, Running, RunningSequences
from service.stream.details import Look, Reading
from service.stream.job import Ids
from service.stream.sequence import Sequence
from service.telemetry import Telemetry

log = logging.getLogger(__name__)

SECONDS_TO_OPEN = 60.0
SECONDS_TO_FIND = 0.5
SECONDS_TO_CHARGE = 0.5
STOPPING = "the service is stopping; try again elsewhere or later"
REPLACED = "the model's files were replaced, so the text cannot go on; ask for the text again"


@dataclass
class WantedEngine:
    """An engine that every hub is to have open."""

    order: Open
    fingerprint: str | None = None
    """The fingerprint that the engine computed when it was first open."""
    ready: bool = False
    """Whether the present hub has the engine open, and the engine computes that fingerprint."""

    def opened(self, computed: str) -> None:
        """Note the fingerprint that the engine computes in the present hub."""
        self.fingerprint = self.fingerprint or computed
        self.ready = self.fingerprint == computed


class HubClient:
    """The connection of this process to the hub; safe to use from any thread.

    When the hub has died, the next one opens the same engines, draws the same sequences and reads the
    same texts again: both are deterministic, so a client sees a pause. An engine that then computes
    another fingerprint is lost, since its texts would go on as those of another model.
    """

    def __init__(self, rendezvous: Rendezvous, telemetry: Telemetry) -> None:
        self._numbers = count()
        self._questions = Questions()
        self._inspections = Inspections()
        self._running = RunningSequences(telemetry)
        self._lock = threading.Lock()  # guards the next two
        self._error: ServiceError | None = None
        self._engines: dict[int, WantedEngine] = {}
        self._connection = HubConnection(rendezvous, self._take, self._hub_died, self._hub_found)

    def open(self, spec: EngineSpec, walk: list[Ids]) -> tuple[int, str]:
        """Open an engine; return its number, and the fingerprint that the engine computes.

        Raises:
            ModelUnavailable: the engine cannot be opened; the log says why.
            Draining: the client is closed.
        """
        order = Open(next(self._numbers), spec, walk)
        engine = WantedEngine(order)
        with self._lock:
            self._engines[order.number] = engine
        try:
            answer = self._ask(order, SECONDS_TO_OPEN)
        except TimeoutError:
            answer = None
        if not isinstance(answer, Opened) or engine.fingerprint is None:
            self.forget(order.number)
            raise ModelUnavailable(f"the engine cannot open {spec.path}; the log says why")
        return order.number, engine.fingerprint

    def forget(self, engine: int) -> None:
        """Close an engine; sequences and inspections that still run end with `Draining`."""
        self._lose(engine, Draining(STOPPING))
        self._connection.send(Close(engine))

    def knows(self, engine: int) -> bool:
        """Whether an engine is open, or will be open again as soon as there is a hub."""
        return engine in self._engines

    def ready(self, engine: int) -> bool:
        """Whether the hub has an engine open, and was heard of just now."""
        with self._lock:
            wanted = self._engines.get(engine)
        return wanted is not None and wanted.ready and self._connection.fresh

    def idle(self, engine: int) -> bool:
        """Whether no sequence or inspection of this process is queued or running in an engine."""
        return self._running.idle(engine) and self._inspections.idle(engine)

    def submit(self, sequence: Sequence, engine: int, key: str | None) -> None:
        """Have a sequence drawn, together with the sequences of the same key; None: alone.

        The reader of the sequence gets further errors, `QueueFull` included.

        Raises:
            Draining, EngineFailed: the client is closed, or the engine could not be opened again.
        """
        running = Running(next(self._numbers), engine, key, sequence)
        sequence.on_follow = lambda: self._connection.send(Follow(running.number))
        sequence.on_cancel = lambda: self._connection.send(Abort(running.number))
        with self._lock:
            opened = self._is_open(engine)
            self._running.add(running)
        if opened:  # else the sequence is drawn as soon as the engine is open
            self._draw(running)

    def inspect(self, engine: int, ids: Ids, look: Look, seconds: float) -> Reading:
        """Return what there is to see while an engine reads ids [N].

        Raises:
            QueueFull: too many inspections are queued.
            DeadlineExceeded: the inspection took more than `seconds`.
            Draining, EngineFailed: the client is closed, or the engine failed again and again.
        """
        order = Inspect(next(self._numbers), engine, ids, look)
        with self._lock:
            opened = self._is_open(engine)
            reading = self._inspections.add(order)
        if opened:  # else the order is sent as soon as the engine is open
            self._connection.send(order)
        try:
            return reading.result(seconds)
        except TimeoutError:
            reading.cancel()
            raise DeadlineExceeded("the inspection took too long; send less text") from None

    def find(self, keys: list[str]) -> tuple[str, bytes] | None:
        """Return the first key that has a value in the hub's memory, with the value."""
        try:
            answer = self._ask(Find(next(self._numbers), keys), SECONDS_TO_FIND)
        except (TimeoutError, ServiceError):
            return None
        return answer.value if isinstance(answer, Found) else None

    def keep(self, values: dict[str, bytes]) -> None:
        """Keep values in the hub's memory."""
        self._connection.send(Keep(values))

    def charge(self, key: str, amount: int, limit: int) -> Count | None:
        """Charge a key for an amount and return the state of its count; None when the hub is away."""
        try:
            order = Charge(next(self._numbers), key, amount, limit)
            answer = self._ask(order, SECONDS_TO_CHARGE)
        except (TimeoutError, ServiceError):
            return None
        return answer.count if isinstance(answer, Charged) else None

    def close(self) -> None:
        """End the connection; every sequence that still runs ends with `Draining`."""
        error = Draining(STOPPING)
        with self._lock:
            self._error = error
        self._connection.close()
        self._questions.close(error)
        self._running.close(error)
        self._inspections.close(error)

    def _is_open(self, engine: int) -> bool:
        """Return whether this hub has an engine open, or else will; the caller holds the lock.

        Raises:
            Draining, EngineFailed: the client is closed, or the engine could not be opened again.
        """
        if self._error is not None:
            raise self._error
        if engine not in self._engines:
            raise EngineFailed(FAILED)
        return self._engines[engine].ready

    def _draw(self, running: Running) -> None:
        """Have the hub draw a sequence, whatever its reader says meanwhile."""
        order = running.order()
        self._connection.send(order)
        # The hub knows no sequence before its order, so it has ignored what came earlier.
        if running.sequence.followed and not order.followed:
            self._connection.send(Follow(order.number))
        if running.sequence.aborted:
            self._connection.send(Abort(order.number))

    def _ask(self, order: Asking, seconds: float) -> Answer | None:
        """Send an order and return the answer; None when the hub has died before.

        Raises:
            Draining: the client is closed.
            TimeoutError: no answer came in time.
        """
        question = self._questions.add(order)
        self._connection.send(order)
        return question.answer.result(seconds)

    def _lose(self, engine: int, error: ServiceError) -> None:
        """Leave an engine out of further hubs, and end its sequences and inspections with an error."""
        with self._lock:
            self._engines.pop(engine, None)
        self._running.end_all(error, engine)
        self._inspections.end_all(error, engine)

    # In the thread of the connection

    def _hub_died(self) -> None:
        with self._lock:
            for engine in self._engines.values():
                engine.ready = False

    def _hub_found(self) -> None:
        self._questions.hub_died()  # no question is sent to the dead hub from now on
        with self._lock:
            engines = list(self._engines.values())
        for engine in engines:
            self._connection.send(engine.order)

    @singledispatchmethod
    def _take(self, report: Report) -> None:
        raise TypeError(f"no report: {type(report).__name__}")

    @_take.register
    def _(self, report: Admitted | Delivered | Finished | Refused) -> None:
        self._running.take(report)

    @_take.register
    def _(self, report: Inspected) -> None:
        self._inspections.take(report)

    @_take.register
    def _(self, report: Found | Charged) -> None:
        self._questions.answer(report.number, report)

    @_take.register
    def _(self, report: Opened) -> None:
        computed = fingerprint(report.logits, report.states)
        with self._lock:  # a sequence that is submitted later finds the engine open
            engine = self._engines.get(report.number)
            if engine is not None and engine.ready:
                return  # the order went to this hub twice: from `open`, and as the hub was found
            if engine is not None:
                engine.opened(computed)
            lost = self._running.of(report.number)
            unread = self._inspections.again(report.number)
        if engine is not None and engine.ready:
            for running in self._running.again(lost):
                self._draw(running)
            for order in unread:
                self._connection.send(order)
            self._questions.answer(report.number, report)
            return
        # Nobody needs the engine: `open` waits no longer, or the engine computes other numbers.
        self._connection.send(Close(report.number))
        if engine is not None:
            log.error("%s was replaced, so its sequences end", engine.order.spec.path)
            self._lose(report.number, EngineFailed(REPLACED))

    @_take.register
    def _(self, report: NotOpened) -> None:
        self._lose(report.number, EngineFailed(FAILED))
        self._questions.answer(report.number, report)
