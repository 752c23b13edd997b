"""The names and addresses under which others on the network reach this machine."""

import ipaddress
import socket

import psutil

from lvs.config import Config


def served(config: Config) -> list[str]:
    """Every address of a server with this configuration: HTTP first, then HTTPS where it is
    spoken.
    """
    found = addresses(config.host, config.port)
    if config.speaks_tls:
        found += addresses(config.host, config.tls_port, "https")
    return found


def addresses(host: str, port: int, scheme: str = "http") -> list[str]:
    """The addresses under which a browser reaches a server that listens on `host`, this machine's
    own first.
    """
    return [
        f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"
        for name in reachable_names(host)
    ]


def reachable_names(host: str) -> list[str]:
    """The names and addresses under which others reach a server that listens on `host`, this
    machine's own first.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [host]
    if not address.is_unspecified:
        return [host]
    name = socket.gethostname().partition(".")[0]
    local = [f"{name}.local"] if name and name != "localhost" else []
    return ["localhost", *_own_addresses(with_ipv6=address.version == 6), *local]


def _own_addresses(with_ipv6: bool) -> list[str]:
    """The addresses of this machine that others on its networks can use."""
    states = psutil.net_if_stats()
    found = []
    for name, entries in psutil.net_if_addrs().items():
        if name in states and states[name].isup:
            found += [entry.address for entry in entries if entry.family == socket.AF_INET]
            found += [
                entry.address for entry in entries if with_ipv6 and entry.family == socket.AF_INET6
            ]
    kept = [ipaddress.ip_address(text) for text in found]
    return [str(address) for address in kept if not (address.is_loopback or address.is_link_local)]
