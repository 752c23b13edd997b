"""Who a request comes from: the peer of the connection, or whom a trusted proxy names."""

import ipaddress
import re
from collections.abc import Collection

from quart import Request

from lvs.config import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# `X-Forwarded-For` is no standard: some proxies add the port, with IPv6 addresses in brackets.
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}", re.ASCII)
_LONGEST = 60


def client_address(request: Request, trusted_proxies: Collection[Network]) -> str:
    """The visitor's address as text; empty where the connection has none.

    `X-Forwarded-For` is read from its end, and only as long as whoever added an entry is a trusted proxy. No other header is
    believed: a proxy passes on unchanged those it does not write itself.
    """
    # Not `remote_addr`: Quart keeps that among the headers, where a visitor can write one of the same name.
    peer = request.scope.get("client") or ("", 0)
    client = parse_address(peer[0])
    if client is None:
        return ""
    named = ",".join(request.headers.getlist("X-Forwarded-For")).split(",")
    while named and _within(client, trusted_proxies):
        before = parse_address(named.pop())
        if before is None:
            break
        client = before
    return str(client)


def parse_address(text: str) -> Address | None:
    """The IP address in the text, which may have a port; None where it is none. One that maps IPv4 into IPv6 is given as IPv4."""
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((found[1] or found[2]) if found else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _within(address: Address, networks: Collection[Network]) -> bool:
    return any(address in network for network in networks)
