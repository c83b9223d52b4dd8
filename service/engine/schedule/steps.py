"""The steps of a round: each running row consumes or draws the same number of characters."""

import numpy as np

from service.engine.batch import Batch, Floats, Ids
from service.engine.explain import describe
from service.engine.schedule.rows import Rows


class Steps:
    """Advances the rows by calls of their batch, and draws what the batch does not draw itself."""

    def __init__(self, batch: Batch, rows: Rows, longest: int) -> None:
        """Take the batch, its rows, and the most characters of a row in one call."""
        self._batch, self._rows, self._longest = batch, rows, longest
        self._table = rows.table

    def advance(self) -> int:
        """Advance each row to the nearest stop of all, or by one step where a row needs that.

        Returns the number of steps.
        """
        count = len(self._rows)
        if self._single(count):
            self._run_one(count)
            return 1
        table = self._table
        steps = min(self._longest, int((table.stop[:count] - table.position[:count]).min()))
        ids = table.tape[np.arange(count), table.position[:count]]
        known, uniforms = table.ahead(count, steps)
        table.append(self._batch.run(ids, known, uniforms, table.steepness[:count]))
        return steps

    def _single(self, count: int) -> bool:
        """Whether a row that is not plain draws in the next step."""
        table = self._table
        if table.plain[:count].all():
            return False
        drawing = table.position[:count] + 1 >= table.prompt_end[:count]
        return bool((drawing & ~table.plain[:count]).any())

    def _run_one(self, count: int) -> None:
        """Advance each row by one character, with all that a sampling and a job may ask for."""
        table, rows = self._table, np.arange(count)
        position = table.position[:count]
        logits = self._batch.step(table.tape[rows, position])
        position += 1  # a view: this moves the table's own positions
        drawing = rows[position >= table.prompt_end[:count]]
        if drawing.size:
            self._draw(logits[drawing], drawing)

    def _draw(self, logits: Floats, rows: Ids) -> None:
        """Draw a character from logits [B, V] for each of the rows [B]."""
        ids = self._table.draw(logits, rows)
        (bounded,) = self._table.bounded[rows].nonzero()
        for row, id_ in zip(rows[bounded].tolist(), ids[bounded].tolist(), strict=True):
            self._walk(row, id_)
        slots = self._rows.slots
        wanted = [n for n, row in enumerate(rows.tolist()) if slots[row].details is not None]
        if wanted:
            self._describe(logits[wanted], rows[wanted], ids[wanted])

    def _walk(self, row: int, id_: int) -> None:
        """Take the way of a drawn id through the row's pattern; end the row where its text is over."""
        walk = self._rows.slots[row].walk
        assert walk is not None  # made when the row began
        walk.feed(id_)
        if walk.over:
            self._rows.end(row)
        else:
            self._table.needed[row] = walk.needed

    def _describe(self, logits: Floats, rows: Ids, ids: Ids) -> None:
        """Keep the details of the drawn ids [B], one for each of the rows [B]."""
        details = describe(logits, ids)
        indices = self._table.position[rows] - self._table.prompt_end[rows]
        for n, (row, index) in enumerate(zip(rows.tolist(), indices.tolist(), strict=True)):
            kept = self._rows.slots[row].details
            assert kept is not None  # made when the row began
            kept.logprobs[index] = details.logprobs[n]
            kept.top_ids[index] = details.top_ids[n]
            kept.top_logprobs[index] = details.top_logprobs[n]
