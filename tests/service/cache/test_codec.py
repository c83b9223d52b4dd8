"""A cached stream survives as bytes, and other bytes are no stream."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.cache.codec import MARK, CachedStream, decode, encode
from service.engine.explain import describe

STATE = np.arange(12, dtype=np.float32).reshape(2, 6)
CACHED = CachedStream("Grüße,\nWelt", STATE)


def test_round_trip() -> None:
    """A decoded stream has the encoded text and state."""
    back = decode(encode(CACHED))
    assert back is not None
    assert back.text == CACHED.text
    assert back.details is None
    assert np.array_equal(back.end_state, STATE)


def test_round_trip_with_details() -> None:
    """A decoded stream has the encoded details."""
    details = describe(np.random.default_rng(0).normal(size=(4, 9)).astype("f4"), np.arange(4))
    back = decode(encode(CachedStream("Grüß", STATE, details)))
    assert back is not None
    assert back.details is not None
    assert np.array_equal(back.details.logprobs, details.logprobs)
    assert np.array_equal(back.details.top_ids, details.top_ids)
    assert np.array_equal(back.details.top_logprobs, details.top_logprobs)
    assert np.array_equal(back.end_state, STATE)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: MARK + tail))
def test_foreign_bytes_are_nothing(data: bytes) -> None:
    """Bytes that are no stream decode to nothing."""
    assert decode(data) is None


@given(st.integers(0, len(encode(CACHED)) - 1), st.integers(1, 255))
def test_damaged_bytes_are_nothing(position: int, flip: int) -> None:
    """A stream with one byte changed, or cut short, decodes to nothing."""
    data = bytearray(encode(CACHED))
    assert decode(bytes(data[:position])) is None
    data[position] ^= flip
    assert decode(bytes(data)) is None
