"""Films that go past the server into the client's socket: the same bytes as through it, and nothing
left behind.
"""

import asyncio
import contextlib
import gc
import hashlib
import itertools
import os
import random
import socket
import ssl
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import h11
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import loopback
from support.home import Home
from support.viewing import MEBIBYTE, Site, noise, received, until
from support.wire import Wire

from lvs.certificates import certificate
from lvs.config import Config
from lvs.http.direct_send import DirectSend, WriteScheduler, h11_supports_passthrough
from lvs.services.streaming.open_file import OpenFile, open_below_now
from lvs.services.streaming.streams import StreamBody

pytestmark = pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="only Linux has this way")

SIZE_BYTES = 5 * MEBIBYTE + 321
CONTENT = noise(SIZE_BYTES)
# Any place in it, and those beside which something begins or ends.
EDGES = [
    edge + step
    for edge in (65536, 262_144, MEBIBYTE, 4 * MEBIBYTE, SIZE_BYTES - 2)
    for step in (-1, 0, 1)
]
PLACES = st.integers(0, SIZE_BYTES - 1) | st.sampled_from(EDGES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.mp4").write_bytes(CONTENT)
    return tmp_path


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    with Site(folder) as running:
        yield running


@pytest.fixture
def both(folder: Path) -> Iterator[tuple[Site, Site]]:
    """A site that sends films directly, and one that sends them through the server."""
    with Site(folder) as direct, Site(folder, knows_connection=False) as plain:
        yield direct, plain


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ends=st.tuples(PLACES, PLACES).map(sorted), route=st.sampled_from(["video", "drive"]))
def test_both_ways_give_the_same_bytes(
    both: tuple[Site, Site], ends: list[int], route: str
) -> None:
    first, last = ends
    wanted = CONTENT[first : last + 1]
    for site, through_server_bytes in zip(both, (0, len(wanted)), strict=True):
        site.through_server_bytes = 0
        with site.ask(
            f"/{route}/film.mp4", extra=f"Range: bytes={first}-{last}\r\nConnection: close\r\n"
        ) as client:
            fields, body = received(client)
        assert fields["content-length"] == str(len(wanted))
        assert hashlib.sha256(body).digest() == hashlib.sha256(wanted).digest()
        assert site.through_server_bytes == through_server_bytes


@pytest.mark.parametrize("route", ["video", "drive"])
def test_a_slow_and_uneven_viewer_gets_every_byte(site: Site, route: str) -> None:
    chance = random.Random(3)
    with site.ask(f"/{route}/film.mp4", 16384, "Connection: close\r\n") as viewer:
        data = bytearray()
        while part := viewer.recv(chance.choice((1, 999, 65536, MEBIBYTE))):
            data += part
            if chance.random() < 0.1:
                time.sleep(0.02)
    assert (
        hashlib.sha256(data.partition(b"\r\n\r\n")[2]).digest() == hashlib.sha256(CONTENT).digest()
    )
    assert site.through_server_bytes == 0


def test_a_viewer_who_waits_costs_next_to_nothing(site: Site) -> None:
    with (site.folder / "film.mp4").open("r+b") as film:
        film.truncate(64 * MEBIBYTE)
    site.ask("/video/film.mp4", 4096)  # what is needed once
    until(lambda: len(site.streams.running()) == 1)
    tracemalloc.start()
    try:
        for _ in range(32):
            site.ask("/video/film.mp4", 4096)
        until(lambda: len(site.streams.running()) == 33)
        grown = -1
        while grown != (grown := sum(stream.bytes_sent for stream in site.streams.running())):
            time.sleep(0.3)
        assert tracemalloc.get_traced_memory()[0] < 32 * 128 * 1024
    finally:
        tracemalloc.stop()


