"""Every setting with a bad value ends the start with one line; good values are taken."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from service import settings
from service.environment import problems, variable
from service.settings import Settings
from tests.ports import needs_ipv6
from tests.servers import ROOT

NUMBERS = ("many", "-1", "1.5", "nan", "inf", "9" * 30, "0x10", "1,5", " ", "\x1b[31m")
SECONDS = ("many", "-1", "0", "nan", "inf", "-inf", "1e300", "86401", "1s", " ")
SWITCHES = ("maybe", "2", "-1", " ", "\n")

BAD: dict[str, tuple[str, ...]] = {
    "host": (
        "192.0.2.1",
        "no such host",
        "localhost:80",
        "::1::",
        "999.1.1.1",
        "a" * 300,
        "ü" * 80,
    ),
    "port": ("abc", "0", "65536", "99999", "-1", "80.5", "inf", " "),
    "store": ("/does/not/exist", "README.md", "README.md/store", "a\nb", " ", "x" * 5000),
    "keys": ("anna", "anna:1234", ",", f"an na:{'0' * 64}", f"anna:{'A' * 64}", " "),
    "keys_file": ("/does/not/exist", "/dev/null", "tests", "README.md", "docs/page.png"),
    "requests_per_minute": NUMBERS,
    "characters_per_minute": NUMBERS,
    "cors_origins": (
        "example.org",
        "https://example.org/page",
        "https://*",
        "https://a b",
        "https://a;b",
        "ftp://a",
    ),
    "trusted_proxies": (*NUMBERS, "101"),
    "log_text": SWITCHES,
    "models": ("faust", "../faust", "shakespeare,Faust", ",", "shakespeare,a b"),
    "max_loaded": (*NUMBERS, "0"),
    "reload_seconds": SECONDS,
    "workers": (*NUMBERS, "257"),
    "engine": ("torch", "ONNX", "onnx,tensorflow", " "),
    "require_exact": SWITCHES,
    "engine_threads": (*NUMBERS, "1025"),
    "slots": (*NUMBERS, "0", "4097"),
    "queue": (*NUMBERS, "10001"),
    "max_length": (*NUMBERS, "0", "1000001"),
    "max_seed_chars": (*NUMBERS, "1000001"),
    "deadline": SECONDS,
    "unready_seconds": ("-1", "nan", "inf", "soon"),
    "redis_url": (
        *("localhost:6379", "localhost", "http://localhost", "redis://", "redis:///0", "redis:"),
        *("redis://localhost:port", "redis://localhost:99999", "redis://localhost/zero", "unix://"),
        *(
            "redis://localhost/0?socket_timeout=9",
            "redis://localhost?ssl_ca_certs=a",
            "redis://h:0",
            "redis://localhost/?db=x",
            "redis://[::1",
            " ",
        ),
        *("rediss://h?ssl_cert_reqs=maybe", "rediss://h?ssl_check_hostname=maybe"),
        *("rediss://h?ssl_ca_certs=/does/not/exist", "rediss://h?ssl_keyfile=tests"),
        *("redis+sentinel://localhost:26379/mymaster", "redis+cluster://localhost:6379"),
        *("sentinel://localhost", "unix://path/to/socket", "unix:///tmp/redis.sock?db=-1"),
    ),
    "redis_timeout": SECONDS,
    "cache_ttl": (*NUMBERS, "0"),
    "cache_megabytes": NUMBERS,
}
# Every text is allowed. An unknown default model is refused with the store's models, see test_commands.py.
ANY_TEXT = {"model", "cache_secret"}
CASES = [(name, value) for name, values in BAD.items() for value in values]


def test_every_setting_has_bad_values() -> None:
    """The list of bad values has every setting."""
    assert BAD.keys() | ANY_TEXT == Settings.model_fields.keys()


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda part: repr(part[:20]))
def test_a_bad_value_is_one_line(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of a bad value names the variable, the value and what is allowed."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(variable(name), value)
    with pytest.raises(ValidationError) as raised:
        Settings()
    (line,) = problems(raised.value)
    shown = repr(value[:80]) if Settings.model_fields[name].repr else "the value"
    subject, separator, allowed = line.partition(f" {shown} is not allowed: ")
    assert (subject, separator != "") == (f"{variable(name)}:", True)
    assert line.isprintable()
    assert 10 < len(allowed) < 300


def test_a_bad_value_ends_the_start() -> None:
    """Without a traceback, the service ends with one line for each setting that has a bad value."""
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={variable(name): values[0] for name, values in BAD.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(": ")[:2] for line in lines] == [["service", variable(name)] for name in BAD]


@pytest.mark.parametrize(
    ("name", "value"),
    [("keys", "anna:secret-key"), ("redis_url", "redis://anna:secret-key@host:port")],
)
def test_a_bad_value_may_be_a_secret(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the line of a bad value nor the settings as text show a key or a password."""
    monkeypatch.setenv(variable(name), value)
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert "secret-key" not in str(raised.value) + "".join(problems(raised.value))
    monkeypatch.delenv(variable(name))
    good = Settings(
        redis_url="redis://anna:secret-key@localhost", cache_secret=SecretStr("secret-key")
    )
    assert "secret-key" not in repr(good)


