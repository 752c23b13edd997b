"""The server's own hypercorn around a household's app, on a port of this machine, spoken to in raw
bytes.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import hypercorn.asyncio
from hypercorn.asyncio.tcp_server import TCPServer
from quart import Quart

from lvs import listening, serving
from lvs.certificates import Certificate
from lvs.http.asgi import Application
from lvs.http.connection_limit import ConnectionLimit

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: header names in lower case, each with its last value; `raw` is all of it."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Wire:
    """Serves an app whose lifespan somebody else keeps. `async with` opens the port."""

    def __init__(
        self,
        app: Quart | Application,
        limit: ConnectionLimit | None = None,
        secure: Certificate | None = None,
        graceful_seconds: float = 0.2,
        head_seconds: float = serving.HEAD_SECONDS,
    ) -> None:
        self.app = app
        self._graceful_seconds = graceful_seconds
        self._head_seconds = head_seconds
        self._limit = limit or ConnectionLimit(1000)
        self._secure = secure
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        sockets = listening.listen("127.0.0.1", 0)
        self.port = int(sockets[0].getsockname()[1])
        plain, secure = ([], sockets) if self._secure else (sockets, [])
        http = serving.http_settings(plain, self._secure, secure, self._head_seconds)
        self._limit.install(http)
        http.graceful_timeout = self._graceful_seconds
        self._task = asyncio.create_task(
            hypercorn.asyncio.serve(self._without_lifespan, http, shutdown_trigger=self._stop.wait)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        # Since Python 3.12 a server that is closed waits for its connections.
        loop = asyncio.get_running_loop()
        loop.call_later(self._graceful_seconds, self._limit.cut)
        await asyncio.wait_for(self._task, PATIENCE_S)
        # The limit is for the whole process, and other tests of this one have servers of their own.
        vars(hypercorn.asyncio.run)["TCPServer"] = TCPServer

    async def _without_lifespan(
        self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]
    ) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    @property
    def connections(self) -> int:
        """Number of connections the server holds."""
        return self._limit.count

    async def connect(
        self, context: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that the caller closes."""
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**24, ssl=context)

    async def send(self, request: bytes) -> Answer:
        """Send exactly these bytes and read the answer until the server closes the connection."""
        reader, writer = await self.connect()
        try:
            writer.write(request)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            return parsed(await read_all(reader))
        finally:
            writer.close()

    async def ask(
        self,
        target: str | bytes,
        headers: Iterable[str] = (),
        method: str = "GET",
        body: bytes = b"",
        host: str = "localhost",
    ) -> Answer:
        """The answer to one request, which asks the server to close the connection behind it."""
        raw_target = target.encode() if isinstance(target, str) else target
        lines = [f"Host: {host}", "Connection: close", *headers]
        if body or method in {"POST", "PUT"}:
            lines.append(f"Content-Length: {len(body)}")
        head = b"%s %s HTTP/1.1\r\n%s\r\n\r\n" % (
            method.encode(),
            raw_target,
            "\r\n".join(lines).encode(),
        )
        return await self.send(head + body)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Everything until the connection ends, by a close or a reset."""
    found = bytearray()
    with contextlib.suppress(ConnectionError):
        while chunk := await asyncio.wait_for(reader.read(2**20), PATIENCE_S):
            found += chunk
    return bytes(found)


def parsed(raw: bytes) -> Answer:
    """The answer in these bytes, of which an interim one (1xx) is passed over; status 0 where there
    is none.
    """
    found = re.match(
        rb"(?:HTTP/1\.1 1\d\d [^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n)*HTTP/1\.1 (\d{3})[^\n]*\n", raw
    )
    if not found:
        return Answer(0, {}, b"", raw)
    head, _, body = raw[found.end() :].partition(b"\r\n\r\n")
    pairs = (line.partition(": ") for line in head.decode("latin1").split("\r\n"))
    headers = {name.lower(): value for name, _, value in pairs}
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunked(body)
    return Answer(int(found[1]), headers, body, raw)


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        count = int(size, 16)
        whole, body = whole + rest[:count], rest[count + 2 :]
    return whole
