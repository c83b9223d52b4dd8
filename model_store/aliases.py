"""Aliases: names for versions of a model, such as `production`, with the history for a rollback."""

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import Field, PositiveInt, TypeAdapter, ValidationError

from model_store.errors import AliasError, no_version
from model_store.names import check_alias
from model_store.storage import Storage

PRODUCTION = "production"

# By alias, the versions that the alias has pointed at, the present one last.
_History = dict[str, Annotated[list[PositiveInt], Field(min_length=1)]]
_HISTORY: TypeAdapter[_History] = TypeAdapter(_History)


class Aliases:
    """The aliases of one model; a change is atomic and keeps the changes of other writers."""

    def __init__(self, storage: Storage, name: str, versions: Callable[[], Sequence[int]]) -> None:
        """Take the storage, the model's name, and a function that lists the existing versions."""
        self._storage = storage
        self._name = name
        self._path = f"{name}/aliases.json"
        self._versions = versions

    def get(self, alias: str) -> int | None:
        """Return the version an alias points at, or None."""
        return self.all().get(alias)

    def all(self) -> dict[str, int]:
        """Return the version that each alias points at, by alias."""
        history = self._history(self._storage.note(self._path))
        return {alias: versions[-1] for alias, versions in sorted(history.items())}

    def set(self, alias: str, version: int) -> None:
        """Point an alias at a version.

        Raises:
            InvalidName: the alias breaks the naming rule.
            ModelNotFound: the version does not exist.
        """
        check_alias(alias)
        existing = self._versions()
        if version not in existing:
            raise no_version(self._name, version, existing)

        def pointed(past: list[int]) -> list[int]:
            return past if past[-1:] == [version] else [*past, version]

        self._change(alias, pointed)

    def rollback(self, alias: str) -> int:
        """Point an alias back at the version before, and return that version.

        Removed versions are skipped.

        Raises:
            AliasError: the alias has no earlier version.
        """
        existing = self._versions()
        if not existing or self.get(alias) is None:
            raise AliasError(f"{self._name} has no alias {alias!r}: set it first")

        def rolled_back(past: list[int]) -> list[int]:
            earlier = [version for version in past[:-1] if version in existing]
            if not earlier:
                raise AliasError(
                    f"{self._name}@{alias} has no earlier version to go back to: set it instead"
                )
            return earlier

        return self._change(alias, rolled_back)[-1]

    def _change(self, alias: str, change: Callable[[list[int]], list[int]]) -> list[int]:
        """Apply `change` to the versions of one alias, and return the changed versions."""
        changed: list[int] = []

        def rewritten(data: bytes | None) -> bytes | None:
            nonlocal changed
            history = self._history(data)
            past = history.get(alias, [])
            changed = change(past)
            if changed == past:
                return None
            return _HISTORY.dump_json(history | {alias: changed}, indent=1) + b"\n"

        self._storage.change(self._path, rewritten)
        return changed

    def _history(self, data: bytes | None) -> _History:
        try:
            return {} if data is None else _HISTORY.validate_json(data)
        except ValidationError as error:
            raise AliasError(
                f"{self._storage.place(self._path)} is not a list of aliases: "
                "restore it, or delete it and set them anew"
            ) from error
