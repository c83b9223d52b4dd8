"""The naming rule for models and aliases, and references such as `shakespeare@production`."""

import re

from model_store.errors import InvalidName, quoted

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# Eighteen digits fit every integer type and stay below Python's limit for parsing integers.
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_RULE = "use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"


def is_name(text: str) -> bool:
    """Return whether `text` may name a model."""
    return _NAME.fullmatch(text) is not None


def check_name(name: str) -> str:
    """Return `name`, or raise `InvalidName`."""
    if not is_name(name):
        raise InvalidName(f"{quoted(name)} cannot name a model: {_RULE}")
    return name


def check_alias(alias: str) -> str:
    """Return `alias`, or raise `InvalidName`; digits alone would be read as a version."""
    if not is_name(alias):
        raise InvalidName(f"{quoted(alias)} cannot be an alias: {_RULE}")
    if alias.isdigit():
        raise InvalidName(f"{quoted(alias)} cannot be an alias: digits alone are a version")
    return alias


def parse_version(text: str) -> int | None:
    """Return the version that `text` spells without leading zeros, or None."""
    return int(text) if _VERSION.fullmatch(text) else None


def split_reference(reference: str) -> tuple[str, str | None]:
    """Return a reference's model name, and the version or alias after `@`, or None."""
    name, at, selector = reference.partition("@")
    return name, selector if at else None
