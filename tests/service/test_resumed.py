"""A stream goes on after the last event that the client has, with the same characters."""

import json
from typing import Any

import pytest

from tests.servers import Service

NO_STORE = {"Cache-Control": "no-store"}


def _rest(service: Service, has: int, headers: dict[str, str] | None = None, **fields: Any) -> str:
    """The text that a client with the first `has` characters still gets."""
    stream = service.stream({"Last-Event-ID": str(has)} | (headers or {}), **fields)
    assert stream.status == 200
    return stream.text()


def test_the_id_of_an_event_counts_the_characters_so_far(service: Service) -> None:
    """Each event's id is the number of characters up to its end, `done` included."""
    for headers in (NO_STORE, {}, {}):  # drawn without the cache, drawn, and cached
        stream = service.stream(headers, seed="Count", length=300, details=True)
        text = ""
        for event, data in stream:
            text += data["text"] if event == "message" else ""
            assert stream.position == len(text)
        assert len(text) == 300
        stream.close()


@pytest.mark.parametrize("has", [0, 1, 57, 299, 300])
def test_the_rest_has_the_same_characters(service: Service, has: int) -> None:
    """The rest of a text follows its beginning at any character, computed again or cached."""
    whole = service.generate(NO_STORE, seed="Rest", length=300).json["text"]
    assert _rest(service, has, NO_STORE, seed="Rest", length=300) == whole[has:]
    assert service.generate(seed="Rest", length=300).status == 200
    assert _rest(service, has, seed="Rest", length=300) == whole[has:]


def test_held_back_characters_do_not_count(service: Service) -> None:
    """With stop strings, whose beginnings are held back, every event can be gone on from."""
    text = service.generate(NO_STORE, seed="Held", length=400).json["text"]
    fields: dict[str, Any] = {"seed": "Held", "length": 400, "stop": [text[300:304], text[9] + "§"]}
    whole = service.generate(**fields).json["text"]
    stream = service.stream(NO_STORE, **fields)
    places = {stream.position for _ in stream}
    stream.close()
    assert max(places) == len(whole) < 400
    for place in places:
        assert _rest(service, place, **fields) == whole[place:]


def test_details_of_the_rest(service: Service) -> None:
    """The details of the rest are those of its characters."""
    fields: dict[str, Any] = {"seed": "Why", "length": 50, "details": True}
    details = service.generate(NO_STORE, **fields).json["details"]
    stream = service.stream({"Last-Event-ID": "20"}, **fields)
    rest = [one for event, data in stream if event == "message" for one in data["details"]]
    stream.close()
    assert rest == details[20:]


def test_a_drawn_random_seed_and_the_version_are_told(service: Service) -> None:
    """The headers of a stream name the version and the drawn random seed that its rest needs."""
    stream = service.stream(seed="Drawn", length=80, random_seed=None)
    seed, model = int(stream.headers["x-random-seed"]), stream.headers["x-model"]
    whole = stream.text()
    assert model == "tiny@1"
    assert _rest(service, 30, seed="Drawn", length=80, random_seed=seed, model=model) == whole[30:]


def test_a_stream_of_another_text_is_not_gone_on_with(service: Service) -> None:
    """With If-Match a stream goes on if its text is the same; another length or stop changes nothing."""
    begun = service.stream(seed="Tag", length=50)
    begun.close()
    match = {"If-Match": begun.headers["etag"]}
    whole = service.generate(seed="Tag", length=60).json["text"]
    assert _rest(service, 50, match, seed="Tag", length=60) == whole[50:]
    for fields in ({"model": "deep"}, {"random_seed": 1}):
        refused = service.stream({"Last-Event-ID": "9"} | match, seed="Tag", length=50, **fields)
        problem = json.loads(refused.read())
        assert (refused.status, problem["code"]) == (412, "other_text")


@pytest.mark.parametrize("fields", [{}, {"stream": True}], ids=["whole", "stream"])
def test_the_condition_holds_from_the_beginning(service: Service, fields: dict[str, Any]) -> None:
    """If-Match with a tag of the text, of a stream or a whole answer, or a star is met; others are 412."""
    asked: dict[str, Any] = {"seed": "Begin", "length": 20}
    stream = service.stream(**asked)
    stream.close()
    whole = [service.generate(**asked).headers["etag"] for _ in range(3)]
    for tag in (stream.headers["etag"], *whole, "*", f'"other", {whole[0]}'):
        assert service.generate({"If-Match": tag}, **asked | fields).status == 200
    other = fields | {"random_seed": 1}
    for unmet in (other, {"count": 2}):  # an answer with many texts has no tag
        assert service.generate({"If-Match": whole[0]}, **asked | unmet).status == 412


@pytest.mark.parametrize(
    ("sent", "fields", "field", "said"),
    [
        ("51", {}, "Last-Event-ID", "51 is past the end of the text: length is 50"),
        (
            "50",
            {"stop": ["a", "e", "i", "o", "u"][:4]},
            "Last-Event-ID",
            "past the end of the text",
        ),
        ("-1", {}, "Last-Event-ID", "a number of characters"),
        ("1.0", {}, "Last-Event-ID", "a number of characters"),
        ("9" * 30, {}, "Last-Event-ID", "a number of characters"),
        ("", {}, "Last-Event-ID", "a number of characters"),
        ("3", {"stream": False}, "Last-Event-ID", '"stream": true'),
        ("3", {"stream": False, "count": 2}, "Last-Event-ID", "no events"),
        ("3", {"random_seed": None}, "random_seed", "X-Random-Seed"),
    ],
)
def test_what_cannot_be_gone_on_with(
    service: Service, sent: str, fields: dict[str, Any], field: str, said: str
) -> None:
    """A position that no event of the text has is a 422 that names the header or the field."""
    body = {"seed": "Refuse", "length": 50, "stream": True} | fields
    answer = service.generate({"Last-Event-ID": sent}, **body)
    assert answer.status == 422
    (problem,) = answer.json["errors"]
    assert problem["field"] == field
    assert said in problem["message"]


def test_a_repeated_whole_request_is_refused_with_a_position(service: Service) -> None:
    """A whole answer whose bytes are ready is not sent to a client that asks for a rest."""
    for _ in range(3):
        assert service.generate(seed="Ready", length=20).status == 200
    assert service.generate({"Last-Event-ID": "5"}, seed="Ready", length=20).status == 422
