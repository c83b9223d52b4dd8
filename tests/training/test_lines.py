"""A model of many short texts is trained, measured and published by whole texts."""

import json

import numpy as np
import pytest

from model_store import KnownTexts, ModelStore, StoredModel, contents
from tests.training.names import town_names
from tests.training.small import Training, small_config
from training.frozen.runtime import stream_loss
from training.publishing.publish import publish

NAMES = town_names(300)
VERSES = [f"{name},\no {name}!" for name in NAMES]
TEXTS = {"lines": NAMES, "column:text": VERSES}


@pytest.fixture(
    scope="module", params=["lines", pytest.param("column:text", marks=pytest.mark.slow)]
)
def learned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Training:
    """Two epochs over three hundred names, or over as many texts of two lines."""
    texts = sorted(TEXTS[request.param])
    if request.param != "lines":
        texts = [json.dumps({"text": text}) for text in texts]
    config = small_config(texts=request.param, batch_size=8)
    return Training(tmp_path_factory.mktemp("run"), "\n".join(texts), config).fit()


@pytest.fixture(scope="module")
def model(learned: Training, tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    """The published model of names."""
    store = ModelStore(tmp_path_factory.mktemp("store"))
    publish(learned.run, "names", learned.corpus, learned.text, learned.vocabulary, store)
    return store.open("names", 1)


def held_out(learned: Training) -> list[str]:
    end = learned.vocabulary.text_end
    return learned.vocabulary.decode(learned.text.validation).strip(end).split(end)


def test_the_manifest_counts_the_texts(learned: Training, model: StoredModel) -> None:
    """The manifest has the numbers of texts, and as seed text the first half of a held-out text."""
    corpus, seed_text = model.manifest.corpus, model.manifest.seed_text
    assert (corpus.texts, corpus.held_out_texts) == (300, 30)
    assert model.manifest.training["texts"] == learned.run.info.config.texts
    first = held_out(learned)[0]
    assert seed_text == first[: (len(first) + 1) // 2]


def test_the_version_knows_the_texts_of_its_corpus(learned: Training, model: StoredModel) -> None:
    """The version's file of hashes knows every text of the corpus, held-out ones included."""
    known = KnownTexts(model.file(contents.TEXTS))
    assert len(known) == 300
    assert all(map(known.contains, TEXTS[learned.run.info.config.texts]))
    assert not known.contains("Nirgendwo")


def test_the_loss_is_over_whole_held_out_texts(learned: Training, model: StoredModel) -> None:
    """The published loss is the mean over all characters and ends of texts read one by one."""
    end = learned.vocabulary.text_end
    texts = [learned.vocabulary.encode(f"{end}{text}{end}") for text in held_out(learned)]
    sizes = [len(ids) - 1 for ids in texts]  # the first end is read and not predicted
    losses = [stream_loss(model.file(contents.FP32_GRAPH), ids) for ids in texts]
    expected = np.average(losses, weights=sizes)
    metrics = model.manifest.metrics
    assert metrics["validation_nats"] == pytest.approx(expected, abs=1e-6)
    best = learned.run.best.validation_loss  # before the calibration
    assert metrics["uncalibrated_nats"] == pytest.approx(best, abs=0.02)


def test_the_card_counts_the_texts(model: StoredModel) -> None:
    """The card has the numbers of texts, and the share of copied ones among the written texts."""
    card = model.file(contents.CARD).read_text(encoding="utf-8")
    assert f"| corpus | 300 texts, {model.manifest.corpus.characters:,} characters, " in card
    assert "the held-out text (30 whole texts of 300, each from the zero state)" in card
    share = model.manifest.metrics["copied_texts_1.0"]
    assert f"{share:.1%} at 1.0 stand in the corpus" in card


def test_a_model_that_loses_to_its_5_gram_says_so(learned: Training, model: StoredModel) -> None:
    """Two epochs are too few: manifest and card name both losses."""
    metrics, remark = model.manifest.metrics, model.manifest.remark
    assert metrics["validation_nats"] > metrics["5-gram_nats"]
    own, simple = (f"{metrics[f'{name}_nats']:.4f}" for name in ("validation", "5-gram"))
    assert remark == f"loses to its own 5-gram model ({own} against {simple} nats)"
    assert f"**This model {remark}.**" in model.file(contents.CARD).read_text(encoding="utf-8")
