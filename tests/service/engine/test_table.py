"""A row of the table draws the same characters wherever the row lies."""

import numpy as np

from service.engine.batch import DRAWN, Ids
from service.engine.sampler import BLOCK, uniform_block
from service.engine.schedule.table import Table
from service.stream.generation import Sampling
from service.stream.job import Job, Start

VOCABULARY_SIZE = 9
ROWS = np.arange(3)
JOB = Job(
    Start(np.array([1, 2]), consumed=7, state=np.full((2, 5), 3, "f4"), generated=np.array([4, 4])),
    Sampling(0.8, 5, 0.9, 11, presence_penalty=0.5, frequency_penalty=0.25, logit_bias=((3, 1.5),)),
    begin=BLOCK + 2,
    end=BLOCK + 40,
)
PLAIN = Job(Start(np.array([5])), Sampling(1.0, None, None, 0), end=30)


def _table(*jobs: Job) -> Table:
    table = Table(np.zeros((2, len(ROWS), 5), np.float32), 60, VOCABULARY_SIZE)
    for row, job in enumerate(jobs):
        table.fill(row, job)
        table.position[row] = len(job.start.prompt)
        table.plan(row, int(table.end[row]) - 1)
    return table


def _draw(table: Table, rows: Ids, steps: int) -> list[list[int]]:
    """Draw from fixed logits for some rows; return the ids of each row."""
    logits = np.random.default_rng(0).normal(size=VOCABULARY_SIZE).astype("f4")
    drawn = []
    for _ in range(steps):
        drawn.append(table.draw(np.repeat(logits[None], len(rows), axis=0), rows))
        table.position[rows] += 1
    return np.stack(drawn, axis=1).tolist()


def test_a_moved_row_is_whole() -> None:
    """Every column of a moved row holds what the row held before."""
    table = _table(PLAIN, PLAIN, JOB)
    _draw(table, ROWS, 3)
    table.move(2, 0)
    for name, column in vars(table).items():
        assert np.array_equal(column[0], column[2]), name


def test_a_moved_row_goes_on() -> None:
    """A row that moves in the middle of its text draws the characters of a row that stays."""
    (whole,) = _draw(_table(JOB), np.array([0]), 20)
    table = _table(PLAIN, PLAIN, JOB)
    begun = _draw(table, ROWS, 8)[2]
    table.move(2, 0)
    assert begun + _draw(table, ROWS[:2], 12)[0] == whole


def test_a_filled_row_forgets_the_job_before() -> None:
    """A row that is filled again is equal to the same row of a new table."""
    used, new = _table(JOB), _table(PLAIN)
    _draw(used, np.array([0]), 10)
    used.fill(0, PLAIN)
    used.plan(0, int(used.end[0]) - 1)
    assert _draw(_moved_to_decode(used), np.array([0]), 20) == _draw(new, np.array([0]), 20)


def _moved_to_decode(table: Table) -> Table:
    table.position[0] = table.prompt_end[0]
    return table


def test_a_row_looks_ahead_over_the_border_of_two_blocks() -> None:
    """The numbers of several steps are those of the single places of the stream."""
    job = Job(PLAIN.start, Sampling(1.0, None, None, 7), begin=BLOCK - 3, end=BLOCK + 3)
    table = _table(job)
    table.position[0] = 0
    known, uniforms = table.ahead(1, 6)
    stream = np.concatenate([uniform_block(7, 0), uniform_block(7, 1)])
    assert (known == DRAWN).all()
    assert np.array_equal(uniforms[:, 0], stream[BLOCK - 3 : BLOCK + 3])


def test_the_prompt_ahead_is_known() -> None:
    """Places of the prompt hold its ids; the places behind are to be drawn."""
    table = _table(Job(Start(np.array([5, 6, 7])), PLAIN.sampling, end=9))
    table.position[0] = 0
    known, _ = table.ahead(1, 4)
    assert known[:, 0].tolist() == [6, 7, DRAWN, DRAWN]


def test_the_table_writes_the_states_of_its_batch() -> None:
    """The state column [capacity, parts, units] is the memory of the batch's state."""
    state = np.zeros((2, 3, 5), np.float32)
    Table(state, 60, VOCABULARY_SIZE).fill(1, JOB)
    assert (state[:, 1] == 3).all()
    assert not state[:, [0, 2]].any()
