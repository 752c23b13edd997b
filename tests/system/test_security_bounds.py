"""Nothing grows with what strangers send: heads, bodies, addresses, connections, streams, and how
fast they come.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import h11
import pytest
from quart import Response
from support.home import Home
from support.wire import PATIENCE_S, Wire, parsed, read_all

from lvs import serving
from lvs.app import MAX_BODY_BYTES
from lvs.http.connection_limit import ConnectionLimit
from lvs.http.hypercorn_connection import READ_BYTES
from lvs.http.request_guard import HEADERS, MAX_QUERY_BYTES, RequestGuard
from lvs.routes import SITE_MAP

FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
LARGE = 4_000_000


async def one_film(home: Home, content: bytes | None = None) -> str:
    home.add("film.mp4", content)
    await home.scan()
    return (await home.video("film.mp4")).media_hash


MULTIPART = "Content-Type: multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("target", "content_type"),
    [
        *(
            (target, kind)
            for target in ("/videos/{}/rating", "/videos/{}/tags", "/settings")
            for kind in (FORM, MULTIPART)
        ),
        *((target, JSON) for target in ("/api/ratings/{}", "/api/videos/{}/tags", "/rate", "/tag")),
    ],
)
async def test_a_body_over_64_kib_is_refused_and_changes_nothing(
    home: Home, target: str, content_type: str
) -> None:
    media_hash = await one_film(home)
    body = b'{"value": 4}' + b" " * MAX_BODY_BYTES
    async with Wire(home.app) as wire:
        answer = await wire.ask(target.format(media_hash), [content_type], "POST", body)
    assert answer.status == 413
    assert (await home.services.ratings.get(media_hash)).value is None


async def test_a_body_that_never_says_how_long_it_is_ends_at_the_limit(home: Home) -> None:
    media_hash = await one_film(home)
    head = (
        f"POST /api/ratings/{media_hash} HTTP/1.1\r\nHost:"
        f" localhost\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    async with Wire(home.app) as wire:
        reader, writer = await wire.connect()
        writer.write(head + chunk * 3)
        answer = parsed(await asyncio.wait_for(reader.read(2**16), PATIENCE_S))
        writer.close()
    assert answer.status == 413


async def test_a_body_sent_with_a_question_is_not_kept(home: Home) -> None:
    """A viewer who takes nothing and sends without end: what arrives is thrown away, and everybody
    else is served.
    """
    await one_film(home, bytes(LARGE))
    async with Wire(home.app) as wire:
        reader, writer = await wire.connect()
        writer.write(
            b"GET /video/film.mp4 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await reader.readexactly(1)
        for _ in range(100):
            writer.write(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
            try:
                await asyncio.wait_for(writer.drain(), 1)
            except (TimeoutError, ConnectionError):
                break
        assert (await wire.ask("/ping")).status == 200
        writer.transport.abort()
        await home.until(lambda: not home.services.streams.running())


def impatient(home: Home, body_seconds: float) -> RequestGuard:
    """The household's app behind a guard of its own that waits so long for a body."""
    app: Any = home.app
    return RequestGuard(
        app,
        home.services.config,
        has_password=lambda: False,
        answers_json=SITE_MAP.answers_json,
        max_body_bytes=MAX_BODY_BYTES,
        body_seconds=body_seconds,
    )


async def test_an_answer_to_a_large_body_leaves_nothing_behind(home: Home) -> None:
    async with Wire(impatient(home, 2)) as wire:
        await wire.ask("/ping")
        before = len(asyncio.all_tasks())
        for host in ("localhost", "evil.example.com"):
            await wire.ask("/nowhere", [FORM], "POST", b"x" * 2_000_000, host=host)
            tiny = (
                f"POST /nowhere HTTP/1.1\r\nHost: {host}\r\n".encode()
                + b"Transfer-Encoding: chunked\r\n\r\n"
                + b"1\r\nx\r\n" * 20_000
            )
            await wire.send(tiny)
        await home.until(lambda: len(asyncio.all_tasks()) <= before)


