"""The addresses of this machine, and which of them other devices in the house can use."""

import array
import ipaddress
import re
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from msgspec import Struct

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Networks that exist only inside this machine: containers and virtual machines. No phone is in
# them.
_INSIDE = re.compile(r"(docker|br-|veth|virbr|vmnet|vboxnet|cni|flannel|cali|podman|lxcbr|lxdbr)")
# Networks of other machines that have joined them; the phone beside the router has not.
_TUNNEL = re.compile(r"(tun|utun|wg|tailscale|zt|ppp|ipsec|nordlynx|proton|mullvad)")
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_ASK_ETHTOOL, _ETHTOOL_DRIVER = 0x8946, 3  # linux/sockios.h, linux/ethtool.h
_NOBODY = ("192.0.2.1", 9)  # RFC 5737: belongs to nobody


class HostAddress(Struct, frozen=True):
    """An address of a network interface of this machine. `inside` means that it ends at this
    machine, `tunnel` that only members of a VPN reach it.
    """

    interface: str
    address: IPAddress
    inside: bool
    tunnel: bool = False

    def __str__(self) -> str:
        return str(self.address)


def host_addresses(
    with_ipv6: bool = False, marks: Sequence[Path] = CONTAINER_MARKS
) -> list[HostAddress]:
    """Addresses of this machine beyond loopback and link-local, the most useful first."""
    states, contained = psutil.net_if_stats(), in_container(marks)
    families = {socket.AF_INET, *([socket.AF_INET6] if with_ipv6 else [])}
    found = []
    for name, entries in psutil.net_if_addrs().items():
        if name in states and states[name].isup:
            found += [
                _parsed(name, entry.address, contained)
                for entry in entries
                if entry.family in families
            ]
    usable = [
        each for each in found if not (each.address.is_loopback or each.address.is_link_local)
    ]
    preferred = default_address()

    def rank(each: HostAddress) -> tuple[bool, bool, int, bool]:
        return each.inside, each.tunnel, each.address.version, str(each) != preferred

    return sorted(usable, key=rank)


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


def in_container(marks: Sequence[Path] = CONTAINER_MARKS) -> bool:
    """True inside a Docker or Podman container, which puts one of these files there."""
    return any(mark.exists() for mark in marks)


def own_network_only(
    addresses: Sequence[HostAddress], marks: Sequence[Path] = CONTAINER_MARKS
) -> bool:
    """True in a container whose addresses all end at the machine that it runs on."""
    return in_container(marks) and bool(addresses) and all(each.inside for each in addresses)


def url(scheme: str, host: str, port: int) -> str:
    """An address for the browser; the port is left out where it is the scheme's own."""
    name = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{name}" if port == default else f"{scheme}://{name}:{port}"


def _parsed(interface: str, text: str, contained: bool) -> HostAddress:
    address = ipaddress.ip_address(text)
    inside = bool(_INSIDE.match(interface)) or (contained and _is_pair(interface))
    return HostAddress(interface, address, inside, bool(_TUNNEL.match(interface)))


def _is_pair(interface: str) -> bool:
    """True for one end of a pair of interfaces (veth(4)), which is how a container with a network
    of its own is tied to the machine. With the host's network, or an address in the house's own
    (macvlan), it sees other kinds.
    """
    return _driver(interface) == "veth"


def _driver(interface: str) -> str:
    """The driver of a network interface as Linux names it; empty where it does not say."""
    if not sys.platform.startswith("linux"):
        return ""
    import fcntl  # noqa: PLC0415  not on Windows

    answer = array.array("B", _ETHTOOL_DRIVER.to_bytes(4, sys.byteorder) + bytes(192))
    request = struct.pack("16sP16x", interface.encode()[:15], answer.buffer_info()[0])
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _ASK_ETHTOOL, request)
        return answer.tobytes()[4:36].partition(b"\0")[0].decode("ascii", "replace")
    return ""
