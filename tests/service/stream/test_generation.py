"""The key of a stream is a digest of every field."""

from dataclasses import replace
from typing import Any

from service.stream.generation import Pattern, Sampling, Stream


def test_every_part_of_a_stream_counts_in_its_key() -> None:
    """Streams that differ in any field have different keys."""
    streams = [
        Stream(digest, seed, Sampling(temperature, top_k, top_p, random_seed))
        for digest in ("a", "b")
        for seed in ("a", "a\x00", "")
        for temperature in (0.5, 1.0)
        for top_k in (None, 1)
        for top_p in (None, 0.5)
        for random_seed in (0, 1)
    ]
    assert len({stream.key for stream in streams}) == len(streams)


def test_later_parameters_count_in_a_key_where_they_are_in_use() -> None:
    """A limit, a repetition penalty or a pattern gives another key; their defaults give the old one."""
    plain = Sampling(1.0, None, None, 0)
    changes: list[dict[str, Any]] = [
        {},
        {"min_p": 0.1},
        {"typical_p": 0.1},
        {"repetition_penalty": 1.1},
        {"repetition_penalty": 1.1, "repetition_window": 9},
        {"pattern": Pattern("a+", 5)},
        {"pattern": Pattern("a+", 6)},
        {"pattern": Pattern("a*", 5)},
    ]
    keys = {Stream("a", "b", replace(plain, **change)).key for change in changes}
    assert len(keys) == len(changes)


def test_a_key_is_the_same_everywhere() -> None:
    """The key of a stream is the recorded digest of its fields, in every process and version."""
    sampling = Sampling(0.1, 5, None, 2**63 - 1, logit_bias=((3, -1.5),))
    assert (
        Stream("digest/onnx", "Grüße,\n\U0001f600", sampling).key
        == "77dd6d0a1ab501ef9740cfbd5441ed01d832db51"
    )
