"""Faults: the problems of single models, noted while the other models go on."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType

from model_store.errors import StoreError, StoreUnavailable, lost_alias


@dataclass(frozen=True)
class Fault:
    """A model, version or alias that cannot be used, and the problem with its remedy."""

    model: str
    problem: str


class Faults(list[Fault]):
    """The faults that were met while models were read one by one."""

    def of(self, model: str) -> "_Noting":
        """Note a `StoreError` of the block as a fault of a model, and go on after the block.

        Raises:
            StoreUnavailable: the store as a whole cannot be read.
        """
        return _Noting(self, model)

    def add_lost(self, name: str, aliases: Mapping[str, int], versions: Iterable[int]) -> None:
        """Note each alias of a model whose version is not among the existing versions."""
        existing = list(versions)
        for alias, version in aliases.items():
            if version not in existing:
                error = lost_alias(name, alias, version, existing)
                self.append(Fault(f"{name}@{alias}", str(error)))


# A class, because type checkers take a generator for a block that swallows no error.
@dataclass(frozen=True)
class _Noting(AbstractContextManager[None, bool]):
    faults: Faults
    model: str

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, StoreUnavailable) or not isinstance(error, StoreError):
            return False
        self.faults.append(Fault(self.model, str(error)))
        return True
