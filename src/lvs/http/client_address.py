"""The client of a request: the connection's peer, or the address a trusted proxy names."""

import ipaddress
import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from quart import Request

from lvs.option_values import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Named one by one: `is_private` means "not globally reachable", which holds for networks that are
# nobody's home.
HOME_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)

# `X-Forwarded-For` is no standard: some proxies add the port, with IPv6 addresses in brackets.
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}", re.ASCII)
_LONGEST = 60


def client_address(request: Request, trusted_proxies: Collection[Network]) -> str:
    """The visitor's address as text; empty where the connection has none."""
    # Not `remote_addr`: Quart keeps that among the headers, where a visitor can write one of the
    # same name.
    peer = request.scope.get("client") or ("", 0)
    return address_of(peer[0], request.headers.getlist("X-Forwarded-For"), trusted_proxies)


def address_of(
    peer: str, forwarded_for: Iterable[str], trusted_proxies: Collection[Network]
) -> str:
    """The address a request comes from, as text; empty where the connection's peer has none.

    `forwarded_for` holds the values of X-Forwarded-For. It is read from its end, for as long as
    each entry was added by a trusted proxy. No other header is trusted: a proxy passes on unchanged
    those it does not write itself.
    """
    client = parse_address(peer)
    if client is None:
        return ""
    named = ",".join(forwarded_for).split(",")
    while named and within(client, trusted_proxies):
        before = parse_address(named.pop())
        if before is None:
            break
        client = before
    return str(client)


def parse_address(text: str) -> Address | None:
    """The IP address in the text, which may have a port; None where it is none.

    One that maps IPv4 into IPv6 is given as IPv4.
    """
    text = text.strip()
    return _parse_address(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=1024)
def _parse_address(text: str) -> Address | None:
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((found[1] or found[2]) if found else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=1024)
def is_public(text: str) -> bool:
    """True if the text is an address outside the home: not private, loopback, link-local or
    unique-local.
    """
    address = parse_address(text)
    return address is not None and not within(address, HOME_NETWORKS)


def within(address: Address, networks: Collection[Network]) -> bool:
    """True if one of the networks holds the address."""
    return any(address in network for network in networks)
