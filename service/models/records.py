"""The records of the registry: of each reference, of each version, and of each refused version."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from service.models.loading import LoadedModel, Version

# Seconds between two tries of a version that cannot be loaded: an unfinished copy is soon complete, and
# a try reads the files once.
LONGEST_PAUSE = 60.0


@dataclass
class Reference:
    """The version that a reference means, and the time of the last request for the reference."""

    version: Version
    asked: float  # monotonic


class HeldVersion:
    """A version that one thread loads, once, for all threads that ask for the version."""

    def __init__(self) -> None:
        self.model: LoadedModel | None = None
        """The model; None while the version is loading, and after a failed loading."""
        self.unused_since: float | None = None
        """The monotonic time at which the last reference went; None: the version is in use."""
        self.asked = 0.0
        """The monotonic time of the last request for the version."""
        self._loading: Future[LoadedModel] = Future()
        self._begun = False

    def begin(self) -> bool:
        """Return whether this thread is the first to ask, and so is to load the version."""
        first, self._begun = not self._begun, True
        return first

    def load(self, load: Callable[[], LoadedModel]) -> None:
        """Load the version; a failure is raised in every thread that waits for the model."""
        try:
            self.model = load()
            self._loading.set_result(self.model)
        except BaseException as error:  # noqa: BLE001 - raised again by `wait`
            self._loading.set_exception(error)

    def wait(self) -> LoadedModel:
        """Return the model as soon as the version is loaded, or raise the error of its loading."""
        return self.model or self._loading.result()

    @property
    def alive(self) -> bool:
        """Whether the version is loaded and its engine runs."""
        return self.model is not None and self.model.engine.alive

    @property
    def ready(self) -> bool:
        """Whether the version is loaded and its engine answers at once."""
        return self.model is not None and self.model.engine.ready

    @property
    def lost(self) -> bool:
        """Whether the loading has failed or the engine has died."""
        return not self.alive and self._loading.done()

    @property
    def idle(self) -> bool:
        """Whether the version is neither loading nor drawing."""
        return self._loading.done() and (self.model is None or self.model.engine.idle)

    def mark(self, *, in_use: bool, now: float) -> None:
        """Set `unused_since`; a version that is loading counts as in use."""
        if in_use or not self._loading.done():
            self.unused_since = None
        elif self.unused_since is None:
            self.unused_since = now

    def close(self) -> None:
        """End the engine; an engine that is still starting ends right after its start."""
        if self._begun and self._loading.exception() is None:  # waits while the version is loading
            self._loading.result().engine.close()


@dataclass(frozen=True)
class Refusal:
    """A version that could not be loaded, the mark of its files, and the pause before the next try."""

    problem: str
    files: str
    pause: float  # seconds
    again: float  # monotonic

    @classmethod
    def after(
        cls, before: "Refusal | None", problem: str, files: str, first: float, now: float
    ) -> "Refusal":
        """Return the refusal after a failed try; the first pause doubles while the files stay the same."""
        pause = first
        if before is not None and before.files == files:
            pause = min(2 * before.pause, LONGEST_PAUSE)
        return cls(problem, files, pause, now + pause)

    def holds(self, files: str, now: float) -> bool:
        """Return whether the version is not to be tried yet."""
        return files == self.files and now < self.again
