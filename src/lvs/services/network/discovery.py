"""mDNS: answers to `lvs.local` in the local network and announces LVS as a web site (RFC 6762,
6763).

`zeroconf` is imported when the announcement begins, never at start: it takes a sixth of a second.
All traffic goes to the multicast address of the local link (224.0.0.251), which no router forwards.
"""

import asyncio
import importlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import psutil
from msgspec import Struct

from lvs.services.network.addresses import reachable_addresses

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

log = logging.getLogger(__name__)

SERVICE_TYPE = "_http._tcp.local."
POLL_S = 10.0  # between two checks of the addresses of the machine
PROBE_MS = 1500  # in which another machine must answer to its name
MAX_NAMES = 20  # lvs, lvs-2, lvs-3, …
WITHDRAWAL_S = 1.0
IPV4_BYTES = 4


class ListeningPorts(Struct, frozen=True):
    """The ports that take connections, for HTTP and, where it is spoken, for HTTPS; the path of the
    first page.
    """

    port: int
    path: str = "/"
    secure_port: int = 0


@dataclass(slots=True, eq=False)
class Discovery:
    """Announces one server for as long as `run` runs. `name` is empty where nothing is to be
    announced.
    """

    name: str
    host: str = "0.0.0.0"  # noqa: S104  the address LVS listens on: on every one
    addresses: Callable[[], Sequence[str]] = reachable_addresses
    poll_s: float = POLL_S
    announced: str = field(default="", init=False)
    """The host name in use, such as `lvs.local`; empty while nothing is announced."""
    failure: str = field(default="", init=False)
    """Why nothing is announced, as a message; empty where it is, or was not tried."""
    _listening: "asyncio.Future[ListeningPorts] | None" = field(default=None, init=False)
    _endpoint: ListeningPorts | None = field(default=None, init=False)

    @property
    def enabled(self) -> bool:
        """True where LVS is meant to be found: it has a name, and listens to more than this
        machine.
        """
        return bool(self.name) and not _only_this_machine(self.host)

    def listening(self, endpoint: ListeningPorts) -> None:
        """Say that the server takes connections. Nothing is announced before."""
        self._endpoint = endpoint
        if self._listening is not None and not self._listening.done():
            self._listening.set_result(endpoint)

    async def run(self) -> None:
        """Announce the server, follow the addresses of the machine, and withdraw at the end."""
        if not self.enabled:
            return
        endpoint = await self._until_listening()
        await asyncio.to_thread(importlib.import_module, "zeroconf.asyncio")
        while True:
            addresses = tuple(await asyncio.to_thread(self._usable))
            try:
                await self._announce(endpoint, addresses)
            except (OSError, _zeroconf_error()) as error:
                self._failed(str(error) or type(error).__name__)
                await asyncio.sleep(self.poll_s)

    async def _until_listening(self) -> ListeningPorts:
        if self._endpoint is None:
            self._listening = asyncio.get_running_loop().create_future()
            return await self._listening
        return self._endpoint

    def _usable(self) -> list[str]:
        """The addresses to announce: all of the machine, or the one that LVS listens on."""
        address = _parsed(self.host)
        if address is not None and not address.is_unspecified:
            return [self.host]
        return [each for each in self.addresses() if ":" not in each or _speaks_ipv6(self.host)]

    async def _announce(self, endpoint: ListeningPorts, addresses: tuple[str, ...]) -> None:
        """Announce these addresses until the machine has others."""
        links = await asyncio.to_thread(_links, addresses)
        ipv4 = [address for address in addresses if ":" not in address]
        if not ipv4:
            self._failed("this machine has no IPv4 address in a local network")
            await self._until_others(addresses, links)
            return
        from zeroconf import IPVersion  # noqa: PLC0415
        from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415

        zeroconf = AsyncZeroconf(interfaces=ipv4, ip_version=IPVersion.V4Only)
        try:
            await zeroconf.zeroconf.async_wait_for_start()
            _stay_on_link(zeroconf)
            host = await _free_name(zeroconf, self.name, addresses)
            await _register(zeroconf, _service(host, endpoint, addresses))
            self._succeeded(host, endpoint)
            gives_way = partial(_must_rename, zeroconf, host, ipv4)
            await self._until_others(addresses, links, gives_way)
        finally:
            self.announced = ""
            await _withdraw(zeroconf)

    async def _until_others(
        self,
        addresses: tuple[str, ...],
        links: set[tuple[str, int]],
        gives_way: Callable[[], bool] = lambda: False,
    ) -> None:
        """Come back when the machine has other addresses, or has to leave its name to another."""
        while True:
            await asyncio.sleep(self.poll_s)
            if gives_way():
                log.warning("another device answers to %s, too", self.announced)
                return
            found = tuple(await asyncio.to_thread(self._usable))
            if found != addresses or await asyncio.to_thread(_links, addresses) != links:
                log.info("the addresses of this machine have changed")
                return

    def _succeeded(self, host: str, endpoint: ListeningPorts) -> None:
        self.announced, self.failure = f"{host}.local", ""
        if host != self.name:
            log.warning(
                "The name %s.local is taken by another device; announced as %s.local instead. "
                "Choose another with the option announce.",
                self.name,
                host,
            )
        log.info("announced in the local network as %s.local, port %d", host, endpoint.port)

    def _failed(self, reason: str) -> None:
        message = f"{self.name}.local is not announced: {reason}."
        if message != self.failure:
            log.warning("%s", message)
        self.failure = message


