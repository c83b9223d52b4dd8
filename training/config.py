"""The whole configuration of one training run, validated and frozen."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from training.errors import ConfigError, quoted

# The keys with an option of their own, which errors name.
FLAGS = {"texts": "--texts", "min_count": "--min-count", "unknown": "--unknown"}


class TrainingConfig(BaseModel):
    """Every choice that determines the trained weights.

    The defaults suit a text of about 1 MB; `training.suited` has those of shorter texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    cell: Literal["lstm", "gru", "rnn"] = "lstm"
    layers: int = Field(default=1, ge=1, le=8)
    units: int = Field(default=768, ge=1, le=4096)
    embedding: int = Field(default=128, ge=0, le=4096)  # 0: one-hot
    dropout: float = Field(default=0.5, ge=0, lt=1)
    dropout_mask: Literal["sequence", "step"] = "sequence"  # one mask per sequence, or one per step
    weight_drop: float = Field(default=0.25, ge=0, lt=1)

    epochs: int = Field(default=20, ge=1, le=1_000_000)
    max_steps_per_epoch: int = Field(default=2000, ge=1)  # an epoch of a long text ends here
    batch_size: int = Field(default=32, ge=1)
    sequence_length: int = Field(default=128, ge=1)
    window_stride: int = Field(default=0, ge=0)  # 0: streams; n: windows n characters apart
    learning_rate: float = Field(default=2.5e-3, gt=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = Field(default=100, ge=0)
    weight_decay: float = Field(default=0.01, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    ema_momentum: float = Field(default=0.995, ge=0, lt=1)
    teacher_share: float = Field(default=0.5, ge=0, le=1)  # of the teachers in the targets
    teacher_text: int = Field(default=0, ge=0)  # characters that the teachers write
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"

    # `continuous`: one text; `lines`, `files` or `column:NAME`: many short texts, each from the zero state.
    texts: str = "continuous"
    validation_fraction: float = Field(default=0.1, gt=0, lt=1)
    test_fraction: float = Field(default=0.0, ge=0, lt=1)  # after the validation part
    validation_characters: int = Field(default=200_000, ge=50)  # the loss is over the first ones
    min_count: int = Field(default=1, ge=1, le=1_000_000_000)  # rarer symbols become U+FFFD
    unknown: Literal["error", "drop"] = "error"  # treatment of symbols that the parent lacks
    max_vocabulary: int = Field(default=1000, ge=2)
    sample_length: int = Field(default=200, ge=1)
    random_seed: int = Field(default=1, ge=0, lt=2**31)  # TensorFlow takes 32 bits

    @property
    def of_texts(self) -> bool:
        """Whether the corpus is one of many short texts."""
        return self.texts != "continuous"

    @field_validator("texts")
    @classmethod
    def _know_where_texts_are(cls, texts: str) -> str:
        if texts not in ("continuous", "lines", "files") and not re.fullmatch("column:.+", texts):
            raise ValueError("must be lines, files, column:NAME or continuous")
        return texts

    @field_validator("test_fraction")
    @classmethod
    def _leave_a_training_text(cls, fraction: float, info: ValidationInfo) -> float:
        if fraction + info.data.get("validation_fraction", 0.0) >= 1:
            raise ValueError("the sum with validation_fraction must be less than 1")
        if fraction and info.data.get("texts") != "continuous":
            raise ValueError("many short texts have no test part: leave test_fraction out")
        return fraction


NOTHING: Mapping[str, Any] = MappingProxyType({})


def load_config(
    file: Path | None, overrides: list[str], settled: Mapping[str, Any] = NOTHING
) -> TrainingConfig:
    """Read a TOML file, apply `key=value` overrides and validate.

    `settled` are the values that a parent version fixes.

    Raises:
        ConfigError: a key is unknown, a value is invalid, or a settled key has another value.
    """
    values = {**settled} | ({} if file is None else _read_toml(file))
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ConfigError(f"--set {quoted(override)} is not of the form key=value")
        values[key.strip()] = value.strip()
    try:
        config = TrainingConfig(**values)
    except ValidationError as error:
        raise ConfigError("; ".join(map(_describe, error.errors()))) from None
    for key, value in settled.items():
        if getattr(config, key) != value:
            name = FLAGS.get(key, key)
            raise ConfigError(
                f"{name} is {value} in the version to start from and cannot be "
                f"{getattr(config, key)}: leave {name} out"
            )
    return config


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None


def _describe(error: Any) -> str:
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"unknown key {quoted(key)}; the keys are: {', '.join(TrainingConfig.model_fields)}"
    problem = error["msg"].removeprefix("Value error, ")
    return f"{FLAGS.get(key, key)}: {problem} (got {quoted(error['input'])})"
