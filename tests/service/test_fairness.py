"""One client's flood costs another client little."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from service.keys import hash_of
from tests.servers import Service, serving, wait_until

KEYS = {"flooding": "charloom_a", "other": "charloom_b"}
LINES = {"Content-Type": "application/jsonl"}
FLOOD = 40


def _as(client: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[client]}"}


@pytest.fixture
def service(store: Path, tmp_path: Path):
    """A service with few slots and a key for each client."""
    keys = ",".join(f"{name}:{hash_of(key)}" for name, key in KEYS.items())
    with serving(
        tmp_path / "log", store=store, model="deep", slots=4, queue=64, keys=keys
    ) as running:
        yield running


def _flood(service: Service, pool: ThreadPoolExecutor) -> list:
    """Ask for long texts at once, and wait until the slots and the queue are full of them."""
    asked = [
        pool.submit(service.generate, _as("flooding"), seed="a", length=5_000, random_seed=n)
        for n in range(FLOOD)
    ]
    wait_until(lambda: _metric(service, "charloom_running") >= 4, "the flood")
    return asked


def _metric(service: Service, name: str) -> float:
    lines = service.request("GET", "/metrics", headers=_as("other")).body.decode().splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), 0.0)


@pytest.mark.parametrize("client", KEYS)
def test_a_short_text_is_answered_beside_a_flood(service: Service, client: str) -> None:
    """A short text comes while most of the flood still runs, also for the client of the flood."""
    with ThreadPoolExecutor(FLOOD) as pool:
        asked = _flood(service, pool)
        answer = service.generate(_as(client), seed="b", length=50)
        assert answer.status == 200
        assert sum(each.done() for each in asked) < FLOOD / 2
        statuses = {each.result().status for each in asked}
    assert 200 in statuses
    assert statuses <= {200, 429}


def test_the_batches_of_a_client_are_bounded(service: Service) -> None:
    """Two batches of a client run at once, a third is refused, and another client's batch is answered."""
    lines = "\n".join(
        json.dumps({"seed": "a", "length": 10_000, "random_seed": n}) for n in range(500)
    )
    with ExitStack() as stack:
        first, _ = [stack.enter_context(_batch(service, lines)) for _ in range(2)]
        refused = service.request("POST", "/batch", lines, _as("flooding") | LINES)
        assert (refused.status, refused.json["code"]) == (429, "queue_full")
        assert int(refused.headers["retry-after"]) >= 1
        short = json.dumps({"seed": "b", "length": 50})
        answer = service.request("POST", "/batch", short, _as("other") | LINES)
        assert len(answer.json["text"]) == 50
        first.close()
        wait_until(
            lambda: service.request("POST", "/batch", short, _as("flooding") | LINES).status == 200,
            "the end of the first batch",
        )


def test_the_inspections_of_a_client_hold_no_other(service: Service) -> None:
    """A text is inspected for one client while many of another client wait, which end as that client leaves."""
    asked = json.dumps({"text": "abcd" * 500, "gradient_at": 1_999})
    kind = {"Content-Type": "application/json"}
    with ExitStack() as stack:
        for _ in range(30):
            flood = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
            stack.callback(flood.close)
            flood.request("POST", "/inspect", asked, _as("flooding") | kind)
        answer = service.request("POST", "/inspect", asked, _as("other") | kind)
        assert answer.status == 200
    left = 'charloom_requests_total{method="POST",route="/inspect",status="499"}'
    wait_until(lambda: _metric(service, left) >= 10, "the end of what nobody waits for")


@contextmanager
def _batch(service: Service, lines: str) -> Iterator[http.client.HTTPConnection]:
    """Send a batch of the flooding client, and read the answer up to the first line."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("POST", "/batch", lines, _as("flooding") | LINES)
    with closing(connection), connection.getresponse() as response:
        assert response.readline().startswith(b'{"index":')
        yield connection


def test_what_cannot_end_in_time_is_refused_at_once(store: Path, tmp_path: Path) -> None:
    """With little time, part of a flood is refused with the seconds to wait, and the rest is answered."""
    with (
        serving(tmp_path / "log", store=store, model="deep", slots=2, deadline=5) as service,
        ThreadPoolExecutor(FLOOD) as pool,
    ):
        warm = [
            pool.submit(service.generate, seed="w", length=2_000, random_seed=n) for n in range(4)
        ]
        assert {each.result().status for each in warm} == {200}
        asked = [
            pool.submit(service.generate, seed="a", length=10_000, random_seed=n)
            for n in range(FLOOD)
        ]
        answers = [each.result() for each in asked]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert {answer.json["code"] for answer in refused} == {"queue_full"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert sum(answer.status == 200 for answer in answers) > 0