def test_one_connection_carries_answers_of_every_kind(site: Site) -> None:
    connection = HTTPConnection("127.0.0.1", site.port, timeout=30)
    etag = ""
    for method, path, fields, status, body in (
        ("GET", "/video/film.mp4", {}, 200, CONTENT),
        ("GET", "/video/film.mp4", {"Range": "bytes=5-"}, 206, CONTENT[5:]),
        ("HEAD", "/video/film.mp4", {}, 200, b""),
        ("GET", "/video/film.mp4", {"If-None-Match": "*"}, 304, b""),
        ("GET", "/video/absent.mp4", {}, 404, b"There is no such video file."),
        ("GET", "/drive/film.mp4", {}, 200, CONTENT),
        ("GET", "/video/film.mp4", {"Range": "bytes=-1"}, 206, CONTENT[-1:]),
    ):
        connection.request(method, path, headers=fields)
        answer = connection.getresponse()
        assert (answer.status, answer.read() == body) == (status, True)
        assert not answer.will_close
        etag = answer.headers["ETag"] or etag
    connection.close()
    assert etag


def test_requests_sent_ahead_are_answered_in_order_whatever_still_waits_before_them(
    site: Site,
) -> None:
    # Somewhere among these the buffers of the system are full, and the server itself keeps the end
    # of a page and a film's head.
    page = b"GET /page/50000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    film = b"GET /video/film.mp4 HTTP/1.1\r\nHost: localhost\r\nRange: bytes=1000-2999\r\n\r\n"
    client = site.connect(16384)
    client.sendall((page + film) * 200)
    time.sleep(0.5)
    file = client.makefile("rb")
    for status, body in [(200, bytes(50_000)), (206, CONTENT[1000:3000])] * 200:
        assert file.readline() == f"HTTP/1.1 {status} \r\n".encode()
        while file.readline().strip():
            pass
        assert file.read(len(body)) == body


def test_http_1_0_gets_every_byte_and_the_end(site: Site) -> None:
    client = site.connect()
    client.sendall(b"GET /video/film.mp4 HTTP/1.0\r\nHost: x\r\n\r\n")
    assert received(client)[1] == CONTENT
    assert site.through_server_bytes == 0


def test_a_film_that_is_not_in_memory_comes_from_the_drive(site: Site) -> None:
    (site.folder / "other.mp4").write_bytes(CONTENT)
    for name in ("film.mp4", "other.mp4"):
        with (site.folder / name).open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert loopback.get(site.url("film.mp4")).content == CONTENT
    assert site.through_server_bytes == 0
    opened = open_below_now(site.folder, b"other.mp4")
    forgotten = not opened.fill_from_memory(
        0, memoryview(bytearray(MEBIBYTE))
    )  # a file system in memory does not forget
    opened.close()
    assert forgotten == any(thread.name.startswith("lvs-read") for thread in threading.enumerate())


def test_nothing_stays_open_behind_viewers_of_any_kind(site: Site) -> None:
    with (site.folder / "film.mp4").open("r+b") as film:
        film.truncate(32 * MEBIBYTE)

    def watch(number: int) -> None:
        with site.ask(
            f"/{('video', 'drive')[number % 2]}/film.mp4", 65536, "Connection: close\r\n"
        ) as viewer:
            if number % 3 == 0:
                received(viewer)
            else:
                viewer.recv(number * 5000 + 1)
                if number % 3 == 1:
                    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with ThreadPoolExecutor(8) as viewers:
        list(viewers.map(watch, range(8)))  # what is opened once
        until(lambda: site.held() == [] and site.streams.running() == [])
        before = descriptors()
        list(viewers.map(watch, range(40)))
    until(lambda: site.held() == [] and site.streams.running() == [])
    until(lambda: descriptors() <= before)


def test_nothing_of_a_stream_waits_for_the_search_for_garbage(folder: Path) -> None:
    (folder / "film.mp4").write_bytes(noise(32 * MEBIBYTE))

    def alive() -> int:
        return sum(
            issubclass(type(each), StreamBody | DirectSend | OpenFile) for each in gc.get_objects()
        )

    def watch(site: Site, address: str, ending: str) -> None:
        with site.ask(address, 65536, "Connection: close\r\n") as viewer:
            viewer.recv(50_000)
            if ending == "changed":
                os.utime(folder / "film.mp4")
            if ending in {"all taken", "changed"}:
                with contextlib.suppress(ConnectionResetError):
                    while viewer.recv(MEBIBYTE):
                        pass
            elif ending == "stalled":
                until(lambda: site.streams.running() == [])
            elif ending == "vanished":
                viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Site(folder, stall_seconds=1) as site:
        for ending in ("all taken", "left", "vanished", "changed", "stalled"):
            for route in ("video", "drive"):
                gc.collect()
                gc.disable()
                try:
                    before = alive()
                    watch(site, f"/{route}/film.mp4", ending)
                    until(lambda before=before: alive() <= before)  # type: ignore[misc]
                finally:
                    gc.enable()


