"""Scores: the details of the characters of texts that are given, not drawn."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from time import monotonic

from service.errors import EngineFailed
from service.generation.generator import Caller
from service.generation.parallel import MOST
from service.generation.resumed import QUIET
from service.generation.stopping import Stopping
from service.generation.waiting import Patience
from service.models.loading import LoadedModel
from service.stream.details import Details
from service.stream.generation import Sampling
from service.stream.job import Job, Start
from service.stream.sequence import Sequence
from service.telemetry import Telemetry

# The engine needs some sampling, and temperature 0 needs no uniform numbers.
UNUSED = Sampling(temperature=0.0, top_k=None, top_p=None, random_seed=0)
NOTHING = Details.empty(0, 0)


@dataclass(frozen=True)
class Given:
    """A text to score, and the characters that the model reads before the text, at least one."""

    prompt: str
    text: str

    def __len__(self) -> int:
        return len(self.prompt) + len(self.text)


class TextScorer:
    """Scores texts in the slots of the engine, beside the generations."""

    def __init__(self, telemetry: Telemetry, slots: int, stopping: Stopping) -> None:
        """Take the metrics, the slots of an engine, and the service's end."""
        self._telemetry = telemetry
        self._ahead = min(MOST, slots)
        self._stopping = stopping

    def details(
        self, texts: Iterable[Given], model: LoadedModel, caller: Caller
    ) -> Generator[Details]:
        """Yield the details of each text's characters, in the order of the texts.

        Details of no character say to a streaming caller that the scoring goes on.
        Closing the generator takes every text that is not scored yet out of the engine.

        Raises:
            QueueFull: every slot is taken and the queue is full.
            Draining: the service is stopping.
            DeadlineExceeded: the caller's deadline has passed.
            ClientGone: the client closed its connection.
            EngineFailed: the engine failed or died.
        """
        ahead: deque[Sequence] = deque()
        patience = Patience(caller.connected, self._stopping, caller.deadline)
        try:
            for given in texts:
                if len(ahead) == self._ahead:
                    yield from _scored(ahead, patience, streaming=caller.streaming)
                left = caller.deadline - monotonic()
                sequence = Sequence(_job(given, model), caller.client, left)
                model.engine.submit(sequence, key=None)
                ahead.append(sequence)
                self._telemetry.seed_characters.inc(len(given))
            while ahead:
                yield from _scored(ahead, patience, streaming=caller.streaming)
        finally:
            for sequence in ahead:
                sequence.cancel()


def _scored(ahead: deque[Sequence], patience: Patience, *, streaming: bool) -> Iterator[Details]:
    """Wait for the first sequence, take it out, and yield the details of its characters."""
    sequence = ahead[0]
    while not patience.wait_for(
        sequence, len(sequence.job), monotonic() + QUIET if streaming else inf
    ):
        yield NOTHING
    details = ahead.popleft().details
    if details is None or len(details) < len(sequence.job):
        raise EngineFailed("the engine ended a text early; the same request may work again")
    yield details


def _job(given: Given, model: LoadedModel) -> Job:
    encode = model.vocabulary.encode
    return Job(
        Start(encode(given.prompt)),
        UNUSED,
        end=len(given.text),
        wants_details=True,
        given=encode(given.text),
    )
