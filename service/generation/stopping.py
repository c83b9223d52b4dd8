"""The end of the service: whether it has begun, and whether running texts must end too."""

from dataclasses import dataclass


@dataclass
class Stopping:
    """The stages of the end, which the HTTP worker sets and which never go back."""

    begun: bool = False
    """Whether balancers should send no further requests; requests are still answered."""
    over: bool = False
    """Whether the texts that are being written end with `Draining`."""
