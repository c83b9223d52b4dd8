"""The chart's service uses the Redis that the values name, and reaches no other."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.chart.helm import CHART, Document, containers, environment, only, render, run

DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
REDIS = "redis://demo-charloom-redis:6379/0"
# What Helm asks of a cluster that has one Secret.
SECRETS = {"name": "secrets", "namespaced": True, "kind": "Secret", "verbs": ["get"]}
ANSWERS: dict[str, Any] = {
    "/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [SECRETS]},
    "/api/v1/namespaces/default/secrets/keys": {
        "kind": "Secret",
        "apiVersion": "v1",
        "data": {"CHARLOOM_REDIS_URL": "cmVkaXM6Ly9v"},
    },
}
MISSING = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
IN_SECRET = {"secretKeyRef": {"name": "keys", "key": "CHARLOOM_REDIS_URL"}}


class Cluster(BaseHTTPRequestHandler):
    """As much of Kubernetes' API as Helm needs to look for a Secret."""

    def do_GET(self) -> None:
        """Answer from the table."""
        path = self.path.partition("?")[0]
        body = json.dumps(ANSWERS.get(path, MISSING)).encode()
        self.send_response(200 if path in ANSWERS else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def cluster() -> Iterator[str]:
    """Return the address of a cluster with one Secret, `keys`, which has an address of Redis."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Cluster) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("values", "address", "port"),
    [
        ("replicas=2", REDIS, 6379),
        ("redis.url=redis://other", "redis://other", 6379),
        ("redis.url=redis://other/0", "redis://other/0", 6379),
        ("redis.url=rediss://user:5@other:6380/0", "rediss://user:5@other:6380/0", 6380),
        ("redis.url=redis://[::1]:7000?db=1", "redis://[::1]:7000?db=1", 7000),
        ("redis.url=redis://[fd00::1]", "redis://[fd00::1]", 6379),
        ("redis.url=redis://a:7000,redis.port=7000", "redis://a:7000", 7000),
        ("redis.secret=keys", IN_SECRET, 6379),
        ("redis.secret=keys,redis.port=7000,redis.enabled=false", IN_SECRET, 7000),
    ],
)
def test_the_service_asks_the_redis_of_the_values(values: str, address: Any, port: int) -> None:
    """A Redis in `url` or `secret` replaces the chart's own, and the policy opens that Redis' port alone."""
    documents = render("--set", values)
    assert _variables(documents)["CHARLOOM_REDIS_URL"] == address
    assert [each["port"] for each in _outwards(documents)] == [53, 53, port]
    assert _has_own(documents) is (address == REDIS)


def test_no_redis_needs_no_way_out() -> None:
    """Without a Redis the service has no address of one, and the policy leaves DNS alone open."""
    documents = render("--set", "redis.enabled=false,secret=charloom")
    assert "CHARLOOM_REDIS_URL" not in _variables(documents)
    assert _outwards(documents) == DNS
    assert not _has_own(documents)


@pytest.mark.parametrize(
    ("values", "refused"),
    [("secret=keys", True), ("secret=keys,redis.secret=keys", False), ("secret=other", False)],
)
def test_an_address_in_the_wrong_place_is_refused(cluster: str, values: str, refused: bool) -> None:
    """An installation ends where `secret` has an address of Redis that `redis.secret` does not name."""
    options = ("--dry-run=server", "--kube-apiserver", cluster)
    done = run("template", "demo", str(CHART), *options, "--set", values)
    # What is not refused fails later, since the cluster has no schemas.
    assert ("set redis.secret=keys" in done.stderr) is refused, done.stderr
    assert ("openapi" in done.stderr) is not refused, done.stderr


def test_only_the_service_reaches_redis() -> None:
    """Redis, which has no password, answers the service's pods, and asks no one."""
    policy = only(render(), "NetworkPolicy", "-redis")["spec"]
    ((rule,), outwards) = policy["ingress"], policy["egress"]
    ((peer),) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "service"
    assert outwards == []


def _variables(documents: list[Document]) -> dict[str, Any]:
    """Return the variables of the service's container."""
    _, service = containers(only(documents, "Deployment")["spec"]["template"]["spec"])
    return environment(service)


def _outwards(documents: list[Document]) -> list[Document]:
    """Return the ports to which the service's policy lets connections out."""
    policy = only(documents, "NetworkPolicy")["spec"]
    return [port for rule in policy["egress"] for port in rule["ports"]]


def _has_own(documents: list[Document]) -> bool:
    """Return whether the chart runs a Redis."""
    return any(each["metadata"]["name"].endswith("-redis") for each in documents)
