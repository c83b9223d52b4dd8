"""Names for versions of one model, such as `production`, and the way back."""

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import Field, PositiveInt, TypeAdapter, ValidationError

from model_store.errors import AliasError, no_version
from model_store.names import check_alias
from model_store.storage import Storage

PRODUCTION = "production"

# For each alias the versions it pointed at, the present one last.
_History = dict[str, Annotated[list[PositiveInt], Field(min_length=1)]]
_HISTORY: TypeAdapter[_History] = TypeAdapter(_History)


class Aliases:
    """The aliases of one model; every change is atomic and no writer loses another's."""

    def __init__(self, storage: Storage, name: str, versions: Callable[[], Sequence[int]]) -> None:
        """Keep where the model lies, and the way to ask which versions exist."""
        self._storage = storage
        self._name = name
        self._path = f"{name}/aliases.json"
        self._versions = versions

    def get(self, alias: str) -> int | None:
        """Return the version an alias points at, or None."""
        return self.all().get(alias)

    def all(self) -> dict[str, int]:
        """Return every alias and the version it points at."""
        history = self._history(self._storage.note(self._path))
        return {alias: versions[-1] for alias, versions in sorted(history.items())}

    def set(self, alias: str, version: int) -> None:
        """Point an alias at a version.

        Raises `InvalidName` for a bad alias and `ModelNotFound` for a version that is not there.
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

        Versions that are gone are passed over; raises `AliasError` when none is left.
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
        """Replace one alias's versions by what `change` makes of them, and return that."""
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
