"""Keys of clients; the service knows only the SHA-256 hash of each key, under a name."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from service.errors import KeyRequired

NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
HASH = re.compile(r"[0-9a-f]{64}")


class Keys:
    """The known keys; without any key every client is admitted."""

    def __init__(self, hashes: Iterable[tuple[str, str]]) -> None:
        """Take (name, SHA-256 as hex) of each key; a name may have several keys."""
        self._hashes = tuple(hashes)

    def __bool__(self) -> bool:
        """Return whether there is any key."""
        return bool(self._hashes)

    def name_of(self, authorization: str) -> str:
        """Return the name of the key in an Authorization header.

        Raises:
            KeyRequired: the header is missing, or holds no known key.
        """
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise KeyRequired("send your key in the header `Authorization: Bearer KEY`")
        given, found = hash_of(key.strip()), None
        for name, expected in self._hashes:  # every key is compared: the time reveals no match
            if hmac.compare_digest(given, expected):
                found = name
        if found is None:
            raise KeyRequired("this service does not know the key; ask its operator for one")
        return found


def parse_keys(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return (name, hash) of each line `name:hash`, without empty lines and # comments.

    Raises:
        ValueError: a line has another form; the message does not show the line, which may be a key.
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
