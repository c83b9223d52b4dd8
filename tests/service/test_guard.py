"""A running service limits clients, sets headers and logs requests, on every route."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from service.keys import hash_of
from tests.factories import publish_random_model
from tests.other_servers import RedisServer
from tests.servers import Answer, Service, freeze, serving, wait_until

KEY = "a-key-for-tests"
ENTRY = f"anna:{hash_of(KEY)}"
BEARER = {"Authorization": f"Bearer {KEY}"}


def _running(tmp_path: Path, **settings: Any) -> AbstractContextManager[Service]:
    publish_random_model(tmp_path / "store", "tiny")
    return serving(tmp_path / "log", store=tmp_path / "store", model="tiny", **settings)


def _ask(service: Service, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
    return service.generate(headers or {}, **({"seed": "abc", "length": 20} | fields))


def _post(service: Service, path: str, fields: dict[str, Any]) -> Answer:
    kind = {"Content-Type": "application/json"}
    return service.request("POST", path, json.dumps(fields), kind)


def _rest(answer: Answer) -> int:
    """The characters that are left in this minute."""
    assert answer.status == 200, answer.json
    (rest,) = re.findall(r'"characters";r=(\d+)', answer.headers["ratelimit"])
    return int(rest)


def _answered_by(worker: psutil.Process, other: psutil.Process, service: Service) -> int:
    """The status of a request that a given one of two workers answers."""
    assert worker.is_running()
    freeze(other)
    try:
        return service.get("/models").status
    finally:
        other.resume()


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_requests_per_minute(tmp_path: Path) -> None:
    """Each key has its own allowance, and the headers show the rest and the seconds to wait."""
    other = {"Authorization": "Bearer another"}
    keys = f"{ENTRY},otto:{hash_of('another')}"
    with _running(tmp_path, keys=keys, requests_per_minute=3) as service:
        answers = [_ask(service, BEARER) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"requests";q=3;w=60'
        assert answers[0].headers["ratelimit"].startswith('"requests";r=2;t=')
        assert answers[3].json["code"] == "rate_limited"
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert answers[3].headers["ratelimit"].startswith('"requests";r=0;t=')
        assert _ask(service, other).status == 200
        assert service.get("/healthz").status == 200


def test_characters_per_minute(tmp_path: Path) -> None:
    """A seed text and the requested characters count, cached or not; a refused request takes nothing."""
    with _running(tmp_path, characters_per_minute=200) as service:
        assert [_rest(_ask(service, seed="abc", length=60)) for _ in range(2)] == [137, 74]
        assert _ask(service, seed="abc", length=72).status == 429
        assert _rest(_ask(service, seed="abc" * 24, length=2)) == 0
        assert _ask(service, seed="abc", length=198).json["code"] == "over_limit"


def test_every_route_that_computes_costs_characters(tmp_path: Path) -> None:
    """Each completion costs its prompt and its tokens, an inspection its text."""
    with _running(tmp_path, characters_per_minute=100) as service:
        completions = {"prompt": ["abc", "a"], "max_tokens": 10, "n": 2}
        assert _rest(_post(service, "/v1/completions", completions)) == 100 - (2 * 13 + 2 * 11)
        assert _rest(_post(service, "/inspect", {"text": "abc" * 16})) == 4
        assert _post(service, "/inspect", {"text": "abcab"}).status == 429


def test_workers_share_their_limits(tmp_path: Path) -> None:
    """A limit holds whichever worker answers, and without the hub each worker allows the whole limit."""
    with _running(tmp_path, workers=2, requests_per_minute=4) as service:
        wait_until(lambda: len(service.family()[1]) == 2, "both workers")
        hub, (one, other) = service.family()
        assert [_answered_by(one, other, service) for _ in range(2)] == [200, 200]
        assert [_answered_by(other, one, service) for _ in range(3)] == [200, 200, 429]
        assert _answered_by(one, other, service) == 429
        freeze(hub)
        assert _answered_by(one, other, service) == _answered_by(other, one, service) == 200
        (problem,) = service.get("/readyz").json["problems"]
    assert problem == "the hub does not count: each process counts its limits alone"


def test_counts_are_shared_in_redis_as_long_as_redis_answers(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    """Two services with one Redis share their counts, and each counts alone once Redis has stopped."""
    settings: dict[str, Any] = {"redis_url": redis_server.url, "requests_per_minute": 2}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with _running(tmp_path / "a", **settings) as a, _running(tmp_path / "b", **settings) as b:
        assert [_ask(each).status for each in (a, b, a)] == [200, 200, 429]
        redis_server.stop()
        assert [_ask(each).status for each in (a, b, a, b)] == [200] * 4
        assert [_ask(each).status for each in (a, b)] == [429] * 2


def test_waiting_as_long_as_told_helps(tmp_path: Path, redis_server: RedisServer) -> None:
    """The count in Redis expires no later than `Retry-After` says."""
    settings: dict[str, Any] = {"redis_url": redis_server.url, "redis_timeout": 5}
    with _running(tmp_path, **settings, characters_per_minute=100) as service:
        assert _ask(service, length=60).status == 200
        refused = _ask(service, length=60)
    assert refused.status == 429
    with redis.Redis.from_url(redis_server.url) as client:
        left = [client.ttl(key) for key in client.keys("LIMITS*")]
    assert len(left) == 1
    assert 0 < left[0] <= int(refused.headers["retry-after"])


@pytest.mark.parametrize("fail", [RedisServer.stop, RedisServer.freeze])
def test_a_failing_redis_switches_no_limit_off(
    tmp_path: Path, redis_server: RedisServer, fail: Callable[[RedisServer], None]
) -> None:
    """With a stopped or frozen Redis the service counts alone, and log, metrics and /readyz say so."""
    with _running(tmp_path, redis_url=redis_server.url, requests_per_minute=2) as service:
        assert "problems" not in service.get("/readyz").json
        fail(redis_server)
        assert [service.get("/models").status for _ in range(3)] == [200, 200, 429]
        ready = service.get("/readyz")
    assert "redis does not count" in (tmp_path / "log").read_text()
    (problem,) = ready.json["problems"]
    assert (ready.status, ready.json["status"]) == (200, "ready")
    assert problem.startswith("Redis does not count (")
    assert problem.endswith("each process counts its limits alone")


def test_a_wrong_password_is_said_at_the_start(tmp_path: Path, redis_server: RedisServer) -> None:
    """A Redis that refuses the password is named in /readyz, the log and the metrics at once."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.config_set("requirepass", "secret")
    url = redis_server.url.replace("redis://", "redis://:wrong@")
    # Time enough for the answer of a Redis on a busy machine.
    patient = {"redis_url": url, "redis_timeout": 5}
    with _running(tmp_path, requests_per_minute=1000, **patient) as service:
        (problem,) = service.get("/readyz").json["problems"]
        assert service.metric("charloom_limit_errors_total") >= 1
    assert problem.startswith("Redis does not count (AuthenticationError: ")
    assert "redis does not count (AuthenticationError" in (tmp_path / "log").read_text()
    assert "wrong" not in problem


