"""The addresses LVS is found under, each tried from this machine, and why one may not work."""

import asyncio
import ipaddress
import json
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from msgspec import Struct

from lvs.services.network.addresses import (
    CONTAINER_MARKS,
    HostAddress,
    host_addresses,
    own_network_only,
    url,
)
from lvs.services.network.discovery import Discovery, ListeningPorts

ANSWER_S = 2.0
MAX_ADDRESSES = 20
MAX_ANSWER_BYTES = 8 * 1024
REMEMBERED_S = 10.0
LOCALHOST = "localhost"

CONTAINER = (
    "LVS runs in a container with a network of its own. Use the host's network, or set "
    "public_url to the address of the host."
)
SECURE = "For VR in a headset's browser. It warns once where LVS made the certificate itself."
NAME = "Android and some headsets look up no .local names; use the number then."
TUNNEL = "This is a VPN: only devices that are in it reach this address."
REFUSED = (
    "This is no address of a home network (100.64.0.0/10 is an overlay's or a provider's), where "
    "LVS answers only with a password. Set one: lvs password"
)
INSIDE = "This network exists only inside the computer: containers and virtual machines use it."
SILENT = "LVS did not answer here, not even to itself: a firewall on this computer may block it."
OWN_ONLY = "This works only on the computer that LVS runs on."
OWN_COMPUTER_ONLY = (
    "LVS listens to this computer only. Set the option host to 0.0.0.0 to open it to others."
)
LISTENS_ELSEWHERE = "LVS does not listen on this address; the option host says where it does."


class ReachableAddress(Struct, frozen=True):
    """An address to open in a browser. `answers` is None where it cannot be tried from here."""

    url: str
    label: str
    answers: bool | None
    hint: str = ""
    for_phones: bool = False


