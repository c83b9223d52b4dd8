"""The commands of `python -m model_store`."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import model_store
from model_store import (
    BUNDLED,
    READER_GONE,
    Manifest,
    ModelDescription,
    ModelStore,
    Parent,
    UnpublishableFolder,
    bundle,
)
from model_store.__main__ import main
from tests.places import Place

Publish = Callable[[str], Manifest]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(store: ModelStore, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command on the store, and returns status, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["--store", store.root, *arguments])
        return status, *capsys.readouterr()

    return run


def test_list_is_a_table(store: ModelStore, place: Place, publish: Publish, run: Run) -> None:
    """`list` prints one aligned line per version; a damaged manifest does not hide other versions."""
    publish("abc")
    publish("abc")
    store.aliases("abc").set("production", 2)
    place.write("abc/1/manifest.json", b"{")
    status, output, _ = run("list")
    lines = [line.split() for line in output.splitlines() if line.startswith(("NAME", "abc"))]
    assert status == 0
    assert lines[0] == ["NAME", "VERSION", "ALIASES", "CREATED", "NATS", "SIZE"]
    assert lines[1] == ["abc", "1", "-", "damaged", "-", "-"]
    assert lines[2][:3] == ["abc", "2", "production"]
    assert lines[2][-3:] == ["1.5000", "1.3", "kB"]


def test_list_remarks_on_a_model_that_loses_to_its_5_gram(
    store: ModelStore, folder: Path, description: ModelDescription, run: Run
) -> None:
    """`list` and `show` warn of a model whose own baseline is better, at the end of its line."""
    metrics = {"validation_nats": 1.776, "5-gram_nats": 1.705}
    store.publish("abc", folder, description.model_copy(update={"metrics": metrics}))
    remark = "loses to its own 5-gram model (1.7760 against 1.7050 nats)"
    (line,) = [line for line in run("list")[1].splitlines() if line.startswith("abc")]
    assert line.endswith(remark)
    assert remark in run("show", "abc")[1]


def test_list_tells_each_fault_with_its_remedy(
    store: ModelStore, place: Place, publish: Publish, run: Run
) -> None:
    """`list` shows every version, and below the table the faults of single models."""
    for name in ("fine", "alias", "manifest", "lost"):
        publish(name)
    store.aliases("lost").set("old", 1)
    place.write("alias/aliases.json", b"{")
    place.write("manifest/1/manifest.json", b"[]")
    place.write("lost/aliases.json", b'{"old": [7]}')
    place.write("lost/aliases.json.1", b'{"old": [7]}')
    status, output, errors = run("list")
    assert (status, errors) == (0, "")
    for row in ("fine", "alias", "lost", "manifest"):
        assert [line for line in output.splitlines() if line.split()[:2] == [row, "1"]]
    (alias,) = [line for line in output.splitlines() if line.startswith("alias: ")]
    assert alias.endswith("restore it, or delete it and set them anew")
    (damaged,) = [line for line in output.splitlines() if line.startswith("manifest@1: ")]
    assert damaged.endswith("restore that file from a copy, or publish the model again")
    assert "lost@old: lost@old is version 7, which is gone: point the alias at one of 1" in output


def test_show_tells_the_manifest(publish: Publish, run: Run) -> None:
    """`show` prints digest, network, metrics, training and files."""
    made = publish("abc")
    status, output, _ = run("show", "abc@1")
    assert status == 0
    for part in (made.digest, "3 x 512 lstm", "validation_nats  1.5", "epochs", *made.files):
        assert part in output


def test_show_tells_the_parent(
    store: ModelStore, folder: Path, description: ModelDescription, run: Run
) -> None:
    """`show` prints the parent of a fine-tuned version, with the parent's digest."""
    parent = Parent(name="elder", version=3, digest="ab" * 32)
    store.publish("young", folder, description.model_copy(update={"parent": parent}))
    assert f"elder@3, digest {parent.digest}" in run("show", "young")[1]


