"""The steps around every route, tried around the routes of a tiny application."""

import hashlib
import io
import logging
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from service.generation.generator import Answer
from service.http.allowance import Allowance
from service.http.errors import register_errors
from service.http.hooks.admission import Admission
from service.http.hooks.headers import DATA_POLICY, PAGE_POLICY
from service.http.hooks.order import Steps, register_hooks
from service.http.hooks.visit import current_visit, record_answers
from service.http.open_routes import open_to_everyone
from service.http.server.incoming import MAX_BODY
from service.keys import Keys
from service.logs import REQUESTS
from service.settings import Settings
from service.stream.generation import Generation, Sampling, Stream
from service.telemetry import Telemetry

KEY = "a-key-for-tests"
BEARER = {"Authorization": f"Bearer {KEY}"}
HASH = hashlib.sha256(KEY.encode()).hexdigest()
GENERATION = Generation(
    Stream("model", "seed text", Sampling(1.0, None, None, 0)),
    seed="seed text",
    length=40,
    stop=(),
    wants_details=False,
)


def client(telemetry: Telemetry | None = None, *, keys: bool = False, **given: Any) -> FlaskClient:
    """Return a client of an application with a closed and an open route."""
    settings = Settings(**given)
    admission = Admission(Keys([("anna", HASH)] if keys else []), Allowance(settings))
    app = Flask(__name__)
    register_hooks(app, Steps(settings, telemetry or Telemetry(), admission))
    register_errors(app)

    @app.get("/closed")
    def closed() -> str:
        return "closed"

    @app.get("/open")
    @open_to_everyone
    def opened() -> str:
        return "open"

    @app.post("/generate")
    def generate() -> Response:
        admission.charge(current_visit(), [GENERATION])
        answer = Answer("miss")
        answer.characters, answer.seconds = 40, {"prefill": 0.25}
        record_answers("tiny", [GENERATION], [answer])
        return Response("{}", content_type="application/json")

    @app.post("/read")
    def read() -> str:
        return str(len(request.get_data()))

    return app.test_client()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/closed", 401),
        ("GET", "/nowhere", 401),
        ("POST", "/closed", 401),
        ("GET", "/open", 200),
        ("OPTIONS", "/closed", 200),
    ],
)
def test_a_route_that_says_nothing_is_closed(method: str, path: str, status: int) -> None:
    """Without a key a route answers only if the route says so itself."""
    assert client(keys=True).open(path, method=method).status_code == status


def test_a_key_opens_every_route() -> None:
    """A request with a known key reaches closed routes, and a path without a route is a 404."""
    guarded = client(keys=True)
    assert guarded.get("/closed", headers=BEARER).text == "closed"
    assert guarded.get("/nowhere", headers=BEARER).status_code == 404


def test_without_keys_every_route_is_open() -> None:
    """A service without a key admits every client."""
    assert client().get("/closed").status_code == 200


def test_an_open_route_costs_nothing() -> None:
    """Requests to an open route are no part of the allowance; requests to others are."""
    limited = client(requests_per_minute=1)
    assert [limited.get("/open").status_code for _ in range(3)] == [200] * 3
    assert [limited.get("/closed").status_code for _ in range(2)] == [200, 429]


def test_the_response_shows_each_limit() -> None:
    """The headers name every limit that the request was charged for, in the order of charging."""
    response = client(requests_per_minute=2, characters_per_minute=100).post("/generate")
    assert response.headers["RateLimit-Policy"] == '"requests";q=2;w=60, "characters";q=100;w=60'
    requests, characters = response.headers["RateLimit"].split(", ")
    assert requests.startswith('"requests";r=1;t=')
    assert characters.startswith('"characters";r=51;t=')


def test_an_amount_over_the_whole_limit_is_named() -> None:
    """A request for more characters than a minute allows is refused for good, and not told to wait."""
    refused = client(characters_per_minute=48).post("/generate")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "over_limit")
    assert refused.get_json()["detail"] == (
        "49 characters at once are over the limit of 48 in a minute: ask for less"
    )
    assert "Retry-After" not in refused.headers


