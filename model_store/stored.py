"""One published version, opened and verified."""

from dataclasses import dataclass
from pathlib import Path

from model_store.errors import DamagedVersion, InvalidVocabulary
from model_store.files import sha256_of
from model_store.manifest import FileEntry, Manifest
from model_store.vocabulary import Vocabulary

VOCABULARY = "vocabulary.json"


@dataclass(frozen=True)
class StoredModel:
    """A version whose files were compared with its manifest."""

    manifest: Manifest
    folder: Path

    @property
    def vocabulary(self) -> Vocabulary:
        """The model's vocabulary, read anew; raises `DamagedVersion` when it is no good."""
        path = self.file(VOCABULARY)
        try:
            vocabulary = Vocabulary.from_json(path.read_bytes())
        except InvalidVocabulary as error:
            raise DamagedVersion(path, f"holds no vocabulary ({error})") from error
        if len(vocabulary) != self.manifest.vocabulary_size:
            raise DamagedVersion(path, "differs in length from the manifest's vocabulary_size")
        return vocabulary

    def file(self, path: str) -> Path:
        """Return where a listed file lies; raises `DamagedVersion` for one that is not listed."""
        if path not in self.manifest.files:
            raise DamagedVersion(self.folder / path, "is not in the manifest")
        return self.folder / path


def verify_file(path: Path, expected: FileEntry) -> None:
    """Raise `DamagedVersion` unless the file has the size and SHA-256 it was published with."""
    if not path.is_file():
        raise DamagedVersion(path, "is missing")
    size = path.stat().st_size
    if size != expected.size:
        raise DamagedVersion(path, f"has {size:,} bytes instead of {expected.size:,}")
    if sha256_of(path) != expected.sha256:
        raise DamagedVersion(path, "is damaged (its SHA-256 is not the manifest's)")
