"""The client of a generation, as far as the generation depends on the client."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """The client of a generation: its connection and its use of the cache."""

    connected: Callable[[], bool] = lambda: True
    client: str = ""
    """The key or the address of the client; clients share the engine's slots."""
    streaming: bool = False
    """Whether the client reads each piece as soon as the piece is drawn."""
    read_cache: bool = True
    write_cache: bool = True
