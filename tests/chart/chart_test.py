"""`make chart-test`: the chart renders, each document is valid, and wrong values are refused."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from service import __version__
from service.settings import Settings
from tests.chart.helm import CHART, VALUES, Document, only, render, run

OLDEST = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"].strip(">=").split("-")[0]
# Kinds of Prometheus' operator, which Kubernetes' own schemas do not know.
FOREIGN = {"ServiceMonitor"}


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_helm_finds_no_fault(values: Path) -> None:
    """`helm lint` warns of nothing."""
    done = run("lint", "--strict", "--values", str(values), str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_document_is_valid(documents: list[Document], version: str) -> None:
    """Each document fits the schema of the oldest Kubernetes that the chart takes, and of the newest."""
    for document in documents:
        if document["kind"] not in FOREIGN:
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("deadline=0", "/deadline"),
        ("replica=3", "replica"),
        ("images.service=charloom", "/images/service"),
        ("resources.limits.cpu=0.5", "/resources/limits/cpu"),
        ("settings.CHARLOOM_STORE=s3://elsewhere", "CHARLOOM_STORE"),
        ("store.url=https://example.org", "/store/url"),
        ("store.size=1Gi", "store.claim"),
        ("store.url=s3://models,store.claim=models", "store.url and store.claim"),
        ("training.enabled=true", "store.url"),
        ("autoscaling.min=9,autoscaling.max=2", "autoscaling.min (9)"),
        ("redis.url=redis://one,redis.secret=other", "redis.url and redis.secret"),
        ("redis.url=redis://one:7000,redis.port=7001", "redis.port (7001)"),
    ],
)
def test_wrong_values_are_refused(value: str, named: str) -> None:
    """Helm refuses a wrong value and names the value."""
    done = run("template", "demo", str(CHART), "--set", value)
    assert done.returncode != 0
    assert named in done.stderr


def test_versions_agree() -> None:
    """The chart's versions are the version of the service."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


def test_the_deadline_is_the_service_s_own() -> None:
    """The chart's default deadline is that of the service."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert values["deadline"] == Settings.model_fields["deadline"].default


def test_names_stay_short() -> None:
    """The longest name of a release leaves every object a name that DNS takes."""
    documents = render("--values", str(CHART / "ci" / "training.yaml"), release="r" * 53)
    assert max(len(document["metadata"]["name"]) for document in documents) <= 60


def test_the_dashboard_is_that_of_the_compose_file() -> None:
    """The ConfigMap has the dashboard that docker-compose.yml mounts, byte for byte."""
    documents = render("--set", "monitoring.enabled=true")
    shown = only(documents, "ConfigMap", "-dashboard")["data"]["charloom.json"]
    dashboard = CHART / "dashboard.json"
    assert shown.strip() == dashboard.read_text(encoding="utf-8").strip()
