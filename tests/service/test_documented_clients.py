"""The clients of docs/scale.md get the whole text from services that are killed or full."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.other_servers import RedisServer
from tests.servers import ROOT, Service, serving, wait_until

GUIDE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
SECTION = GUIDE[GUIDE.index("\n## Resuming") : GUIDE.index("\n## Why no")]
COMMANDS = {
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
    "bash": ["bash", "-euc"],
}
DRAWN = {
    "python": {'seed="ROMEO:"': 'seed="ROMEO:", random_seed=None'},
    "javascript": {'seed: "ROMEO:"': 'seed: "ROMEO:", random_seed: null'},
}
"""What becomes of the lines of a client that asks for a random seed of the service's."""
INSTALLED = [kind for kind in DRAWN if shutil.which(COMMANDS[kind][0])]
ASKED: dict[str, Any] = {"seed": "ROMEO:", "temperature": 0.5, "length": 10_000}


def _run(kind: str, port: int, changes: Mapping[str, str] = {}) -> subprocess.Popen[str]:
    """Start the lines of the guide in a language, with a service's port and with changes."""
    (lines,) = re.findall(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL)
    for old, new in {**changes, "localhost:8000": f"127.0.0.1:{port}"}.items():
        assert old in lines
        lines = lines.replace(old, new)
    return subprocess.Popen([*COMMANDS[kind], lines], stdout=subprocess.PIPE, text=True)


def _curl(port: int, position: int) -> subprocess.Popen[str]:
    changes = {"last-event-id: 12": f"last-event-id: {position}", '"length": 24': '"length": 10000'}
    return _run("bash", port, changes)


def _whole_events(events: str) -> tuple[str, int]:
    """Return the text of the events that arrived whole, and the id of the last of them."""
    found = re.findall(r'^id: (\d+)\ndata: (\{"text".*)\n\n', events, re.MULTILINE)
    return "".join(json.loads(data)["text"] for _, data in found), int(found[-1][0])


def test_clients_outlive_their_service(tmp_path: Path, redis_server: RedisServer) -> None:
    """The lines in Python and JavaScript go on at the next service, also with a drawn random seed."""
    killed = Service(tmp_path / "killed", redis_url=redis_server.url)
    clients = [_run(kind, killed.port) for kind in INSTALLED]
    clients += [_run(kind, killed.port, DRAWN[kind]) for kind in INSTALLED]
    wait_until(lambda: killed.metric("charloom_running") == len(clients), "the streams")
    wait_until(lambda: killed.metric("charloom_text_characters_total") > 4_000, "some text")
    killed.kill()
    assert [client.poll() for client in clients] == [None] * len(clients)
    with serving(tmp_path / "next", port=killed.port, redis_url=redis_server.url) as service:
        texts = [client.communicate(timeout=60)[0].removesuffix("\n") for client in clients]
        whole = service.generate(**ASKED).json["text"]
    given, drawn = texts[: len(INSTALLED)], texts[len(INSTALLED) :]
    assert given == [whole] * len(given)
    assert [len(text) for text in drawn] == [len(whole)] * len(drawn)
    assert len({whole, *drawn}) == 1 + len(drawn)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing")
def test_curl_outlives_its_service(tmp_path: Path, redis_server: RedisServer) -> None:
    """The lines of curl, with the id of the last whole event, get the rest from the next service."""
    killed = Service(tmp_path / "killed", redis_url=redis_server.url)
    client = _curl(killed.port, 0)
    wait_until(lambda: killed.metric("charloom_text_characters_total") > 2_000, "some text")
    killed.kill()
    begun, position = _whole_events(client.communicate(timeout=60)[0])
    assert 0 < position == len(begun) < ASKED["length"]
    with serving(tmp_path / "next", redis_url=redis_server.url) as service:
        rest, end = _whole_events(_curl(service.port, position).communicate(timeout=60)[0])
        whole = service.generate(**ASKED).json["text"]
    assert end == len(whole)
    assert begun + rest == whole


@pytest.mark.parametrize("kind", INSTALLED)
def test_clients_wait_for_a_full_service(tmp_path: Path, kind: str) -> None:
    """The lines in Python and JavaScript ask again where a service has refused them with 429."""
    refusals = {"method": "POST", "route": "/generate", "status": "429"}
    with serving(tmp_path / "log", slots=1, queue=0, max_length=1_000_000) as service:
        busy = service.stream(seed="busy", length=1_000_000)
        client = _run(kind, service.port)
        wait_until(lambda: service.metric("charloom_requests_total", **refusals) > 0, "a refusal")
        busy.close()
        text, _ = client.communicate(timeout=60)
        assert text == service.generate(**ASKED).json["text"] + "\n"
