"""Whether a model computes here what it computed where it was trained is checked and told."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from model_store import LayeredStore, ModelStore
from service.hub.keeper import WatchedKeeper
from service.hub.worker.client import HubClient
from service.models.exactness import is_exact, machine
from service.models.registry import Models
from service.settings import Settings
from service.telemetry import Telemetry
from tests.factories import eight_bit, publish_random_model, random_weights
from tests.ports import free_port
from tests.servers import ROOT, serving, wait_until
from training.frozen.graph import step_graph

OTHER = "0" * 64  # what another processor computed
NAMES = ("exact", "inexact", "early", "fp32")


def _store(tmp_path: Path) -> Path:
    """A store with a model that is exact here, one that is not, and two without a fingerprint."""
    root = tmp_path / "store"
    publish_random_model(root, "exact")
    publish_random_model(root, "inexact", fingerprint=OTHER)
    early = eight_bit(step_graph(random_weights(), int8=True))
    publish_random_model(root, "early", graph=early.SerializeToString())
    publish_random_model(root, "fp32", int8=False)
    return root


def _lines(log: Path) -> list[str]:
    return [json.loads(line)["message"] for line in log.read_text(encoding="utf-8").splitlines()]


def test_it_is_told_where_models_are_shown(tmp_path: Path) -> None:
    """`exact` is null before a model is loaded, then true or false; null without a fingerprint."""
    with serving(tmp_path / "log", store=_store(tmp_path), model="exact") as service:
        assert service.get("/models/inexact").json["exact"] is None
        for name in NAMES[1:]:
            assert service.generate(seed="a", length=3, model=name).status == 200
        shown = {name: service.get(f"/models/{name}").json["exact"] for name in NAMES}
        listed = {one["name"]: one["exact"] for one in service.get("/models").json["models"]}
    assert shown == {"exact": True, "inexact": False, "early": None, "fp32": None}
    assert shown == {name: listed[name] for name in NAMES}


def test_it_is_told_to_prometheus(tmp_path: Path) -> None:
    """The gauge is 1 for an exact version, 0 for another, and absent where nothing was compared."""
    with serving(tmp_path / "log", store=_store(tmp_path), model="exact", workers=2) as service:
        for name in ("inexact", "early") * 4:
            service.generate(seed="a", length=3, model=name)
        gauges = [
            line
            for line in service.get("/metrics").body.decode().splitlines()
            if line.startswith("charloom_model_exact{")
        ]
    assert sorted(gauges) == [
        'charloom_model_exact{model="exact",version="1"} 1.0',
        'charloom_model_exact{model="inexact",version="1"} 0.0',
    ]


def test_it_is_told_once_to_the_log(tmp_path: Path) -> None:
    """One line names the model, what follows, the processor and ONNX Runtime; also after a restart."""
    store = _store(tmp_path)
    with serving(
        tmp_path / "log", store=store, model="exact", max_loaded=2, deadline=10, reload_seconds=0.1
    ) as service:
        for model in ("inexact", "early", "inexact"):  # each pushes the one before out
            assert service.generate(seed="a", length=3, model=model).status == 200
    told = [line for line in _lines(tmp_path / "log") if "may differ" in line]
    (line,) = told
    assert line.startswith(
        "inexact@1 does not compute the same numbers here as where it was trained"
    )
    assert line.endswith(f"may differ from those of other machines ({machine()})")
    assert "ONNX Runtime 1." in machine()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("inexact", "inexact@1 does not compute the same numbers here"),
        ("early", "early@1 has no fingerprint to compare: `python -m training requantise early@1`"),
    ],
)
def test_a_service_that_must_be_exact_does_not_start(tmp_path: Path, model: str, said: str) -> None:
    """With CHARLOOM_REQUIRE_EXACT a default model that is not exact is one line and no service."""
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "PORT": str(free_port()),
            "CHARLOOM_STORE": str(_store(tmp_path)),
            "CHARLOOM_MODEL": model,
            "CHARLOOM_REQUIRE_EXACT": "true",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("service: ")]
    assert line.startswith(f"service: CHARLOOM_MODEL: {said}")


def test_a_service_that_must_be_exact_offers_nothing_else(tmp_path: Path) -> None:
    """With CHARLOOM_REQUIRE_EXACT other models that are not exact are 503; exact ones answer."""
    with serving(
        tmp_path / "log", store=_store(tmp_path), model="exact", require_exact=True
    ) as service:
        refused = [service.generate(seed="a", length=3, model=name) for name in NAMES[1:]]
        answered = service.generate(seed="a", length=3)
    assert [(one.status, one.json["code"]) for one in refused] == [(503, "model_unavailable")] * 3
    assert "inexact@1 does not compute the same numbers" in refused[0].json["detail"]
    assert "fp32@1 has no int8 graph" in refused[2].json["detail"]
    assert answered.status == 200


def test_a_version_that_is_not_exact_does_not_replace_one_that_is(tmp_path: Path) -> None:
    """With CHARLOOM_REQUIRE_EXACT a new version that is not exact leaves the old one serving."""
    root = _store(tmp_path)
    with serving(
        tmp_path / "log", store=root, model="exact", require_exact=True, reload_seconds=0.1
    ) as service:
        publish_random_model(root, "exact", seed=2, fingerprint=OTHER)
        log = tmp_path / "log"
        wait_until(
            lambda: "exact: version 1 answers for now" in log.read_text("utf-8"), "the refusal"
        )
        assert service.generate(seed="a", length=3).json["version"] == 1


def test_nothing_can_be_compared_on_another_engine(tmp_path: Path) -> None:
    """The fingerprint is the int8 graph's, so the TensorFlow engine is neither exact nor not."""
    manifest = publish_random_model(tmp_path, "exact")
    assert manifest.fingerprint is not None
    assert is_exact(manifest, "onnx", manifest.fingerprint) is True
    assert is_exact(manifest, "onnx", OTHER) is False
    assert is_exact(manifest, "tensorflow", manifest.fingerprint) is None


def test_cached_streams_belong_to_what_this_machine_computes(tmp_path: Path) -> None:
    """The identity of a model's streams has the fingerprint computed here, not the manifest's."""
    store = LayeredStore([ModelStore(_store(tmp_path))])
    settings = Settings(model="exact", slots=1)
    with (
        closing(WatchedKeeper(settings)) as keeper,
        closing(HubClient(keeper.rendezvous, Telemetry())) as hub,
        closing(Models(store, settings, hub, Telemetry())) as models,
    ):
        loaded = {name: models.get(name) for name in NAMES}
        identities = {name: model.identity.split("/") for name, model in loaded.items()}
    for name, (digest, engine, computed) in identities.items():
        assert (digest, engine) == (loaded[name].manifest.digest, "onnx")
        assert computed not in (OTHER, "None", "")
    assert identities["exact"][2] == loaded["exact"].manifest.fingerprint
    assert identities["exact"][2] == identities["inexact"][2] != identities["early"][2]
