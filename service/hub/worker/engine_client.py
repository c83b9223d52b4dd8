"""The hub's engine of one version, as the rest of the service sees it."""

from model_store import steps_to_walk
from service.hub.messages import EngineSpec
from service.hub.worker.client import HubClient
from service.stream.details import Look, Reading
from service.stream.job import Ids
from service.stream.sequence import Sequence


class EngineClient:
    """An engine of the hub; safe to use from any thread."""

    def __init__(self, hub: HubClient, spec: EngineSpec) -> None:
        """Open the engine; a start takes seconds.

        Raises:
            ModelUnavailable: the engine cannot be opened; the log says why.
        """
        self._hub = hub
        self._number, self.fingerprint = hub.open(spec, steps_to_walk(spec.vocabulary_size))

    @property
    def alive(self) -> bool:
        """Whether the engine takes sequences and inspections, perhaps after a pause."""
        return self._hub.knows(self._number)

    @property
    def ready(self) -> bool:
        """Whether the engine takes sequences and inspections at once."""
        return self._hub.ready(self._number)

    @property
    def idle(self) -> bool:
        """Whether no sequence or inspection of this process is queued or running in the engine."""
        return self._hub.idle(self._number)

    def submit(self, sequence: Sequence, key: str | None) -> None:
        """Have a sequence drawn, together with sequences of the same key; None: alone.

        The reader of the sequence gets the errors, `QueueFull` included.

        Raises:
            Draining, EngineFailed: the engine is closed, or could not be opened again.
        """
        self._hub.submit(sequence, self._number, key)

    def inspect(self, ids: Ids, look: Look, seconds: float) -> Reading:
        """Return what there is to see while the engine reads ids [N].

        Raises:
            QueueFull: too many inspections are queued.
            DeadlineExceeded: the inspection took more than `seconds`.
            Draining, EngineFailed: the engine is closed, or failed again and again.
        """
        return self._hub.inspect(self._number, ids, look, seconds)

    def close(self) -> None:
        """Close the engine; sequences and inspections that still run end with `Draining`."""
        self._hub.forget(self._number)