def test_a_keys_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    """The mark that editors on Windows write is no part of the first name."""
    file = tmp_path / "keys"
    file.write_text(f"anna:{'0' * 64}\r\n", encoding="utf-8-sig")
    assert Settings(keys_file=file).all_keys() == [("anna", "0" * 64)]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_counts_as_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable leaves the default of its setting."""
    monkeypatch.setenv(variable(name), "")
    assert getattr(Settings(), name) == Settings.model_fields[name].default


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        pytest.param("host", "::1", "::1", marks=needs_ipv6),
        pytest.param("host", "[::1]", "::1", marks=needs_ipv6),
        ("host", "localhost", "localhost"),
        ("host", "0.0.0.0", "0.0.0.0"),
        ("port", "65535", 65_535),
        ("store", "s3://bucket/prefix", "s3://bucket/prefix"),
        (
            "cors_origins",
            "https://a.example, http://[::1]:8080",
            ("https://a.example", "http://[::1]:8080"),
        ),
        ("cors_origins", "HTTPS://A.example/, http://b:80", ("https://a.example", "http://b")),
        ("cors_origins", "*", ("*",)),
        ("models", "faust, shakespeare", ("faust", "shakespeare")),
        ("redis_url", "redis://localhost", "redis://localhost"),
        ("redis_url", "rediss://:p%40ss@[::1]:6380/1", "rediss://:p%40ss@[::1]:6380/1"),
        ("redis_url", "rediss://h?ssl_cert_reqs=none", "rediss://h?ssl_cert_reqs=none"),
        ("redis_url", "rediss://h?ssl_check_hostname=no", "rediss://h?ssl_check_hostname=no"),
        ("redis_url", "unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        ("redis_url", "unix://anna:pw@/run/redis.sock", "unix://anna:pw@/run/redis.sock"),
        ("reload_seconds", "0.5", 0.5),
    ],
)
def test_a_good_value_is_taken(
    name: str, value: str, taken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good values are taken from the environment."""
    monkeypatch.setenv(variable(name), value)
    assert getattr(Settings(), name) == taken


def test_a_relative_store_is_a_folder_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is named must exist; the default need not exist yet."""
    monkeypatch.chdir(tmp_path)
    assert Settings().store == "models"
    monkeypatch.setenv("CHARLOOM_STORE", "models")
    with pytest.raises(ValidationError, match="use a folder that exists"):
        Settings()
    (tmp_path / "models").mkdir()
    assert Settings().store == "models"


@pytest.mark.parametrize(
    ("number", "given", "threads"),
    [
        (2, {}, 2),
        (16, {}, 16),
        (64, {}, 16),
        (64, {"slots": 256}, 64),
        (8, {"slots": 8}, 2),
        (8, {"slots": 1}, 1),
        (2, {"engine_threads": 8}, 8),
        (2, {"engine_threads": 8, "slots": 3}, 3),
    ],
)
def test_threads_of_an_engine(
    monkeypatch: pytest.MonkeyPatch, number: int, given: dict[str, Any], threads: int
) -> None:
    """An engine has a thread per core, but no batch below four rows; a number in the settings counts."""
    monkeypatch.setattr(settings, "cores", lambda: number)
    assert Settings(**given).thread_count == threads
