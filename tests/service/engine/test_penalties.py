"""The penalties change the logits by their formulas."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.engine.penalties import discourage

ROWS, V = 3, 5


@given(
    arrays(np.float32, (ROWS, V), elements=st.floats(-20, 20, width=32)),
    arrays(np.bool_, (ROWS, V)),
    arrays(np.float64, ROWS, elements=st.floats(0.1, 10)),
)
def test_a_repetition_penalty_makes_recent_characters_less_likely(logits, recent, penalty) -> None:
    """Logits of recent characters are divided by the penalty where positive, else multiplied."""
    discouraged = discourage(logits, recent, penalty)
    for row, id_ in np.ndindex(ROWS, V):
        expected = float(logits[row, id_])
        if recent[row, id_]:
            expected = expected / penalty[row] if expected > 0 else expected * penalty[row]
        assert discouraged[row, id_] == expected
