"""With keys configured only their holders are answered; without any, everybody is."""

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
    """Return the line that lets a key in."""
    return f"{name}:{hashlib.sha256(key.encode()).hexdigest()}"


def bearer(key: str) -> dict[str, str]:
    """Return the header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m service` to its end."""
    run = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(
        run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the guarded service writes."""
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
    """Keys of the environment and of the file are as good as each other."""
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
    """Without a known key, also with its hash, the answer is 401 and says how to send one."""
    refused = guarded.generate(headers, seed="a", length=3)
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json["code"] == "key_required"


@pytest.mark.parametrize("path", ["/models", "/models/tiny", "/v1/models", "/metrics", "/nowhere"])
def test_other_routes_want_a_key(guarded: Service, path: str) -> None:
    """Everything but the open routes is guarded, even what does not exist."""
    assert guarded.get(path).status == 401
    assert guarded.request("GET", path, headers=bearer(KEY)).status in (200, 404)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/docs.css", "/openapi.json"])
def test_open_routes_want_none(guarded: Service, path: str) -> None:
    """Probes and documents answer everybody."""
    assert guarded.get(path).status == 200


def test_openais_client_sends_its_key(guarded: Service) -> None:
    """OpenAI's client is let in with its `api_key`, and understands that it is not without."""
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
    """`keys new` prints a key and the line of the file with which it is let in."""
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
    """A name is refused where its line would be read as something else."""
    done = command("keys", "new", "a:b")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'a:b' is no name" in done.stderr


def test_the_log_says_who_may_ask(guarded: Service, log: Path, store: Path, tmp_path: Path) -> None:
    """At its start the service names the keys' holders, or says that it is open."""
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
    """A keys file that cannot be used stops the start with one line that does not repeat it."""
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    done = command(CHARLOOM_KEYS_FILE=str(file))
    assert done.returncode == 2
    assert done.stderr.startswith("service: CHARLOOM_KEYS_FILE: ")
    assert problem in done.stderr
    assert "plain-text-key" not in done.stderr