def test_verify_names_the_damaged_file(place: Place, publish: Publish, run: Run) -> None:
    """`verify` passes intact versions, and fails with the name of a damaged file."""
    publish("abc")
    publish("other")
    assert run("verify")[0] == 0
    place.write("abc/1/model.onnx", b"")
    status, output, _ = run("verify")
    assert status == 1
    assert "DAMAGED  abc@1" in output
    assert "model.onnx has 0 bytes" in output
    assert "ok       other@1" in output
    assert run("verify", "abc")[0] == 1
    assert run("verify", "other")[0] == 0


def test_alias_and_rollback(store: ModelStore, publish: Publish, run: Run) -> None:
    """`alias` moves an alias, and `rollback` moves the alias back."""
    publish("abc")
    publish("abc")
    assert run("alias", "abc", "production", "1")[1] == "abc@production is version 1\n"
    assert run("alias", "abc", "production", "2")[0] == 0
    assert run("rollback", "abc")[1] == "abc@production is version 1 again\n"
    assert store.resolve("abc") == ("abc", 1)


def test_bundle_takes_what_serving_needs(
    tmp_path: Path, publish: Publish, store: ModelStore, run: Run
) -> None:
    """A bundled version has the serving files, the papers and the metrics, and opens."""
    made = publish("abc")
    status, output, _ = run("bundle", "abc", "--to", str(tmp_path / "shipped"))
    shipped = ModelStore(tmp_path / "shipped").open("abc", 1)
    assert status == 0
    assert str(shipped.folder) in output
    assert set(shipped.manifest.files) == {"model.int8.onnx", "vocabulary.json", "card.md"}
    assert shipped.manifest.metrics == made.metrics
    assert shipped.manifest.training == made.training
    assert shipped.vocabulary == store.open("abc", 1).vocabulary


def test_bundle_needs_the_serving_files(
    tmp_path: Path, store: ModelStore, folder: Path, description: ModelDescription
) -> None:
    """A version without the served graph cannot be bundled."""
    (folder / "model.int8.onnx").unlink()
    store.publish("abc", folder, description)
    with pytest.raises(UnpublishableFolder, match=r"has no model\.int8\.onnx"):
        bundle(store.open("abc", 1), ModelStore(tmp_path / "shipped"))


def test_bundled_models_are_sound(run: Run) -> None:
    """Every bundled model passes `verify`."""
    assert BUNDLED.parent == Path(model_store.__file__).parent
    assert run("verify")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nope"),
        ("verify", "nope@3"),
        ("alias", "nope", "production", "1"),
        ("alias", "../nope", "production", "1"),
        ("rollback", "nope"),
        ("bundle", "nope"),
    ],
)
def test_errors_are_one_line(arguments: tuple[str, ...], run: Run) -> None:
    """An error is one line on standard error and exit status 2."""
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert errors.startswith("model_store: ")
    assert errors.count("\n") == 1


def test_the_environment_names_the_store(store: ModelStore, publish: Publish) -> None:
    """The module runs as a command, on the store in CHARLOOM_STORE."""
    publish("a-name-like-no-other")
    environment = {
        "CHARLOOM_STORE": store.root,
        "PYTHONPATH": str(Path(model_store.__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "model_store", "list"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "a-name-like-no-other" in done.stdout
    assert done.stderr == ""


def test_ctrl_c_is_one_line(
    store: ModelStore, publish: Publish, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted command says so in one line and ends with the status of Ctrl-C."""
    publish("abc")
    monkeypatch.setattr(ModelStore, "manifest", lambda *_: signal.raise_signal(signal.SIGINT))
    status, _, errors = run("verify")
    assert (status, errors) == (130, "\nmodel_store: interrupted\n")


def test_a_reader_that_has_enough_is_no_error() -> None:
    """A command whose output nobody reads any more ends without a word."""
    line = [sys.executable, "-m", "model_store", "--store", str(BUNDLED), "list"]
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(line, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert ended.stderr == b""
    assert ended.returncode == READER_GONE
