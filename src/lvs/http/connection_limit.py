"""Limits on connections: per client, in all, and for stalled ones."""

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import hypercorn
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Sockets
from msgspec import Struct, field

from lvs.client_key import client_key
from lvs.http import internals
from lvs.http.client_address import parse_address, within
from lvs.http.hypercorn_connection import Http1Server
from lvs.http.request_guard import HEADERS
from lvs.http.transport import abort, unsent_bytes
from lvs.option_values import Network

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 800
SPARE = 20  # connections above the limit that are accepted, so that they get a refusal
CHECK_SECONDS = 5.0
FULL = b"LVS has too many connections to this device. Close some pages or players and try again.\n"
REFUSED = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After:"
    b" 5\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s"
    % (b"".join(b"%s: %s\r\n" % pair for pair in HEADERS.items()), len(FULL), FULL)
)


class _CountedConnection(Struct, eq=False):
    """A counted connection: the bytes it had not taken at the last check, and since when none
    moved.
    """

    client: str
    transport: asyncio.Transport
    socket: socket.socket
    unsent_bytes: int = 0
    since: float = field(default_factory=time.monotonic)


class LimitedSocket(socket.socket):
    """A listening socket that replaces `sock` and closes refused connections at once."""

    def __init__(self, limit: "ConnectionLimit", sock: socket.socket) -> None:
        super().__init__(fileno=sock.detach())
        self._limit = limit

    def accept(self) -> tuple[socket.socket, Any]:
        """The next accepted connection. Raises BlockingIOError where none waits."""
        while True:
            connection, address = super().accept()
            if self._limit.takes(connection, address):
                return connection, address
            connection.close()


class ConnectionLimit:
    """Counts connections per client, and cuts those that receive nothing for `stall_seconds`.

    Proxies that speak for many clients count towards the total only.
    """

    def __init__(
        self,
        per_client: int,
        proxies: Collection[Network] = (),
        stall_seconds: float = 300,
        total: int = MAX_CONNECTIONS,
    ) -> None:
        self._per_client = per_client
        self._total = total
        self._proxies = proxies
        self._stall_seconds = stall_seconds
        self._check_seconds = min(CHECK_SECONDS, stall_seconds / 4)
        self._arrived: list[tuple[str, socket.socket]] = []
        self._held: set[_CountedConnection] = set()
        self._clients: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def install(self, http: hypercorn.Config) -> None:
        """Count every connection that hypercorn accepts with these settings. A process has one
        limit.
        """
        limit = self
        create_sockets = http.create_sockets

        def limited(sockets: list[socket.socket]) -> list[socket.socket]:
            return [LimitedSocket(limit, each) for each in sockets]

        def create_limited() -> Sockets:
            created = create_sockets()
            return Sockets(
                limited(created.secure_sockets),
                limited(created.insecure_sockets),
                created.quic_sockets,
            )

        vars(http)["create_sockets"] = create_limited

        known = internals.hypercorn_connection_is_known()
        base: type[TCPServer] = Http1Server if known else TCPServer

        class LimitedServer(base):  # type: ignore[valid-type, misc]
            async def run(self) -> None:
                held = limit.enter(self.writer)
                if held is None:
                    self.writer.write(REFUSED)
                    self.writer.close()
                    return
                try:
                    await super().run()
                finally:
                    limit.leave(held)

        internals.put_server_class(LimitedServer)

    @property
    def count(self) -> int:
        """The number of connections."""
        return len(self._held)

    def takes(self, connection: socket.socket, address: object) -> bool:
        """True if a connection gets an answer, even if only a refusal.

        It also counts those that never reach `enter`: unfinished handshakes.
        """
        client = self._client(address)
        if len(self._arrived) >= SPARE + min(self._per_client, self._total):
            self._arrived = [each for each in self._arrived if each[1].fileno() != -1]
            of_client = sum(each == client for each, _ in self._arrived)
            if len(self._arrived) >= SPARE + self._total or (
                client and of_client >= SPARE + self._per_client
            ):
                return False
        self._arrived.append((client, connection))
        return True

    def enter(self, writer: asyncio.StreamWriter) -> _CountedConnection | None:
        """Count one more connection; None where that would be too many."""
        client = self._client(writer.get_extra_info("peername"))
        if len(self._held) >= self._total or (client and self._clients[client] >= self._per_client):
            log.info("refused a connection from %s: too many connections", client or "a proxy")
            return None
        if client:
            self._clients[client] += 1
        transport: Any = writer.transport
        held = _CountedConnection(client, transport, writer.get_extra_info("socket"))
        self._held.add(held)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._check_seconds, self._check)
        return held

    def leave(self, held: _CountedConnection) -> None:
        """Note that a connection has ended."""
        self._held.discard(held)
        self._clients[held.client] -= 1
        if self._clients[held.client] <= 0:
            del self._clients[held.client]

    def cut(self) -> None:
        """End every connection: a client that receives nothing must not delay the server's stop.

        Those with an unfinished handshake are among the arrived ones only.
        """
        arrived = [each for _, each in self._arrived if each.fileno() != -1]
        for each in (*arrived, *(held.socket for held in self._held)):
            with suppress(OSError):  # it may have ended already
                each.shutdown(socket.SHUT_RDWR)

    def _client(self, peer: object) -> str:
        """The client of a connection, by the address of its other end; empty for a proxy's."""
        address = parse_address(str(peer[0])) if isinstance(peer, tuple) and peer else None
        return "" if address is None or within(address, self._proxies) else client_key(str(address))

    def _check(self) -> None:
        now = time.monotonic()
        for held in list(self._held):
            waiting_bytes = unsent_bytes(held.transport, held.socket)
            if waiting_bytes != held.unsent_bytes or not waiting_bytes:
                held.unsent_bytes, held.since = waiting_bytes, now
            elif now - held.since >= self._stall_seconds:
                log.info(
                    "closed a connection that received nothing for %g seconds", self._stall_seconds
                )
                abort(held.transport, held.socket)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._check_seconds, self._check) if self._held else None
