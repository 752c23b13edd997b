"""The addresses of this machine, and which of them other devices in the house can use."""

import ipaddress
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Networks that exist only inside this machine: containers and virtual machines. No phone is in
# them.
_INSIDE = re.compile(r"(docker|br-|veth|virbr|vmnet|vboxnet|cni|flannel|cali|podman|lxcbr|lxdbr)")
_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_NOBODY = ("192.0.2.1", 9)  # RFC 5737: belongs to nobody


@dataclass(frozen=True, slots=True)
class HostAddress:
    """An address of a network interface of this machine. `inside` means that it ends at this
    machine.
    """

    interface: str
    address: IPAddress
    inside: bool

    def __str__(self) -> str:
        return str(self.address)


def host_addresses(with_ipv6: bool = False) -> list[HostAddress]:
    """Addresses of this machine beyond loopback and link-local, the most useful first."""
    states = psutil.net_if_stats()
    families = {socket.AF_INET, *([socket.AF_INET6] if with_ipv6 else [])}
    found = []
    for name, entries in psutil.net_if_addrs().items():
        if name in states and states[name].isup:
            found += [_parsed(name, entry.address) for entry in entries if entry.family in families]
    usable = [
        each for each in found if not (each.address.is_loopback or each.address.is_link_local)
    ]
    preferred = default_address()
    return sorted(
        usable, key=lambda each: (each.inside, each.address.version, str(each) != preferred)
    )


def reachable_addresses(with_ipv6: bool = False) -> list[str]:
    """The addresses that other devices may be able to use, the most likely first.

    Networks inside this machine are left out, unless there are no others: in a container the only
    address may look like one.
    """
    found = host_addresses(with_ipv6)
    return [str(each) for each in found if not each.inside] or [str(each) for each in found]


def default_address() -> str:
    """The IPv4 address that traffic to other networks leaves from; empty where there is none.

    Connecting a UDP socket sends nothing: the system only chooses a route.
    """
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_NOBODY)
        return str(probe.getsockname()[0])
    return ""


def in_container() -> bool:
    """True inside a Docker or Podman container."""
    return any(mark.exists() for mark in _CONTAINER_MARKS)


def url(scheme: str, host: str, port: int) -> str:
    """An address for the browser; the port is left out where it is the scheme's own."""
    name = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{name}" if port == default else f"{scheme}://{name}:{port}"


def _parsed(interface: str, text: str) -> HostAddress:
    address = ipaddress.ip_address(text)
    return HostAddress(interface, address, bool(_INSIDE.match(interface)))
