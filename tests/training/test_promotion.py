"""`production` moves to a new version as the policy says, and never to a worse model by itself."""

import shutil
from pathlib import Path

import pytest

from model_store import PRODUCTION, Manifest, ModelStore
from tests.factories import publish_random_model
from training.options import Promote
from training.publishing.publish import promote


def republished(store: ModelStore, earlier: Manifest, nats: float | None, folder: Path) -> Manifest:
    """Publish a further version of a model with another validation loss in its manifest."""
    metrics = {} if nats is None else {"validation_nats": nats}
    files = shutil.copytree(Path(store.root, earlier.name, str(earlier.version)), folder)
    (files / "manifest.json").unlink()
    return store.publish(earlier.name, files, earlier.model_copy(update={"metrics": metrics}))


@pytest.mark.parametrize(
    ("policy", "served", "new", "moves"),
    [
        ("if-better", 4.0, 3.9, True),
        ("if-better", 4.0, 4.0, False),
        ("if-better", 4.0, 4.1, False),
        ("if-better", None, 4.1, True),
        ("always", 4.0, 4.1, True),
        ("never", 4.0, 3.9, False),
    ],
)
def test_production_moves_as_the_policy_says(
    tmp_path: Path, policy: Promote, served: float | None, new: float, moves: bool
) -> None:
    """`if-better` promotes a lower loss, `always` any version, `never` none."""
    store = ModelStore(tmp_path / "store")
    seed = publish_random_model(tmp_path / "store")
    first = republished(store, seed, served, tmp_path / "first")
    aliases = store.aliases(first.name)
    aliases.set(PRODUCTION, first.version)
    second = republished(store, seed, new, tmp_path / "second")
    assert promote(store, second, policy) is moves
    assert aliases.get(PRODUCTION) == (second.version if moves else first.version)


@pytest.mark.parametrize(("policy", "moves"), [("if-better", False), ("always", True)])
def test_a_model_that_loses_to_its_5_gram_is_not_promoted_by_itself(
    tmp_path: Path, policy: Promote, moves: bool
) -> None:
    """Even the first version of a name is promoted by `always` alone where its 5-gram is better."""
    store = ModelStore(tmp_path / "store")
    seed = publish_random_model(tmp_path / "store")
    metrics = seed.metrics | {"5-gram_nats": seed.metrics["validation_nats"]}
    weak = seed.model_copy(update={"metrics": metrics})
    assert promote(store, weak, policy) is moves


@pytest.mark.parametrize(("policy", "moves"), [("if-better", False), ("always", True)])
def test_losses_over_other_characters_are_not_compared(
    tmp_path: Path, policy: Promote, moves: bool
) -> None:
    """A version of another text is not promoted by its loss."""
    store = ModelStore(tmp_path / "store")
    seed = publish_random_model(tmp_path / "store")
    first = republished(store, seed, 4.0, tmp_path / "first")
    store.aliases(first.name).set(PRODUCTION, first.version)
    corpus = seed.corpus.model_copy(update={"sha256": "ab" * 32})
    other = seed.model_copy(update={"corpus": corpus})
    second = republished(store, other, 1.0, tmp_path / "second")
    assert promote(store, second, policy) is moves


@pytest.mark.parametrize(
    ("policy", "moves"), [("if-better", True), ("always", True), ("never", False)]
)
def test_an_unset_alias_is_set(tmp_path: Path, policy: Promote, moves: bool) -> None:
    """Without an alias the first version is promoted, unless the policy is `never`."""
    store = ModelStore(tmp_path)
    manifest = publish_random_model(tmp_path)
    assert promote(store, manifest, policy) is moves
    assert store.aliases(manifest.name).get(PRODUCTION) == (1 if moves else None)


def test_an_alias_of_a_lost_version_moves(tmp_path: Path) -> None:
    """If the alias names a deleted version, a new version is promoted."""
    store = ModelStore(tmp_path)
    aliases = store.aliases(publish_random_model(tmp_path).name)
    aliases.set(PRODUCTION, 1)
    second = publish_random_model(tmp_path)
    shutil.rmtree(tmp_path / second.name / "1")
    assert promote(store, second, "if-better")
    assert aliases.get(PRODUCTION) == 2
