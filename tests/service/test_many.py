"""`count` in `POST /generate` and `POST /batch` give many texts in one request."""

import http.client
import json
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest

from service.api.random_seeds import random_seed_of
from tests.factories import publish_random_model
from tests.servers import Answer, Service, serving, wait_until

LINES = {"Content-Type": "application/jsonl"}


def _batch(service: Service, *lines: str) -> Answer:
    return service.request("POST", "/batch", "\n".join(lines), LINES)


def test_each_text_comes_again_by_its_random_seed(service: Service) -> None:
    """The random seeds come from the request's own, and each alone gives its text."""
    answer = service.generate(seed="Ab", count=4, length=30, stop=["e"], random_seed=3).json
    texts = answer["texts"]
    assert (answer["seed"], answer["random_seed"]) == ("Ab", 3)
    assert [each["random_seed"] for each in texts] == [random_seed_of(3, i) for i in range(4)]
    assert len({each["text"] for each in texts}) > 1
    for each in texts:
        seed = each.pop("random_seed")
        alone = service.generate(seed="Ab", length=30, stop=["e"], random_seed=seed).json
        assert {name: alone[name] for name in each} == each
    fewer = service.generate(seed="Ab", count=2, length=30, stop=["e"], random_seed=3).json["texts"]
    assert [each["text"] for each in fewer] == [each["text"] for each in texts[:2]]


def test_repeats_are_dropped_and_counted(service: Service) -> None:
    """Of texts of one character as many distinct ones come as there are, and the rest is told."""
    answer = service.generate(seed="", count=100, length=1, distinct=True).json
    texts = [each["text"] for each in answer["texts"]]
    assert len(set(texts)) == len(texts) < 100
    assert answer["dropped"] == {"repeated": 1_000 - len(texts), "known": 0}


def test_known_texts_are_dropped_and_counted(service: Service) -> None:
    """Texts of the corpus, here the small letters, give way to others."""
    wanted: dict[str, Any] = {"model": "names", "seed": "", "count": 20, "length": 1}
    plain, novel = (service.generate(**wanted, novel=novel).json for novel in (False, True))
    first = [each["text"] for each in plain["texts"]]
    assert any(text.islower() for text in first)
    texts = [each["text"] for each in novel["texts"]]
    kept = [text for text in first if text not in ascii_lowercase]
    assert texts[: len(kept)] == kept
    assert not [text for text in texts if text in ascii_lowercase]
    assert novel["dropped"]["known"] >= len(first) - len(kept)


@pytest.mark.parametrize("dropping", [{"distinct": True}, {"novel": True}])
def test_an_empty_text_is_no_text(service: Service, dropping: dict[str, Any]) -> None:
    """An empty text after an empty seed text is dropped; after another seed text it ends a text."""
    wanted: dict[str, Any] = {"model": "names", "count": 60, "length": 12, "temperature": 2}
    plain, dropped = (
        service.generate(**wanted, seed="", **fields).json for fields in ({}, dropping)
    )
    assert "" in [each["text"] for each in plain["texts"]]
    assert "" not in [each["text"] for each in dropped["texts"]]
    after = service.generate(**wanted, seed="Xq", **dropping).json
    assert "" in [each["text"] for each in after["texts"]]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 1_001}, "count"),
        ({"count": 1_000, "length": 1_001}, "count"),
        ({"count": 2, "stream": True}, "stream"),
        ({"count": 2, "details": True}, "details"),
        ({"distinct": True}, "distinct"),
        ({"novel": True}, "novel"),
        ({"count": 2, "novel": True}, "novel"),
    ],
)
def test_what_does_not_go_together_is_named(
    service: Service, fields: dict[str, Any], field: str
) -> None:
    """Too many texts, and fields that do not go with many texts or with one, are refused by name."""
    wanted: dict[str, Any] = {"seed": "a", "length": 5} | fields
    refused = service.generate(**wanted)
    assert (refused.status, [each["field"] for each in refused.json["errors"]]) == (422, [field])


def test_a_batch_answers_every_line(service: Service) -> None:
    """Each line has the service's answer with its index; a bad line has an error and ends nothing."""
    lines = [json.dumps({"seed": seed, "length": 9}) for seed in "abcde"]
    answer = _batch(service, *lines, "", "{", '{"seed": "a", "stream": true}', '{"sed": "a"}')
    assert answer.status == 200
    answers = {line.pop("index"): line for line in map(json.loads, answer.body.splitlines())}
    assert sorted(answers) == [0, 1, 2, 3, 4, 6, 7, 8]
    for index, seed in enumerate("abcde"):
        assert answers[index]["text"] == service.generate(seed=seed, length=9).json["text"]
    codes = [answers[index]["error"]["code"] for index in (6, 7, 8)]
    assert codes == ["malformed_json", "invalid_request", "invalid_request"]


def test_a_proxy_gathers_no_lines(service: Service) -> None:
    """nginx, which gathers the parts of an answer, is told to pass lines and events on as they come."""
    lines = _batch(service, '{"seed": "a", "length": 9}')
    stream = service.stream(seed="a", length=9)
    stream.close()
    assert [each.headers["x-accel-buffering"] for each in (lines, stream)] == ["no", "no"]


def test_the_lines_of_a_batch_are_bounded(service: Service) -> None:
    """A batch of too many lines is refused as a whole, by one short error; blank lines do not count."""
    refused = _batch(service, *["x"] * 10_001)
    assert (refused.status, len(refused.body) < 500) == (422, True)
    assert "10001 lines" in refused.json["errors"][0]["message"]
    answer = _batch(service, *[""] * 10_001, "x")
    assert (answer.status, answer.json["index"]) == (200, 10_001)


def test_a_batch_is_declared_as_lines(service: Service) -> None:
    """A body of another kind is refused, with the name of the right one."""
    refused = service.request("POST", "/batch", "{}", {"Content-Type": "text/plain"})
    assert (refused.status, "application/jsonl" in refused.json["detail"]) == (415, True)


def test_a_batch_waits_for_a_full_queue(tmp_path: Path) -> None:
    """Lines that find no slot are tried again, and the limit of characters is for each line."""
    publish_random_model(tmp_path / "store", "tiny")
    limits = {"slots": 2, "queue": 0, "characters_per_minute": 100}
    with serving(tmp_path / "log", store=tmp_path / "store", model="tiny", **limits) as service:
        asked = json.dumps({"seed": "a", "length": 9, "random_seed": None})
        answers = [json.loads(line) for line in _batch(service, *[asked] * 12).body.splitlines()]
    assert len([each for each in answers if "text" in each]) == 10
    assert {each["error"]["code"] for each in answers if "error" in each} == {"rate_limited"}


def test_who_leaves_frees_all_slots(tmp_path: Path) -> None:
    """A client that goes away in the middle of many texts leaves no text in the engine."""
    lines = (json.dumps({"seed": "a", "length": 10_000, "random_seed": n}) for n in range(99))
    bodies = {
        "/batch": "\n".join(lines),
        "/generate": json.dumps({"seed": "a", "length": 5_000, "count": 99}),
        "/score": json.dumps({"texts": ["abc" * 3_000] * 99}),
    }
    publish_random_model(tmp_path / "store", "heavy", layers=3, units=512)
    with serving(tmp_path / "log", store=tmp_path / "store", model="heavy") as service:
        for path, body in bodies.items():
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            wait_until(lambda: service.metric("charloom_running") > 0, "running texts")
            connection.close()
            wait_until(service.idle, "all slots")
