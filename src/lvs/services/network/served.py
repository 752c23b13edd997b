"""The addresses under which this server answers, for people to read and click."""

import ipaddress
import socket

from lvs.config import Config
from lvs.services.network.addresses import host_addresses, reachable_addresses


def server_urls(config: Config) -> list[str]:
    """Every address of a server with this configuration: HTTP first, then HTTPS where it is
    spoken.
    """
    found = addresses(config.host, config.port, "http", config.announce)
    if config.speaks_tls:
        found += addresses(config.host, config.tls_port, "https", config.announce)
    return found


def addresses(host: str, port: int, scheme: str = "http", announced: str = "") -> list[str]:
    """The addresses under which a browser reaches a server that listens on `host`, this machine's
    own first. `announced` is the name it is announced by in the local network.
    """
    return [
        f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"
        for name in reachable_names(host, announced)
    ]


def reachable_names(host: str, announced: str = "") -> list[str]:
    """The names and addresses under which others reach a server that listens on `host`, this
    machine's own first.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [host]
    if not address.is_unspecified:
        return [host]
    name = announced or socket.gethostname().partition(".")[0]
    local = [f"{name}.local"] if name and name != "localhost" else []
    return ["localhost", *reachable_addresses(with_ipv6=address.version == 6), *local]


def names_for_phones(host: str) -> list[str]:
    """The names and addresses of a server that listens on `host` which a phone may reach: not those
    that end at this machine.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [] if host == "localhost" or host.endswith(".localhost") else [host]
    if not address.is_unspecified:
        return [] if address.is_loopback else [host]
    return [str(each) for each in host_addresses(address.version == 6) if not each.inside]
