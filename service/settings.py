"""The settings of the service, read once from the environment."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.keys import parse_keys


class Settings(BaseSettings):
    """The settings; the environment variable of each is `CHARLOOM_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CHARLOOM_", frozen=True, extra="forbid")

    store: str = Field("models", description="The model store: a folder or s3://bucket/prefix.")
    model: str = Field(
        "shakespeare", description="The model that answers when a request names none."
    )
    keys: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Keys as name:SHA-256, separated by commas; without any key every client is admitted.",
    )
    keys_file: Path | None = Field(
        None, description="File of further keys, one name:SHA-256 per line."
    )
    requests_per_minute: int = Field(
        0, ge=0, description="Requests of one key or address in a minute; 0: no limit."
    )
    characters_per_minute: int = Field(
        0,
        ge=0,
        description="Characters that one key or address may request in a minute; 0: no limit.",
    )
    cors_origins: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Origins whose pages may read responses, separated by commas."
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        description="Proxies in front of the service whose X-Forwarded-… headers are trusted.",
    )
    log_text: bool = Field(False, description="Whether the access log holds the seed texts.")
    models: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Names of the offered models, separated by commas; unset: all models of the store.",
    )
    max_loaded: int = Field(
        4,
        ge=1,
        description="Models in memory at once; the least recently requested model is unloaded.",
    )
    reload_seconds: float = Field(
        10.0,
        gt=0,
        description="Seconds between two checks of the store for new versions and moved aliases.",
    )
    workers: int = Field(
        0, ge=0, description="Processes that answer HTTP; 0: one per core, and at most 8."
    )
    engine: Literal["onnx", "tensorflow"] = Field(
        "onnx", description="The library that computes the steps."
    )
    require_exact: bool = Field(
        False,
        description="Whether a model must have the same fingerprint here as at its training.",
    )
    engine_threads: int = Field(0, ge=0, description="Threads of an engine; 0: one per core.")
    slots: int = Field(64, ge=1, description="Generations in one batch.")
    queue: int = Field(
        256,
        ge=0,
        description="Generations that may wait for a slot; further requests fail with 429.",
    )
    max_length: int = Field(
        10_000, ge=1, description="Longest generated text of one request, in characters."
    )
    max_seed_chars: int = Field(10_000, ge=0, description="Longest seed text, in characters.")
    deadline: float = Field(60.0, gt=0, description="Seconds after which a request fails with 504.")
    redis_url: str | None = Field(
        None,
        description="Redis for the cache and the limits, as redis://host:port/db; unset: memory.",
    )
    redis_timeout: float = Field(
        0.1,
        gt=0,
        description="Seconds that Redis may take to answer; a later answer counts as a miss.",
    )
    cache_ttl: int = Field(86_400, ge=1, description="Seconds that a cached stream stays in Redis.")
    cache_megabytes: int = Field(64, ge=0, description="Size of the cache in memory, in megabytes.")

    @field_validator("keys", "cors_origins", "models", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        if isinstance(names, str):
            return [name.strip() for name in names.split(",") if name.strip()]
        return names

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: tuple[str, ...] | None) -> tuple[str, ...] | None:
        parse_keys(keys or ())
        return keys

    @field_validator("keys_file")
    @classmethod
    def _holds_keys(cls, file: Path | None) -> Path | None:
        # Without this check a mistaken file would admit every client.
        if file is not None and not _keys_in(file):
            raise ValueError(f"{file} holds no key; `python -m service keys new NAME` makes one")
        return file

    @property
    def worker_count(self) -> int:
        """The number of processes that answer HTTP."""
        return self.workers or min(8, cores())

    @property
    def thread_count(self) -> int:
        """The number of threads of an engine."""
        return min(self.engine_threads or cores(), self.slots)

    def all_keys(self) -> list[tuple[str, str]]:
        """Return (name, SHA-256) of every key, from the environment and the file."""
        return parse_keys(self.keys or ()) + (_keys_in(self.keys_file) if self.keys_file else [])


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _keys_in(file: Path) -> list[tuple[str, str]]:
    try:
        return parse_keys(file.read_text(encoding="utf-8").splitlines())
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
