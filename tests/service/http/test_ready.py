"""Answers that come again are kept as bytes, up to a capacity."""

from typing import Any

from service.http.ready import OVERHEAD, Meaning, ReadyAnswers, WholeAnswer
from service.stream.generation import Generation, Sampling, Stream
from tests.fake_engines import fake_model

SAMPLING = Sampling(1.0, None, None, 0)


def answer(body: bytes = b"{}", seed: str = "", **changes: Any) -> WholeAnswer:
    """Return an answer with a body and a seed text."""
    fields: dict[str, Any] = {
        "reference": None,
        "meaning": Meaning("fake", 3, "identity"),
        "generation": Generation(Stream("identity", seed, SAMPLING), seed=seed, length=1),
        "finish_reason": "length",
        "characters": 1,
        "entity_tag": "tag",
        "body": body,
    }
    return WholeAnswer(**fields | changes)


def test_an_answer_is_found_by_its_request() -> None:
    """The same bytes of a request find the answer; other bytes, a space more among them, do not."""
    ready, kept = ReadyAnswers(10_000), answer()
    ready.put(b'{"seed":"a"}', kept)
    assert ready.get(b'{"seed":"a"}') is kept
    assert ready.get(b'{"seed": "a"}') is None


def test_a_later_answer_takes_the_place() -> None:
    """A request has one answer, the latest, and the size of the earlier answer is free again."""
    one = len(b"a") + answer(bytes(1_000)).size
    ready = ReadyAnswers(2 * one)
    for _ in range(5):
        ready.put(b"a", answer(bytes(1_000)))
    ready.put(b"b", latest := answer(bytes(1_000)))
    assert ready.get(b"a") is not None
    assert ready.get(b"b") is latest


def test_the_least_recently_used_answer_goes_first() -> None:
    """Over the capacity, the answer that was asked for longest ago is dropped."""
    ready = ReadyAnswers(2 * (len(b"a") + answer().size))
    ready.put(b"a", answer())
    ready.put(b"b", answer())
    ready.get(b"a")
    ready.put(b"c", answer())
    assert [ready.get(key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]


def test_an_answer_over_the_capacity_is_not_kept() -> None:
    """An answer larger than the whole capacity drops no other; a capacity of 0 keeps nothing."""
    ready = ReadyAnswers(5_000)
    ready.put(b"a", answer())
    ready.put(b"b", answer(bytes(5_000)))
    assert ready.get(b"a") is not None
    assert ready.get(b"b") is None
    off = ReadyAnswers(0)
    off.put(b"a", answer())
    assert off.get(b"a") is None


def test_the_size_has_every_text() -> None:
    """The body and the seed text, four bytes a character where one needs them, count."""
    assert answer(bytes(700), seed="😀" * 1_000).size >= 700 + 4_000 + OVERHEAD


def test_a_meaning_is_the_version_and_what_it_computes() -> None:
    """A reference means the same while name, version and identity of its model are the same."""
    assert Meaning.of(fake_model()) == Meaning("fake", 3, "identity")
