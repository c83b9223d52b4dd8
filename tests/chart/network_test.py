"""The chart's objects find their pods, and the network policies leave each pod what it needs."""

import pytest

from tests.chart.helm import CHART, Document, containers, only, pods, render
from tests.servers import ROOT, Service

LASTING = ("Deployment", "Job")


def test_selectors_find_pods(documents: list[Document]) -> None:
    """Each Service, policy, budget and spread has the labels of a pod that the chart makes."""
    labels = [metadata["labels"] for metadata, _ in pods(documents)]
    for document in documents:
        for selector in _selectors(document):
            own = {k: v for k, v in selector.items() if k.startswith("app.")}
            assert own
            assert any(own.items() <= each.items() for each in labels), document


def test_services_reach_open_ports(documents: list[Document]) -> None:
    """Each port of a Service leads to a port that a container of its pods opens."""
    opened = {
        port[key]
        for _, pod in pods(documents)
        for container in containers(pod)
        for port in container.get("ports", [])
        for key in ("name", "containerPort")
    }
    for document in documents:
        if document["kind"] == "Service":
            for port in document["spec"]["ports"]:
                assert port.get("targetPort", port["port"]) in opened


def test_every_lasting_pod_has_a_policy(documents: list[Document]) -> None:
    """One policy bounds both directions of each pod, except where policies are disabled."""
    policies = [each["spec"] for each in documents if each["kind"] == "NetworkPolicy"]
    for document in documents:
        if policies and document["kind"] in LASTING:
            labels = document["spec"]["template"]["metadata"]["labels"].items()
            (policy,) = [p for p in policies if p["podSelector"]["matchLabels"].items() <= labels]
            assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_policies_can_be_disabled() -> None:
    """A cluster without policies gets none."""
    documents = render("--set", "networkPolicy.enabled=false")
    assert "NetworkPolicy" not in {each["kind"] for each in documents}


@pytest.mark.parametrize(
    ("values", "outwards"), [("default", {53, 6379}), ("bucket", {53, 6380, 9000})]
)
def test_the_service_reaches_what_it_needs(values: str, outwards: set[int]) -> None:
    """Requests and scrapers come in; Redis, the store and DNS alone are reached."""
    documents = render("--values", str(CHART / "ci" / f"{values}.yaml"))
    policy = only(documents, "NetworkPolicy")["spec"]
    requests, scrapes = policy["ingress"]
    assert [port["port"] for port in requests["ports"] + scrapes["ports"]] == [8000, 8001]
    assert scrapes["from"]
    assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == outwards


def test_scaling_has_one_owner() -> None:
    """With autoscaling, the autoscaler alone says how many replicas there are."""
    documents = render("--set", "autoscaling.enabled=true")
    assert "replicas" not in only(documents, "Deployment")["spec"]
    target = only(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "demo-charloom")


def test_scaling_counts_the_queue(running_service: Service) -> None:
    """The autoscaler's second metric is one that the service shows."""
    documents = render("--set", "autoscaling.enabled=true", "--set", "autoscaling.waiting=8")
    cpu, queue = only(documents, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert cpu["containerResource"]["container"] == "service"
    name = queue["pods"]["metric"]["name"]
    assert f"\n{name} " in running_service.get("/metrics").body.decode()


def test_prometheus_scrapes_past_the_proxy() -> None:
    """The ServiceMonitor names a port of the Service, and the Secret that holds a key."""
    documents = render("--values", str(CHART / "ci" / "bucket.yaml"))
    monitor, service = only(documents, "ServiceMonitor"), only(documents, "Service")
    (endpoint,) = monitor["spec"]["endpoints"]
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    assert ports[endpoint["port"]] == 8001
    assert endpoint["authorization"]["credentials"] == {"name": "scraper", "key": "key"}
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_models_outlive_the_release() -> None:
    """The claim for the models stays when the release is removed."""
    documents = render("--set", "store.claim=models", "--set", "store.size=1Gi")
    (claim,) = [each for each in documents if each["kind"] == "PersistentVolumeClaim"]
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_proxy_knows_the_chart_s_variables() -> None:
    """The proxy's configuration reads each variable that the chart gives to the proxy."""
    configuration = (ROOT / "deploy" / "proxy" / "haproxy.cfg").read_text(encoding="utf-8")
    pod = only(render("--set", "ingress.host=a.example"), "Deployment")["spec"]["template"]["spec"]
    for variable in pod["initContainers"][0]["env"]:
        assert f"${{{variable['name']}}}" in configuration or f"defined({variable['name']})" in (
            configuration
        )


def _selectors(document: Document) -> list[dict[str, str]]:
    spec = document.get("spec", {})
    if document["kind"] == "Service":
        return [spec["selector"]]
    if document["kind"] == "PodDisruptionBudget":
        return [spec["selector"]["matchLabels"]]
    if document["kind"] == "NetworkPolicy":
        return [spec["podSelector"]["matchLabels"]]
    if document["kind"] == "Deployment":
        spreads = spec["template"]["spec"].get("topologySpreadConstraints", [])
        inner = [each["labelSelector"]["matchLabels"] for each in spreads]
        return [spec["selector"]["matchLabels"], *inner]
    return []
