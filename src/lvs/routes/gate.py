"""Who may hold a connection: so many for each client and in all, none that stands still, and HTTP/1.1 on every one of them.

With HTTP/1.1 a connection carries one request at a time, so that the limit on connections is one on requests, too. HTTP/2 would
multiply it, and brings ways of its own to keep a server busy for nothing (CVE-2023-44487).
"""

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import h11
import hypercorn.asyncio.run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Event, Updated
from hypercorn.protocol.h11 import H11Protocol

from lvs.config import Network
from lvs.routes.clients import parse_address, within
from lvs.routes.connection import abort, unsent_bytes
from lvs.services.limiter import visitor_of

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 800
LOOK_SECONDS = 5.0
FULL = b"LVS has too many connections to this device. Close some pages or players and try again.\n"
REFUSED = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
    b"Retry-After: 5\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(FULL), FULL)
)


@dataclass(slots=True, eq=False)
class _Held:
    """A connection, what it had not taken when it was last looked at, and since when that is so."""

    client: str
    transport: asyncio.Transport
    socket: socket.socket
    unsent_bytes: int = 0
    since: float = field(default_factory=time.monotonic)


class Gate:
    """Counts connections by client, and cuts those that take nothing of what is sent to them for `stall_seconds`.

    Proxies that speak for many clients are counted among all connections only.
    """

    def __init__(
        self, per_client: int, proxies: Collection[Network] = (), stall_seconds: float = 300, total: int = MAX_CONNECTIONS
    ) -> None:
        self._per_client = per_client
        self._total = total
        self._proxies = proxies
        self._stall_seconds = stall_seconds
        self._look_seconds = min(LOOK_SECONDS, stall_seconds / 4)
        self._held: set[_Held] = set()
        self._clients: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def install(self) -> None:
        """Have every connection that hypercorn takes from now on in this process pass through this gate."""
        gate = self

        class GatedServer(TCPServer):
            gone = False

            async def run(self) -> None:
                held = gate.enter(self.writer)
                if held is None:
                    self.writer.write(REFUSED)
                    self.writer.close()
                    return
                try:
                    await super().run()
                finally:
                    gate.leave(held)

            async def _read_data(self) -> None:
                protocol = self.protocol.protocol
                if isinstance(protocol, H11Protocol):
                    vars(protocol)["_check_protocol"] = _stay_with_http1
                await super()._read_data()
                # The client is gone. Hypercorn would still hold the connection for as long as an idle client's.
                self.gone = True
                await self.idle_task.stop()

            async def protocol_send(self, event: Event) -> None:
                if not (self.gone and isinstance(event, Updated)):
                    await super().protocol_send(event)

        vars(hypercorn.asyncio.run)["TCPServer"] = GatedServer  # there is no setting for it

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._held)

    def enter(self, writer: asyncio.StreamWriter) -> _Held | None:
        """Let one more connection in; None where that would be too many."""
        client = self._client(writer)
        if len(self._held) >= self._total or (client and self._clients[client] >= self._per_client):
            log.info("refused a connection of %s: there are too many", client or "a proxy")
            return None
        if client:
            self._clients[client] += 1
        transport: Any = writer.transport
        held = _Held(client, transport, writer.get_extra_info("socket"))
        self._held.add(held)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._look_seconds, self._look)
        return held

    def leave(self, held: _Held) -> None:
        """Note that a connection has ended."""
        self._held.discard(held)
        self._clients[held.client] -= 1
        if self._clients[held.client] <= 0:
            del self._clients[held.client]

    def _client(self, writer: asyncio.StreamWriter) -> str:
        """Whose connection it is; empty for a proxy's."""
        peer = writer.get_extra_info("peername")
        address = parse_address(str(peer[0])) if isinstance(peer, tuple) and peer else None
        return "" if address is None or within(address, self._proxies) else visitor_of(str(address))

    def _look(self) -> None:
        now = time.monotonic()
        for held in list(self._held):
            waiting_bytes = unsent_bytes(held.transport, held.socket)
            if waiting_bytes != held.unsent_bytes or not waiting_bytes:
                held.unsent_bytes, held.since = waiting_bytes, now
            elif now - held.since >= self._stall_seconds:
                log.info("cut a connection that took nothing for %g seconds", self._stall_seconds)
                abort(held.transport, held.socket)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._look_seconds, self._look) if self._held else None


async def _stay_with_http1(_request: h11.Request) -> None:
    """In the place of hypercorn's check whether the client would rather speak HTTP/2."""
