"""Slots and the queue before them: who runs in which row of the batch, step by step."""

from collections import deque

import numpy as np

from service.engine import Batch
from service.sampler import BLOCK, sample, uniform_block
from service.sequence import Piece, Sequence


class Scheduler:
    """Continuous batching: rows join and leave at any step.

    Running sequences fill rows 0 to n - 1. The characters of a row lie on its *tape*: first those of
    the prompt, then those that were drawn. A step feeds each row the character at its position,
    so rows that still read their prompt and rows that write share every step.
    """

    def __init__(self, batch: Batch, capacity: int, tape_length: int, vocabulary_size: int) -> None:
        self.batch = batch
        self.capacity = capacity
        self.waiting: deque[Sequence] = deque()
        self.aborts: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self._vocabulary_size = vocabulary_size
        self._tape = np.zeros((capacity, tape_length), np.int64)
        self._uniforms = np.zeros((capacity, BLOCK))
        self._position = np.zeros(capacity, np.int64)
        self._prompt_end = np.zeros(capacity, np.int64)
        self._end = np.zeros(capacity, np.int64)
        self._offset = np.zeros(capacity, np.int64)  # stream position of a tape position
        self._temperature = np.zeros(capacity)
        self._top_k = np.zeros(capacity, np.int64)
        self._top_p = np.zeros(capacity)
        self._rows = np.arange(capacity)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.running or self.waiting or self.aborts)

    def step(self) -> None:
        """Admit what fits, advance every running row by one character, hand out what is ready."""
        self._abort()
        self._admit()
        if not self.running:
            return
        rows = self._rows[: len(self.running)]
        position = self._position[: len(rows)]
        logits = self.batch.step(self._tape[rows, position])
        position += 1
        self._draw(logits, rows[position >= self._prompt_end[: len(rows)]])
        # From the last row down: releasing a row moves the last one into its place.
        for row in np.flatnonzero(position + 1 == self._end[: len(rows)])[::-1]:
            self._finish(int(row))

    def _draw(self, logits: np.ndarray, rows: np.ndarray) -> None:
        """Write the next character of each of the rows onto its tape."""
        if not rows.size:
            return
        position = self._position[rows]
        index = position + self._offset[rows]
        for row in rows[index % BLOCK == 0]:
            self._refill(int(row))
        self._tape[rows, position] = sample(
            logits[rows],
            self._temperature[rows],
            self._uniforms[rows, index % BLOCK],
            self._top_k[rows],
            self._top_p[rows],
        )

    def _refill(self, row: int) -> None:
        index = int(self._position[row] + self._offset[row])
        seed = self.running[row].sampling.random_seed
        self._uniforms[row] = uniform_block(seed, index // BLOCK)

    def _admit(self) -> None:
        while self.waiting and len(self.running) < self.capacity:
            self._start(self.waiting.popleft())

    def _start(self, sequence: Sequence) -> None:
        row = len(self.running)
        self.running.append(sequence)
        prompt_end = len(sequence.prompt)
        self._tape[row, :prompt_end] = sequence.prompt
        self.batch.state[:, row] = 0 if sequence.state is None else sequence.state
        self._position[row] = 0
        self._prompt_end[row] = prompt_end
        self._end[row] = prompt_end + sequence.end - sequence.start
        self._offset[row] = sequence.start - prompt_end
        sampling = sequence.sampling
        self._temperature[row] = sampling.temperature
        self._top_k[row] = sampling.top_k or self._vocabulary_size
        self._top_p[row] = 1.0 if sampling.top_p is None else sampling.top_p
        if sequence.start % BLOCK:
            self._uniforms[row] = uniform_block(sampling.random_seed, sequence.start // BLOCK)

    def _finish(self, row: int) -> None:
        drawn = self._tape[row, self._prompt_end[row] : self._end[row]].copy()
        self.running[row].put(Piece(drawn, self.batch.state[:, row].copy()))
        self._release(row)

    def _abort(self) -> None:
        while self.aborts:
            sequence = self.aborts.popleft()
            if sequence in self.running:
                self._release(self.running.index(sequence))
            elif sequence in self.waiting:
                self.waiting.remove(sequence)

    def _release(self, row: int) -> None:
        """Free a row by moving the last running one into it."""
        last = len(self.running) - 1
        if row != last:
            self.running[row] = self.running[last]
            self.batch.state[:, row] = self.batch.state[:, last]
            for array in (
                self._tape,
                self._uniforms,
                self._position,
                self._prompt_end,
                self._end,
                self._offset,
                self._temperature,
                self._top_k,
                self._top_p,
            ):
                array[row] = array[last]
        self.running.pop()
