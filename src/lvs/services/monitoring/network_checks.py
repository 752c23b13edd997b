"""Network checks of the doctor: port, addresses, firewall, mDNS."""

import asyncio
import errno
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lvs.config import Config
from lvs.services.monitoring.diagnosis import Condition, Diagnosis
from lvs.services.network.addresses import host_addresses, in_container, reachable_addresses
from lvs.services.network.discovery import Discovery
from lvs.services.network.reachability import CONTAINER, answers_at

MDNS_PORT = 5353
COMMAND_S = 5.0
UFW = Path("/etc/ufw")
RESOLVE_MS = 2000


def port(config: Config) -> Iterator[Diagnosis]:
    """The port is free, or LVS itself has it."""
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
    elif problem == errno.EADDRINUSE and _lvs_answers(config, "127.0.0.1"):
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
    """Other devices can reach an address of this machine."""
    if _only_this_machine(config.host):
        message = f"LVS listens on {config.host}: only this computer reaches it."
        yield Diagnosis(
            "addresses",
            Condition.WARNING,
            message,
            "Set the option host to 0.0.0.0 to open it to the network.",
        )
        return
    if in_container():
        yield Diagnosis(
            "addresses", Condition.NOTE, CONTAINER, "See “Docker” in docs/operations.md."
        )
    found = [each for each in host_addresses() if not each.inside]
    if not found:
        message = "This computer has no address in a local network."
        yield Diagnosis(
            "addresses", Condition.ERROR, message, "Connect it to the network by cable or Wi-Fi."
        )
        return
    if not _lvs_answers(config, "127.0.0.1"):
        names = ", ".join(map(str, found))
        yield Diagnosis(
            "addresses", Condition.OK, f"Addresses: {names}. They are tried while LVS runs."
        )
        return
    for each in found:
        if _lvs_answers(config, str(each)):
            yield Diagnosis("addresses", Condition.OK, f"LVS answers at {each} ({each.interface}).")
        else:
            message = (
                f"LVS does not answer at {each} ({each.interface}), not even to this computer."
            )
            step = "Check the option host, and the firewall of this computer."
            yield Diagnosis("addresses", Condition.WARNING, message, step)


def firewall(config: Config) -> Iterator[Diagnosis]:
    """A firewall that is known to be on lets the port through."""
    states = [state for state in (_ufw(config.port), _firewalld(config.port)) if state]
    yield from states
    if not states:
        message = (
            "No firewall was recognized here. One in the router or another program may still "
            "block the port."
        )
        yield Diagnosis("firewall", Condition.OK, message)


def mdns(config: Config) -> Iterator[Diagnosis]:
    """The name of the announcement can be answered, and is."""
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
    if not _lvs_answers(config, "127.0.0.1"):
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


def _lvs_answers(config: Config, address: str) -> bool:
    listening = (
        config.host if _only_this_machine(config.host) and address == "127.0.0.1" else address
    )
    tls = bool(config.tls_cert or config.tls_self_signed)
    return asyncio.run(answers_at(listening, config.port, tls))


def _only_this_machine(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _ufw(number: int) -> Diagnosis | None:
    """Ubuntu's firewall, read from its files: its own command needs root."""
    try:
        enabled = re.search(r"(?m)^ENABLED=yes", (UFW / "ufw.conf").read_text())
        rules = (UFW / "user.rules").read_text()
    except OSError:
        return None
    if not enabled:
        return None
    if re.search(rf"(?m)^### tuple ### allow (any|tcp) {number}\b", rules):
        return Diagnosis("firewall", Condition.OK, f"The firewall ufw lets port {number} through.")
    message = f"The firewall ufw is on and has no rule for port {number}."
    return Diagnosis("firewall", Condition.WARNING, message, f"Run: sudo ufw allow {number}/tcp")


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
