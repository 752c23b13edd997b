"""A folder of films that is served by a real hypercorn, and clients that browsers are too
well-behaved for.
"""

import asyncio
import errno
import os
import random
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote_to_bytes

import hypercorn.asyncio
import psutil
from quart import Quart, Response, request

from lvs.certificates import Certificate
from lvs.errors import NotFound, Unavailable
from lvs.http.file_response import file_response
from lvs.http.media_types import media_type
from lvs.http.transport import ConnectionInScope
from lvs.services.streaming.open_file import OpenFile, open_below
from lvs.services.streaming.streams import Streams

MEBIBYTE = 2**20


class Site:
    """A folder that is served on a port by hypercorn in a thread of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        stall_seconds: float = 300,
        knows_connection: bool = True,
        secure: Certificate | None = None,
    ) -> None:
        self.folder = folder
        self.through_server_bytes = 0
        self.streams = Streams(stall_seconds, chunk_bytes=256 * 1024)
        self.clients: list[socket.socket] = []
        self.read_bytes = 0
        self.fails_after_bytes = 2**63
        app = self._app()
        self._count_bodies(app)
        inside = ConnectionInScope(app.asgi_app)  # type: ignore[arg-type]
        app.asgi_app = inside if knows_connection else _below_unknown_server(inside)  # type: ignore[method-assign, assignment]
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        config = hypercorn.Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.graceful_timeout = 1
        if secure:
            config.certfile, config.keyfile = map(str, secure)
        config.errorlog = None
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()

        async def serve() -> None:
            await hypercorn.asyncio.serve(app, config, shutdown_trigger=self._stopped)

        self.thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(serve()), daemon=True
        )
        self.thread.start()

    def _app(self) -> Quart:
        app = Quart(__name__)
        app.config["RESPONSE_TIMEOUT"] = 0.5  # far shorter than some answers here take

        @app.get("/video/<path:ignored>")
        async def video(ignored: str) -> Response:
            path = unquote_to_bytes(request.scope["raw_path"]).removeprefix(b"/video/")
            opened = await open_below(self.folder, path)
            name = request.args.get("download")
            return await file_response(
                request, opened, media_type(path), name, streams=self.streams, title="A film"
            )

        @app.get("/drive/<name>")
        async def drive(name: str) -> Response:
            """Serve the file as from a drive that is never in memory, and may fail."""
            site = self

            class OnDrive(OpenFile):
                def fill_from_memory(self, offset: int, buffer: memoryview) -> bool:
                    return False

                def read(self, offset: int, size_bytes: int) -> bytes:
                    if site.read_bytes >= site.fails_after_bytes:
                        raise OSError(errno.EIO, "the drive fails")
                    chunk = super().read(offset, size_bytes)
                    site.read_bytes += len(chunk)
                    return chunk

            opened = OnDrive(os.open(self.folder / name, os.O_RDONLY), name.encode())
            return await file_response(request, opened, "video/mp4", streams=self.streams)

        @app.get("/page/<int:size_bytes>")
        async def page(size_bytes: int) -> bytes:
            return bytes(size_bytes)

        @app.errorhandler(NotFound)
        async def absent(error: NotFound) -> tuple[str, int]:
            return error.message, 404

        @app.errorhandler(Unavailable)
        async def away(error: Unavailable) -> tuple[str, int]:
            return error.message, 503

        return app

    def _count_bodies(self, app: Quart) -> None:
        """Count the bytes of bodies that the server is given to send."""
        inside: Callable[[Any, Any, Any], Awaitable[None]] = app.asgi_app

        async def counting(
            scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]
        ) -> None:
            async def sending(message: Any) -> None:
                self.through_server_bytes += len(message.get("body", b""))
                await send(message)

            await inside(scope, receive, sending)

        app.asgi_app = counting  # type: ignore[method-assign]

    async def _stopped(self) -> None:
        await self._stop.wait()
        self.streams.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for client in self.clients:
            client.close()

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
            self.thread.join(timeout=30)
            assert not self.thread.is_alive(), "the server does not end"
            self._loop.close()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/video/{name}"

    def connect(self, receive_buffer_bytes: int = 0) -> socket.socket:
        """A plain socket; a small buffer makes the server feel at once what is not read."""
        client = socket.socket()
        self.clients.append(client)
        client.settimeout(30)
        if receive_buffer_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        client.connect(("127.0.0.1", self.port))
        return client

    def ask(self, path: str, receive_buffer_bytes: int = 0, extra: str = "") -> socket.socket:
        client = self.connect(receive_buffer_bytes)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{extra}\r\n".encode())
        return client

    def held(self) -> list[str]:
        """Files of the folder that this process holds open."""
        return [
            entry.path
            for entry in psutil.Process().open_files()
            if Path(entry.path.removesuffix(" (deleted)")).is_relative_to(self.folder)
        ]


def until(question: Callable[[], bool], limit_seconds: float = 30) -> None:
    """Wait until it is so; fail where it never is."""
    end = time.monotonic() + limit_seconds
    while not question():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


@lru_cache(8)  # making it takes longer than most that is done with it
def noise(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def received(client: socket.socket) -> tuple[dict[str, str], bytes]:
    """Header fields and all body bytes until the server closes, however it does that."""
    data = bytearray()
    try:
        while part := client.recv(MEBIBYTE):
            data += part
    except ConnectionResetError:
        pass
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
    return fields, body


def _below_unknown_server(app: ConnectionInScope) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """`app` with a `send` that leads to nothing of the server, as a server unknown to LVS has."""

    async def hidden(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        async def sending(message: Any) -> None:
            await send(message)

        await app(scope, receive, sending)

    return hidden
