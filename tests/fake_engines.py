"""Engine clients without a process, which a test starts, draws with and ends by hand."""

import threading
from typing import Any

FINGERPRINT = "f" * 64


class FakeEngine:
    """An engine client that is alive until a test or the registry ends it."""

    def __init__(self) -> None:
        self.alive = True
        self.closed = False
        self.fingerprint = FINGERPRINT

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
