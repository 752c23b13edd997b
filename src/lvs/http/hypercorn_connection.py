"""Hypercorn's HTTP/1.1 connection, with what it lacks for a home server.

HTTP/1.1 only: a connection carries one request at a time, so that the limit on connections also
limits requests. HTTP/2 multiplies them, and adds ways to keep a server busy for nothing
(CVE-2023-44487).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import h11
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import EventWrapper
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import H11SendableEvent

from lvs.http.request_guard import HEADERS

READ_BYTES = 4096


class Http1Server(TCPServer):
    """Serves one client. Hypercorn creates it in place of its own class."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._gone = self._closed = False

    async def run(self) -> None:
        """Answer one request after the other until either side ends the connection."""
        try:
            await super().run()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Break reference cycles, so that the connection is freed without the garbage collector."""
        wrapper = vars(self).pop("protocol", None)
        if wrapper is not None:
            for name in ("_check_protocol", "_create_stream", "_send_h11_event"):
                vars(wrapper.protocol).pop(name, None)

    async def _read_data(self) -> None:
        protocol = self.protocol.protocol
        if isinstance(protocol, H11Protocol):
            vars(protocol)["_check_protocol"] = _stay_with_http1
            vars(protocol)["_create_stream"] = _without_upgrade(protocol._create_stream)
            vars(protocol)["_send_h11_event"] = self._with_headers(protocol._send_h11_event)
            protocol.can_read = _AnswerEnd(self.writer)
        await self._read_by_turns()
        # The client is gone. Hypercorn would still hold the connection for as long as an idle
        # client's.
        self._gone = True
        await self.idle_task.stop()

    async def _read_by_turns(self) -> None:
        """Hypercorn's read loop, which lets others run after each read: a body that arrives in ten
        thousand parts blocks nobody.
        """
        while not self.reader.at_eof():
            try:
                data = await self.reader.read(READ_BYTES)
                if (
                    self._closed
                ):  # a request that came just then is not begun: nobody would get its answer
                    break
                await self.protocol.handle(RawData(data))
            except OSError:
                break
            await asyncio.sleep(0)
        await self.protocol.handle(Closed())

    async def _close(self) -> None:
        self._closed = True
        await super()._close()

    async def _initiate_server_close(self) -> None:
        self._closed = True
        await super()._initiate_server_close()

    async def protocol_send(self, event: Event) -> None:
        """Pass an event on to hypercorn, except for a change of state after the client has gone."""
        if not (self._gone and isinstance(event, Updated)):
            await super().protocol_send(event)

    def _with_headers(
        self, send: Callable[[H11SendableEvent], Awaitable[None]]
    ) -> Callable[[H11SendableEvent], Awaitable[None]]:
        """`send` that adds our headers to hypercorn's own answers to malformed requests, which do
        not pass through the application.
        """

        async def sending(event: H11SendableEvent) -> None:
            if isinstance(event, h11.Response):
                present = {name for name, _ in event.headers}
                missing = [pair for pair in HEADERS.items() if pair[0] not in present]
                if missing:
                    event = h11.Response(
                        status_code=event.status_code, headers=[*event.headers, *missing]
                    )
            await send(event)

        return sending


def _without_upgrade(
    create_stream: Callable[[h11.Request], Awaitable[None]],
) -> Callable[[h11.Request], Awaitable[None]]:
    """`create_stream` that ignores the `Upgrade` header (RFC 9110 section 7.8).

    Hypercorn would never close a connection that asked for a web socket in a wrong way.
    """

    async def creating(request: h11.Request) -> None:
        if any(name == b"upgrade" for name, _ in request.headers):
            kept = [(name, value) for name, value in request.headers if name != b"upgrade"]
            request = h11.Request(
                method=request.method,
                target=request.target,
                headers=kept,
                http_version=request.http_version,
            )
        await create_stream(request)

    return creating


class _AnswerEnd(EventWrapper):
    """Replacement for hypercorn's event for the end of an answer, on which it waits before it
    handles what a client sent ahead.

    Hypercorn does not read meanwhile, so it would not notice the end of the connection, and after
    an answer that was cut off it would wait for ever.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self._writer = writer
        self._watch: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when the next request can be handled.

        Raises ConnectionResetError if the connection has ended.
        """
        if self._watch is None:
            self._watch = asyncio.create_task(self._until_closed())
        if not self._watch.done():
            await super().wait()
        if self._watch.done():
            raise ConnectionResetError

    async def _until_closed(self) -> None:
        with suppress(OSError):
            await self._writer.wait_closed()
        await self.set()


async def _stay_with_http1(_request: h11.Request) -> None:
    """Replacement for hypercorn's check whether the client prefers HTTP/2."""
