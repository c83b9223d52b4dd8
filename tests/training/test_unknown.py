"""Rare symbols become one unknown symbol, which a model reads and never writes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import training.__main__ as command
from model_store import UNKNOWN, ModelStore
from service.engine.batch import Engine
from service.engine.onnx_engine import OnnxEngine
from tests.servers import Answer, Service, serving
from tests.training.small import ENGLISH, Training, small_config, small_options
from training.frozen.export import export
from training.frozen.graph import step_graph
from training.frozen.parity import check_parity
from training.frozen.runtime import stream_loss
from training.frozen.weights import weights_of
from training.learning.batches import batches_of
from training.learning.evaluate import validation_loss
from training.learning.trainer import Trainer
from training.network.model import build_model

pytestmark = pytest.mark.slow

# Every 40th character is replaced by a symbol that occurs once, so that the unknown symbol is frequent.
TEXT = "".join(
    character if place % 40 else chr(0x4E00 + place // 40)
    for place, character in enumerate(ENGLISH[:20_000])
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a model of TEXT, trained by the command."""
    folder = tmp_path_factory.mktemp("unknown")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    places = ["--store", str(folder / "models"), "--runs", str(folder / "runs")]
    arguments = ["--corpus", str(folder / "text.txt"), "--name", "small", "--min-count", "3"]
    assert command.main([*arguments, *places, *small_options()]) == 0
    return folder / "models"


@pytest.fixture(scope="module")
def service(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service") / "log", store=store, model="small") as running:
        yield running


def test_it_is_never_written(service: Service) -> None:
    """The unknown symbol is never written, even in 8,000 characters at the highest temperature."""
    answer = service.generate(seed="The ", temperature=2.0, length=8000)
    assert len(answer.json["text"]) == 8000
    assert UNKNOWN not in answer.json["text"]


def test_it_may_be_read(service: Service) -> None:
    """In a seed text U+FFFD is accepted and changes the logits."""
    unknown, without = (
        service.generate(seed=seed, length=1, details=True) for seed in (f"T{UNKNOWN}", "T")
    )
    assert unknown.status == without.status == 200
    assert unknown.json["details"] != without.json["details"]


def _post(service: Service, path: str, **fields: Any) -> Answer:
    kind = {"Content-Type": "application/json"}
    return service.request("POST", path, json.dumps(fields), kind)


def test_no_score_counts_it(service: Service) -> None:
    """A score is over the known symbols alone; the others follow the unknown one that was read."""
    asked = {"texts": [f"The{UNKNOWN} man"], "details": True}
    (score,) = _post(service, "/score", **asked).json["scores"]
    each = score["logprobs"]
    after = _post(service, "/score", texts=[" man"], context=f"\nThe{UNKNOWN}", details=True).json
    assert each[3] is None
    assert each[4:] == after["scores"][0]["logprobs"]
    known = [logprob for logprob in each if logprob is not None]
    assert (score["characters"], len(known)) == (7, 7)
    assert score["logprob"] == pytest.approx(sum(known), abs=1e-4)
    assert score["nats"] == pytest.approx(-sum(known) / 7, abs=1e-4)
    assert score["perplexity"] == pytest.approx(np.exp(-sum(known) / 7), rel=1e-4)


def test_a_text_without_a_known_symbol_has_no_score(service: Service) -> None:
    """A text of unknown symbols alone is refused by name, as an empty text is."""
    refused = _post(service, "/score", texts=["The man", UNKNOWN * 2])
    assert refused.status == 422
    (problem,) = refused.json["errors"]
    assert problem["field"] == "texts.1"
    assert "leave this text out" in problem["message"]


def test_an_echoed_prompt_has_no_log_probability_of_it(service: Service) -> None:
    """The log-probability of the unknown symbol is null; that of its neighbours is a number."""
    fields = {"prompt": f"a{UNKNOWN}b", "echo": True, "logprobs": 5, "max_tokens": 0}
    logprobs = _post(service, "/v1/completions", **fields).json["choices"][0]["logprobs"]
    assert logprobs["token_logprobs"][:2] == [None, None]
    assert logprobs["token_logprobs"][2] < 0
    assert UNKNOWN not in logprobs["top_logprobs"][1]


def test_what_may_come_next_lacks_it(service: Service) -> None:
    """The distribution after a text has every symbol of the vocabulary but the unknown one."""
    after = _post(service, "/inspect", text="The ", distribution=True).json["after"]
    assert UNKNOWN not in {each["character"] for each in after}
    assert min(each["logprob"] for each in after) > -1e6


def test_rare_symbols_of_the_corpus_are_unknown_characters(service: Service) -> None:
    """A rare symbol in a seed text is refused, or dropped if the request says so."""
    refused = service.generate(seed="The 一")
    assert (refused.status, refused.json["code"]) == (422, "invalid_request")
    assert "the model does not know '一'" in refused.json["detail"]
    assert service.generate(seed="The 一", unknown="drop").status == 200


def test_the_loss_is_over_the_known_symbols(store: Path) -> None:
    """The loss counts known symbols alone, and so stays below a uniform guess."""
    manifest = ModelStore(store).manifest("small", 1)
    assert manifest.training["min_count"] == 3
    assert 0 < manifest.metrics["validation_nats"] < np.log(manifest.vocabulary_size)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """An untrained run over TEXT."""
    config = small_config(min_count=3, validation_fraction=0.3)
    return Training(tmp_path_factory.mktemp("run"), TEXT, config)


def test_it_teaches_nothing(learned: Training) -> None:
    """A batch whose targets are all unknown has the loss 0."""
    config, never = learned.run.info.config, learned.vocabulary.unknown_id
    trainer = Trainer(config, learned.vocabulary, steps_per_epoch=2)
    inputs = np.zeros((config.batch_size, config.sequence_length), np.int32)
    assert trainer.step(inputs, np.full_like(inputs, never)) == 0
    inputs, targets = next(batches_of(learned.text, config).epoch(0))
    assert (targets == never).any()
    assert 0 < trainer.step(inputs, targets) < 10


def test_all_forms_agree_that_it_is_never_written(learned: Training, tmp_path: Path) -> None:
    """In Keras, both ONNX graphs and the SavedModel, the unknown symbol has probability 0."""
    from service.engine.tensorflow_engine import TensorFlowEngine

    config, never = learned.run.info.config, learned.vocabulary.unknown_id
    assert never is not None
    model = build_model(config, len(learned.vocabulary), "float32", never)
    export(model, config, tmp_path)
    check_parity(model, config, learned.text, tmp_path)
    engines: list[Engine] = [
        OnnxEngine(tmp_path / "model.onnx"),
        OnnxEngine(tmp_path / "model.int8.onnx"),
        TensorFlowEngine(tmp_path / "saved_model"),
    ]
    for engine in engines:
        logits = engine.batch(2).step(np.array([0, never]))
        assert (logits[:, never] < -1e8).all()
        assert (np.delete(logits, never, axis=1) > -10).all()


def test_both_measures_leave_it_out(learned: Training, tmp_path: Path) -> None:
    """The validation loss and the loss of the graph leave out the same characters."""
    config, text = learned.run.info.config, learned.text
    model = build_model(config, len(learned.vocabulary), "float32", learned.vocabulary.unknown_id)
    onnx.save(step_graph(weights_of(model, "lstm"), int8=False), str(tmp_path / "graph"))
    one = stream_loss(tmp_path / "graph", text.validation.astype(np.int64))
    assert validation_loss(model, config, text) == pytest.approx(one, abs=0.002)
    assert one == pytest.approx(np.log(len(learned.vocabulary) - 1), abs=0.1)
