"""A client that reads a stream to its end, however often the connection is lost."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

PAUSE = 0.2  # seconds before a request is sent again


@dataclass
class Reader:
    """Reads one text; what happened on the way stays in the fields."""

    port: int
    fields: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    lost: int = 0
    """Connections that ended amid the text."""
    refused: list[int] = field(default_factory=list)
    """The statuses of answers that were no stream."""
    done: bool = False

    def read(self, seconds: float = 400) -> None:
        """Ask until the text is complete; raises TimeoutError when it is not within the seconds."""
        end = time.monotonic() + seconds
        while not self.done:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.text)} characters of {self.fields} in {seconds} s")
            try:
                self._ask()
            except (OSError, HTTPException):
                self.lost += 1
                time.sleep(PAUSE)

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=330)
        headers = {"Content-Type": "application/json"} | self.headers
        if self.text:
            headers["Last-Event-ID"] = str(len(self.text))
        try:
            connection.request(
                "POST", "/generate", json.dumps(self.fields | {"stream": True}), headers
            )
            response = connection.getresponse()
            if response.status in (429, 502, 503, 504):
                self.refused.append(response.status)
                time.sleep(PAUSE)
                return
            if response.status != 200:
                raise ValueError(f"{response.status} for {self.fields}: {response.read().decode()}")
            self._pin(response)
            self._take(response)
        finally:
            connection.close()

    def _pin(self, response: HTTPResponse) -> None:
        """Go on with this version: another one writes another text."""
        self.fields = self.fields | {"model": response.headers["X-Model"]}
        self.headers = self.headers | {"If-Match": response.headers["ETag"]}

    def _take(self, response: HTTPResponse) -> None:
        for event, number, data in _events(response):
            if event == "message":
                self.text += data["text"]
            if number != len(self.text):
                raise ValueError(f"event {number} ends a text of {len(self.text)} characters")
            if event == "done":
                self.done = True
                return
        raise HTTPException("the stream ended without its last event")


def _events(response: HTTPResponse) -> Iterator[tuple[str, int, Any]]:
    """Yield kind, id and data of each event."""
    event, number = "message", -1
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            event = value
        elif name == "id":
            number = int(value)
        elif name == "data":
            yield event, number, json.loads(value)
        elif not name and not value:
            event = "message"
