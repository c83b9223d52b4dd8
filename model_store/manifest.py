"""The manifest of a published version."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)
from pydantic_core import to_jsonable_python

from model_store.contents import MANIFEST
from model_store.names import is_name

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _as_json(value: object) -> object:
    # Normalised at once, so that a manifest read from its file equals the published manifest.
    return json.loads(json.dumps(to_jsonable_python(value), allow_nan=False))


def is_file_path(path: str) -> bool:
    """Return whether `path` may name a version's file: a plain relative POSIX path below the folder."""
    pure = PurePosixPath(path)
    return (
        path != MANIFEST
        and path.isprintable()
        and "\\" not in path
        and not pure.is_absolute()
        and bool(pure.parts)
        and ".." not in pure.parts
        and str(pure) == path
    )


def _checked_path(path: str) -> str:
    if not is_file_path(path):
        raise ValueError(f"{path!r} is not the path of a file in the version's folder")
    return path


def _checked_name(name: str) -> str:
    if not is_name(name):
        raise ValueError(f"{name!r} cannot name a model")
    return name


JsonObject = Annotated[dict[str, Any], BeforeValidator(_as_json)]
FilePath = Annotated[str, AfterValidator(_checked_path)]
ModelName = Annotated[str, AfterValidator(_checked_name)]


class _Frozen(BaseModel):
    # A service reads what the training job of a later release publishes: fields that the service does not
    # know are ignored. A change that no earlier service may ignore needs a higher `Manifest.format`.
    model_config = ConfigDict(frozen=True, extra="ignore")


class FileEntry(_Frozen):
    """The SHA-256 and size of one file."""

    sha256: Sha256
    size: NonNegativeInt


class Architecture(_Frozen):
    """The network's shape."""

    cell: Literal["lstm", "gru", "rnn"]
    layers: PositiveInt
    units: PositiveInt
    embedding: NonNegativeInt  # 0: one-hot


class Corpus(_Frozen):
    """The text that a model was trained on; of a corpus of many short texts, their numbers."""

    name: str
    sha256: Sha256
    characters: PositiveInt
    texts: PositiveInt | None = None  # distinct ones; None: the corpus is one continuous text
    held_out_texts: PositiveInt | None = None

    @property
    def size(self) -> str:
        """The numbers of texts and characters, for people."""
        characters = f"{self.characters:,} characters"
        return characters if self.texts is None else f"{self.texts:,} texts, {characters}"


class Parent(_Frozen):
    """A version that a training began with, or learned from."""

    name: ModelName
    version: PositiveInt
    digest: Sha256

    def __str__(self) -> str:
        """Return name, version and digest as one line."""
        return f"{self.name}@{self.version}, digest {self.digest}"


class ModelDescription(_Frozen):
    """The part of a manifest that the publisher provides."""

    architecture: Architecture
    vocabulary_size: PositiveInt
    corpus: Corpus
    training: JsonObject
    libraries: dict[str, str]
    metrics: dict[str, FiniteFloat]
    git_commit: str | None
    parent: Parent | None = None
    teachers: tuple[Parent, ...] = ()  # whose probabilities the training learned
    fingerprint: Sha256 | None = None  # of the int8 graph; None in early versions
    # A text of the held-out part to try the model with; None in early versions.
    seed_text: str | None = None

    @property
    def remark(self) -> str | None:
        """A predicate of a model whose loss is not below the loss of its 5-gram baseline, or None."""
        own, simple = (self.metrics.get(f"{name}_nats") for name in ("validation", "5-gram"))
        if own is None or simple is None or own < simple:
            return None
        return f"loses to its own 5-gram model ({own:.4f} against {simple:.4f} nats)"


class Manifest(ModelDescription):
    """A description, with the identity of the version and the digest of its files."""

    format: Literal[1] = 1
    name: ModelName
    version: PositiveInt
    created: AwareDatetime
    digest: Sha256
    files: Annotated[dict[FilePath, FileEntry], Field(min_length=1)]

    @model_validator(mode="after")
    def _digest_is_over_the_files(self) -> Self:
        if self.digest != digest_of(self.files):
            raise ValueError("the digest is not the one of the listed files")
        return self


def digest_of(files: Mapping[str, FileEntry]) -> str:
    """Return the SHA-256 over the sorted lines `path sha256 size` of all files."""
    lines = sorted(f"{path} {entry.sha256} {entry.size}\n" for path, entry in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
