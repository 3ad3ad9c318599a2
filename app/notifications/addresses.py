"""Where a call may go: to public addresses, and to hosts the operator allowed by name.

The addresses of a name are looked at once and the connection goes to one of those, so that a name
that changes in between leads nowhere else. A name with a public and a private address is refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from app.notifications.failing import SendFailed
from app.texts import Label, say

#: IPv6 addresses that hold an IPv4 address: NAT64, 6to4.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
_PORTS = {"http": 80, "https": 443}
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes, as its URL says."""

    scheme: str
    host: str
    port: int
    #: path and query
    target: str

    @property
    def host_header(self) -> str:
        """How the other side is told which host is meant."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    def is_allowed(self, hosts: frozenset[str]) -> bool:
        """Whether the operator allowed the host by name, with or without its port."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name in hosts or f"{name}:{self.port}" in hosts


def read_url(url: str) -> Destination:
    """Return where a URL leads.

    Raises:
        SendFailed: it is none that may be called.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused(url) from None
    if (
        parts.scheme.lower() not in _PORTS
        or not parts.hostname
        or len(url) > _LONGEST
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise _refused(url)
    if parts.username is not None or parts.password is not None:
        raise SendFailed(
            say(
                "A name or password in a URL is not sent; use `secret`.",
                "URL 中不能包含用户名或密码，请使用 secret。",
            ),
            is_final=True,
        )
    scheme = parts.scheme.lower()
    host = parts.hostname.lower().rstrip(".")
    return Destination(scheme, host, port or _PORTS[scheme], _target(parts))


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _refused(url: str) -> SendFailed:
    return SendFailed(
        say(
            "`{url}` cannot be called; write `https://` and a host name.",
            "无法调用“{url}”，请写成 https:// 加主机名。",
            url=url[:200],
        ),
        is_final=True,
    )


def check_addresses(destination: Destination, addresses: Sequence[str]) -> None:
    """See that every address of a host is a public one.

    Raises:
        SendFailed: one is not.
    """
    for address in addresses:
        if not is_public(address):
            raise SendFailed(not_public(destination.host), is_final=True)


def not_public(host: str) -> Label:
    """Return the sentence that refuses a host of an inner network."""
    return say(
        "`{host}` is not a public address. Calls reach only public ones; an operator can allow "
        "this host in TRELLIS_ALLOWED_HOSTS.",
        "“{host}”不是公网地址。只能调用公网地址；运维人员可在 TRELLIS_ALLOWED_HOSTS 中放行该主机。",
        host=host,
    )


def is_public(text: str) -> bool:
    """Whether an address belongs to the internet and to nothing nearer."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(str(inner))
        if address in _NAT64_LOCAL or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if int(address) < 2**32 and int(address) > 1:
        # ``::127.0.0.1``, an old spelling.
        return ipaddress.IPv4Address(int(address))
    return None
