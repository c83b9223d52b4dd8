"""`POST /generate` on a running service."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.factories import SYMBOLS
from tests.servers import Answer, Service, serving


def _uncached(service: Service, **fields) -> Answer:
    return service.generate({"Cache-Control": "no-store"}, **fields)


def test_response_says_what_was_done(service: Service) -> None:
    """The response holds the model, its version, every resolved parameter and the text."""
    answer = _uncached(service, seed="Hello", length=50)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = answer.json
    text = body.pop("text")
    assert len(text) == 50
    assert set(text) <= set(SYMBOLS)
    assert body == {
        "model": "tiny",
        "version": 1,
        "seed": "Hello",
        "temperature": 1.0,
        "random_seed": 0,
        "finish_reason": "length",
        "cached": False,
    }


def test_defaults_are_those_of_the_contract(service: Service) -> None:
    """Left-out fields mean temperature 1, 400 characters, random seed 0 and no restriction."""
    short = _uncached(service, seed="Hi").json
    explicit = {"temperature": 1, "length": 400, "random_seed": 0, "top_k": None, "top_p": 1.0}
    assert short == _uncached(service, seed="Hi", **explicit).json
    assert len(short["text"]) == 400


def test_seed_text_and_its_nfc_form_are_one(service: Service) -> None:
    """A seed text in decomposed form is the same request as in composed form."""
    decomposed, composed = "sch\u006f\u0308n", "sch\u00f6n"
    answer = _uncached(service, seed=decomposed, length=20).json
    assert answer == _uncached(service, seed=composed, length=20).json
    assert answer["seed"] == composed


def test_empty_seed_text_starts_after_a_line_end(service: Service) -> None:
    """An empty seed text gives what a single line end gives."""
    empty = _uncached(service, seed="", length=30).json
    line_end = _uncached(service, seed="\n", length=30).json
    assert empty["text"] == line_end["text"]
    assert empty["seed"] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"random_seed": 1},
        {"top_k": 2},
        {"top_p": 0.3},
        {"min_p": 0.5},
        {"typical_p": 0.3},
        {"repetition_penalty": 3},
        {"pattern": "[a-z]{100}"},
        {"seed": "Hellp"},
    ],
    ids=str,
)
def test_every_parameter_matters(service: Service, change: dict) -> None:
    """Another value of any parameter gives another text."""
    base = {"seed": "Hello", "length": 100}
    assert (
        _uncached(service, **base).json["text"] != _uncached(service, **base | change).json["text"]
    )


def test_temperature_zero_ignores_the_random_seed(service: Service) -> None:
    """At temperature 0 the likeliest character is taken, whatever the random seed."""
    base = {"seed": "Hello", "length": 60, "temperature": 0}
    texts = {_uncached(service, **base, random_seed=seed).json["text"] for seed in range(3)}
    assert len(texts) == 1


def test_null_random_seed_is_fresh_and_named(service: Service) -> None:
    """A null random seed is drawn anew, and sending the one that was named repeats the text."""
    first = service.generate(seed="A", length=40, random_seed=None).json
    second = service.generate(seed="A", length=40, random_seed=None).json
    assert first["random_seed"] != second["random_seed"]
    again = _uncached(service, seed="A", length=40, random_seed=first["random_seed"]).json
    assert again["text"] == first["text"]


def test_shorter_is_a_prefix_of_longer(service: Service) -> None:
    """Length only says where to cut."""
    long = _uncached(service, seed="Prefix", length=300).json["text"]
    assert long.startswith(_uncached(service, seed="Prefix", length=120).json["text"])


def test_model_by_reference(service: Service) -> None:
    """A model is asked for by name or name@version, and its name and version are answered."""
    answer = service.generate(seed="A", length=5, model="deep@1").json
    assert (answer["model"], answer["version"]) == ("deep", 1)


def test_largest_request(service: Service) -> None:
    """The longest seed text and the longest text fit into one request."""
    answer = _uncached(service, seed="a" * 10_000, length=10_000)
    assert answer.status == 200
    assert len(answer.json["text"]) == 10_000


def test_request_id_is_given_back(service: Service) -> None:
    """A request id that the client sends comes back; a nonsensical one is replaced."""
    assert _uncached(service, seed="a", length=1).headers["x-request-id"]
    for sent, kept in (("abc-123", True), ("x" * 500, False), ("a b", False)):
        answer = service.generate({"X-Request-ID": sent}, seed="a", length=1)
        assert (answer.headers["x-request-id"] == sent) is kept


def test_bundled_model_answers(tmp_path: Path) -> None:
    """With an empty store the bundled model answers, in its own words."""
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "log", store=tmp_path / "empty") as running:
        answer = running.generate(seed="ROMEO:", temperature=0.5)
    assert answer.json["model"] == "shakespeare"
    assert " the " in answer.json["text"]


REQUESTS: list[dict[str, Any]] = [
    {
        "seed": "abcdefgh"[: n % 8] * (n % 5),
        "length": 20 + 37 * n % 200,
        "temperature": n % 4 / 2,
        "random_seed": n // 7,
        "model": "deep" if n % 3 == 0 else "tiny",
        "top_k": None if n % 5 else 4,
        "top_p": 0.8 if n % 11 == 0 else None,
        "stop": ["a", "xyz"] if n % 6 == 0 else [],
        "details": n % 10 == 0,
    }
    for n in range(250)
]


def _text(service: Service, n: int) -> str:
    """Ask for one text, streamed or whole, and show all that is deterministic of the answer."""
    fields = REQUESTS[n]
    if n % 4 == 1:
        return service.stream({"Cache-Control": "no-store"}, **fields).text()
    answer = _uncached(service, **fields)
    assert answer.status == 200
    return answer.json["text"] if n % 4 == 2 else answer.body.decode()


def _all(service: Service, threads: int) -> list[str]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda n: _text(service, n), range(len(REQUESTS))))


def test_same_bytes_alone_together_and_after_a_restart(
    service: Service, store: Path, tmp_path: Path
) -> None:
    """A request gives the same bytes alone, in a full batch, with few slots and after a restart."""
    alone = _all(service, threads=1)
    assert _all(service, threads=100) == alone
    with serving(tmp_path / "log", store=store, model="tiny", slots=3, engine_threads=1) as other:
        few_slots = _all(other, threads=20)
    assert few_slots == alone


def test_full_queue_is_refused_with_retry_after(store: Path, tmp_path: Path) -> None:
    """When every slot and place in the queue is taken, a request is told to come again: 429."""
    with serving(tmp_path / "log", store=store, model="deep", slots=1, queue=1) as running:
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(
                    lambda n: running.generate(seed="a", length=8_000, random_seed=n), range(8)
                )
            )
        assert running.get("/healthz").status == 200
    statuses = sorted(answer.status for answer in answers)
    assert statuses.count(200) >= 2
    assert statuses.count(429) >= 1
    assert set(statuses) == {200, 429}
    refused = next(answer for answer in answers if answer.status == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert json.loads(refused.body)["code"] == "queue_full"


def test_generations_in_flight_are_finished_on_stop(store: Path, tmp_path: Path) -> None:
    """A service that is told to stop first answers what it has begun."""
    running = Service(tmp_path / "log", store=store, model="deep")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(running.generate, seed="a", length=10_000)
        sleep(0.3)
        assert running.stop() == 0
        assert pending.result().status == 200
