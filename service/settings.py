"""The settings of the service, read once from the environment."""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from model_store import InvalidName, check_name, cores
from service.addresses import checked_host, checked_origin, checked_redis_url
from service.keys import parse_keys

PREFIX = "CHARLOOM_"

# Generations in the batch of a thread, at least: threads with fewer wait for the interpreter's lock
# more than they compute (docs/performance.md, "By the number of cores").
ROWS = 4

DAY = 86_400
MILLION = 1_000_000

Seconds = Annotated[float, Field(gt=0, le=DAY, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...] | None, NoDecode]


class Settings(BaseSettings):
    """The settings; the environment variable of each is `CHARLOOM_<NAME>`, but for HOST and PORT.

    A variable that is empty counts as not set. `repr=False` marks what no message may show.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # a key or a password may be wrong
        populate_by_name=True,
        validate_default=False,  # the default store need not exist yet
    )

    host: Annotated[str, AfterValidator(checked_host)] = Field(
        "127.0.0.1", validation_alias="HOST", description="Address on which the service listens."
    )
    port: int = Field(
        8000,
        ge=1,
        le=65_535,
        validation_alias="PORT",
        description="Port on which the service listens.",
    )
    store: str = Field("models", description="The model store: a folder or s3://bucket/prefix.")
    model: str = Field(
        "shakespeare", description="The model that answers when a request names none."
    )
    keys: Names = Field(
        None,
        repr=False,
        description="Keys as name:SHA-256, separated by commas; without any key every client is admitted.",
    )
    keys_file: Path | None = Field(
        None, description="File of further keys, one name:SHA-256 per line."
    )
    requests_per_minute: int = Field(
        0,
        ge=0,
        le=1000 * MILLION,
        description="Requests of one key or address in a minute; 0: no limit.",
    )
    characters_per_minute: int = Field(
        0,
        ge=0,
        le=1000 * MILLION,
        description="Characters that one key or address may request in a minute; 0: no limit.",
    )
    cors_origins: Names = Field(
        None, description="Origins whose pages may read responses, separated by commas; * for all."
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=100,
        description="Proxies in front of the service whose X-Forwarded-… headers are trusted.",
    )
    log_text: bool = Field(False, description="Whether the access log holds the seed texts.")
    models: Names = Field(
        None,
        description="Names of the offered models, separated by commas; unset: all models of the store.",
    )
    max_loaded: int = Field(
        4,
        ge=1,
        le=1000,
        description="Models that each HTTP process holds; the least recently requested one is dropped.",
    )
    reload_seconds: Seconds = Field(
        10.0,
        description="Seconds between two checks of the store for new versions and moved aliases.",
    )
    workers: int = Field(
        0, ge=0, le=256, description="Processes that answer HTTP; 0: one per core, and at most 8."
    )
    engine: Literal["onnx", "tensorflow"] = Field(
        "onnx", description="The library that computes the steps."
    )
    require_exact: bool = Field(
        False,
        description="Whether a model must have the same fingerprint here as at its training.",
    )
    engine_threads: int = Field(
        0,
        ge=0,
        le=1024,
        description=f"Threads of an engine; 0: one per core, and at most one for {ROWS} slots.",
    )
    slots: int = Field(64, ge=1, le=4096, description="Generations in one batch.")
    queue: int = Field(
        256,
        ge=0,
        le=10_000,
        description="Generations that may wait for a slot; further requests fail with 429.",
    )
    max_length: int = Field(
        10_000,
        ge=1,
        le=MILLION,
        description="Longest generated text of one request, in characters.",
    )
    max_seed_chars: int = Field(
        10_000, ge=0, le=MILLION, description="Longest seed text, in characters."
    )
    deadline: Seconds = Field(60.0, description="Seconds after which a request fails with 504.")
    unready_seconds: float = Field(
        0,
        ge=0,
        le=DAY,
        allow_inf_nan=False,
        description="Seconds after SIGTERM in which /readyz says 503 and requests are still accepted.",
    )
    redis_url: Annotated[str, AfterValidator(checked_redis_url)] | None = Field(
        None,
        repr=False,
        description="Redis for the cache and the limits, as redis://host:port/db; unset: memory.",
    )
    redis_timeout: Seconds = Field(
        0.1,
        description="Seconds that Redis may take to answer; a later answer counts as a miss.",
    )
    cache_ttl: int = Field(
        DAY, ge=1, le=3650 * DAY, description="Seconds that a cached stream stays in Redis."
    )
    cache_megabytes: int = Field(
        64, ge=0, le=MILLION, description="Size of the cache in memory, in megabytes."
    )
    cache_secret: SecretStr | None = Field(
        None,
        repr=False,
        description="Secret that the values in Redis are signed with; unset: they are checked alone.",
    )

    @field_validator("keys", "cors_origins", "models", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        if isinstance(names, str):
            return [name.strip() for name in names.split(",") if name.strip()]
        return names

    @field_validator("store")
    @classmethod
    def _is_a_place(cls, store: str) -> str:
        # Without this check a mistaken folder would look like an empty store.
        if "://" not in store and not os.access(store, os.R_OK | os.X_OK):
            raise ValueError("use a folder that exists and can be read, or an address as s3://…")
        if "://" not in store and not Path(store).is_dir():
            raise ValueError(
                "this is a file: use a folder, or an address such as s3://bucket/prefix"
            )
        return store

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if keys is not None and not parse_keys(keys):
            raise ValueError("it holds no key; `python -m service keys new NAME` makes one")
        return keys

    @field_validator("keys_file")
    @classmethod
    def _holds_keys(cls, file: Path | None) -> Path | None:
        # Without this check a mistaken file would admit every client.
        if file is not None and not _keys_in(file):
            raise ValueError("it holds no key; `python -m service keys new NAME` makes one")
        return file

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return origins and tuple(map(checked_origin, origins))

    @field_validator("models")
    @classmethod
    def _are_names(
        cls, names: tuple[str, ...] | None, info: ValidationInfo
    ) -> tuple[str, ...] | None:
        if names is None:
            return None
        default = info.data.get("model", "").partition("@")[0]
        try:
            names = tuple(map(check_name, names))
        except InvalidName as error:
            raise ValueError(str(error)) from None
        if default not in names:
            raise ValueError(
                f"name the default model too, which CHARLOOM_MODEL says is {default!r}"
            )
        return names

    @field_validator("engine")
    @classmethod
    def _is_installed(cls, engine: str) -> str:
        if engine == "tensorflow" and find_spec("tensorflow") is None:
            raise ValueError("TensorFlow is not installed: use onnx, or install charloom[training]")
        return engine

    @property
    def worker_count(self) -> int:
        """The number of processes that answer HTTP."""
        return self.workers or min(8, cores())

    @property
    def thread_count(self) -> int:
        """The number of threads of an engine."""
        fitting = min(cores(), max(1, self.slots // ROWS))
        return min(self.engine_threads or fitting, self.slots)

    def all_keys(self) -> list[tuple[str, str]]:
        """Return (name, SHA-256) of every key, from the environment and the file."""
        return parse_keys(self.keys or ()) + (_keys_in(self.keys_file) if self.keys_file else [])


# Read once: a worker that starts later must not depend on the file.
@cache
def _keys_in(file: Path) -> list[tuple[str, str]]:
    try:
        return parse_keys(file.read_text(encoding="utf-8-sig").splitlines())
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8: it must have one NAME:SHA256 per line") from None
