"""A remote store: local copies, and a store that cannot be reached."""

import threading
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest

from model_store import (
    DamagedVersion,
    Manifest,
    ModelStore,
    StoreError,
    StoreUnavailable,
    UnreadableModel,
)
from model_store.copies import KEPT
from tests.other_servers import S3Server
from tests.places import Place
from tests.ports import free_port

Publish = Callable[[str], Manifest]
pytestmark = pytest.mark.parametrize("store", ["s3"], indirect=True)


def copies(folder: Path) -> set[str]:
    """Return the names of all files in a folder."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_only_what_is_wanted_is_fetched(store: ModelStore, publish: Publish) -> None:
    """Opening copies the wanted files, and no other files."""
    publish("abc")
    model = store.open("abc", 1, ["model.onnx"])
    assert copies(model.folder) == {"model.onnx"}


def test_a_sound_copy_is_used_again(store: ModelStore, place: Place, publish: Publish) -> None:
    """A verified copy is not fetched again."""
    publish("abc")
    store.open("abc", 1)
    place.remove("abc/1/model.onnx")
    assert store.open("abc", 1).file("model.onnx").read_bytes() == bytes(1024)
    with pytest.raises(DamagedVersion, match=r"s3://.*/abc/1/model\.onnx is missing"):
        store.verify("abc", 1)


@pytest.mark.parametrize("content", [b"", bytes(100), b"x" * 1024])
def test_a_damaged_copy_is_replaced(content: bytes, store: ModelStore, publish: Publish) -> None:
    """A damaged copy is fetched anew."""
    publish("abc")
    copy = store.open("abc", 1).file("model.onnx")
    copy.write_bytes(content)
    assert store.open("abc", 1).file("model.onnx").read_bytes() == bytes(1024)


def test_a_damaged_object_never_becomes_a_copy(
    store: ModelStore, place: Place, publish: Publish
) -> None:
    """An original that differs from the manifest is refused, and leaves no copy."""
    publish("abc")
    place.damage("abc/1/model.onnx")
    with pytest.raises(DamagedVersion, match=r"s3://.*/abc/1/model\.onnx is damaged"):
        store.open("abc", 1, ["model.onnx"])
    assert copies(store.open("abc", 1, []).folder) == set()


def test_copies_used_longest_ago_are_forgotten(
    store: ModelStore, folder: Path, publish: Publish
) -> None:
    """The copies of the KEPT versions used last are kept, and no other copies."""
    for number in range(KEPT + 1):
        (folder / "card.md").write_text(f"Model {number}.", encoding="utf-8")
        publish("abc")
        store.open("abc", number + 1, ["card.md"])
    folders = store.open("abc", KEPT + 1, ["card.md"]).folder.parent
    assert len(list(folders.iterdir())) == KEPT
    assert not (folders / store.manifest("abc", 1).digest).exists()


def test_copies_need_a_place(
    store: ModelStore, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of a missing place for copies names XDG_CACHE_HOME."""
    publish("abc")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(StoreUnavailable, match="set XDG_CACHE_HOME to a folder"):
        store.open("abc", 1)


def test_aliases_of_a_copied_folder_go_on(
    store: ModelStore, place: Place, publish: Publish
) -> None:
    """The history of aliases begins with the `aliases.json` of a copied folder."""
    publish("abc")
    publish("abc")
    place.write("abc/aliases.json", b'{"production": [1]}')
    store.aliases("abc").set("production", 2)
    assert store.resolve("abc") == ("abc", 2)
    assert store.aliases("abc").rollback("production") == 1
    assert store.aliases("abc").all() == {"production": 1}


def unavailable(store: ModelStore) -> str:
    """Return the error message of a store that cannot be used, which is one line for every operation."""
    messages = []
    for use in (store.names, lambda: store.resolve("abc"), store.require_writable):
        with pytest.raises(StoreUnavailable) as caught:
            use()
        messages.append(str(caught.value))
    beginning = f"the store {store.root} cannot be reached ("
    assert all(one.startswith(beginning) and "\n" not in one for one in messages)
    return messages[0]


def test_a_missing_bucket_is_no_empty_store(store: ModelStore) -> None:
    """A missing bucket is an error, not an empty store."""
    assert "bucket does not exist" in unavailable(ModelStore("s3://no-such-bucket/models"))


def test_an_object_that_cannot_be_read_is_a_fault_of_its_model(
    store: ModelStore, place: Place, publish: Publish
) -> None:
    """An archived object is named with the remedy, and the versions and models beside it are opened."""
    for name in ("abc", "abc", "other"):
        publish(name)
    place.archive("abc/2/manifest.json")
    place.archive("abc/1/model.onnx")
    assert store.names() == ["abc", "other"]
    assert store.resolve("abc") == ("abc", 2)
    with pytest.raises(
        UnreadableModel, match=r"s3://.*/abc/2/manifest\.json cannot be read \(.*class"
    ):
        store.manifest("abc", 2)
    with pytest.raises(UnreadableModel, match=r"abc/1/model\.onnx .* restore it from an archive"):
        store.open("abc", 1, ["model.onnx"])
    store.open("abc", 1, ["card.md"])
    store.open("other", 1)


def test_refused_credentials_are_a_fault_of_the_store(
    store: ModelStore, publish: Publish, s3: S3Server
) -> None:
    """Where the root is refused as well as a file, no model is at fault."""
    publish("abc")
    with (
        s3.refusing_credentials(),
        pytest.raises(StoreUnavailable, match=r"cannot be reached \(Permission.* the credentials"),
    ):
        store._storage.read("abc/1/manifest.json")
    assert store.manifest("abc", 1).version == 1


@pytest.fixture
def connect_anew(store: ModelStore) -> Iterator[None]:
    """Clear fsspec's connections before and after, since a connection keeps its environment."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.mark.usefixtures("connect_anew")
def test_missing_credentials_are_named(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of missing credentials names the variables of the credentials."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    message = unavailable(ModelStore(store.root))
    assert "NoCredentialsError" in message
    assert "AWS_ACCESS_KEY_ID" in message


@pytest.mark.usefixtures("connect_anew")
def test_a_server_that_is_gone_is_named(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of an unreachable server names the address and CHARLOOM_STORE."""
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    message = unavailable(ModelStore("s3://models"))
    assert f"127.0.0.1:{port}" in message
    assert "check CHARLOOM_STORE or --store" in message


class Recorder(BaseHTTPRequestHandler):
    """Takes every object, and keeps the headers of each."""

    heads: ClassVar[list[Message]] = []

    def do_PUT(self) -> None:
        """Take an object."""
        self.heads.append(self.headers)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.mark.usefixtures("connect_anew", "store")
def test_no_checksum_is_sent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server other than Amazon's gets plain bytes, since not every server knows botocore's checksums."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        ModelStore("s3://models").require_writable()
        server.shutdown()
    (head,) = Recorder.heads
    assert not [name for name in head if "checksum" in name.lower() or "trailer" in name.lower()]
    assert head["Content-Encoding"] is None


@pytest.mark.parametrize("address", ["nonsense://models", "gs://models"])
def test_an_address_without_its_library(address: str, store: ModelStore) -> None:
    """The error of an unknown protocol or a missing library names the package to install."""
    with pytest.raises(StoreError, match=rf"the store {address} cannot be opened .*charloom\[s3\]"):
        ModelStore(address)