class Connectivity(Struct, frozen=True):
    """Every address, the one for phones, the one for VR in a headset's browser (empty without
    HTTPS), and what stands in the way of all of them.
    """

    addresses: tuple[ReachableAddress, ...]
    best: str
    secure: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Reachability:
    """Tries the addresses when a page asks for them, at most every few seconds."""

    host: str
    public_url: str
    discovery: Discovery
    root_path: str = ""
    container_marks: Sequence[Path] = CONTAINER_MARKS
    _endpoint: ListeningPorts | None = field(default=None, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _known: Connectivity | None = field(default=None, init=False)
    _known_at: float = field(default=0.0, init=False)

    def listening(self, endpoint: ListeningPorts) -> None:
        """Say which port takes connections. The announcement begins with it."""
        self._endpoint = endpoint
        self.discovery.listening(endpoint)

    async def now(self) -> Connectivity:
        """All addresses, tried a moment ago."""
        async with self._lock:
            if self._known is None or time.monotonic() - self._known_at > REMEMBERED_S:
                self._known = await self._tried()
                self._known_at = time.monotonic()
            return self._known

    async def _tried(self) -> Connectivity:
        if self._endpoint is None:
            return Connectivity((), self.public_url)
        own = await asyncio.to_thread(host_addresses, _is_ipv6(self.host), self.container_marks)
        tried = await asyncio.gather(
            *(self._try(each, scheme) for each in own[:MAX_ADDRESSES] for scheme in self._ports)
        )
        machine = await asyncio.gather(*map(self._own_machine, self._ports))
        found = [*self._public(), *self._announced(tried), *tried, *machine]
        best = self.public_url or _first(tried, "http")
        secure = best if best.startswith("https:") else _first(tried, "https")
        return Connectivity(tuple(found), best, secure, tuple(self._warnings(own, tried)))

    def _public(self) -> list[ReachableAddress]:
        if not self.public_url:
            return []
        return [ReachableAddress(self.public_url, "Set as public_url", None, for_phones=True)]

    def _announced(self, tried: Sequence[ReachableAddress]) -> list[ReachableAddress]:
        """The announced name, which answers where one of the addresses behind it does."""
        if not self.discovery.announced:
            return []
        answers = any(each.for_phones for each in tried)
        address = self._url("http", self.discovery.announced)
        return [ReachableAddress(address, "Announced name", answers, NAME, for_phones=True)]

    async def _try(self, own: HostAddress, scheme: str) -> ReachableAddress:
        address = self._url(scheme, str(own))
        if not _on_every(self.host) and self.host != str(own):
            return ReachableAddress(address, own.interface, False, LISTENS_ELSEWHERE)
        status = await self._status(str(own), scheme)
        hints = {
            REFUSED: status == HTTPStatus.FORBIDDEN,
            INSIDE: own.inside,
            SILENT: status != HTTPStatus.OK,
            TUNNEL: own.tunnel,
            SECURE: scheme == "https",
        }
        hint = next((text for text, holds in hints.items() if holds), "")
        answers = status == HTTPStatus.OK
        return ReachableAddress(address, own.interface, answers, hint, answers and not own.inside)

    async def _own_machine(self, scheme: str) -> ReachableAddress:
        host = LOCALHOST if _on_every(self.host) or not _listens_beyond(self.host) else self.host
        answers = await self._status(host, scheme) == HTTPStatus.OK
        return ReachableAddress(self._url(scheme, host), "This computer", answers, OWN_ONLY)

    async def _status(self, host: str, scheme: str) -> int:
        return await status_at(host, self._ports[scheme], scheme == "https", self.root_path)

    def _warnings(self, own: Sequence[HostAddress], tried: Sequence[ReachableAddress]) -> list[str]:
        if not _listens_beyond(self.host):
            return [OWN_COMPUTER_ONLY]
        if self.public_url:
            return []
        if own_network_only(own, self.container_marks):
            return [CONTAINER]
        if not any(each.for_phones for each in tried):
            return ["This computer is in no network with other devices."]
        return []

    @property
    def port(self) -> int:
        """The port that takes connections; 0 as long as none does."""
        return self._endpoint.port if self._endpoint else 0

    @property
    def _ports(self) -> dict[str, int]:
        """The port of each scheme that is spoken."""
        if self._endpoint is None:
            return {}
        secure = {"https": self._endpoint.secure_port} if self._endpoint.secure_port else {}
        return {"http": self._endpoint.port, **secure}

    def _url(self, scheme: str, host: str) -> str:
        return url(scheme, host, self._ports[scheme]) + self.root_path


def _first(tried: Sequence[ReachableAddress], scheme: str) -> str:
    """The first address of a scheme that other devices can use; empty where there is none."""
    usable = (each.url for each in tried if each.for_phones)
    return next((each for each in usable if each.startswith(f"{scheme}:")), "")


async def answers_at(host: str, port: int, tls: bool = False, root_path: str = "") -> bool:
    """True where an LVS answers to `/ping` there within a few seconds."""
    return await status_at(host, port, tls, root_path) == HTTPStatus.OK


async def status_at(host: str, port: int, tls: bool = False, root_path: str = "") -> int:
    """The HTTP status that `/ping` has there within a few seconds; 0 where nothing answers, or
    another program does.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _ping(host, port, tls, root_path)
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0


async def _ping(host: str, port: int, tls: bool, root_path: str) -> int:
    reader, writer = await asyncio.open_connection(host, port, ssl=_unverified() if tls else None)
    try:
        name = f"[{host}]" if ":" in host else host
        head = f"GET {root_path}/ping HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode("ascii"))
        await writer.drain()
        answer = bytearray()
        while len(answer) < MAX_ANSWER_BYTES and (part := await reader.read(MAX_ANSWER_BYTES)):
            answer += part
        head_bytes, _, body = bytes(answer).partition(b"\r\n\r\n")
        status = int(head_bytes.split(b" ", 2)[1])
        return 0 if status == HTTPStatus.OK and not _is_ping(body) else status
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _is_ping(body: bytes) -> bool:
    found = json.loads(body)
    return isinstance(found, dict) and "status" in found


def _unverified() -> ssl.SSLContext:
    """TLS to ourselves: the certificate holds for a name, and need not hold for every address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _on_every(host: str) -> bool:
    address = _parsed(host)
    return address is not None and address.is_unspecified


def _listens_beyond(host: str) -> bool:
    address = _parsed(host)
    return not (address.is_loopback if address else host == LOCALHOST)


def _is_ipv6(host: str) -> bool:
    return ":" in host


def _parsed(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    return None
