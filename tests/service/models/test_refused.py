"""Versions that the registry refuses, and the last good version, which answers in their place."""

from pathlib import Path

import pytest

from model_store import ModelStore
from service.errors import ModelUnavailable
from tests.fake_engines import FakeStarts
from tests.registries import (
    Clock,
    models_of,
    publish,
    version_of,
)


def _damage(store: ModelStore, place: str) -> bytes:
    """Change the graph of a version, and return its whole bytes."""
    graph = Path(store.root) / place / "model.int8.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + b"x")
    return whole


def test_a_name_falls_back_to_its_last_good_version(
    starts: FakeStarts, store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the newest version cannot be loaded at the start, the one before answers; a number is exact."""
    publish(store.root)
    _damage(store, "live/2")
    models = models_of(store)
    assert version_of(models) == 1
    assert "live: version 1 answers for now" in caplog.text
    with pytest.raises(ModelUnavailable):
        models.get("live@2")
    assert models.ready


@pytest.mark.parametrize("reference", ["live", "live@stable"])
def test_a_version_that_is_lost_gives_way_to_the_last_good_one(
    starts: FakeStarts, store: ModelStore, caplog: pytest.LogCaptureFixture, reference: str
) -> None:
    """A name or alias whose version cannot be opened again has the version before; a number has an error."""
    publish(store.root)
    store.aliases("live").set("stable", 2)
    models = models_of(store)
    assert [version_of(models, each) for each in (reference, "live@2")] == [2, 2]
    whole = _damage(store, "live/2")
    starts.engines[0].alive = False
    assert version_of(models, reference) == 1
    with pytest.raises(ModelUnavailable, match=r"model\.int8\.onnx is damaged"):
        models.get("live@2")
    (fault,) = models.faults()
    assert fault.model == reference
    assert fault.problem.startswith("version 1 answers for now: ")
    assert "restore that file" in fault.problem
    assert caplog.messages == [f"{reference}: {fault.problem}"]
    (Path(store.root) / "live" / "2" / "model.int8.onnx").write_bytes(whole)
    models.refresh()
    assert version_of(models, reference) == 2
    assert models.faults() == []


def test_a_default_that_is_passed_over_is_said(starts: FakeStarts, store: ModelStore) -> None:
    """The problem of the registry and the current version tell which version answers the default name."""
    models = models_of(store)
    models.get(None)
    assert (models.problem, models.current("live")) == (None, 1)
    publish(store.root)
    assert models.current("live") == 2
    manifest = Path(store.root) / "live" / "2" / "manifest.json"
    manifest.write_text("{", encoding="utf-8")
    models.refresh()
    assert models.problem == "version 1 of live answers for now: GET /models names the fault"
    assert models.current("live") == 1
    assert models.ready


@pytest.mark.parametrize("by", ["the request of an operator", "its files", "a request by number"])
def test_a_refused_version_does_not_wait_for_its_pause(
    starts: FakeStarts, store: ModelStore, clock: Clock, by: str
) -> None:
    """A refused version is tried in its pause when asked, when a file changes, and once it answers by number."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    starts.error = ModelUnavailable("no engine")
    models.refresh()
    starts.error = None
    models.refresh()
    assert version_of(models) == 1
    if by == "its files":
        (Path(store.root) / "live" / "2" / "model.int8.onnx").chmod(0o600)
    elif by == "a request by number":
        models.get("live@2")
    models.refresh(by == "the request of an operator")
    assert version_of(models) == 2


def test_a_refused_version_is_tried_again(
    starts: FakeStarts, store: ModelStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A version whose files are repaired is loaded by a later refresh; the pauses between tries double."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    starts.error = ModelUnavailable("no engine")
    for _ in range(2):
        models.refresh()
        clock.now += 15
    starts.error = None
    models.refresh()
    assert version_of(models) == 1
    clock.now += 15
    models.refresh()
    assert version_of(models) == 2
    assert caplog.text.count("version 1 answers for now") == 1


def test_a_version_that_cannot_be_loaded_is_reported_once(
    starts: FakeStarts, store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the version once, the version before goes on, and a later version is loaded."""
    models = models_of(store)
    models.get(None)
    publish(store.root)
    starts.error = ModelUnavailable("no engine")
    for _ in range(3):
        models.refresh()
    starts.error = None
    assert caplog.messages == ["live: version 1 answers for now: no engine"]
    assert version_of(models) == 1
    publish(store.root)
    models.refresh()
    assert version_of(models) == 3


def test_a_model_that_must_be_exact_and_is_not_is_refused(
    starts: FakeStarts, store: ModelStore
) -> None:
    """With `require_exact` the engine of an inexact version is ended, and the metrics say 0."""
    models = models_of(store, require_exact=True)
    publish(store.root, "b", fingerprint="0" * 64)
    assert version_of(models) == 1
    with pytest.raises(ModelUnavailable, match="b@2 does not compute the same numbers"):
        models.get("b@2")
    assert starts.engines[-1].closed
    assert (
        'charloom_model_exact{model="b",version="2"} 0.0'
        in models._shelf._telemetry.text().decode()
    )


def test_a_damaged_version_names_its_file(starts: FakeStarts, store: ModelStore) -> None:
    """A version with a changed file is unavailable, and no engine is started for it."""
    _damage(store, "b/1")
    with pytest.raises(ModelUnavailable, match=r"model\.int8\.onnx"):
        models_of(store).get("b")
    assert starts.engines == []