def test_every_request_has_a_line_without_its_text(tmp_path: Path) -> None:
    """The access log has one JSON object for each request, without the seed text."""
    with _running(tmp_path) as service:
        _ask(service, {"X-Request-ID": "mine"}, seed="geheim")
        stream = service.stream(seed="geheim", length=300)
        assert len(stream.text()) == 300
        stream.close()
        service.get("/nowhere")
        wait_until(lambda: "/nowhere" in (tmp_path / "log").read_text(), "the lines")
    lines = [line for line in _lines(tmp_path / "log") if line.get("route") == "/generate"]
    assert lines[0]["request_id"] == "mine"
    assert [line["text_characters"] for line in lines] == [20, 300]
    assert [line["cache"] for line in lines] == ["miss", "partial"]
    assert lines[0]["seed_characters"] == 6
    assert lines[0]["status"] == 200
    assert lines[0]["milliseconds"] > 0
    assert "geheim" not in (tmp_path / "log").read_text()


def test_seed_texts_are_logged_if_asked(tmp_path: Path) -> None:
    """With CHARLOOM_LOG_TEXT the line of a request holds its seed text."""
    with _running(tmp_path, log_text=True) as service:
        _ask(service, seed="offen")
        wait_until(lambda: "offen" in (tmp_path / "log").read_text(), "the line")


def test_security_headers(service: Service) -> None:
    """Every response forbids sniffing and framing; only pages may load parts, of this service alone."""
    for path, policy in (("/models", "default-src 'none'"), ("/docs", "default-src 'self'")):
        headers = service.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith(policy)
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def test_other_origins_are_let_in_by_name_only(tmp_path: Path) -> None:
    """Only a configured origin gets the CORS headers, on a preflight request too."""
    with _running(tmp_path, cors_origins="https://a.example", keys=ENTRY) as service:
        for origin, allowed in (("https://a.example", True), ("https://b.example", False)):
            answer = service.request("OPTIONS", "/generate", headers={"Origin": origin})
            assert answer.status == 200
            assert ("access-control-allow-origin" in answer.headers) == allowed


def test_addresses_behind_a_trusted_proxy(tmp_path: Path) -> None:
    """X-Forwarded-For names the client only if a proxy is trusted."""
    for trusted, status in ((0, 429), (1, 200)):
        folder = tmp_path / str(trusted)
        folder.mkdir()
        with _running(folder, trusted_proxies=trusted, requests_per_minute=1) as service:
            assert _ask(service, {"X-Forwarded-For": "192.0.2.1"}).status == 200
            assert _ask(service, {"X-Forwarded-For": "192.0.2.2"}).status == status


def test_a_client_with_many_addresses(tmp_path: Path) -> None:
    """Neither another port nor another address of the same public IPv6 network has limits of its own."""
    with _running(tmp_path, trusted_proxies=1, requests_per_minute=1) as service:
        for address, status in (
            ("192.0.2.1:4711", 200),
            ("192.0.2.1:4712", 429),
            ("2a00:1450:4001:81b::1", 200),
            ("2a00:1450:4001:81b::2", 429),
            ("2a00:1450:4001:81c::1", 200),
        ):
            assert _ask(service, {"X-Forwarded-For": address}).status == status


def test_oversized_headers_are_refused(service: Service) -> None:
    """A header line over the limit is a 431 or 400, and the service goes on."""
    answer = service.request("GET", "/healthz", headers={"X-Big": "x" * 20_000})
    assert answer.status in (400, 431)
    assert service.get("/healthz").status == 200
