"""A connection of a client, from accept to close."""

from enum import Enum, auto
from typing import Any

from service.http.server.client_address import client_of
from service.http.server.client_socket import ClientSocket
from service.http.server.incoming import Incoming


class Stage(Enum):
    """The stage of a connection between two events of its socket."""

    NEW = auto()
    IDLE = auto()
    """A response is sent, and no byte of the next request has arrived."""
    HEAD = auto()
    """The request's line and headers arrive."""
    BODY = auto()
    """The request's body arrives."""
    ANSWER = auto()
    """A thread answers."""
    ENDING = auto()
    """The last response is sent, and what the client still sends is thrown away."""


class Connection:
    """A client's socket and address, the server's address, and the bytes that have arrived."""

    def __init__(self, sock: ClientSocket, client: Any, server: Any, configuration: Any) -> None:
        self.sock, self.client, self.server = sock, client, server
        self.incoming = Incoming(configuration, client)
        self.stage = Stage.NEW
        self.address = client_of(client[0]) if isinstance(client, tuple) else ""
        """The address by which the client is counted; empty on a Unix socket."""
