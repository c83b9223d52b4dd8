"""The requests of the soak: texts that are wanted, and rubbish with the status that each part deserves."""

import json
from random import Random
from typing import Any

from tests.servers import Answer, Service
from tests.soak.ledger import Seen, Text

MODEL = "tiny"
JSON = {"Content-Type": "application/json"}
NO_STORE = {"Cache-Control": "no-store"}
WORDS = ["Soak", "the model", "in rain", "Wir haben", "warm days", "and then!", "Ode", "a: b."]

RUBBISH: list[tuple[str, str, bytes, dict[str, str], int]] = [
    ("POST", "/generate", b"{", JSON, 400),
    ("POST", "/generate", b"\xff\xfe\x00", JSON, 400),
    ("POST", "/generate", b"{}", {}, 415),
    ("POST", "/generate", b"{}", JSON, 422),
    ("POST", "/generate", b'{"seed": "a", "temperature": -1}', JSON, 422),
    ("POST", "/generate", b'{"seed": "a", "length": 1e9}', JSON, 422),
    ("POST", "/generate", b'{"seed": "a", "rubbish": 1}', JSON, 422),
    ("POST", "/generate", '{"seed": "€"}'.encode(), JSON, 422),
    ("POST", "/generate", b'{"seed": "a", "model": "nobody"}', JSON, 404),
    ("PUT", "/generate", b"", {}, 405),
    ("GET", "/nowhere", b"", {}, 404),
    ("POST", "/generate", b"[" * 20_000, JSON, 400),
]


def wanted(random: Random, *, variety: int = 40) -> dict[str, Any]:
    """Return the fields of a request, one of `variety` for each of the words."""
    number = random.randrange(variety)
    return {
        "seed": random.choice(WORDS),
        "length": 20 + 30 * number,
        "temperature": 0.5 + number % 3 / 4,
        "random_seed": number,
    }


def pinned(random: Random, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields, in one request of four with the first version as the model."""
    return fields | {"model": f"{MODEL}@1"} if random.random() < 0.25 else fields


def uncached(random: Random) -> dict[str, str]:
    """Return the headers of a request that in three of four cases is drawn anew."""
    return NO_STORE if random.random() < 0.75 else {}


def whole(service: Service, fields: dict[str, Any], headers: dict[str, str]) -> Seen:
    """Ask for a text as one document."""
    answer = service.generate(headers, **fields)
    if answer.status != 200:
        return Seen(answer.status)
    document = answer.json
    return Seen(200, text=_text(fields, document["version"], document["text"]))


def streamed(service: Service, fields: dict[str, Any], headers: dict[str, str]) -> Seen:
    """Ask for a text as events, and read to the last event."""
    answer = service.generate(headers, **fields, stream=True)
    if answer.status != 200:
        return Seen(answer.status)
    *pieces, (name, last) = _events(answer)
    if name != "done":
        return Seen(last["status"])
    return Seen(200, text=_text(fields, last["version"], "".join(d["text"] for _, d in pieces)))


def rubbish(service: Service, random: Random) -> Seen:
    """Send rubbish."""
    method, path, body, headers, right = random.choice(RUBBISH)
    return Seen(service.request(method, path, body, headers).status, right)


def _text(fields: dict[str, Any], version: int, text: str) -> Text:
    asked = {name: value for name, value in fields.items() if name != "model"}
    return Text(version, json.dumps(asked, sort_keys=True), text)


def _events(answer: Answer) -> list[tuple[str, Any]]:
    """Return the name and the data of each event; a piece of text has no name."""
    found = []
    for block in answer.body.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:  # else a comment
            found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found
