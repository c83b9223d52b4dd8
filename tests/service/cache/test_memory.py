"""The cache in memory keeps the values that were used last, up to its capacity."""

from service.cache.memory import MemoryBytes


def test_memory_drops_what_was_used_least_recently() -> None:
    """A full cache in memory drops the value that was used least recently."""
    kept = MemoryBytes(capacity=30)
    for key in "abc":
        kept.set({key: bytes(10)})
    kept.get("a")
    kept.set({"d": bytes(10)})
    assert [key for key in "abcd" if kept.get(key)] == ["a", "c", "d"]


def test_memory_counts_a_replaced_value_once() -> None:
    """A replaced value counts once, and a value larger than the capacity is not kept."""
    kept = MemoryBytes(capacity=30)
    for _ in range(10):
        kept.set({"a": bytes(20)})
    kept.set({"b": bytes(10)})
    kept.set({"c": bytes(31)})
    assert [key for key in "abc" if kept.get(key)] == ["a", "b"]


def test_memory_finds_the_first_key_with_a_value() -> None:
    """Of several keys, the first that has a value is found with its value, and else nothing."""
    kept = MemoryBytes(capacity=30)
    kept.set({"b": b"2", "c": b"3"})
    assert kept.find(["a", "c", "b"]) == ("c", b"3")
    assert kept.find(["a", "d"]) is None
