"""`python -m training requantise` makes an early version safe on every processor."""

import shutil
from pathlib import Path

import onnx
import pytest

import training.__main__ as command
from model_store import PRODUCTION, ModelStore, contents
from tests.factories import eight_bit, publish_random_model
from tests.training.small import Training
from training.frozen.integers import is_current
from training.frozen.runtime import fingerprint_of


@pytest.fixture(scope="module")
def early(published: Path, trained: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to copy, whose `early@1` was published before fingerprints and is in production."""
    root = tmp_path_factory.mktemp("early")
    version = ModelStore(published).open("small", 1)
    folder = root / "version"
    shutil.copytree(version.folder, folder)
    (folder / "manifest.json").unlink()
    onnx.save(eight_bit(onnx.load(folder / contents.INT8_GRAPH)), str(folder / contents.INT8_GRAPH))
    store = ModelStore(root / "store")
    store.publish("early", folder, version.manifest.model_copy(update={"fingerprint": None}))
    store.aliases("early").set(PRODUCTION, 1)
    return root / "store"


@pytest.fixture
def store(early: Path, tmp_path: Path) -> ModelStore:
    """A copy of `early` that a test may change."""
    return ModelStore(shutil.copytree(early, tmp_path / "store"))


def requantise(store: ModelStore, *words: str) -> int:
    return command.main(["requantise", *words, "--store", store.root])


def test_an_early_version_becomes_a_safe_one(
    store: ModelStore, trained: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    """The new version has a fingerprint and the loss of its int8 graph, and is in production."""
    assert requantise(store, "early", "--corpus", str(trained.corpus.files[0].path)) == 0
    old, new = store.manifest("early", 1), store.open("early", 2)
    graph = new.file(contents.INT8_GRAPH)
    assert is_current(onnx.load(graph))
    assert new.manifest.fingerprint == fingerprint_of(graph)
    assert new.manifest.metrics["int8_nats"] != old.metrics["int8_nats"]
    assert new.manifest.metrics["int8_nats"] == pytest.approx(old.metrics["int8_nats"], abs=0.002)
    assert store.resolve("early") == ("early", 2)
    *_, published, moved = capsys.readouterr().out.splitlines()
    assert published.startswith(
        f"published early@2 in {store.root}: {new.manifest.metrics['int8_nats']:.5f} nats"
    )
    assert moved == "production is now early@2"


def test_all_else_stays(store: ModelStore, trained: Training) -> None:
    """Only the int8 graph, and the row of its loss on the card, differ from the early version."""
    assert requantise(store, "early", "--corpus", str(trained.corpus.files[0].path)) == 0
    old, new = store.open("early", 1), store.open("early", 2)
    changed = {
        path for path, entry in new.manifest.files.items() if old.manifest.files[path] != entry
    }
    assert changed <= {contents.INT8_GRAPH, "card.md"}
    assert contents.FP32_GRAPH in new.manifest.files
    new_facts = {"metrics", "fingerprint", "version", "created", "digest", "files"}
    assert old.manifest.model_dump(exclude=new_facts) == new.manifest.model_dump(exclude=new_facts)
    cards = [one.file("card.md").read_text(encoding="utf-8").splitlines() for one in (old, new)]
    rows = {row for card in cards for row in card if row not in cards[0] or row not in cards[1]}
    assert all(row.startswith("| its int8 graph, as served |") for row in rows)


def test_without_a_corpus_no_loss_is_claimed(
    store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a corpus the new version states no int8 loss."""
    store.aliases("early").set("other", 1)
    assert requantise(store, "early@other") == 0
    new = store.open("early", 2)
    assert "int8_nats" not in new.manifest.metrics
    assert "as served" not in new.file("card.md").read_text(encoding="utf-8")
    assert "its loss was not measured; --corpus measures it" in capsys.readouterr().out


def test_an_alias_elsewhere_stays_there(
    store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """The alias `production` stays if it names another version."""
    publish_random_model(store.root, "early")
    store.aliases("early").set(PRODUCTION, 2)
    assert requantise(store, "early@1") == 0
    assert store.resolve("early") == ("early", 2)
    assert "production" not in capsys.readouterr().out


@pytest.mark.parametrize("problem", ["current", "corpus", "graph", "unknown"])
def test_mistakes_are_one_line(
    store: ModelStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], problem: str
) -> None:
    """A version that cannot be requantised is an error of one line, and nothing is published."""
    other = tmp_path / "other.txt"
    other.write_text("another text\n" * 500, encoding="utf-8")
    publish_random_model(store.root, "today")
    fp32 = store.open("early", 1).file(contents.FP32_GRAPH).read_bytes()
    publish_random_model(store.root, "strange", graph=fp32)
    words, said = {
        "current": (["today"], "today@1 is quantised as today: nothing to do"),
        "corpus": (["early", "--corpus", str(other)], "is not the text that early was trained on"),
        "graph": (["strange"], "strange@1 has no int8 graph of this job: train it again"),
        "unknown": (["nobody"], "no model is called 'nobody'"),
    }[problem]
    assert requantise(store, *words) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.startswith("training: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert [store.versions(name) for name in store.names()] == [[1], [1], [1]]
