"""A request that comes again: ready bytes, and 304 for a client that holds the answer."""

import json
from pathlib import Path
from typing import Any

import redis

from service.keys import hash_of
from tests.factories import publish_random_model
from tests.other_servers import RedisServer
from tests.servers import Answer, Service, serving, wait_until


def _thrice(service: Service, **fields: Any) -> list[Answer]:
    """Return the answers of a miss, of a hit, and of a hit whose bytes are ready."""
    return [service.generate(**fields) for _ in range(3)]


def _condition(answer: Answer) -> dict[str, str]:
    return {"If-None-Match": answer.headers["etag"]}


def test_ready_bytes_are_those_of_the_hit(service: Service) -> None:
    """From the second time on, an answer has the same bytes and headers, whatever it consists of."""
    for fields in (
        {"seed": "again", "length": 40},
        {"seed": "agäin", "length": 300, "stop": ["e"], "details": True},
        {"seed": "", "length": 30, "temperature": 0, "model": "deep@1"},
    ):
        miss, hit, ready = _thrice(service, **fields)
        assert miss.json == hit.json | {"cached": False}
        assert ready.body == hit.body
        assert (hit.headers["x-cache"], ready.headers["x-cache"]) == ("hit", "hit")
        assert ready.headers.keys() == hit.headers.keys()


def test_ready_bytes_need_no_cache(store: Path, tmp_path: Path, redis_server: RedisServer) -> None:
    """An answer that came again is known although Redis has lost its stream; another length is not."""
    settings = {"store": store, "model": "tiny", "redis_url": redis_server.url}
    with serving(tmp_path / "log", **settings) as service:
        _thrice(service, seed="kept", length=40)
        with redis.Redis.from_url(redis_server.url) as client:
            client.flushall()
        assert service.generate(seed="kept", length=40).headers["x-cache"] == "hit"
        assert service.generate(seed="kept", length=41).headers["x-cache"] == "miss"


def test_without_a_cache_nothing_is_ready(store: Path, tmp_path: Path) -> None:
    """A cache of no size keeps no answers either."""
    with serving(tmp_path / "log", store=store, model="tiny", cache_megabytes=0) as service:
        answers = _thrice(service, seed="none", length=10)
    assert {answer.headers["x-cache"] for answer in answers} == {"miss"}


def test_cache_control_passes_ready_bytes_by(service: Service) -> None:
    """A request that wants no cache is computed, although its answer is ready."""
    _thrice(service, seed="passed", length=20)
    for directive in ("no-cache", "no-store"):
        asked = service.generate({"Cache-Control": directive}, seed="passed", length=20)
        assert (asked.headers["x-cache"], asked.json["cached"]) == ("bypass", False)


def test_a_null_random_seed_is_never_ready(service: Service) -> None:
    """A request that draws its random seed has another answer each time."""
    answers = _thrice(service, seed="drawn", length=20, random_seed=None)
    assert len({answer.json["random_seed"] for answer in answers}) == 3


def test_ready_bytes_are_charged_counted_and_logged(store: Path, tmp_path: Path) -> None:
    """A ready answer costs the same characters, and is the same to metrics and log, as a hit.

    A 304 costs a request and no characters.
    """
    limits = {"requests_per_minute": 9, "characters_per_minute": 115}
    settings = {"store": store, "model": "tiny", "log_text": True, **limits}
    with serving(tmp_path / "log", **settings) as service:
        answers = _thrice(service, seed="count", length=30)
        assert [answer.status for answer in answers] == [200] * 3
        assert '"requests";r=6' in answers[2].headers["ratelimit"]
        assert '"characters";r=10' in answers[2].headers["ratelimit"]
        refused = service.generate(seed="count", length=30)
        assert (refused.status, refused.json["code"]) == (429, "rate_limited")
        assert '"requests";r=5' in refused.headers["ratelimit"]
        held = service.generate(_condition(answers[2]), seed="count", length=30)
        assert (held.status, "characters" in held.headers["ratelimit"]) == (304, False)
        assert service.metric("charloom_cache_requests_total", result="hit") == 2
        assert service.metric("charloom_seed_characters_total") == 15
        assert service.metric("charloom_text_characters_total") == 90
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    hit, ready = [line for line in lines if line.get("cache") == "hit"]
    assert ready.keys() == hit.keys()
    varying = ("time", "request_id", "milliseconds", "cache_ms")
    assert {**ready, **dict.fromkeys(varying)} == {**hit, **dict.fromkeys(varying)}


def test_ready_bytes_need_a_key_and_name_their_origin(store: Path, tmp_path: Path) -> None:
    """A ready answer is for known keys alone, and has the headers that every response has."""
    origin = "https://a.example"
    settings = {"store": store, "model": "tiny", "cors_origins": origin}
    settings["keys"] = f"anna:{hash_of('a-key')}"
    known = {"Authorization": "Bearer a-key", "Origin": origin, "X-Request-ID": "mine"}
    with serving(tmp_path / "log", **settings) as service:
        ready = [service.generate(known, seed="closed", length=9) for _ in range(3)][2]
        unknown = service.generate({"X-Request-ID": "mine"}, seed="closed", length=9)
    assert (ready.status, ready.headers["x-cache"]) == (200, "hit")
    assert ready.headers["access-control-allow-origin"] == origin
    assert ready.headers["x-request-id"] == "mine"
    assert ready.headers["x-content-type-options"] == "nosniff"
    assert (unknown.status, unknown.json["code"]) == (401, "key_required")
    assert unknown.headers["x-request-id"] == "mine"


