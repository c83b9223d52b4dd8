"""`stream: true`: the same text, as it is made."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest

from tests.servers import Service

NO_STORE = {"Cache-Control": "no-store"}


def test_events_carry_the_text_and_then_the_rest(service: Service) -> None:
    """Text comes in `data` events, and `done` has the whole response less the text."""
    whole = service.generate(NO_STORE, seed="Stream", length=100).json
    stream = service.stream(NO_STORE, seed="Stream", length=100)
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["x-cache"] == "bypass"
    *pieces, (event, summary) = list(stream)
    stream.close()
    assert "".join(data["text"] for _, data in pieces) == whole.pop("text")
    assert (event, summary) == ("done", whole)


def test_the_first_characters_come_at_once(service: Service) -> None:
    """The first event comes before most of the text is drawn, and a long text in several events."""
    stream = service.stream(NO_STORE, seed="First", length=10_000, model="deep")
    sizes = [len(data["text"]) for event, data in stream if event == "message"]
    stream.close()
    assert sizes[0] < 5_000
    assert len(sizes) > 3
    assert sum(sizes) == 10_000


def test_text_arrives_while_it_is_made(service: Service) -> None:
    """The first event is here long before a long text is done."""
    stream = service.stream(NO_STORE, seed="Early", length=10_000, model="deep")
    next(iter(stream))
    assert service.metric("charloom_running") == 1
    stream.close()


@pytest.mark.parametrize("length", [1, 120, 240])
def test_cached_stream_is_replayed(service: Service, length: int) -> None:
    """A cached stream is replayed in events, cut or resumed, and says so."""
    seed = (
        f"Replay {length}".replace("1", "a").replace("2", "b").replace("4", "c").replace("0", "d")
    )
    whole = service.generate(NO_STORE, seed=seed, length=length).json["text"]
    assert service.generate(seed=seed, length=120).headers["x-cache"] == "miss"
    stream = service.stream(seed=seed, length=length)
    assert stream.headers["x-cache"] == ("hit" if length <= 120 else "partial")
    assert stream.headers["x-cached-characters"] == str(min(length, 120))
    assert stream.text() == whole


def test_streamed_text_is_cached(service: Service) -> None:
    """What was streamed once is a hit for whoever asks for it whole."""
    text = service.stream(seed="Keep", length=90).text()
    again = service.generate(seed="Keep", length=90)
    assert again.headers["x-cache"] == "hit"
    assert again.json["text"] == text


def test_refusals_come_before_the_first_byte(service: Service) -> None:
    """A refused stream is an ordinary problem document with its status."""
    refused: list[tuple[dict[str, Any], int]] = [
        ({"seed": "€"}, 422),
        ({"seed": "a", "model": "nobody"}, 404),
    ]
    for fields, status in refused:
        stream = service.stream(**fields)
        assert stream.status == status
        assert stream.headers["content-type"] == "application/problem+json"
        stream.close()


def test_stop_strings_end_the_text(service: Service) -> None:
    """A text ends before the first stop string, streamed or whole, cached or not."""
    whole = service.generate(NO_STORE, seed="Stop", length=300).json["text"]
    stop = whole[120:123]
    place = whole.index(stop)
    for expected in ("miss", "hit"):
        answer = service.generate(seed="Stop", length=300, stop=[stop, "§"])
        assert answer.json["text"] == whole[:place]
        assert answer.json["finish_reason"] == "stop"
        stream = service.stream(seed="Stop", length=300, stop=["§", stop])
        assert stream.text() == whole[:place]
        assert answer.headers["x-cache"] == expected
    assert service.generate(seed="Stop", length=300).json["text"] == whole


def test_stop_string_counts_only_in_what_was_generated(service: Service) -> None:
    """A stop string that begins in the seed text and ends in the generated one does not count."""
    whole = service.generate(NO_STORE, seed="Span", length=50).json["text"]
    stop = "n" + whole[0]
    place = whole.find(stop)
    expected = whole if place < 0 else whole[:place]
    assert service.generate(seed="Span", length=50, stop=[stop]).json["text"] == expected


def test_stop_string_that_never_comes(service: Service) -> None:
    """A stop string that does not come changes nothing, not even the last characters."""
    whole = service.generate(NO_STORE, seed="Never", length=80).json["text"]
    answer = service.generate(seed="Never", length=80, stop=[whole[-3:] + "x"]).json
    assert (answer["text"], answer["finish_reason"]) == (whole, "length")


@pytest.mark.parametrize(
    ("stop", "field"),
    [
        ([""], "stop.0"),
        (["a"] * 5, "stop"),
        ("a", "stop"),
        ([1], "stop.0"),
        (["x" * 201], "stop.0"),
    ],
)
def test_wrong_stop_strings(service: Service, stop: object, field: str) -> None:
    """Empty, too many, too long or mistyped stop strings are named."""
    answer = service.generate(seed="a", stop=stop)
    assert answer.status == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_details_explain_each_character(service: Service) -> None:
    """Details give each character with the five likeliest, and do not depend on temperature."""
    fields: dict[str, Any] = {"seed": "Why", "length": 40, "details": True}
    body = service.generate(NO_STORE, **fields).json
    assert "".join(item["character"] for item in body["details"]) == body["text"]
    for item in body["details"]:
        logprobs = [likely["logprob"] for likely in item["top"]]
        assert len(logprobs) == 5
        assert logprobs == sorted(logprobs, reverse=True)
        assert item["logprob"] <= logprobs[0] <= 0
    greedy = service.generate(NO_STORE, **fields, temperature=0).json["details"]
    assert greedy[0]["top"] == body["details"][0]["top"]
    assert all(item["character"] == item["top"][0]["character"] for item in greedy)


def test_details_from_the_cache(service: Service) -> None:
    """Details are cached with their text; a text that was cached without them is made again."""
    fields: dict[str, Any] = {"seed": "Cached why", "length": 60}
    fresh = service.generate(NO_STORE, **fields, details=True).json["details"]
    assert service.generate(**fields).headers["x-cache"] == "miss"
    assert service.generate(**fields, details=True).headers["x-cache"] == "miss"
    again = service.generate(**fields, details=True)
    assert again.headers["x-cache"] == "hit"
    assert again.json["details"] == fresh
    longer = service.generate(**fields | {"length": 90}, details=True)
    assert longer.headers["x-cache"] == "partial"
    assert longer.json["details"][:60] == fresh
    assert len(longer.json["details"]) == 90
    assert "details" not in service.generate(**fields).json


def test_details_are_streamed_and_stopped_with_their_text(service: Service) -> None:
    """Streamed details are those of the streamed characters, up to a stop string."""
    whole = service.generate(NO_STORE, seed="Both", length=60, details=True).json
    stop = whole["text"][40:43]
    place = whole["text"].index(stop)
    stream = service.stream(NO_STORE, seed="Both", length=60, details=True, stop=[stop])
    *pieces, _ = list(stream)
    stream.close()
    details = [item for _, data in pieces for item in data["details"]]
    assert details == whole["details"][:place]
    assert all(
        data["text"] == "".join(item["character"] for item in data["details"]) for _, data in pieces
    )


def test_identical_requests_in_flight_share_one_generation(service: Service) -> None:
    """Identical requests sent at once are generated once, whole, streamed and of any length."""
    lengths = [3_000, 3_000, 3_000, 1_000, 2_000, 3_000, 500, 3_000]

    def ask(n: int) -> str:
        if n % 2:
            return service.stream(seed="Shared", length=lengths[n], model="deep").text()
        fields: dict[str, Any] = {"seed": "Shared", "length": lengths[n], "model": "deep"}
        return service.generate(**fields).json["text"]

    first = service.stream(seed="Shared", length=3_000, model="deep")
    next(iter(first))
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(ask, range(8)))
        busiest = service.metric("charloom_running")
    first.close()
    whole = service.generate(NO_STORE, seed="Shared", length=3_000, model="deep").json["text"]
    assert texts == [whole[:length] for length in lengths]
    assert busiest <= 1


def test_a_seed_text_that_grows_pays_for_its_new_part(service: Service) -> None:
    """A long seed text sent again with more at its end resumes where a part of it is known."""
    story = "".join(chr(97 + (n * n) % 26) for n in range(6_000))
    service.generate(seed=story, length=1, model="deep")
    longer = story + " and so on"

    def prefill(headers: dict[str, str]) -> tuple[float, str]:
        answer = service.generate(headers, seed=longer, length=50, model="deep")
        timing = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
        return float(timing["prefill"]), json.dumps(answer.json)

    fresh, resumed = prefill(NO_STORE), prefill({})
    assert resumed[1] == fresh[1]
    assert resumed[0] < fresh[0] / 3


def test_generated_text_as_seed_text_resumes_too(service: Service) -> None:
    """A story continued by sending its text as the seed text gives the exact text."""
    seed = "Once upon a time"
    text = service.generate(seed=seed, length=900).json["text"]
    continued = service.generate(seed=seed + text, length=50)
    fresh = service.generate(NO_STORE, seed=seed + text, length=50)
    assert continued.json["text"] == fresh.json["text"]


def test_streams_interleave(service: Service) -> None:
    """Two streams read in turn both move on: neither waits for the other's end."""
    streams = [service.stream(NO_STORE, seed=seed, length=5_000, model="deep") for seed in "ab"]
    heads = [list(islice(stream, 5)) for stream in streams]
    assert all(len(head) == 5 for head in heads)
    for stream in streams:
        stream.close()
