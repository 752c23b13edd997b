"""Network checks of the doctor: port, addresses, firewall, mDNS."""

import asyncio
import errno
import ipaddress
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from lvs.config import Config
from lvs.services.monitoring.diagnosis import Condition, Diagnosis
from lvs.services.network.addresses import (
    HostAddress,
    host_addresses,
    own_network_only,
    reachable_addresses,
)
from lvs.services.network.discovery import Discovery
from lvs.services.network.reachability import CONTAINER, status_at

MDNS_PORT = 5353
COMMAND_S = 5.0
UFW = Path("/etc/ufw")
# "### tuple ### ACTION PROTOCOL PORTS TO PORTS FROM … in"
_UFW_RULE = re.compile(r"(?m)^### tuple ### (\w+) (\w+) (\S+) \S+ \S+ (\S+) .*\bin\w*")
_EVERYBODY = ("0.0.0.0/0", "::/0")
RESOLVE_MS = 2000


def port(config: Config) -> Iterator[Diagnosis]:
    """Check that the port is free, or used by LVS itself."""
    if config.port == 0:
        yield Diagnosis(
            "port",
            Condition.NOTE,
            "Port 0: a different port at each start.",
            "Set the option port to 8900.",
        )
        return
    problem = _cannot_listen(config.host, config.port)
    if problem is None:
        yield Diagnosis("port", Condition.OK, f"Port {config.port} is free: LVS is not running.")
    elif problem == errno.EADDRINUSE and _lvs_answers(config):
        yield Diagnosis("port", Condition.OK, f"LVS is running on port {config.port}.")
    elif problem == errno.EADDRINUSE:
        message = f"Port {config.port} is taken by another program."
        yield Diagnosis(
            "port",
            Condition.ERROR,
            message,
            "Stop that program, or choose another port with --port.",
        )
    elif problem == errno.EACCES:
        message = f"Port {config.port} may not be used by this user."
        yield Diagnosis("port", Condition.ERROR, message, "Choose a port above 1023 with --port.")
    else:
        message = f"LVS cannot listen on {config.host}: no address of this machine."
        yield Diagnosis("port", Condition.ERROR, message, "Set the option host to 0.0.0.0.")


def addresses(config: Config) -> Iterator[Diagnosis]:
    """Check that other devices can reach an address of this machine."""
    if _only_this_machine(config.host):
        message = f"LVS listens on {config.host}: only this computer reaches it."
        yield Diagnosis(
            "addresses",
            Condition.WARNING,
            message,
            "Set the option host to 0.0.0.0 to open it to the network.",
        )
        return
    own = host_addresses(_is_ipv6(config.host))
    if own_network_only(own):
        if not config.public_url:
            step = "See “Docker” in docs/operations.md."
            yield Diagnosis("addresses", Condition.NOTE, CONTAINER, step)
            return
        message = f"Other devices use {config.public_url}, which cannot be tried from in here."
        yield Diagnosis("addresses", Condition.OK, message)
        return
    found = [each for each in own if not each.inside]
    if not found:
        message = "This computer has no address in a local network."
        yield Diagnosis(
            "addresses", Condition.ERROR, message, "Connect it to the network by cable or Wi-Fi."
        )
        return
    found = [each for each in found if _listens_on(config.host, each)]
    if not _lvs_answers(config):
        names = ", ".join(map(str, found))
        yield Diagnosis(
            "addresses", Condition.OK, f"Addresses: {names}. They are tried while LVS runs."
        )
        return
    for each in found:
        place = f"{each} ({each.interface})"
        status = _status(config, str(each))
        if status == HTTPStatus.OK:
            yield Diagnosis("addresses", Condition.OK, f"LVS answers at {place}.")
        elif status == HTTPStatus.FORBIDDEN:
            message = f"LVS answers at {place} only with a password: it is no home network."
            step = "Run `lvs password` if it is to be reached there."
            yield Diagnosis("addresses", Condition.NOTE, message, step)
        else:
            message = f"LVS does not answer at {place}, not even to this computer."
            step = "Check the option host, and the firewall of this computer."
            yield Diagnosis("addresses", Condition.WARNING, message, step)


def firewall(config: Config, ufw: Path = UFW) -> Iterator[Diagnosis]:
    """Check that a firewall that is known to be on lets the ports through."""
    ports = [config.port, *([config.tls_port] if config.speaks_tls else [])]
    states = [state for each in ports for state in (_ufw(each, ufw), _firewalld(each)) if state]
    yield from states
    if not states:
        message = (
            "No firewall was recognized here. One in the router or another program may still "
            "block the port."
        )
        yield Diagnosis("firewall", Condition.OK, message)


