"""A client is told from others by its address, however proxies write it and however many it has."""

from types import SimpleNamespace

import pytest

from service.http.server.client_address import client_behind, client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:4711", "192.0.2.1"),
        ("2a00:1450:4001:81b:1:2:3:4", "2a00:1450:4001:81b::/64"),
        ("2a00:1450:4001:81b::9", "2a00:1450:4001:81b::/64"),
        ("2A00:1450:4001:81c::9", "2a00:1450:4001:81c::/64"),
        ("[2a00:1450:4001:81b::9]", "2a00:1450:4001:81b::/64"),
        ("[2a00:1450:4001:81b::9]:4711", "2a00:1450:4001:81b::/64"),
        ("::1", "::1"),
        ("fd00:1::2", "fd00:1::2"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("unknown", "unknown"),
        ("192.0.2.1:4711:5", "192.0.2.1:4711:5"),
        ("", ""),
    ],
)
def test_the_client_of_an_address(address: str, client: str) -> None:
    """Ports do not tell clients apart, nor do the lower 64 bits of a public IPv6 address."""
    assert client_of(address) == client


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        (0, ["192.0.2.1"], "10.0.0.1"),
        (1, [], "10.0.0.1"),
        (1, [""], "10.0.0.1"),
        (1, ["192.0.2.1"], "192.0.2.1"),
        (1, ["192.0.2.1:4711"], "192.0.2.1"),
        (1, ["192.0.2.9, 192.0.2.1"], "192.0.2.1"),
        (2, ["192.0.2.9, 192.0.2.1", "192.0.2.2"], "192.0.2.1"),
        (2, ["192.0.2.1"], "10.0.0.1"),
    ],
)
def test_the_client_behind_proxies(proxies: int, forwarded: list[str], client: str) -> None:
    """The last trusted proxy names the client; a client's own header is not believed."""
    request = SimpleNamespace(headers=[("X-FORWARDED-FOR", each) for each in forwarded])
    assert client_behind(request, "10.0.0.1", proxies) == client
