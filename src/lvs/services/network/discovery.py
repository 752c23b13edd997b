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
from typing import TYPE_CHECKING

from lvs.services.network.addresses import reachable_addresses

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

log = logging.getLogger(__name__)

SERVICE_TYPE = "_http._tcp.local."
POLL_S = 10.0  # between two looks at the addresses of the machine
PROBE_MS = 1500  # in which another machine must answer to its name
MAX_NAMES = 20  # lvs, lvs-2, lvs-3, …
WITHDRAWAL_S = 1.0


@dataclass(frozen=True, slots=True)
class ListeningOn:
    """The announced service: the port, whether it speaks TLS, and the path of the first page."""

    port: int
    tls: bool = False
    path: str = "/"


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
    _listening: "asyncio.Future[ListeningOn] | None" = field(default=None, init=False)
    _endpoint: ListeningOn | None = field(default=None, init=False)

    @property
    def enabled(self) -> bool:
        """True where LVS is meant to be found: it has a name, and listens to more than this
        machine.
        """
        return bool(self.name) and not _only_this_machine(self.host)

    def listening(self, endpoint: ListeningOn) -> None:
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

    async def _until_listening(self) -> ListeningOn:
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

    async def _announce(self, endpoint: ListeningOn, addresses: tuple[str, ...]) -> None:
        """Announce these addresses until the machine has others."""
        ipv4 = [address for address in addresses if ":" not in address]
        if not ipv4:
            self._failed("this machine has no IPv4 address in a local network")
            await self._until_others(addresses)
            return
        from zeroconf import IPVersion  # noqa: PLC0415
        from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415

        zeroconf = AsyncZeroconf(interfaces=ipv4, ip_version=IPVersion.V4Only)
        try:
            host = await _free_name(zeroconf, self.name, addresses)
            await _register(zeroconf, _service(host, endpoint, addresses))
            self._succeeded(host, endpoint)
            await self._until_others(addresses)
        finally:
            self.announced = ""
            await _withdraw(zeroconf)

    async def _until_others(self, addresses: tuple[str, ...]) -> None:
        while True:
            await asyncio.sleep(self.poll_s)
            if tuple(await asyncio.to_thread(self._usable)) != addresses:
                break
        log.info("the addresses of this machine have changed")

    def _succeeded(self, host: str, endpoint: ListeningOn) -> None:
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


def _service(host: str, endpoint: ListeningOn, addresses: Sequence[str]) -> "AsyncServiceInfo":
    from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415

    return AsyncServiceInfo(
        SERVICE_TYPE,
        f"Local Video Server on {_machine()}.{SERVICE_TYPE}",
        port=endpoint.port,
        properties={"path": endpoint.path, **({"tls": "1"} if endpoint.tls else {})},
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
        if set(holder.parsed_addresses()) <= set(
            own
        ):  # this machine: another LVS, or its system's own responder
            return candidate
    raise OSError(
        f"{MAX_NAMES} devices are called so. Choose another name with the option announce"
    )


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
