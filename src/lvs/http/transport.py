"""The connection under a request: how much of an answer is unsent, how to cut it off, and how to
send directly.

ASGI offers none of this: `ConnectionInScope` follows hypercorn's `send` down to the socket and
leaves what it finds in the scope.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.http_stream import HTTPStream

from lvs.http.asgi import Application, Receive, Scope, Send
from lvs.http.direct_send import DirectSend, WriteScheduler, h11_connection

if sys.platform != "win32":
    import fcntl
    import termios

SCOPE_KEY = "lvs.connection"
LINGER_NOT = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class ClientConnection:
    """One client's connection.

    Over HTTP/2 it carries other answers too, and `abort` ends them all.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        server: TCPServer,
        stream: HTTPStream,
        turns: WriteScheduler,
    ) -> None:
        self._transport = transport
        self._server = server
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._stream = stream
        self._turns = turns
        self.count: Callable[[int], None] = (
            _uncounted  # told of the bytes that went through direct send
        )

    def unsent_bytes(self) -> int:
        """Bytes of this answer that the client's machine has not acknowledged yet; 0 once the
        connection is closed.
        """
        if self._socket.fileno() == -1:
            return 0
        waiting = unsent_bytes(self._transport, self._socket)
        protocol = getattr(self._stream.send, "__self__", None)
        if isinstance(protocol, H2Protocol) and self._stream.stream_id in protocol.stream_buffers:
            waiting += len(protocol.stream_buffers[self._stream.stream_id].buffer)
        return waiting

    def abort(self) -> None:
        """Close at once with a reset, so that nobody, not even the kernel, waits for a client that
        may never take the rest.
        """
        abort(self._transport, self._socket)

    async def direct_send(self) -> DirectSend | None:
        """The way to send the rest of this answer directly, once its head is sent; None where only
        hypercorn can send it.

        That is the case with TLS and HTTP/2, on systems other than Linux, and with an unknown event
        loop, h11 or hypercorn. Raises ConnectionError if the client is gone.
        """
        exchange = h11_connection(getattr(self._stream.send, "__self__", None), self._transport)
        if exchange is None:
            return None
        if self._transport.get_write_buffer_size():
            self._transport.set_write_buffer_limits(0)  # `drain` comes back when nothing is left
            try:
                await self._server.writer.drain()
            finally:
                self._transport.set_write_buffer_limits()
        try:
            return DirectSend(self._socket.dup(), exchange, self._turns, self.count)
        except OSError:  # as many descriptors are open as may be, or the connection is closed
            return None


def _uncounted(_size_bytes: int) -> None:
    pass


class UnknownConnection:
    """A connection of an unknown server: everything goes through that server.

    A cut is expressed in ASGI: the application is told that the client left and ends without
    completing its answer, so that the server has to close the connection.
    """

    count: Callable[[int], None] = staticmethod(_uncounted)

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._cut = asyncio.Event()

    def unsent_bytes(self) -> int:
        """Always 0: what the server holds for the client is unknown."""
        return 0

    def abort(self) -> None:
        """Tell the application that the client left."""
        self._cut.set()

    async def direct_send(self) -> None:
        """Always None: only the server can send."""

    async def receive(self) -> Any:
        """The server's next message, or a disconnect after `abort`."""
        tasks = [asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._cut.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[0].result() if tasks[0].done() else {"type": "http.disconnect"}
        finally:
            for task in tasks:
                task.cancel()


class ConnectionInScope:
    """ASGI middleware, the outermost: puts the request's connection under SCOPE_KEY."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._turns = WriteScheduler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[SCOPE_KEY] = connection = connection_of(send, self._turns) or UnknownConnection(
                receive
            )
            if isinstance(connection, UnknownConnection):
                receive = connection.receive
        try:
            await self._app(scope, receive, send)
        finally:
            scope.pop(
                SCOPE_KEY, None
            )  # hypercorn's stream holds the scope, and the connection the stream


def connection_of(send: Send, turns: WriteScheduler) -> ClientConnection | None:
    """The connection that hypercorn's `send` writes to, or None where it is not hypercorn's on
    asyncio.
    """
    stream = getattr(send, "__self__", None)
    if not isinstance(stream, HTTPStream):
        return None
    protocol = getattr(stream.send, "__self__", None)
    server = getattr(getattr(protocol, "send", None), "__self__", None)
    if not isinstance(server, TCPServer):
        return None
    transport = server.writer.transport
    return (
        ClientConnection(transport, server, stream, turns)
        if isinstance(transport, asyncio.Transport)
        else None
    )


def unsent_bytes(transport: asyncio.Transport, sock: socket.socket) -> int:
    """Bytes handed to the transport that the client's machine has not acknowledged yet; 0 once it
    is closed.
    """
    # Not `is_closing`, which is already true while a close still waits for the client to take the
    # rest.
    if sock.fileno() == -1:
        return 0
    with suppress(
        AttributeError
    ):  # a transport with TLS that was closed twice has forgotten what it held
        return transport.get_write_buffer_size() + _in_kernel_bytes(sock)
    return _in_kernel_bytes(sock)


def abort(transport: asyncio.Transport, sock: socket.socket) -> None:
    """Close at once with a reset; does nothing if it is closed already."""
    if sock.fileno() != -1:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        transport.abort()


def _in_kernel_bytes(sock: socket.socket) -> int:
    """Bytes the kernel holds for the peer.

    Without them a slow reader with megabytes of buffers looks stalled.
    """
    if sys.platform == "linux":
        return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    elif sys.platform == "darwin":  # noqa: RET505 - the type checker goes by branches
        so_nwrite = 0x1024  # not named in Python's socket module
        return sock.getsockopt(socket.SOL_SOCKET, so_nwrite)
    else:
        return 0
