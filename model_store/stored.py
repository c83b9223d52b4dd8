"""One published version, opened and verified."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model_store.contents import SERVING_FILES, VOCABULARY
from model_store.errors import DamagedVersion, InvalidVocabulary
from model_store.manifest import Manifest
from model_store.vocabulary import Vocabulary

_SERVED = "publish the model again"
# Bundled versions, and versions that `bundle` has copied, have the serving files alone.
_TRAINED = (
    "use CHARLOOM_ENGINE=onnx, or a version that `python -m training` published: "
    "bundled versions have the files of onnx alone"
)


@dataclass(frozen=True)
class StoredModel:
    """A version whose `checked` files were compared with the manifest."""

    manifest: Manifest
    folder: Path
    checked: frozenset[str]

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary, read at each access; raises `DamagedVersion` if the file is invalid."""
        path = self.file(VOCABULARY)
        try:
            vocabulary = Vocabulary.from_json(path.read_bytes())
        except InvalidVocabulary as error:
            raise DamagedVersion(path, f"holds no vocabulary ({error})") from error
        if len(vocabulary) != self.manifest.vocabulary_size:
            raise DamagedVersion(path, "differs in length from the manifest's vocabulary_size")
        return vocabulary

    def file(self, path: str) -> Path:
        """Return the path of a checked file; raises `DamagedVersion` if the manifest lacks the file."""
        if path not in self.manifest.files:
            raise DamagedVersion(
                f"{self.manifest.name}@{self.manifest.version}",
                f"was published without {path}",
                remedy=_SERVED if path in SERVING_FILES else _TRAINED,
            )
        if path not in self.checked:
            raise ValueError(f"{path} was not among the files to open")
        return self.folder / path


def chosen(paths: Iterable[str], wanted: Iterable[str] | None) -> list[str]:
    """Return the paths that equal a wanted path or lie below one; None wants all paths."""
    if wanted is None:
        return list(paths)
    places = list(wanted)
    return [path for path in paths if any(map(PurePosixPath(path).is_relative_to, places))]
