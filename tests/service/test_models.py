"""Which model answers, and what is said of the models there are."""

from pathlib import Path

from model_store import ModelStore
from tests.factories import publish_random_model
from tests.servers import Service, serving


def test_models_are_listed(service: Service) -> None:
    """`GET /models` shows each model with its version, aliases, digest and metrics."""
    models = {model["name"]: model for model in service.get("/models").json["models"]}
    assert {"tiny", "deep"} <= models.keys()
    assert models["deep"]["version"] == 1
    assert models["deep"]["architecture"]["layers"] == 2
    assert len(models["deep"]["digest"]) == 64
    assert models["deep"]["metrics"]["validation_nats"] == 4.0


def test_models_bring_a_seed_text(service: Service) -> None:
    """Each model's seed text has only symbols that the model knows; an early version's is empty."""
    listed = service.get("/models").json
    assert listed["default"] == "tiny"
    seeds = {model["name"]: model["seed_text"] for model in listed["models"]}
    assert seeds["tiny"] == ""
    assert seeds["shakespeare"] == "ROMEO:"
    for name, seed in seeds.items():
        assert service.get(f"/models/{name}").json["seed_text"] == seed
        assert service.generate(model=name, seed=seed, length=1).status == 200


def test_one_model_shows_its_versions(service: Service) -> None:
    """`GET /models/<name>` shows every version, and 404 for a name that does not exist."""
    assert [v["version"] for v in service.get("/models/tiny").json["versions"]] == [1]
    assert service.get("/models/nobody").status == 404


def test_store_takes_precedence_over_bundled_models(tmp_path: Path) -> None:
    """A model trained into the store answers in place of a bundled one of the same name."""
    publish_random_model(tmp_path / "store", "shakespeare", seed=5)
    with serving(tmp_path / "log", store=tmp_path / "store") as running:
        umlaut = running.generate(seed="\u00fc", length=4)  # which the bundled one does not know
        listed = {model["name"] for model in running.get("/models").json["models"]}
    assert umlaut.status == 200
    assert {"shakespeare", "faust"} <= listed


def test_alias_decides_the_version(tmp_path: Path) -> None:
    """A bare name means its alias `production`; `name@alias` means that alias."""
    for seed in range(3):
        publish_random_model(tmp_path, "many", seed=seed)
    aliases = ModelStore(tmp_path).aliases("many")
    aliases.set("production", 2)
    aliases.set("old", 1)
    with serving(tmp_path / "log", store=tmp_path, model="many") as running:
        versions = [
            running.generate(seed="a", length=4, model=model).json["version"]
            for model in ("many", "many@old", "many@3")
        ]
    assert versions == [2, 1, 3]


def test_damaged_version_is_refused(tmp_path: Path) -> None:
    """A version whose file was changed answers 503 and names the file; other models go on."""
    publish_random_model(tmp_path, "good")
    publish_random_model(tmp_path, "bad")
    graph = tmp_path / "bad" / "1" / "model.int8.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    with serving(tmp_path / "log", store=tmp_path, model="good") as running:
        damaged = running.generate(seed="a", length=4, model="bad")
        good = running.generate(seed="a", length=4)
    assert (damaged.status, damaged.json["code"]) == (503, "model_unavailable")
    assert "model.int8.onnx" in damaged.json["detail"]
    assert good.status == 200


def test_a_fault_is_said_of_its_model_alone(tmp_path: Path) -> None:
    """A model that cannot be read is a fault in the list, with the remedy; other models go on."""
    for name in ("fine", "aliases", "folder", "lost", "manifest"):
        publish_random_model(tmp_path, name)
        publish_random_model(tmp_path, name)
    (tmp_path / "fine" / "1" / "manifest.json").write_text("{", encoding="utf-8")
    (tmp_path / "aliases" / "aliases.json").write_text("{", encoding="utf-8")
    (tmp_path / "folder" / "aliases.json").mkdir()
    (tmp_path / "lost" / "aliases.json").write_text('{"production": [7]}', encoding="utf-8")
    (tmp_path / "manifest" / "2" / "manifest.json").write_text("[]", encoding="utf-8")
    with serving(tmp_path / "log", store=tmp_path, model="fine") as running:
        listed, openai = running.get("/models").json, running.get("/v1/models").json
        page = running.get("/models/fine").json
        statuses = [running.get(f"/models/{name}").status for name in ("aliases", "folder", "lost")]
        by_number = running.generate(seed="a", length=4, model="lost@1").status
    sound = {"faust", "fine", "shakespeare"}
    assert {model["name"] for model in listed["models"]} == sound
    assert {model["id"] for model in openai["data"]} == sound
    faults = {fault["model"]: fault["problem"] for fault in listed["faults"]}
    assert faults.keys() == {"aliases", "folder", "lost", "manifest"}
    assert "aliases.json is not a list of aliases: restore it" in faults["aliases"]
    assert "aliases.json cannot be read (Is a directory)" in faults["folder"]
    assert faults["lost"].endswith("which is gone: point the alias at one of 1, 2")
    assert "manifest.json is no manifest" in faults["manifest"]
    assert ([v["version"] for v in page["versions"]], page["version"]) == ([2], 2)
    assert [fault["model"] for fault in page["faults"]] == ["fine@1"]
    assert (statuses, by_number) == ([503, 503, 404], 200)


def test_health(service: Service) -> None:
    """`/healthz` says alive and `/readyz` ready."""
    assert service.get("/healthz").json == {"status": "alive"}
    assert service.get("/readyz").json == {"status": "ready"}


def test_a_bundled_model_shows_what_its_publisher_wrote(service: Service) -> None:
    """`GET /models/<name>` has card and samples; the curves are a picture, the epochs are losses and samples."""
    shown = service.get("/models/shakespeare").json
    assert "nats" in shown["card"]
    assert len(shown["samples"]) > 100
    curves = service.get(f"/models/shakespeare/{shown['version']}/curves.png")
    assert curves.headers["content-type"] == "image/png"
    assert curves.body.startswith(b"\x89PNG")
    epochs = service.get(f"/models/shakespeare/{shown['version']}/epochs.json")
    assert epochs.headers["content-type"] == "application/json; charset=utf-8"
    best = min(epochs.json, key=lambda epoch: epoch["validation_loss"])
    assert best["number"] == shown["metrics"]["best_epoch"]
    assert set(best["samples"]) == {"0.5", "1.0"}


def test_a_model_without_curves_says_so(service: Service) -> None:
    """Texts that were not published are null, and absent curves and epochs are a 404."""
    assert service.get("/models/tiny").json["card"] is None
    for file in ("curves.png", "epochs.json"):
        assert service.get(f"/models/tiny/1/{file}").status == 404
