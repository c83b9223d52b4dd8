"""With keys the service answers the holders of keys alone; without keys, every client."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.servers import ROOT, Service, serving

KEY, OTHER = "the key of anna", "the key of bert"


def line(name: str, key: str) -> str:
    """Return the line of the keys file that admits a key."""
    return f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"


def bearer(key: str) -> dict[str, str]:
    """Return the header that sends a key."""
    return {"Authorization": f"Bearer {key}"}


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m service` to its end."""
    run = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(
        run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the guarded service."""
    return tmp_path_factory.mktemp("guarded") / "log"


@pytest.fixture(scope="module")
def guarded(store: Path, log: Path) -> Iterator[Service]:
    """A service with one key in the environment and one in a file."""
    file = log.with_name("keys")
    file.write_text(f"# people\n\n{line('bert', OTHER)}\n", encoding="utf-8")
    keys = line("anna", KEY)
    with serving(log, store=store, model="tiny", keys=keys, keys_file=file) as service:
        yield service


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_a_key_is_let_in(guarded: Service, key: str) -> None:
    """A key of the environment and a key of the file are both admitted."""
    assert guarded.generate(bearer(key), seed="a", length=3).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        bearer(KEY + "x"),
        bearer(hashlib.sha256(KEY.encode()).hexdigest()),
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": "Bearer \xff\x80"},
    ],
)
def test_nobody_else_is(guarded: Service, headers: dict[str, str]) -> None:
    """A request without a known key, such as with the hash of a key, is a 401 that names the scheme."""
    refused = guarded.generate(headers, seed="a", length=3)
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json["code"] == "key_required"


@pytest.mark.parametrize("path", ["/models", "/models/tiny", "/v1/models", "/metrics", "/nowhere"])
def test_other_routes_want_a_key(guarded: Service, path: str) -> None:
    """Every path but the open routes needs a key, a path without a route too."""
    assert guarded.get(path).status == 401
    assert guarded.request("GET", path, headers=bearer(KEY)).status in (200, 404)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/docs.css", "/openapi.json"])
def test_open_routes_want_none(guarded: Service, path: str) -> None:
    """Probes and documents answer every client."""
    assert guarded.get(path).status == 200


def test_openais_client_sends_its_key(guarded: Service) -> None:
    """OpenAI's client is admitted with an `api_key`, and raises its own error with a wrong one."""
    address = f"http://127.0.0.1:{guarded.port}/v1"
    with openai.OpenAI(base_url=address, api_key=KEY) as client:
        assert "tiny" in [model.id for model in client.models.list()]
    with (
        openai.OpenAI(base_url=address, api_key="wrong") as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.models.list()
    assert refused.value.code == "key_required"


def test_a_new_key_lets_in(store: Path, tmp_path: Path) -> None:
    """`keys new` prints a key and the line of the keys file that admits the key."""
    done = command("keys", "new", "carl")
    assert (done.returncode, done.stderr) == (0, "")
    key, made = (text.split()[-1] for text in done.stdout.splitlines())
    assert made == line("carl", key)
    (tmp_path / "keys").write_text(made, encoding="utf-8")
    settings = {"store": store, "model": "tiny", "keys_file": tmp_path / "keys"}
    with serving(tmp_path / "log", **settings) as service:
        assert service.request("GET", "/models", headers=bearer(key)).status == 200
        assert service.get("/models").status == 401


def test_a_name_that_the_file_cannot_hold_is_refused() -> None:
    """A name with a colon is refused, since its line would name another key."""
    done = command("keys", "new", "a:b")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'a:b' is no name" in done.stderr


def test_the_log_says_who_may_ask(guarded: Service, log: Path, store: Path, tmp_path: Path) -> None:
    """At its start the service logs the holders of keys, or that no key is configured."""
    assert "only holders of a key may ask: anna, bert" in log.read_text(encoding="utf-8")
    with serving(tmp_path / "log", store=store, model="tiny"):
        pass
    assert "no key is configured" in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("plain-text-key", "entry 1 is not NAME:SHA256"),
        ("# nothing\n", "holds no key"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_wrong_file_is_no_open_door(tmp_path: Path, content: str | None, problem: str) -> None:
    """An unusable keys file stops the start with one line, which shows nothing of the file."""
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    done = command(CHARLOOM_KEYS_FILE=str(file))
    assert done.returncode == 2
    assert done.stderr.startswith("service: CHARLOOM_KEYS_FILE: ")
    assert problem in done.stderr
    assert "plain-text-key" not in done.stderr
