"""The rows of a batch: a table with one array for each column, and the draw from its columns."""

import numpy as np
from numpy.typing import NDArray

from service.engine.batch import Floats, Ids
from service.engine.sampler import BLOCK, penalise, sample, uniform_block
from service.stream.job import Job


class Table:
    """One row for each running sequence; every attribute is a column [capacity, …].

    The characters of a row lie on its *tape*: first the prompt, then the drawn characters.
    """

    def __init__(self, state: Floats, tape_length: int, vocabulary_size: int) -> None:
        """Take the state [parts, capacity, units] of the batch, which the table writes to."""
        capacity = state.shape[1]
        self.state = state.swapaxes(0, 1)  # [capacity, parts, units], the same memory
        self.tape = np.zeros((capacity, tape_length), np.int64)
        # Indices on the tape.
        self.position = np.zeros(capacity, np.int64)  # of the next character that a step feeds
        self.prompt_end = np.zeros(capacity, np.int64)
        self.end = np.zeros(capacity, np.int64)
        # Added to an index on the tape, these give the index in the stream and in the whole text.
        self.to_stream = np.zeros(capacity, np.int64)
        self.to_text = np.zeros(capacity, np.int64)
        self.random_seed = np.zeros(capacity, np.int64)
        self.uniforms = np.zeros((capacity, BLOCK))  # of the block that holds the next draw
        self.temperature = np.zeros(capacity)
        self.top_k = np.zeros(capacity, np.int64)
        self.top_p = np.zeros(capacity)
        self.adjusts = np.zeros(capacity, np.bool_)
        self.presence = np.zeros(capacity)
        self.frequency = np.zeros(capacity)
        self.bias = np.zeros((capacity, vocabulary_size), np.float32)
        # How often the stream holds each character; counted only in rows that adjust logits.
        self.counts = np.zeros((capacity, vocabulary_size), np.float32)

    def fill(self, row: int, job: Job) -> None:
        """Write a job into a row, over the one before."""
        start, sampling = job.start, job.sampling
        prompt_end, vocabulary_size = len(start.prompt), self.counts.shape[1]
        self.state[row] = 0 if start.state is None else start.state
        self.tape[row, :prompt_end] = start.prompt
        self.position[row] = 0
        self.prompt_end[row] = prompt_end
        self.end[row] = prompt_end + len(job)
        self.to_stream[row] = job.begin - prompt_end
        self.to_text[row] = start.consumed
        self.random_seed[row] = sampling.random_seed
        if job.begin % BLOCK:  # else the first draw fills the block
            self._fill_uniforms(row, job.begin)
        self.temperature[row] = sampling.temperature
        self.top_k[row] = sampling.top_k or vocabulary_size
        self.top_p[row] = 1.0 if sampling.top_p is None else sampling.top_p
        self.adjusts[row] = sampling.adjusts
        self.presence[row] = sampling.presence_penalty
        self.frequency[row] = sampling.frequency_penalty
        self.bias[row] = 0
        for id_, value in sampling.logit_bias:
            self.bias[row, id_] = value
        self.counts[row] = 0
        if start.generated is not None:
            self.counts[row] = np.bincount(start.generated, minlength=vocabulary_size)

    def move(self, source: int, target: int) -> None:
        """Copy every column of a row to another row."""
        used = int(self.end[source])  # of the tape, which is long and mostly unused
        self.tape[target, :used] = self.tape[source, :used]
        for column in vars(self).values():
            if column is not self.tape:
                column[target] = column[source]

    def draw(self, logits: Floats, rows: Ids) -> Ids:
        """Write the next character of each of the rows [B] onto its tape, and return these ids [B].

        `logits` [B, V] belong to the rows in their order.
        """
        position = self.position[rows]
        index = position + self.to_stream[rows]  # [B], in each row's own stream
        place = index % BLOCK  # [B], in the row's block of uniform numbers
        for n in (place == 0).nonzero()[0].tolist():
            self._fill_uniforms(int(rows[n]), int(index[n]))
        (adjusting,) = self.adjusts[rows].nonzero()
        if adjusting.size:
            logits = self._adjusted(logits, rows, adjusting)
        ids = sample(
            logits,
            self.temperature[rows],
            self.uniforms[rows, place],
            self.top_k[rows],
            self.top_p[rows],
        )
        self.tape[rows, position] = ids
        if adjusting.size:
            self.counts[rows[adjusting], ids[adjusting]] += 1
        return ids

    def _fill_uniforms(self, row: int, index: int) -> None:
        """Fill a row with the block of uniform numbers that holds an index of its stream."""
        self.uniforms[row] = uniform_block(int(self.random_seed[row]), index // BLOCK)

    def _adjusted(self, logits: Floats, rows: Ids, adjusting: NDArray[np.intp]) -> Floats:
        """Return logits [B, V], with penalties and biases in the rows at the places `adjusting`."""
        some = rows[adjusting]
        adjusted: Floats = logits.copy()
        adjusted[adjusting] = penalise(
            logits[adjusting],
            self.counts[some],
            self.presence[some],
            self.frequency[some],
            self.bias[some],
        )
        return adjusted
