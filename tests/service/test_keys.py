"""Keys are known by their hashes alone."""

import re

import pytest

from service.errors import KeyRequired
from service.keys import HASH, Keys, hash_of, new_key, parse_keys

KNOWN = Keys([("anna", hash_of("first")), ("anna", hash_of("second")), ("bert", hash_of("third"))])


@pytest.mark.parametrize(
    ("authorization", "name"),
    [("Bearer first", "anna"), ("bearer  second ", "anna"), ("BEARER third", "bert")],
)
def test_a_key_has_its_holders_name(authorization: str, name: str) -> None:
    """Each key of a holder is known by the holder's name, whatever the case of the scheme."""
    assert KNOWN.name_of(authorization) == name


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic first", "Bearer fourth"])
def test_any_other_header_is_refused(authorization: str) -> None:
    """A header without a known key raises an error that names the remedy and not the key."""
    with pytest.raises(KeyRequired) as refused:
        KNOWN.name_of(authorization)
    assert "fourth" not in str(refused.value)


def test_keys_are_true_if_there_are_any() -> None:
    """Keys without a hash are false, which means a service without keys."""
    assert KNOWN
    assert not Keys([])


def test_lines_become_names_and_hashes() -> None:
    """Empty lines and comments are passed over, and blanks around a line do not count."""
    digest = hash_of("key")
    assert parse_keys(["# people", "", f"  anna:{digest} "]) == [("anna", digest)]


@pytest.mark.parametrize("line", ["secret", "anna:secret", f":{'0' * 64}", f"a b:{'0' * 64}"])
def test_a_wrong_line_is_counted_and_not_shown(line: str) -> None:
    """The error of a line in another form gives its number, since the line may be a key."""
    with pytest.raises(ValueError, match="entry 2 is not NAME:SHA256") as wrong:
        parse_keys(["# people", line])
    assert "secret" not in str(wrong.value)


def test_a_new_key_is_fresh() -> None:
    """Each new key is another one, whose hash has the form that a line needs."""
    first, second = new_key(), new_key()
    assert first != second
    assert re.fullmatch(r"charloom_[\w-]{43}", first)
    assert HASH.fullmatch(hash_of(first))