@pytest.mark.parametrize("round_number", range(5))
def test_viewers_at_full_speed_never_see_a_new_version(folder: Path, round_number: int) -> None:
    film = folder / "film.mp4"
    size_bytes = 48 * MEBIBYTE
    film.write_bytes(b"A" * size_bytes)
    with Site(folder) as site:
        begun = threading.Barrier(7)

        def watch(number: int) -> bytes:
            viewer = site.ask("/video/film.mp4", 0 if number % 2 else 65536)
            data = bytearray(viewer.recv(1))
            begun.wait()
            with contextlib.suppress(ConnectionResetError):
                while part := viewer.recv(MEBIBYTE):
                    data += part
                    if len(data) > size_bytes:
                        break
            viewer.close()
            return bytes(data).partition(b"\r\n\r\n")[2]

        with ThreadPoolExecutor(6) as viewers:
            bodies = [viewers.submit(watch, number) for number in range(6)]
            begun.wait()
            time.sleep(0.01 * round_number)
            with film.open("r+b") as file:
                for _ in range(size_bytes // MEBIBYTE):
                    file.write(b"B" * MEBIBYTE)
            for body in bodies:
                assert set(body.result()) <= {ord("A")}
        until(lambda: site.held() == [] and site.streams.running() == [])


def test_over_tls_films_go_through_the_server(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secure = certificate(
        Config(data_directory=tmp_path_factory.mktemp("data"), tls_self_signed=True), {"127.0.0.1"}
    )
    assert secure
    with Site(folder, secure=secure) as site:
        trusting = ssl.create_default_context(cafile=secure.chain)
        assert (
            httpx.get(site.url("film.mp4").replace("http:", "https:"), verify=trusting).content
            == CONTENT
        )
        assert site.through_server_bytes == SIZE_BYTES


def test_an_h11_that_wants_every_byte_gets_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_is = h11.Connection.send_with_data_passthrough

    def wants_bytes(self: h11.Connection, event: h11.Event) -> list[bytes] | None:
        if isinstance(event, h11.Data):
            event = h11.Data(data=b"" + event.data)
        return as_it_is(self, event)

    assert h11_supports_passthrough()
    monkeypatch.setattr(h11.Connection, "send_with_data_passthrough", wants_bytes)
    h11_supports_passthrough.cache_clear()
    try:
        assert not h11_supports_passthrough()
        with loopback.Client() as client:
            for _ in range(2):
                assert client.get(site.url("film.mp4")).content == CONTENT
        assert site.through_server_bytes == 2 * SIZE_BYTES
    finally:
        h11_supports_passthrough.cache_clear()


async def test_bytes_sent_directly_are_counted(home: Home) -> None:
    home.add("film.mp4", CONTENT)
    await home.scan()
    async with Wire(home.app) as wire:
        for fields, size_bytes in ((["Range: bytes=7-1000006"], 1_000_000), ([], SIZE_BYTES)):
            answer = await wire.ask("/video/film.mp4", fields)
            assert len(answer.body) == size_bytes
    (route,) = [
        route
        for (_, rule), route in home.services.metrics.routes.items()
        if rule.startswith("/video/")
    ]
    assert route.bytes_sent == 1_000_000 + SIZE_BYTES


async def test_streams_and_everyone_else_take_turns() -> None:
    turns = WriteScheduler()
    order: list[str] = []
    pairs = [socket.socketpair() for _ in range(5)]
    with contextlib.ExitStack() as taken:
        for number, (one, other) in enumerate(pairs):
            taken.enter_context(one)
            taken.enter_context(other)
            taken.enter_context(turns.taken(one.fileno(), partial(order.append, str(number))))
        while len(order) < 2000:
            order.append("else")
            await asyncio.sleep(0)
    steps = [name for name in order if name != "else"]
    assert len(steps) > 500
    assert not [pair for pair in itertools.pairwise(order) if "else" not in pair]
    assert max(map(steps.count, "01234")) - min(map(steps.count, "01234")) <= 1
    before = len(order)
    await asyncio.sleep(0.05)
    assert len(order) == before
