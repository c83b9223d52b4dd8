"""A text generator with a fake engine, and generations for it."""

import numpy as np

from service.cache.memory import MemoryBytes
from service.cache.streams import StreamCache
from service.generation.generator import Answer, Caller, TextGenerator, form_of
from service.generation.stopping import Stopping
from service.stream.generation import Generation, Sampling, Stream
from service.telemetry import Telemetry
from tests.fake_engines import FakeEngine, fake_model

STATE = np.ones((2, 1), np.float32)
FORM = form_of(fake_model())
STREAMING = Caller(streaming=True)


class Room:
    """A text generator with its cache, its metrics and a fake engine."""

    def __init__(self, draws_first: int | None = None) -> None:
        self.engine = FakeEngine(draws_first)
        self.cache = StreamCache(MemoryBytes(1_000_000))
        self.telemetry = Telemetry()
        self._model = fake_model(self.engine)
        self.stopping = Stopping()
        self._generator = TextGenerator(self.cache, self.telemetry, self.stopping)

    def open(self, generation: Generation, caller: Caller | None = None) -> Answer:
        """Begin a generation, by default for a caller that waits for the whole text."""
        return self._generator.open(generation, self._model, caller or Caller())

    def counted(self, sample: str) -> float:
        """Return the value of a sample in the metrics."""
        lines = self.telemetry.text().decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(sample)), 0.0)

    def cancellations(self) -> float:
        """Return how many sequences were cancelled, at whatever stage."""
        stages = ("queued", "running", "ended")
        return sum(
            self.counted(f'charloom_cancellations_total{{state="{stage}"}}') for stage in stages
        )


def stream_of(prompt: str = "Hello") -> Stream:
    """Return the stream of a seed text."""
    return Stream("identity", prompt, Sampling(1.0, None, None, 0))


def generation_of(
    length: int, *stop: str, prompt: str = "Hello", details: bool = False
) -> Generation:
    """Return a request for so many characters of a stream."""
    return Generation(stream_of(prompt), prompt, length, stop, details)


def text_of(answer: Answer) -> str:
    """Read an answer to its end and return its text."""
    return "".join(piece.characters for piece in answer.pieces)
