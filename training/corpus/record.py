"""The record beside the ids of a text on disk: what the ids were made from."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from model_store import InvalidVocabulary, Vocabulary
from training.config import TrainingConfig
from training.corpus.sources import Corpus
from training.sealed import is_sealed, unsealed_json

IDS, RECORD = "text.ids", "text.json"


class Record(BaseModel):
    """The text, the settings and the vocabulary that the ids in the same folder were made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # 1: texts were arranged before symbols were dropped; 2: texts had the licences of Project Gutenberg;
    # 3: line breaks within a record became spaces.
    format: Literal[4] = 4
    sha256: str
    min_count: int
    unknown: str | None  # the treatment of symbols that a given vocabulary lacks
    characters: int
    symbols: tuple[str, ...]
    # Of a corpus of many short texts: their source, the fraction held out, and the numbers of texts.
    texts: str = "continuous"
    validation_fraction: float | None = None
    training_texts: int = 0
    repeated_texts: int = 0


def record_on_disk(
    corpus: Corpus, config: TrainingConfig, folder: Path, given: Vocabulary | None
) -> Record | None:
    """Return the record of the ids in the folder, or None if the ids cannot be used again."""
    try:
        record = Record.model_validate_json(unsealed_json((folder / RECORD).read_bytes()))
        vocabulary = Vocabulary(record.symbols)
    except (OSError, ValueError, InvalidVocabulary):
        return None
    unknown = config.unknown if given else None
    usable = (
        record.sha256 == corpus.sha256
        and (record.min_count, record.unknown) == (config.min_count, unknown)
        and (record.texts, record.validation_fraction) == order(config)
        and vocabulary == (given or vocabulary)
        and len(vocabulary) <= config.max_vocabulary
        and is_sealed(folder / IDS)
    )
    return record if usable else None


def order(config: TrainingConfig) -> tuple[str, float | None]:
    """Return the keys that decide the order of the ids: of short texts, the held-out ones come last."""
    return config.texts, config.validation_fraction if config.of_texts else None


def id_type(vocabulary: Vocabulary) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the smallest integer type that holds the ids of a vocabulary."""
    return np.min_scalar_type(len(vocabulary) - 1)
