"""Names for versions of one model, such as `production`, and the way back."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt, TypeAdapter, ValidationError

from model_store.errors import AliasError, no_version
from model_store.files import locked, write_atomically
from model_store.names import check_alias

PRODUCTION = "production"

# For each alias the versions it pointed at, the present one last.
_History = dict[str, Annotated[list[PositiveInt], Field(min_length=1)]]
_HISTORY: TypeAdapter[_History] = TypeAdapter(_History)


class Aliases:
    """The aliases of one model; every change is atomic and no writer loses another's."""

    def __init__(self, folder: Path, versions: Callable[[], Sequence[int]]) -> None:
        """Keep the model's folder, and the way to ask which versions exist."""
        self._name = folder.name
        self._file = folder / "aliases.json"
        self._lock = folder / ".aliases.lock"
        self._versions = versions

    def get(self, alias: str) -> int | None:
        """Return the version an alias points at, or None."""
        return self.all().get(alias)

    def all(self) -> dict[str, int]:
        """Return every alias and the version it points at."""
        return {alias: versions[-1] for alias, versions in sorted(self._read().items())}

    def set(self, alias: str, version: int) -> None:
        """Point an alias at a version.

        Raises `InvalidName` for a bad alias and `ModelNotFound` for a version that is not there.
        """
        check_alias(alias)
        existing = self._versions()
        if version not in existing:
            raise no_version(self._name, version, existing)
        with locked(self._lock):
            history = self._read()
            past = history.setdefault(alias, [])
            if past[-1:] != [version]:
                past.append(version)
                self._write(history)

    def rollback(self, alias: str) -> int:
        """Point an alias back at the version before, and return that version.

        Versions that are gone are passed over; raises `AliasError` when none is left.
        """
        existing = self._versions()
        if not existing or self.get(alias) is None:
            raise AliasError(f"{self._name} has no alias {alias!r}: set it first")
        with locked(self._lock):
            history = self._read()
            past = [version for version in history[alias][:-1] if version in existing]
            if not past:
                raise AliasError(
                    f"{self._name}@{alias} has no earlier version to go back to: set it instead"
                )
            self._write(history | {alias: past})
        return past[-1]

    def _read(self) -> _History:
        try:
            return _HISTORY.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            raise AliasError(
                f"{self._file} is not a list of aliases: restore it, or delete it and set them anew"
            ) from error

    def _write(self, history: _History) -> None:
        write_atomically(self._file, _HISTORY.dump_json(history, indent=1) + b"\n")
