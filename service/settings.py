"""Everything the environment can set, read once and frozen."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.keys import parse_keys


class Settings(BaseSettings):
    """The service's settings; each is read from the environment variable `CHARLOOM_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CHARLOOM_", frozen=True, extra="forbid")

    store: str = Field("models", description="The model store: a folder or s3://bucket/prefix.")
    model: str = Field(
        "shakespeare", description="The model that answers when a request names none."
    )
    keys: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None,
        description="Who may ask, as name:hash by commas; neither here nor in a file: everyone.",
    )
    keys_file: Path | None = Field(
        None, description="File of further keys, one name:SHA-256 per line."
    )
    requests_per_minute: int = Field(
        0, ge=0, description="Requests of one key or address in a minute; 0: any number."
    )
    characters_per_minute: int = Field(
        0, ge=0, description="Characters asked for in a minute; 0: any number."
    )
    cors_origins: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Origins whose pages may ask, by commas."
    )
    trusted_proxies: int = Field(
        0, ge=0, description="Proxies in front whose X-Forwarded-… headers are believed."
    )
    log_text: bool = Field(False, description="Whether the log has the seed texts.")
    models: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        None, description="Names of the models that are offered, by commas; none: all in the store."
    )
    max_loaded: int = Field(
        4, ge=1, description="Models that stay in memory; the one asked for longest ago leaves."
    )
    reload_seconds: float = Field(
        10.0, gt=0, description="Seconds between two looks for new versions and moved aliases."
    )
    workers: int = Field(
        1, ge=1, description="Processes that speak HTTP, each with engines and queues of its own."
    )
    engine: Literal["onnx", "tensorflow"] = Field("onnx", description="What computes the steps.")
    require_exact: bool = Field(
        False,
        description="Whether a model must compute here what it computed where it was trained.",
    )
    engine_threads: int = Field(0, ge=0, description="Threads of an engine; 0: one per core.")
    slots: int = Field(64, ge=1, description="Generations that run at once in one batch.")
    queue: int = Field(256, ge=0, description="Generations that may wait for a slot; then 429.")
    max_length: int = Field(10_000, ge=1, description="Longest text of one request, in characters.")
    max_seed_chars: int = Field(10_000, ge=0, description="Longest seed text, in characters.")
    deadline: float = Field(60.0, gt=0, description="Seconds after which a request fails with 504.")
    redis_url: str | None = Field(
        None, description="Redis for the cache, as redis://host:port/db; without it: in memory."
    )
    redis_timeout: float = Field(
        0.1, gt=0, description="Seconds Redis may take before it is a miss."
    )
    cache_ttl: int = Field(86_400, ge=1, description="Seconds a cached stream lives in Redis.")
    cache_megabytes: int = Field(64, ge=0, description="Size of the cache in memory.")

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
        # A file without a key is a mistake that would leave the service open.
        if file is not None and not _keys_in(file):
            raise ValueError(f"{file} holds no key; `python -m service keys new NAME` makes one")
        return file

    def all_keys(self) -> list[tuple[str, str]]:
        """Return (name, SHA-256) of every key, from the environment and the file."""
        return parse_keys(self.keys or ()) + (_keys_in(self.keys_file) if self.keys_file else [])


def _keys_in(file: Path) -> list[tuple[str, str]]:
    try:
        return parse_keys(file.read_text(encoding="utf-8").splitlines())
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
