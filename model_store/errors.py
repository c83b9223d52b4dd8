"""The errors of the store; every message names the cause and the remedy."""

from collections.abc import Iterable
from pathlib import Path


class StoreError(Exception):
    """The base of every error that this package raises on purpose."""


class InvalidName(StoreError):
    """A model or alias name that breaks the naming rule."""


class InvalidVocabulary(StoreError):
    """A vocabulary that is empty, unsorted, repeated or not made of single characters."""


class VocabularyTooLarge(StoreError):
    """A text with more distinct characters than a character model should have."""

    def __init__(self, size: int, max_size: int) -> None:
        """Take both sizes, in characters."""
        super().__init__(
            f"the text has {size:,} distinct characters and the limit is {max_size:,}: "
            "is this a text file? If it is, raise the limit or clean the corpus"
        )
        self.size = size
        self.max_size = max_size


class UnknownCharacters(StoreError):
    """A text with characters that the vocabulary lacks."""

    def __init__(self, characters: tuple[str, ...]) -> None:
        """Take the distinct characters, in order of appearance."""
        super().__init__(
            f"the model does not know {_listed(map(quoted, characters), most=20)}: "
            "leave them out or have them dropped"
        )
        self.characters = characters


class ModelNotFound(StoreError):
    """A model, version or alias that the store does not hold."""


class UnpublishableFolder(StoreError):
    """A folder whose contents cannot become a version."""


class AliasError(StoreError):
    """An alias that cannot be read or cannot move as asked."""


class DamagedVersion(StoreError):
    """A published file that differs from its manifest."""

    def __init__(
        self,
        path: Path | str,
        problem: str,
        remedy: str = "restore that file from a copy, or publish the model again",
    ) -> None:
        """Take the damaged file, the problem as a predicate of the file, and the remedy."""
        super().__init__(f"{path} {problem}: {remedy}")
        self.path = path


class UnreadableModel(StoreError):
    """A model's file or folder that exists and that this process cannot read."""

    def __init__(
        self,
        path: Path | str,
        reason: str,
        remedy: str = "let the user of this process read it, or repair the disk",
    ) -> None:
        """Take the file or folder, the reason of the storage, and the remedy."""
        super().__init__(f"{path} cannot be read ({reason}): {remedy}")


class StoreUnavailable(StoreError):
    """A store that cannot be reached, read or written, or has no place for local copies."""


def no_model(name: str, existing: Iterable[str]) -> ModelNotFound:
    """Return the error for an unknown model name, listing the existing models."""
    known = _listed(existing)
    remedy = f"there are {known}" if known else "the store is empty, so train a model first"
    return ModelNotFound(f"no model is called {quoted(name)}: {remedy}")


def no_version(name: str, version: int, existing: Iterable[int]) -> ModelNotFound:
    """Return the error for an unknown version, listing the existing versions."""
    known = _listed(map(str, existing)) or "none"
    return ModelNotFound(f"{name} has no version {version}: it has {known}")


def no_alias(name: str, alias: str, existing: Iterable[str]) -> ModelNotFound:
    """Return the error for an unknown alias, listing the existing versions and aliases."""
    known = _listed(existing)
    return ModelNotFound(f"{name} has no version or alias {quoted(alias)}: it has {known}")


def lost_alias(name: str, alias: str, version: int, existing: Iterable[int]) -> ModelNotFound:
    """Return the error for an alias whose version was removed from the store."""
    known = _listed(map(str, existing))
    return ModelNotFound(
        f"{name}@{alias} is version {version}, which is gone: point the alias at one of {known}"
    )


def quoted(text: str) -> str:
    """Return `text` quoted, printable and cut to 80 characters, since a client may have sent it."""
    return repr(text[:80])


def _listed(words: Iterable[str], most: int = 50) -> str:
    every = list(words)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