@pytest.mark.parametrize(("sent", "kept"), [("mine:1.a-B", True), ("a b", False), ("", False)])
def test_the_request_id(sent: str, kept: bool) -> None:
    """A request id of letters, digits and `_.:-` is kept; any other is replaced by a fresh one."""
    shown = client().get("/open", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert (shown == sent) is kept
    assert len(shown) == 32 or kept


def test_the_policy_of_pages_and_data() -> None:
    """A page may load parts of this service; other content may load nothing."""
    data = client().post("/generate").headers["Content-Security-Policy"]
    page = client().get("/open").headers["Content-Security-Policy"]
    assert (data, page) == (DATA_POLICY, PAGE_POLICY)


@pytest.mark.parametrize("origin", ["https://a.example", "https://b.example"])
def test_only_configured_origins_are_shared_with(origin: str) -> None:
    """The CORS headers name the origin of the request if the settings name that origin."""
    response = client(cors_origins="https://a.example").get("/open", headers={"Origin": origin})
    expected = origin if origin == "https://a.example" else None
    assert response.headers.get("Access-Control-Allow-Origin") == expected


def test_all_origins_may_be_configured() -> None:
    """With `*` every origin may read, and OpenAI's client may send headers of its own."""
    response = client(cors_origins="*").get("/open", headers={"Origin": "https://b.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "https://b.example"
    allowed = response.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"*", "Authorization"} <= set(allowed)


def test_a_preflight_of_the_openai_client_is_answered() -> None:
    """A page may ask without a key whether it may send a key and the client's own headers."""
    asked = {
        "Origin": "https://b.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
    }
    response = client(keys=True, cors_origins="*").options("/generate", headers=asked)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "https://b.example"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    # The wildcard allows x-stainless-lang; Authorization must be named beside the wildcard.
    allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "*"} <= set(allowed)


def test_an_error_has_the_headers_too() -> None:
    """A refusal passes the same steps as a response of a route."""
    refused = client(keys=True, cors_origins="https://a.example").get(
        "/closed", headers={"Origin": "https://a.example", "X-Request-ID": "mine"}
    )
    assert refused.headers["X-Request-ID"] == "mine"
    assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert refused.headers["Access-Control-Allow-Origin"] == "https://a.example"


def test_a_body_over_the_limit_is_refused() -> None:
    """A body that is declared longer than the limit is a 413."""
    body = io.BytesIO(bytes(MAX_BODY + 1))
    refused = client().post("/read", input_stream=body, content_length=MAX_BODY + 1)
    assert refused.status_code == 413


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the fields of each line of the access log."""
    return [each.__dict__["fields"] for each in caplog.records if each.name == REQUESTS]


def test_a_line_for_each_request(caplog: pytest.LogCaptureFixture) -> None:
    """The line has the request, the client, the status and the time, whatever the route is."""
    guarded = client(keys=True)
    with caplog.at_level(logging.INFO, REQUESTS):
        guarded.get("/closed", headers=BEARER | {"X-Request-ID": "mine"}).close()
        guarded.get("/nowhere").close()
    known, unknown = _lines(caplog)
    assert known.pop("milliseconds") >= 0
    assert known == {
        "method": "GET",
        "route": "/closed",
        "status": 200,
        "request_id": "mine",
        "client": "anna",
    }
    assert (unknown["route"], unknown["status"], unknown["client"]) == ("none", 401, "127.0.0.1")


@pytest.mark.parametrize("log_text", [False, True])
def test_the_line_of_a_generation(caplog: pytest.LogCaptureFixture, log_text: bool) -> None:
    """The line counts the characters and names the stages; the seed text needs the setting."""
    with caplog.at_level(logging.INFO, REQUESTS):
        client(log_text=log_text).post("/generate").close()
    (line,) = _lines(caplog)
    assert line["model"] == "tiny"
    assert (line["seed_characters"], line["text_characters"]) == (9, 40)
    assert (line["cache"], line["finish_reason"], line["prefill_ms"]) == ("miss", "length", 250)
    assert line.get("seeds") == (["seed text"] if log_text else None)


def test_made_up_methods_share_a_series() -> None:
    """Methods that HTTP does not define are counted together: the metrics stay small."""
    telemetry = Telemetry()
    for number in range(100):
        client(telemetry).open("/nowhere", method=f"MADEUP{number}").close()
    text = telemetry.text().decode()
    assert 'charloom_requests_total{method="other",route="none",status="404"} 100.0' in text
    assert "MADEUP" not in text


def test_responses_are_counted() -> None:
    """The metrics count each response by method, route and status, and observe its seconds."""
    telemetry = Telemetry()
    client(telemetry).get("/nowhere").close()
    text = telemetry.text().decode()
    assert 'charloom_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert 'charloom_request_seconds_count{route="none"} 1.0' in text