@pytest.mark.parametrize("host", ["localhost", "evil.example.com"])
async def test_a_body_in_many_thousand_parts_keeps_nobody_waiting(
    home: Home, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Others get their turn after each few kilobytes: h11 makes an event of every part."""
    turn = 0
    taken_bytes: Counter[int] = Counter()
    receive_data = h11.Connection.receive_data

    def receive(connection: h11.Connection, data: bytes) -> None:
        taken_bytes[turn] += len(data)
        receive_data(connection, data)

    async def turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(h11.Connection, "receive_data", receive)
    async with Wire(impatient(home, 3)) as wire:
        ticking = asyncio.create_task(turns())
        head = (
            f"POST /settings HTTP/1.1\r\nHost: {host}\r\n{FORM}\r\nTransfer-Encoding:"
            " chunked\r\n\r\n".encode()
        )
        await wire.send(head + b"1\r\nx\r\n" * 40_000)
        ticking.cancel()
    assert 0 < max(taken_bytes.values()) <= READ_BYTES


@pytest.mark.parametrize(
    "lines",
    [
        ["X-Long: " + "x" * serving.MAX_HEAD_BYTES],
        [f"X-{number}: x" for number in range(3000)],
        ["Cookie: " + "a=b; " * 5000],
    ],
)
async def test_a_head_over_16_kib_is_refused(home: Home, lines: list[str]) -> None:
    async with Wire(home.app) as wire:
        assert (await wire.ask("/ping", lines)).status == 431
        assert (await wire.ask("/ping")).status == 200


async def test_a_request_line_without_an_end_is_refused(home: Home) -> None:
    async with Wire(home.app) as wire:
        assert (await wire.send(b"GET /" + b"a" * 2 * serving.MAX_HEAD_BYTES)).status in {400, 431}


@pytest.mark.parametrize(
    "target", ["/?q=", "/api/videos?after=", "/watch/film.mp4?q=", "/video/film.mp4?"]
)
async def test_an_address_that_is_too_long_is_refused(home: Home, target: str) -> None:
    async with Wire(home.app) as wire:
        answer = await wire.ask(target + "a" * (MAX_QUERY_BYTES + 1))
        assert answer.status == 414
        assert "longer" in answer.text
        assert (await wire.ask("/" + "a" * 10_000)).status == 414


@pytest.mark.parametrize(
    "target",
    [
        "/?" + "&".join(["tag=a"] * 1000),
        "/?" + "&".join(f"tag=t{n}" for n in range(100)),
        "/?q=" + "a%20" * 1500,
    ],
)
async def test_an_address_with_too_many_parts_is_refused_or_answered(
    home: Home, target: str
) -> None:
    async with Wire(home.app) as wire:
        assert (await wire.ask(target)).status in {200, 400}


async def test_a_client_that_does_not_finish_a_head_is_disconnected(home: Home) -> None:
    async with Wire(home.app, head_seconds=0.5) as wire:
        for beginning in (
            b"",
            b"GET /ping HTT",
            b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        ):
            reader, writer = await wire.connect()
            writer.write(beginning)
            trickle = asyncio.create_task(_trickle(writer))
            await read_all(reader)  # ends because the server closes the connection
            trickle.cancel()
            writer.close()


async def _trickle(writer: asyncio.StreamWriter) -> None:
    while True:
        await asyncio.sleep(0.1)
        writer.write(b"a")


async def test_an_idle_client_is_disconnected(home: Home) -> None:
    async with Wire(home.app, head_seconds=0.5) as wire:
        reader, writer = await wire.connect()
        for _ in range(2):
            writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"}")
        assert (await read_all(reader)).strip() == b""
        writer.close()


async def test_a_request_sent_as_an_idle_connection_ends_is_answered_or_not_done(
    home: Home,
) -> None:
    media_hash = await one_film(home)
    head = (
        f"POST /videos/{media_hash}/view HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\nContent-Length:"
        " 0\r\nConnection: close\r\n\r\n"
    )

    async def answered(place: int) -> bool:
        reader, writer = await wire.connect()
        await asyncio.sleep(0.098 + place / 10_000)
        writer.write(head.encode())
        answer = parsed(await read_all(reader))
        writer.close()
        return answer.status == 303

    async with Wire(home.app, head_seconds=0.1) as wire:
        told = 0
        for _ in range(20):
            told += sum(await asyncio.gather(*map(answered, range(30))))
    assert await home.services.views.get(media_hash) == told


async def test_an_idle_client_does_not_delay_the_end_of_the_server(home: Home) -> None:
    async with Wire(home.app, graceful_seconds=10 * PATIENCE_S) as wire:
        reader, writer = await wire.connect()
        writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"}")
    assert (await read_all(reader)).strip() == b""
    writer.close()


async def test_the_end_of_the_server_ends_an_answer_in_parts(home: Home) -> None:
    closed = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        try:
            async with home.services.database.read():
                yield b"part"
                await asyncio.Event().wait()
        finally:
            closed.set()

    async def without_end() -> Response:
        return Response(parts(), content_type="text/plain")

    home.app.view_functions["admin/maintenance:ping"] = without_end
    async with Wire(home.app) as wire:
        reader, writer = await wire.connect()
        writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"part")
        rest = asyncio.create_task(read_all(reader))
    await rest
    writer.close()
    await asyncio.wait_for(closed.wait(), PATIENCE_S)


async def test_a_request_with_half_a_body_changes_nothing(home: Home) -> None:
    media_hash = await one_film(home)
    async with Wire(home.app) as wire:
        reader, writer = await wire.connect()
        head = (
            f"POST /videos/{media_hash}/favorite HTTP/1.1\r\nHost:"
            f" localhost\r\n{FORM}\r\nContent-Length: 7\r\n\r\n"
        )
        writer.write(head.encode() + b"val")
        await writer.drain()
        writer.write_eof()
        await read_all(reader)
        writer.close()
        assert (await wire.ask("/ping")).status == 200
    assert not await home.services.favorites.get(
        media_hash
    )  # an empty form would have turned the heart over


async def test_a_client_that_does_not_finish_a_body_is_told_and_disconnected(home: Home) -> None:
    media_hash = await one_film(home)
    async with Wire(impatient(home, 0.5)) as wire:
        reader, writer = await wire.connect()
        head = (
            f"POST /videos/{media_hash}/rating HTTP/1.1\r\nHost:"
            f" localhost\r\n{FORM}\r\nContent-Length: 60000\r\n\r\nvalue="
        )
        writer.write(head.encode())
        trickle = asyncio.create_task(_trickle(writer))
        answer = parsed(await read_all(reader))
        trickle.cancel()
        writer.close()
    assert answer.status == 408
    assert (await home.services.ratings.get(media_hash)).value is None


async def test_a_client_that_sends_on_after_the_time_for_a_body_is_cut_off(
    home: Home,
) -> None:
    async with Wire(impatient(home, 0.3)) as wire:
        reader, writer = await wire.connect()
        writer.write(
            f"POST /nowhere HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\nTransfer-Encoding:"
            " chunked\r\n\r\n".encode()
        )
        answer = asyncio.create_task(read_all(reader))
        while not answer.done():
            writer.write(b"1\r\nx\r\n" * 600)
            await asyncio.sleep(0.004)
        writer.close()
        await home.until(lambda: wire.connections == 0)


async def test_one_device_has_only_so_many_connections(home: Home) -> None:
    limit = ConnectionLimit(per_client=5)
    async with Wire(home.app, limit) as wire, AsyncExitStack() as stack:
        writers = []
        for _ in range(5):
            reader, writer = await wire.connect()
            stack.callback(writer.close)
            writers.append(writer)
            writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"}")
        refused = await wire.send(b"")
        assert refused.status == 429
        assert "too many connections" in refused.text
        assert HEADERS.items() <= {
            (name.encode(), value.encode()) for name, value in refused.headers.items()
        }
        writers[0].close()
        await home.until(lambda: limit.count == 4)
        assert (await wire.ask("/ping")).status == 200


async def test_all_devices_together_have_only_so_many_connections(home: Home) -> None:
    async with (
        Wire(home.app, ConnectionLimit(per_client=100, total=3)) as wire,
        AsyncExitStack() as stack,
    ):
        for _ in range(3):
            reader, writer = await wire.connect()
            stack.callback(writer.close)
            writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"}")
        assert (await wire.send(b"")).status == 429


async def _greedy(wire: Wire, question: bytes) -> socket.socket:
    """A client that asks (method and address) and then takes nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", wire.port))
    await loop.sock_sendall(client, b"%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % question)
    return client


async def test_one_device_receives_only_so_many_videos(tmp_path: Path) -> None:
    async with (
        Home(tmp_path, streams_per_client=2) as home,
        Wire(home.app) as wire,
        AsyncExitStack() as stack,
    ):
        await one_film(home, bytes(LARGE))
        for count in (1, 2):
            stack.callback((await _greedy(wire, b"GET /video/film.mp4")).close)
            await home.until(lambda count=count: len(home.services.streams.running()) == count)  # type: ignore[misc]
        answer = await wire.ask("/video/film.mp4")
        assert answer.status == 429
        assert int(answer.headers["retry-after"]) > 0
        assert (await wire.ask("/")).status == 200  # pages go on
        await stack.aclose()
        await home.until(lambda: not home.services.streams.running())
        assert len((await wire.ask("/video/film.mp4")).body) == LARGE


@pytest.mark.parametrize("target", [b"/video/film.mp4", b"/static/large"])
async def test_a_client_that_reads_nothing_is_disconnected(tmp_path: Path, target: bytes) -> None:
    async with Home(tmp_path, stall_seconds=1) as home:
        await one_film(home, bytes(LARGE))

        @home.app.get("/static/large")
        async def large() -> bytes:
            return bytes(LARGE)

        limit = ConnectionLimit(10, stall_seconds=1)
        async with Wire(home.app, limit) as wire:
            client = await _greedy(wire, b"GET " + target)
            await home.until(lambda: limit.count == 1)
            await home.until(lambda: limit.count == 0)
            client.close()


REQUESTS_AHEAD = b"GET /video/film.mp4 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40
SENT_AHEAD = [
    b"x",
    b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /ping HTTP",
    REQUESTS_AHEAD,
    b"x" * 8_000_000,
]


async def _ahead_of_itself(wire: Wire, question: bytes, ahead: bytes) -> socket.socket:
    """A client that takes nothing of the answer and sends what nobody has asked for yet, as much as
    goes out.
    """
    client = await _greedy(wire, question)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(TimeoutError, ConnectionError):
        await asyncio.wait_for(loop.sock_sendall(client, ahead), 0.2)
    return client


@pytest.mark.parametrize("leaving", ["closes", "vanishes", "stays"])
@pytest.mark.parametrize(
    "question",
    [b"GET /video/film.mp4", b"GET /static/page", b"GET /static/export", b"POST /static/slow"],
)
async def test_a_client_that_sends_ahead_and_leaves_holds_no_place(
    tmp_path: Path, question: bytes, leaving: str
) -> None:
    async with Home(tmp_path, stall_seconds=1) as home:
        await one_film(home, bytes(LARGE))

        @home.app.get("/static/page")
        async def page() -> bytes:
            return bytes(LARGE)

        @home.app.get("/static/export")
        async def export() -> AsyncIterator[bytes]:
            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(200):
                    yield bytes(65536)
                    await asyncio.sleep(0.01)

            return pieces()

        @home.app.post("/static/slow")
        async def slow() -> str:
            await asyncio.sleep(1)
            return "done"

        limit = ConnectionLimit(len(SENT_AHEAD), stall_seconds=1)
        async with Wire(home.app, limit, head_seconds=1) as wire:
            assert (await wire.ask("/ping")).status == 200
            await home.until(lambda: limit.count == 0)
            tasks, descriptors = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
            clients = await asyncio.gather(
                *(_ahead_of_itself(wire, question, ahead) for ahead in SENT_AHEAD)
            )
            assert limit.count > 0
            for client in clients:
                if leaving == "vanishes":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if leaving != "stays":
                    client.close()
            await home.until(lambda: limit.count == 0)
            for client in clients:
                client.close()
            assert (await wire.ask("/ping")).status == 200
            await home.until(lambda: len(asyncio.all_tasks()) <= tasks)
            await home.until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
            assert home.services.streams.running() == []


async def test_changes_come_no_faster_than_people_make_them(tmp_path: Path) -> None:
    async with Home(tmp_path, writes_limit="5/3600") as home, Wire(home.app) as wire:
        media_hash = await one_film(home)
        target = f"/videos/{media_hash}/tags"
        statuses = [
            (
                await wire.ask(
                    target,
                    [FORM, f"X-Forwarded-For: 192.168.1.{number}", f"Remote-Addr: 10.0.0.{number}"],
                    "POST",
                    b"tag=t%d" % number,
                )
            )
            for number in range(8)
        ]
        assert [answer.status for answer in statuses] == [303] * 5 + [429] * 3
        assert int(statuses[-1].headers["retry-after"]) > 0
        assert len(await home.services.tags.get(media_hash)) == 5
        for method, address in (
            ("PUT", f"/api/videos/{media_hash}/favorite"),
            ("POST", "/admin/scan"),
            ("DELETE", f"/api/videos/{media_hash}/favorite"),
        ):
            assert (await wire.ask(address, method=method)).status == 429
        assert (await wire.ask("/")).status == 200