def test_the_same_bytes_of_another_type_are_refused(service: Service) -> None:
    """A body that is not declared as JSON is no known request."""
    _thrice(service, seed="typed", length=9)
    body = json.dumps({"seed": "typed", "length": 9})
    refused = service.request("POST", "/generate", body, {"Content-Type": "text/plain"})
    assert refused.status == 415


def test_a_known_request_of_another_spelling_is_a_hit(service: Service) -> None:
    """A declared charset, and a body in chunks of unknown length, reach the cache."""
    _thrice(service, seed="spelled", length=9)
    body = json.dumps({"seed": "spelled", "length": 9})
    charset = {"Content-Type": "application/json; charset=utf-8"}
    chunked = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    chunks = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    for content, headers in ((body, charset), (chunks, chunked)):
        asked = service.request("POST", "/generate", content, headers)
        assert (asked.status, asked.headers["x-cache"]) == (200, "hit")


def test_a_new_version_is_never_answered_with_the_old_one(tmp_path: Path) -> None:
    """As soon as a reference means a new version, ready bytes and held tags of the old one are void."""
    publish_random_model(tmp_path / "store", "live")
    settings = {"store": tmp_path / "store", "model": "live", "reload_seconds": 0.1}
    with serving(tmp_path / "log", **settings) as service:
        old = _thrice(service, seed="new", length=30)[2]
        publish_random_model(tmp_path / "store", "live", seed=2)

        def new() -> bool:
            return service.generate(seed="other", length=1).json["version"] == 2

        wait_until(new, "the new version")
        asked = service.generate(_condition(old), seed="new", length=30)
        again = _thrice(service, seed="new", length=30)[2]
    assert (asked.status, asked.json["version"], again.json["version"]) == (200, 2, 2)
    assert again.json["text"] != old.json["text"]


def test_a_client_that_holds_the_answer_gets_no_body(service: Service) -> None:
    """304, with the tag that the client sent and no body, for the tag of either form of the answer."""
    for held in _thrice(service, seed="held", length=50):
        answer = service.generate(_condition(held), seed="held", length=50)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == held.headers["etag"]
        assert "content-type" not in answer.headers
        assert answer.headers["x-request-id"]


def test_equal_tags_are_equal_bytes(service: Service) -> None:
    """The first answer, `cached: false`, and later ones have two strong tags."""
    answers = _thrice(service, seed="strong", length=50)
    by_tag = {answer.headers["etag"]: answer.body for answer in answers}
    assert len(by_tag) == 2
    assert all(by_tag[answer.headers["etag"]] == answer.body for answer in answers)
    assert all(tag.startswith('"') for tag in by_tag)


def test_a_304_computes_nothing(service: Service) -> None:
    """A held answer reaches neither the cache nor the engine, not even where the cache is passed by."""
    held = service.generate({"Cache-Control": "no-store"}, seed="nothing", length=500)
    before = service.metric("charloom_generated_characters_total")
    for control in ({}, {"Cache-Control": "no-cache"}):
        asked = service.generate(_condition(held) | control, seed="nothing", length=500)
        assert asked.status == 304
    assert service.metric("charloom_generated_characters_total") == before
    assert service.generate(seed="nothing", length=500).headers["x-cache"] == "miss"


def test_another_cut_is_another_answer(service: Service) -> None:
    """The tag of an answer is no tag of the same text cut elsewhere, or with details."""
    held = service.generate(seed="cut", length=50)
    for change in ({"length": 49}, {"stop": ["e"]}, {"details": True}, {"temperature": 0.5}):
        asked = service.generate(_condition(held), **({"seed": "cut", "length": 50} | change))
        assert asked.status == 200
    spelled = {"seed": "cut", "length": 50, "temperature": 1, "top_p": 1.0, "model": "tiny@1"}
    assert service.generate(_condition(held), **spelled).status == 304


def test_a_stream_is_always_sent(service: Service) -> None:
    """A stream's tag is weak and of its own, since its events are cut differently each time."""
    held = service.generate(seed="events", length=20)
    stream = service.stream(_condition(held), seed="events", length=20)
    assert stream.status == 200
    assert stream.headers["etag"].startswith("W/")
    assert service.generate(
        {"If-None-Match": stream.headers["etag"]}, seed="events", length=20
    ).body
    assert stream.text() == held.json["text"]


def test_a_wrong_request_is_refused_whatever_the_client_holds(service: Service) -> None:
    """A condition hides no error of the request."""
    assert service.generate({"If-None-Match": "*"}, seed="a", length=0).status == 422
