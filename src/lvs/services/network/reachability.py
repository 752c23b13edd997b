"""The addresses LVS is found under, each tried from this machine, and why one may not work."""

import asyncio
import ipaddress
import json
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from lvs.services.network.addresses import (
    HostAddress,
    host_addresses,
    in_container,
    url,
)
from lvs.services.network.discovery import Discovery, ListeningOn

ANSWER_S = 2.0
MAX_ADDRESSES = 20
MAX_ANSWER_BYTES = 8 * 1024
REMEMBERED_S = 10.0
LOCALHOST = "localhost"

CONTAINER = (
    "LVS runs in a container with a network of its own. Use the host's network, or set "
    "public_url to "
    "the address of the host."
)
INSIDE = "This network exists only inside the computer: containers and virtual machines use it."
SILENT = "LVS did not answer here, not even to itself: a firewall on this computer may block it."
OWN_ONLY = "This works only on the computer that LVS runs on."
OWN_COMPUTER_ONLY = (
    "LVS listens to this computer only. Set the option host to 0.0.0.0 to open it to others."
)
LISTENS_ELSEWHERE = "LVS does not listen on this address; the option host says where it does."


@dataclass(frozen=True, slots=True)
class ReachableAddress:
    """An address to open in a browser. `answers` is None where it cannot be tried from here."""

    url: str
    label: str
    answers: bool | None
    hint: str = ""
    for_phones: bool = False


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Every address, the one for phones, and what stands in the way of all of them."""

    addresses: tuple[ReachableAddress, ...]
    best: str
    warnings: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Reachability:
    """Tries the addresses when a page asks for them, at most every few seconds."""

    host: str
    scheme: str
    public_url: str
    discovery: Discovery
    root_path: str = ""
    _endpoint: ListeningOn | None = field(default=None, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _known: Connectivity | None = field(default=None, init=False)
    _known_at: float = field(default=0.0, init=False)

    def listening(self, endpoint: ListeningOn) -> None:
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
        own = await asyncio.to_thread(host_addresses, _is_ipv6(self.host))
        tried = await asyncio.gather(*(self._try(each) for each in own[:MAX_ADDRESSES]))
        found = [*self._public(), *self._announced(), *tried, await self._own_machine()]
        best = self.public_url or next((each.url for each in tried if each.for_phones), "")
        return Connectivity(tuple(found), best, tuple(self._warnings(tried)))

    def _public(self) -> list[ReachableAddress]:
        if not self.public_url:
            return []
        return [ReachableAddress(self.public_url, "Set as public_url", None, for_phones=True)]

    def _announced(self) -> list[ReachableAddress]:
        if not self.discovery.announced:
            return []
        hint = "Android and some headsets look up no .local names; use the number then."
        address = self._url(self.discovery.announced)
        return [ReachableAddress(address, "Announced name", True, hint, for_phones=True)]

    async def _try(self, own: HostAddress) -> ReachableAddress:
        address = self._url(str(own))
        if not _on_every(self.host) and self.host != str(own):
            return ReachableAddress(address, own.interface, False, LISTENS_ELSEWHERE)
        answers = await answers_at(str(own), self.port, self.scheme == "https", self.root_path)
        hint = INSIDE if own.inside else "" if answers else SILENT
        useful = answers and not own.inside
        return ReachableAddress(address, own.interface, answers, hint, useful)

    async def _own_machine(self) -> ReachableAddress:
        host = LOCALHOST if _on_every(self.host) or not _listens_beyond(self.host) else self.host
        answers = await answers_at(host, self.port, self.scheme == "https", self.root_path)
        return ReachableAddress(self._url(host), "This computer", answers, OWN_ONLY)

    def _warnings(self, tried: Sequence[ReachableAddress]) -> list[str]:
        if not _listens_beyond(self.host):
            return [OWN_COMPUTER_ONLY]
        if in_container() and not self.public_url:
            return [CONTAINER]
        if not any(each.for_phones for each in tried):
            return ["This computer is in no network with other devices."]
        return []

    @property
    def port(self) -> int:
        """The port that takes connections; 0 as long as none does."""
        return self._endpoint.port if self._endpoint else 0

    def _url(self, host: str) -> str:
        return url(self.scheme, host, self.port) + self.root_path


async def answers_at(host: str, port: int, tls: bool, root_path: str = "") -> bool:
    """True where an LVS answers to `/ping` there within a few seconds."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _ping(host, port, tls, root_path)
    except (OSError, TimeoutError, ValueError):
        return False


async def _ping(host: str, port: int, tls: bool, root_path: str) -> bool:
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
        if b" 200 " not in head_bytes.partition(b"\r\n")[0]:
            return False
        return _is_ping(body)
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
