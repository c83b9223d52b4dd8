"""The rows of a batch: a table with one array for each column, and the draw from its columns."""

import numpy as np
from numpy.typing import NDArray

from service.engine.batch import DRAWN, Floats, Ids
from service.engine.limits import Limits
from service.engine.penalties import discourage, penalise
from service.engine.sampler import BLOCK, Uniforms, numbers_of, sample, steepness_of
from service.engine.schedule.slot import Columns
from service.stream.job import Job

NEVER = -(2**60)  # a place in the stream that is out of every window


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
        self.stop = np.zeros(capacity, np.int64)  # the position at which to look at the row next
        # Added to an index on the tape, these give the index in the stream and in the whole text.
        self.to_stream = np.zeros(capacity, np.int64)
        self.to_text = np.zeros(capacity, np.int64)
        self.random_seed = np.zeros(capacity, np.int64)
        # Of the newest block of the stream and the block before, each in the half of its parity.
        self.uniforms = np.zeros((capacity, 2 * BLOCK))
        self.newest_block = np.zeros(capacity, np.int64)
        self.temperature = np.zeros(capacity)
        self.steepness = np.zeros(capacity, np.float32)
        self.top_k = np.zeros(capacity, np.int64)
        self.top_p = np.zeros(capacity)
        self.min_p = np.zeros(capacity)
        self.typical_p = np.zeros(capacity)
        # Rows whose characters lie on the tape from the beginning, so that none is drawn.
        self.given = np.zeros(capacity, np.bool_)
        # Rows that draw without limits, penalties, biases, pattern and details: several steps in a call.
        self.plain = np.zeros(capacity, np.bool_)
        self.adjusts = np.zeros(capacity, np.bool_)
        self.presence = np.zeros(capacity)
        self.frequency = np.zeros(capacity)
        self.bias = np.zeros((capacity, vocabulary_size), np.float32)
        # How often the stream holds each character; counted only in rows that adjust logits.
        self.counts = np.zeros((capacity, vocabulary_size), np.float32)
        self.repetition_penalty = np.zeros(capacity)
        self.repetition_window = np.zeros(capacity, np.int64)
        # Where in the stream each character was drawn last, in rows that adjust logits.
        self.last = np.zeros((capacity, vocabulary_size), np.int64)
        # Rows with a pattern, and the fewest characters to its end if a character is drawn next.
        self.bounded = np.zeros(capacity, np.bool_)
        self.needed = np.zeros((capacity, vocabulary_size), np.int32)

    @property
    def vocabulary_size(self) -> int:
        """The number of symbols."""
        return self.counts.shape[1]

    def fill(self, row: int, job: Job) -> None:
        """Write a job into a row, over the one before."""
        start, sampling, prompt_end = job.start, job.sampling, len(job.start.prompt)
        self.state[row] = 0 if start.state is None else start.state
        self.tape[row, :prompt_end] = start.prompt
        self.position[row] = 0
        self.prompt_end[row] = prompt_end
        self.end[row] = prompt_end + len(job)
        self.to_stream[row] = job.begin - prompt_end
        self.to_text[row] = start.consumed
        self.random_seed[row] = sampling.random_seed
        self.newest_block[row] = -1
        self.temperature[row] = sampling.temperature
        self.steepness[row] = steepness_of(self.temperature[row : row + 1])[0]
        self.top_k[row] = sampling.top_k or self.vocabulary_size
        self.top_p[row] = 1.0 if sampling.top_p is None else sampling.top_p
        self.min_p[row] = sampling.min_p or 0.0
        self.typical_p[row] = 1.0 if sampling.typical_p is None else sampling.typical_p
        self.bounded[row] = job.automaton is not None
        self.needed[row] = 0
        self.given[row] = job.given is not None
        if job.given is not None:
            self.tape[row, prompt_end : prompt_end + len(job)] = job.given
        self.plain[row] = not (
            sampling.restricts
            or sampling.adjusts
            or self.bounded[row]
            or self.given[row]
            or job.wants_details
        )
        self.adjusts[row] = sampling.adjusts
        self.presence[row] = sampling.presence_penalty
        self.frequency[row] = sampling.frequency_penalty
        self.bias[row] = 0
        for id_, value in sampling.logit_bias:
            self.bias[row, id_] = value
        self.counts[row] = 0
        self.repetition_penalty[row] = sampling.repetition_penalty
        self.repetition_window[row] = sampling.repetition_window
        self.last[row] = NEVER
        if start.generated is not None:
            self.counts[row] = np.bincount(start.generated, minlength=self.vocabulary_size)
            # Of a character that is in the stream several times, the last place is kept.
            self.last[row, start.generated] = np.arange(len(start.generated))

    def move(self, source: int, target: int) -> None:
        """Copy every column of a row to another row."""
        used = int(self.end[source])  # of the tape, which is long and mostly unused
        self.tape[target, :used] = self.tape[source, :used]
        for column in vars(self).values():
            if column is not self.tape:
                column[target] = column[source]

    def take(self, row: int) -> Columns:
        """Return copies of a row's columns; of the tape, the part that is used."""
        columns = [column[row].copy() for column in vars(self).values() if column is not self.tape]
        return [self.tape[row, : self.end[row]].copy(), *columns]

    def put(self, row: int, columns: Columns) -> None:
        """Write columns that were taken from a row, also of another table, into a row."""
        tape, *rest = columns
        self.tape[row, : len(tape)] = tape
        others = (column for column in vars(self).values() if column is not self.tape)
        for column, value in zip(others, rest, strict=True):
            column[row] = value

    def plan(self, row: int, stop: int) -> None:
        """Set the next stop of a row, at most BLOCK ahead, and get the uniform numbers up to there."""
        self.stop[row] = stop
        first = max(int(self.position[row]) + 1, int(self.prompt_end[row]))
        to_stream = int(self.to_stream[row])
        for block in range((first + to_stream) // BLOCK, (stop + to_stream) // BLOCK + 1):
            if block > self.newest_block[row]:
                self._fill_uniforms(row, block)

    def ahead(self, count: int, steps: int) -> tuple[Ids, Uniforms]:
        """Return what the next steps of the first rows need: known ids and uniform numbers [steps, count].

        An id is DRAWN where the prompt is consumed; the uniform numbers in other places are arbitrary.
        """
        rows, places = self._places(count, steps)
        known = np.full(places.shape, DRAWN)
        prompt = places < self.prompt_end[:count]
        if prompt.any():
            known = np.where(prompt, self.tape[rows, places], DRAWN)
        return known, self.uniforms[rows, (places + self.to_stream[:count]) % (2 * BLOCK)]

    def append(self, ids: Ids) -> None:
        """Write the next characters [steps, count] of the first rows, and move to the last of them."""
        steps, count = ids.shape
        rows, places = self._places(count, steps)
        self.tape[rows, places] = ids
        self.position[:count] += steps

    def draw(self, logits: Floats, rows: Ids) -> Ids:
        """Write the next character of each of the rows [B] onto its tape, and return these ids [B].

        `logits` [B, V] belong to the rows in their order. A given character stays as it is.
        """
        position = self.position[rows]
        place = position + self.to_stream[rows]
        (adjusting,) = self.adjusts[rows].nonzero()
        if adjusting.size:
            logits = self._adjusted(logits, rows, adjusting)
        if self.bounded[rows].any():
            left = self.end[rows] - position
            logits = np.where(self.needed[rows] > left[:, None], -np.inf, logits)
        uniforms = self.uniforms[rows, place % (2 * BLOCK)]
        ids = sample(logits, self.steepness[rows], uniforms, self._limits.of(rows))
        ids = np.where(self.given[rows], self.tape[rows, position], ids)
        self.tape[rows, position] = ids
        if adjusting.size:
            self.counts[rows[adjusting], ids[adjusting]] += 1
            self.last[rows[adjusting], ids[adjusting]] = place[adjusting]
        return ids

    @property
    def _limits(self) -> Limits:
        return Limits(self.top_k, self.top_p, self.min_p, self.typical_p)

    def _places(self, count: int, steps: int) -> tuple[Ids, Ids]:
        """Return the first rows [count], and the next places [steps, count] on their tapes."""
        ahead = np.arange(1, steps + 1)[:, None]
        return np.arange(count), self.position[:count] + ahead

    def _fill_uniforms(self, row: int, block: int) -> None:
        """Put the uniform numbers of a block of its stream into a row, over the block before the last."""
        seed, temperature = int(self.random_seed[row]), float(self.temperature[row])
        begin = block % 2 * BLOCK
        self.uniforms[row, begin : begin + BLOCK] = numbers_of(seed, block, temperature)
        self.newest_block[row] = block

    def _adjusted(self, logits: Floats, rows: Ids, adjusting: NDArray[np.intp]) -> Floats:
        """Return logits [B, V], with penalties and biases in the rows at the places `adjusting`."""
        some = rows[adjusting]
        place = self.position[some] + self.to_stream[some]
        recent = place[:, None] - self.last[some] <= self.repetition_window[some, None]
        adjusted: Floats = logits.copy()
        adjusted[adjusting] = penalise(
            discourage(logits[adjusting], recent, self.repetition_penalty[some]),
            self.counts[some],
            self.presence[some],
            self.frequency[some],
            self.bias[some],
        )
        return adjusted
