"""Keys: who may ask. Only their SHA-256 hashes are kept, each under a name."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from service.errors import KeyRequired

NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
HASH = re.compile(r"[0-9a-f]{64}")


class Keys:
    """The keys that open the service; with none of them it is open to all."""

    def __init__(self, hashes: Iterable[tuple[str, str]]) -> None:
        """Take (name, SHA-256 as hex); a name with two hashes has two keys."""
        self._hashes = tuple(hashes)

    def __bool__(self) -> bool:
        """Whether there is any key."""
        return bool(self._hashes)

    def name_of(self, authorization: str) -> str:
        """Return the name of the key in an Authorization header.

        Raises:
            KeyRequired: the header is missing, or holds no key of this service.
        """
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise KeyRequired("send your key in the header `Authorization: Bearer KEY`")
        given, found = hash_of(key.strip()), None
        for name, expected in self._hashes:  # all of them, so that the time tells nothing
            if hmac.compare_digest(given, expected):
                found = name
        if found is None:
            raise KeyRequired("this service does not know the key; ask its operator for one")
        return found


def parse_keys(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return (name, hash) of each line `name:hash`, passing over empty ones and # comments.

    Raises:
        ValueError: a line is something else; it is not shown, since it may be a key.
    """
    found = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        name, _, digest = line.partition(":")
        if not (NAME.fullmatch(name) and HASH.fullmatch(digest)):
            raise ValueError(
                f"entry {number} is not NAME:SHA256 (64 lower-case hex digits); "
                "`python -m service keys new NAME` prints one"
            )
        found.append((name, digest))
    return found


def new_key() -> str:
    """Return a fresh random key of 256 bits."""
    return f"charloom_{secrets.token_urlsafe(32)}"


def hash_of(key: str) -> str:
    """Return the SHA-256 of a key, as hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
