"""The versioned store of frozen models, and the contract that training and service share."""

from model_store import contents
from model_store.aliases import PRODUCTION, Aliases
from model_store.bundle import BUNDLED, bundle
from model_store.contents import SERVING_FILES
from model_store.control_groups import cores, free_memory, most_threads
from model_store.errors import (
    AliasError,
    DamagedVersion,
    InvalidName,
    InvalidVocabulary,
    ModelNotFound,
    StoreError,
    StoreUnavailable,
    UnknownCharacters,
    UnpublishableFolder,
    UnreadableModel,
    VocabularyTooLarge,
)
from model_store.faults import Fault, Faults
from model_store.files import locked, require_free, write_atomically
from model_store.fingerprint import fingerprint, steps_to_walk
from model_store.known_texts import KnownTexts, text_hash, write_known_texts
from model_store.layered import LayeredStore
from model_store.manifest import (
    Architecture,
    Corpus,
    FileEntry,
    Manifest,
    ModelDescription,
    Parent,
)
from model_store.names import check_name
from model_store.output import READER_GONE, discard_output
from model_store.processor import processor_field, processor_flags
from model_store.store import ModelStore
from model_store.stored import StoredModel
from model_store.vocabulary import LINE_END, TEXT_END, UNKNOWN, Vocabulary

__all__ = [
    "BUNDLED",
    "LINE_END",
    "PRODUCTION",
    "READER_GONE",
    "SERVING_FILES",
    "TEXT_END",
    "UNKNOWN",
    "AliasError",
    "Aliases",
    "Architecture",
    "Corpus",
    "DamagedVersion",
    "Fault",
    "Faults",
    "FileEntry",
    "InvalidName",
    "InvalidVocabulary",
    "KnownTexts",
    "LayeredStore",
    "Manifest",
    "ModelDescription",
    "ModelNotFound",
    "ModelStore",
    "Parent",
    "StoreError",
    "StoreUnavailable",
    "StoredModel",
    "UnknownCharacters",
    "UnpublishableFolder",
    "UnreadableModel",
    "Vocabulary",
    "VocabularyTooLarge",
    "bundle",
    "check_name",
    "contents",
    "cores",
    "discard_output",
    "fingerprint",
    "free_memory",
    "locked",
    "most_threads",
    "processor_field",
    "processor_flags",
    "require_free",
    "steps_to_walk",
    "text_hash",
    "write_atomically",
    "write_known_texts",
]
