"""The chart's service uses the Redis that the values name, and reaches no other."""

from typing import Any

import pytest

from tests.chart.helm import Document, containers, environment, only, render

DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
REDIS = "redis://demo-charloom-redis:6379/0"
IN_SECRET = {"secretKeyRef": {"name": "keys", "key": "CHARLOOM_REDIS_URL"}}


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
