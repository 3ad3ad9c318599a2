"""Where calls may go."""

from __future__ import annotations

import pytest

from app.notifications.addresses import is_public, read_url
from app.notifications.calls import check_host
from app.notifications.failing import SendFailed
from app.notifications.web import request

INNER = [
    "127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[fe80::1]",
    "[fc00::1]", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[::127.0.0.1]", "localhost", "x.localhost", "localhost.",
    "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1",
]  # fmt: skip


@pytest.mark.parametrize("host", INNER)
def test_x10_the_inner_network_is_refused_when_saved_and_when_sent(host):
    """X10: whatever way the address is spelled."""
    url = f"http://{host}/"
    with pytest.raises(SendFailed, match="is not a public address") as caught:
        check_host(url, frozenset())
    assert caught.value.is_final
    with pytest.raises(SendFailed) as caught:
        request("GET", url, {}, b"", seconds=2)
    assert "is not a public address" in str(caught.value) or "is not known" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "gopher://x.example/", "ftp://x.example/", "http://", "http:///x",
        "https://x.example/\r\nX: y", "https://x y.example/", "https://x.example:99999/", "x", "",
        "https://ümlaut.example/",
    ],
)  # fmt: skip
def test_x10_only_addresses_of_the_web_are_called(url):
    with pytest.raises(SendFailed, match="cannot be called") as caught:
        check_host(url, frozenset())
    assert caught.value.is_final


def test_a_name_or_password_in_an_address_is_refused():
    with pytest.raises(SendFailed, match="use `secret`"):
        read_url("https://me:secret@x.example/")


def test_what_is_allowed_by_name_is_called_with_or_without_its_port():
    for hosts in ({"localhost"}, {"localhost:8080"}):
        check_host("http://localhost:8080/x", frozenset(hosts))
    with pytest.raises(SendFailed):
        check_host("http://localhost:8081/x", frozenset({"localhost:8080"}))
    check_host("http://[::1]:80/", frozenset({"[::1]"}))


def test_public_addresses_are_public():
    assert all(map(is_public, ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"]))
    assert not any(map(is_public, ["nonsense", "", "192.0.2.1", "2001:db8::1"]))