def mdns(config: Config) -> Iterator[Diagnosis]:
    """Check that the announced name can be answered, and is answered."""
    discovery = Discovery(config.announce, config.host)
    if not discovery.enabled:
        message = (
            "LVS is not announced: the option announce is off, or it listens to this computer only."
        )
        yield Diagnosis(
            "mdns", Condition.NOTE, message, "Set the option announce to a name such as lvs."
        )
        return
    if not _can_share_mdns():
        message = (
            f"Another program holds UDP port {MDNS_PORT} for itself, so LVS cannot answer to "
            f"{config.announce}.local."
        )
        yield Diagnosis(
            "mdns",
            Condition.WARNING,
            message,
            "Stop that program, or use the address with numbers.",
        )
        return
    if not _lvs_answers(config):
        yield Diagnosis(
            "mdns", Condition.OK, f"{config.announce}.local can be announced once LVS runs."
        )
        return
    found = _resolved(config.announce)
    if set(found) & set(reachable_addresses()):
        yield Diagnosis(
            "mdns", Condition.OK, f"{config.announce}.local is answered with {', '.join(found)}."
        )
    elif found:
        message = f"{config.announce}.local belongs to another device ({', '.join(found)})."
        yield Diagnosis(
            "mdns", Condition.WARNING, message, "Set the option announce to a name of its own."
        )
    else:
        message = f"Nobody answers to {config.announce}.local."
        step = "Let UDP port 5353 through the firewall, or use the address with numbers."
        yield Diagnosis("mdns", Condition.WARNING, message, step)


def _cannot_listen(host: str, number: int) -> int | None:
    """The number of the error that listening there gives, or None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, number), family=family).close()
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None


def _lvs_answers(config: Config) -> bool:
    """True where LVS answers at the address that it listens on: by HTTP, which is spoken there
    whether or not HTTPS is beside it.
    """
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "localhost"}  # noqa: S104  what the option says
    return _status(config, everywhere.get(config.host, config.host)) == HTTPStatus.OK


def _status(config: Config, address: str) -> int:
    return asyncio.run(status_at(address, config.port))


def _listens_on(host: str, own: HostAddress) -> bool:
    """True where a server with this `host` takes connections to that address of this machine."""
    return host in ("0.0.0.0", "::", str(own)) or not _is_address(host)  # noqa: S104


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_ipv6(host: str) -> bool:
    return ":" in host


def _only_this_machine(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _ufw(number: int, folder: Path) -> Diagnosis | None:
    """Ubuntu's firewall, read from its files: its own command needs root."""
    step = f"Run: sudo ufw allow {number}/tcp"
    try:
        if not re.search(r"(?m)^ENABLED=yes", (folder / "ufw.conf").read_text()):
            return None
        rules = (folder / "user.rules").read_text()
    except PermissionError:
        message = (
            f"The firewall ufw is on; only root may see whether it lets port {number} through."
        )
        return Diagnosis("firewall", Condition.NOTE, message, step)
    except OSError:
        return None
    if _allows_port(rules, number):
        return Diagnosis("firewall", Condition.OK, f"The firewall ufw lets port {number} through.")
    message = f"The firewall ufw is on and has no rule for port {number}."
    return Diagnosis("firewall", Condition.WARNING, message, step)


def _allows_port(rules: str, number: int) -> bool:
    """True where the first of ufw's rules for connections to this port lets some in."""
    for action, protocol, ports, source in _UFW_RULE.findall(rules):
        if protocol in ("any", "tcp") and _holds(ports, number):
            if action.startswith(("allow", "limit")):
                return True
            if source in _EVERYBODY:
                return False
    return False


def _holds(ports: str, number: int) -> bool:
    """True where a port is one of `any`, `22`, `80,443` or `8000:9000`."""
    if ports == "any":
        return True
    for each in ports.split(","):
        first, _, last = each.partition(":")
        if first.isdigit() and int(first) <= number <= int(last or first):
            return True
    return False


def _firewalld(number: int) -> Diagnosis | None:
    if shutil.which("firewall-cmd") is None or _output("firewall-cmd", "--state") != "running":
        return None
    if _output("firewall-cmd", f"--query-port={number}/tcp") == "yes":
        return Diagnosis(
            "firewall", Condition.OK, f"The firewall firewalld lets port {number} through."
        )
    message = f"The firewall firewalld is on and does not let port {number} through."
    step = (
        f"Run: sudo firewall-cmd --permanent --add-port={number}/tcp && sudo firewall-cmd --reload"
    )
    return Diagnosis("firewall", Condition.WARNING, message, step)


def _output(*command: str) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_S, check=False
        ).stdout.strip()
    return ""


def _can_share_mdns() -> bool:
    """True where the port of mDNS can be bound beside whoever has it already, as responders do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError, AttributeError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind(("", MDNS_PORT))
        except OSError:
            return False
    return True


def _resolved(name: str) -> list[str]:
    from zeroconf import (  # type: ignore[attr-defined]  # noqa: PLC0415
        AddressResolverIPv4,
        IPVersion,
        Zeroconf,
    )

    with Zeroconf(interfaces=reachable_addresses(), ip_version=IPVersion.V4Only) as zeroconf:
        resolver = AddressResolverIPv4(f"{name}.local.")
        resolver.request(zeroconf, RESOLVE_MS)
        return resolver.parsed_addresses()