def _service(host: str, endpoint: ListeningPorts, addresses: Sequence[str]) -> "AsyncServiceInfo":
    from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415

    return AsyncServiceInfo(
        SERVICE_TYPE,
        f"Local Video Server on {_machine()}.{SERVICE_TYPE}",
        port=endpoint.port,
        properties={"path": endpoint.path},
        server=f"{host}.local.",
        parsed_addresses=list(addresses),
    )


async def _register(zeroconf: "AsyncZeroconf", service: "AsyncServiceInfo") -> None:
    """Announce it. A second LVS on this machine is listed with a number behind its name."""
    await (await zeroconf.async_register_service(service, allow_name_change=True))


async def _free_name(zeroconf: "AsyncZeroconf", name: str, own: Sequence[str]) -> str:
    """The name, or the first of `name-2`, `name-3` … that no other device answers to (RFC 6762
    section 9).
    """
    from zeroconf import AddressResolverIPv4  # type: ignore[attr-defined]  # noqa: PLC0415

    for candidate in (name, *(f"{name}-{number}" for number in range(2, MAX_NAMES + 1))):
        holder = AddressResolverIPv4(f"{candidate}.local.")
        if not await holder.async_request(zeroconf.zeroconf, PROBE_MS):
            return candidate
        if set(holder.parsed_addresses()) <= {*own, *_of_this_machine()}:
            return candidate  # another LVS here, or the system's own responder
    raise OSError(
        f"{MAX_NAMES} devices have this name. Choose another name with the option announce"
    )


def _stay_on_link(zeroconf: "AsyncZeroconf") -> None:
    """Have answers to a single device never leave by a router: a question may come from another
    network, and must not be answered there (RFC 6762 section 5.5).
    """
    engine = zeroconf.zeroconf.engine
    for each in {*engine.senders, *engine.readers}:
        with suppress(OSError):
            each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)


def _must_rename(zeroconf: "AsyncZeroconf", host: str, own: Sequence[str]) -> bool:
    """True where another device announces the same name, as when both start at once, and is to keep
    it: of two, the one with the later address (RFC 6762 sections 8.2 and 9).
    """
    from zeroconf import (  # type: ignore[attr-defined]  # noqa: PLC0415
        DNSAddress,
        current_time_millis,
    )

    known = zeroconf.zeroconf.cache.entries_with_name(f"{host}.local.")
    now = current_time_millis()
    addresses = {
        each.address for each in known if isinstance(each, DNSAddress) and not each.is_expired(now)
    }
    mine = {ipaddress.ip_address(each).packed for each in {*own, *_of_this_machine()}}
    others = {each for each in addresses if len(each) == IPV4_BYTES} - mine
    return bool(others) and max(others) > max(ipaddress.ip_address(each).packed for each in own)


def _of_this_machine() -> set[str]:
    """Every IPv4 address of this machine."""
    return {
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    }


def _links(addresses: Sequence[str]) -> set[tuple[str, int]]:
    """The addresses with the numbers of their interfaces. One that was plugged in anew has another
    number, and hears nothing of what its predecessor was to be told.
    """
    found = set()
    for name, entries in psutil.net_if_addrs().items():
        with suppress(OSError):
            number = socket.if_nametoindex(name)
            found |= {(entry.address, number) for entry in entries if entry.address in addresses}
    return found


async def _withdraw(zeroconf: "AsyncZeroconf") -> None:
    """Say goodbye, so that nobody remembers what is gone, in a limited time."""
    with suppress(Exception):
        async with asyncio.timeout(WITHDRAWAL_S):
            await zeroconf.async_unregister_all_services()
    with suppress(Exception):
        async with asyncio.timeout(WITHDRAWAL_S):
            await zeroconf.async_close()


def _zeroconf_error() -> type[Exception]:
    """The base of what zeroconf raises."""
    from zeroconf import Error  # noqa: PLC0415

    return Error


def _machine() -> str:
    """The name of this machine as one label of a service name."""
    return socket.gethostname().partition(".")[0][:40] or "this machine"


def _parsed(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _only_this_machine(host: str) -> bool:
    address = _parsed(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _speaks_ipv6(host: str) -> bool:
    return ":" in host
