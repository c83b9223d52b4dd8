"""A cached stream survives as bytes, and other bytes are no stream."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.codec import MARK, CachedStream, Form, Seal, decode, encode
from service.engine.explain import describe

STATE = np.arange(12, dtype=np.float32).reshape(2, 6)
CACHED = CachedStream("Grüße,\nWelt", STATE)
FORM = Form(2, 6, frozenset("Grüße,\nWelt"))
KEY, SEALS = "charloom:key", (Seal(), Seal("secret"))


def _packed(stream: CachedStream, seal: Seal = SEALS[0]) -> bytes:
    return encode(stream, KEY, seal)


def _read(data: bytes, seal: Seal = SEALS[0], form: Form = FORM) -> CachedStream | None:
    return decode(data, KEY, seal, form)


@pytest.mark.parametrize("seal", SEALS)
def test_round_trip(seal: Seal) -> None:
    """A decoded stream has the encoded text and state."""
    back = _read(_packed(CACHED, seal), seal)
    assert back is not None
    assert back.text == CACHED.text
    assert back.details is None
    assert np.array_equal(back.end_state, STATE)


def test_round_trip_with_details() -> None:
    """A decoded stream has the encoded details."""
    details = describe(np.random.default_rng(0).normal(size=(4, 9)).astype("f4"), np.arange(4))
    back = _read(_packed(CachedStream("Grüß", STATE, details)))
    assert back is not None
    assert back.details is not None
    assert np.array_equal(back.details.logprobs, details.logprobs)
    assert np.array_equal(back.details.top_ids, details.top_ids)
    assert np.array_equal(back.details.top_logprobs, details.top_logprobs)
    assert np.array_equal(back.end_state, STATE)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: MARK + tail))
def test_foreign_bytes_are_nothing(data: bytes) -> None:
    """Bytes that are no stream decode to nothing."""
    assert _read(data) is None


@given(st.integers(0, len(_packed(CACHED)) - 1), st.integers(1, 255))
def test_damaged_bytes_are_nothing(position: int, flip: int) -> None:
    """A stream with one byte changed, or cut short, decodes to nothing."""
    data = bytearray(_packed(CACHED))
    assert _read(bytes(data[:position])) is None
    data[position] ^= flip
    assert _read(bytes(data)) is None


@pytest.mark.parametrize("seal", SEALS)
def test_a_value_of_another_key_is_nothing(seal: Seal) -> None:
    """A value that was copied under another key, of another stream or model, decodes to nothing."""
    assert decode(_packed(CACHED, seal), "charloom:other", seal, FORM) is None


def test_a_value_without_the_secret_is_nothing() -> None:
    """With a secret, a value that was sealed without it or with another one decodes to nothing."""
    for other in (Seal(), Seal("another")):
        assert _read(_packed(CACHED, other), SEALS[1]) is None
    assert _read(_packed(CACHED, Seal("secret")), SEALS[1]) is not None


DETAILS = describe(np.random.default_rng(0).normal(size=(4, 9)).astype("f4"), np.arange(4))


@pytest.mark.parametrize(
    "stream",
    [
        CachedStream("Welt", STATE.reshape(6, 2)),
        CachedStream("Welt", STATE[:1]),
        CachedStream("Welt", np.full_like(STATE, np.nan)),
        CachedStream("Welt!", STATE),
        CachedStream("Welten", STATE, DETAILS),
        CachedStream("Welt", STATE, replace(DETAILS, top_ids=DETAILS.top_ids + 99)),
        CachedStream("Welt", STATE, replace(DETAILS, logprobs=np.full(4, np.inf, np.float32))),
        CachedStream(
            "Welt",
            STATE,
            replace(
                DETAILS,
                top_ids=DETAILS.top_ids[:, :3],
                top_logprobs=DETAILS.top_logprobs[:, :3],
            ),
        ),
    ],
    ids=["shape", "layers", "NaN", "text", "characters", "id", "infinity", "likeliest"],
)
def test_a_value_that_cannot_be_the_models_is_nothing(stream: CachedStream) -> None:
    """A value with a right seal whose shapes, symbols or numbers are not the model's is nothing."""
    assert _read(_packed(stream)) is None


def test_a_text_that_is_not_utf8_is_nothing() -> None:
    """A value with a right seal whose text cannot be decoded is nothing."""
    body = _packed(CACHED)[: -SEALS[0].size].replace("ü".encode(), b"\xff\xff")
    assert _read(body + SEALS[0].of(KEY, body)) is None
