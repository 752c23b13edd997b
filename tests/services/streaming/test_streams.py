"""Streams as a viewer gets them: a real hypercorn on a port, real files, raw sockets where browsers
behave too well.
"""

import asyncio
import contextlib
import hashlib
import os
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import httpx
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import loopback
from support.viewing import MEBIBYTE, Site, noise, received, until

from lvs.errors import NotFound, Unavailable
from lvs.services.streaming.open_file import (
    FileChangedError,
    OpenFile,
    open_below,
    open_below_now,
)
from lvs.services.streaming.streams import Streams

pytestmark = pytest.mark.core


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    library = tmp_path / "library"
    library.mkdir()
    return library


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    with Site(folder) as running:
        yield running


@pytest.fixture
def strict(folder: Path) -> Iterator[Site]:
    """A site that drops who takes nothing for one second."""
    with Site(folder, stall_seconds=1) as running:
        yield running


def test_a_whole_file_arrives_as_it_is_with_every_header(site: Site) -> None:
    content = noise(3 * MEBIBYTE + 17)
    (site.folder / "film.mp4").write_bytes(content)
    answer = loopback.get(site.url("film.mp4"))
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(content).digest()
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["accept-ranges"] == "bytes"
    assert re.fullmatch(r'"[0-9a-f]+"', answer.headers["etag"])
    assert answer.headers["last-modified"].endswith(" GMT")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-cache" in answer.headers["cache-control"]
    assert "content-disposition" not in answer.headers
    assert "content-range" not in answer.headers


def test_head_says_the_same_as_get_without_the_bytes(site: Site) -> None:
    (site.folder / "film.webm").write_bytes(noise(100_000))
    for fields in ({}, {"Range": "bytes=5-9"}, {"Range": "bytes=999999999-"}):
        head = httpx.head(site.url("film.webm"), headers=fields)
        get = loopback.get(site.url("film.webm"))
        assert (head.status_code, head.content) == (200, b"")
        assert {**head.headers, "date": ""} == {**get.headers, "date": ""}
    # On the wire, too, nothing follows the head.
    with site.connect() as client:
        client.sendall(b"HEAD /video/film.webm HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert received(client)[1] == b""


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("0-0", 0, 0),
        ("0-", 0, 999_999),
        ("262143-262144", 262_143, 262_144),
        ("300000-899999", 300_000, 899_999),
        ("999999-", 999_999, 999_999),
        ("-1", 999_999, 999_999),
        ("-500", 999_500, 999_999),
        ("-99999999999999999999999", 0, 999_999),
        ("5-99999999999999999999999", 5, 999_999),
        ("0-99,100-199", 0, 199),
    ],
)
def test_a_range_arrives_as_asked(site: Site, asked: str, first: int, last: int) -> None:
    content = noise(1_000_000)
    (site.folder / "film.mp4").write_bytes(content)
    answer = loopback.get(site.url("film.mp4"), headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/1000000"
    assert answer.headers["content-length"] == str(last + 1 - first)
    assert {"etag", "last-modified", "accept-ranges", "content-type"} <= set(answer.headers)
    assert answer.content == content[first : last + 1]


def test_a_range_that_cannot_be_used_is_ignored_and_one_beyond_the_end_refused(site: Site) -> None:
    content = noise(1000)
    (site.folder / "film.mp4").write_bytes(content)
    for field in (
        "bytes=x",
        "bytes=5-4",
        "seconds=1-2",
        "bytes=0-1,500-501",
        "bytes=" + "0-0," * 3000 + "999-",
    ):
        answer = loopback.get(site.url("film.mp4"), headers={"Range": field})
        assert (answer.status_code, answer.content) == (200, content)
    for field in ("bytes=1000-", "bytes=-0", "bytes=" + "9" * 9000 + "-"):
        answer = loopback.get(site.url("film.mp4"), headers={"Range": field})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == "bytes */1000"
        assert answer.headers["content-type"].startswith("text/plain")
    until(lambda: site.held() == [])


def test_an_empty_file_is_an_empty_answer(site: Site) -> None:
    (site.folder / "film.mp4").touch()
    for fields in ({}, {"Range": "bytes=0-"}, {"Range": "bytes=-5"}):
        answer = loopback.get(site.url("film.mp4"), headers=fields)
        assert (answer.status_code, answer.headers["content-length"], answer.content) == (
            200,
            "0",
            b"",
        )
    until(lambda: site.held() == [])


def test_preconditions_hold_over_http(site: Site) -> None:
    content = noise(100_000)
    film = site.folder / "film.mp4"
    film.write_bytes(content)
    os.utime(film, (1_600_000_000, 1_600_000_000))
    known = loopback.get(site.url("film.mp4")).headers
    etag, changed = known["etag"], known["last-modified"]

    for fields in (
        {"If-None-Match": etag},
        {"If-Modified-Since": changed},
        {"If-None-Match": etag, "Range": "bytes=0-1"},
    ):
        answer = loopback.get(site.url("film.mp4"), headers=fields)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert "cache-control" in answer.headers
        assert not {"content-length", "content-type", "transfer-encoding"} & set(answer.headers)
    for fields in (
        {"If-Match": '"x"'},
        {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"If-Match": f"W/{etag}"},
    ):
        answer = loopback.get(site.url("film.mp4"), headers=fields)
        assert answer.status_code == 412
        assert content not in answer.content
        assert len(answer.content) < 200
    for value, status in (
        (etag, 206),
        (changed, 206),
        (f"W/{etag}", 200),
        ('"x"', 200),
        ("Sun, 06 Nov 2094 08:49:37 GMT", 200),
    ):
        answer = loopback.get(
            site.url("film.mp4"), headers={"Range": "bytes=10-19", "If-Range": value}
        )
        assert (answer.status_code, answer.content) == (
            status,
            content[10:20] if status == 206 else content,
        )

    film.write_bytes(content[::-1])
    assert (
        loopback.get(site.url("film.mp4"), headers={"If-None-Match": etag}).content == content[::-1]
    )
    assert (
        loopback.get(
            site.url("film.mp4"), headers={"If-Range": etag, "Range": "bytes=0-1"}
        ).status_code
        == 200
    )


def test_a_refusal_or_head_keeps_no_file_open(site: Site) -> None:
    (site.folder / "film.mp4").write_bytes(noise(1000))
    with loopback.Client() as client:
        for _ in range(10):
            client.head(site.url("film.mp4"))
            client.get(site.url("film.mp4"), headers={"If-None-Match": "*"})
            client.get(site.url("film.mp4"), headers={"If-Match": '"x"'})
            client.get(site.url("film.mp4"), headers={"Range": "bytes=1000-"})
    until(lambda: site.held() == [])
    assert site.streams.running() == []


def test_positions_beyond_4_gib_are_reached(site: Site) -> None:
    size_bytes = 2**32 + 64 * MEBIBYTE + 3
    with (site.folder / "long.mkv").open("wb") as file:
        file.truncate(size_bytes)
        for position in (2**32 - 2, size_bytes - 4):
            file.seek(position)
            file.write(b"here")
    head = httpx.head(site.url("long.mkv"))
    assert head.headers["content-length"] == str(size_bytes)
    for field, expected in (
        ("4294967294-4294967297", b"here"),
        ("-4", b"here"),
        ("4294967298-4294967300", b"\0\0\0"),
    ):
        answer = loopback.get(site.url("long.mkv"), headers={"Range": f"bytes={field}"})
        assert (answer.status_code, answer.content) == (206, expected)
    whole = loopback.get(site.url("long.mkv"), headers={"Range": "bytes=4294000000-"})
    assert len(whole.content) == size_bytes - 4_294_000_000
    assert whole.content.endswith(b"here")


def test_an_answer_outlives_the_response_timeout_of_quart(site: Site) -> None:
    content = noise(12 * MEBIBYTE)
    (site.folder / "film.mp4").write_bytes(content)
    taken = bytearray()
    with loopback.stream("GET", site.url("film.mp4")) as answer:
        for part in answer.iter_raw(MEBIBYTE):
            taken += part
            time.sleep(0.1)  # twelve of them are more than twice RESPONSE_TIMEOUT
    assert bytes(taken) == content


def test_many_viewers_that_seek_each_get_their_own_bytes(site: Site) -> None:
    contents = {f"{number}.mp4": noise(2 * MEBIBYTE + number, number) for number in range(4)}
    for name, content in contents.items():
        (site.folder / name).write_bytes(content)

    def watch(viewer: int) -> None:
        chance = random.Random(viewer)
        name, content = chance.choice(list(contents.items()))
        with loopback.Client(timeout=60) as client:
            for _ in range(6):
                start = chance.randrange(len(content))
                stop = chance.randrange(start, len(content)) + 1
                answer = client.get(site.url(name), headers={"Range": f"bytes={start}-{stop - 1}"})
                assert (
                    hashlib.sha256(answer.content).digest()
                    == hashlib.sha256(content[start:stop]).digest()
                )

    with ThreadPoolExecutor(16) as viewers:
        list(viewers.map(watch, range(32)))
    until(lambda: site.held() == [] and site.streams.running() == [])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ranges=st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 1200)), min_size=1, max_size=3)
)
def test_any_ranges_give_bytes_of_the_file_or_a_refusal(
    site: Site, ranges: list[tuple[int, int]]
) -> None:
    content = noise(1000)
    if not (site.folder / "film.mp4").exists():
        (site.folder / "film.mp4").write_bytes(content)
    field = "bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)
    answer = loopback.get(site.url("film.mp4"), headers={"Range": field})
    if answer.status_code == 206:
        start, stop = (
            int(number)
            for number in (
                answer.headers["content-range"].removeprefix("bytes ").split("/")[0].split("-")
            )
        )
        assert answer.content == content[start : stop + 1]
        wanted = {
            position for first, last in ranges for position in range(first, min(last, 999) + 1)
        }
        assert wanted == set(range(start, stop + 1))
    elif answer.status_code == 200:
        assert answer.content == content
    else:
        assert answer.status_code == 416
        assert all(first > 999 for first, _ in ranges)


def test_a_connection_goes_on_after_an_answer(site: Site) -> None:
    content = noise(700_000)
    (site.folder / "film.mp4").write_bytes(content)
    connection = HTTPConnection("127.0.0.1", site.port, timeout=30)
    for first, last in ((0, 699_999), (5, 9), (600_000, 699_999)):
        connection.request("GET", "/video/film.mp4", headers={"Range": f"bytes={first}-{last}"})
        answer = connection.getresponse()
        assert answer.read() == content[first : last + 1]
        assert not answer.will_close
    connection.close()


def test_a_download_is_offered_under_its_name(site: Site) -> None:
    (site.folder / "film.mp4").write_bytes(b"x")
    answer = loopback.get(
        site.url("film.mp4"), params={"download": "Tag am Märchensee \N{CLAPPER BOARD}.mp4"}
    )
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="Tag am M_rchensee _.mp4";'
        " filename*=UTF-8''Tag%20am%20M%C3%A4rchensee%20%F0%9F%8E%AC.mp4"
    )


def test_odd_names_and_links_within_the_library_are_served(site: Site, tmp_path: Path) -> None:
    (site.folder / "Staffel 1").mkdir()
    (site.folder / "Staffel 1" / "100% #1?.mp4").write_bytes(b"percent")
    (site.folder / "linked").symlink_to("Staffel 1")
    (site.folder / "link.mp4").symlink_to(site.folder / "Staffel 1" / "100% #1?.mp4")
    with open(os.fsencode(site.folder) + b"/caf\xe9.mp4", "wb") as file:
        file.write(b"latin")
    for path in ("Staffel%201/100%25%20%231%3F.mp4", "linked/100%25%20%231%3F.mp4", "link.mp4"):
        assert loopback.get(site.url(path)).content == b"percent"
    assert loopback.get(site.url("caf%E9.mp4")).content == b"latin"

    # The library folder may itself be reached through a link.
    (tmp_path / "videos").symlink_to(site.folder)
    opened = asyncio.run(open_below(tmp_path / "videos", b"link.mp4"))
    assert opened.read(0, 100) == b"percent"
    opened.close()


def test_special_files_and_paths_outside_the_library_are_not_found(
    site: Site, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.mp4").write_bytes(b"secret")
    (tmp_path / "library-of-others").mkdir()
    (tmp_path / "library-of-others" / "secret.mp4").write_bytes(b"secret")
    (site.folder / "film.mp4").write_bytes(b"film")
    (site.folder / "folder").mkdir()
    (site.folder / "out.mp4").symlink_to(outside / "secret.mp4")
    (site.folder / "out").symlink_to(outside)
    (site.folder / "beside").symlink_to("../library-of-others")
    (site.folder / "loop.mp4").symlink_to("loop.mp4")
    (site.folder / "device.mp4").symlink_to("/dev/zero")
    os.mkfifo(site.folder / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(site.folder / "socket.mp4"))
    paths = (
        "absent.mp4 film.mp4/ film.mp4/x folder folder/ / . .. out.mp4 out/secret.mp4"
        " beside/secret.mp4 loop.mp4 device.mp4"
    )
    paths += (
        " pipe.mp4 socket.mp4 ../outside/secret.mp4 folder/../film.mp4 ./film.mp4 //film.mp4"
        " film.mp4\0 \0"
    )
    paths += " folder/../../outside/secret.mp4 ../library-of-others/secret.mp4"
    names = [
        *map(os.fsencode, paths.split(" ")),
        b"",
        b"a" * 300,
        b"a/" * 3000 + b"b",
        os.fsencode(outside / "secret.mp4"),
    ]
    for name in names:
        with pytest.raises(NotFound):
            asyncio.run(open_below(site.folder, name))
    for path in (
        "out.mp4",
        "out/secret.mp4",
        "pipe.mp4",
        "%2e%2e/outside/secret.mp4",
        "folder%2f..%2ffilm.mp4",
        "film.mp4%00",
        "folder",
    ):
        with site.ask(f"/video/{path}", extra="Connection: close\r\n") as client:
            assert client.recv(12) == b"HTTP/1.1 404"
    assert site.held() == []


def test_a_library_folder_that_is_gone_is_away_not_absent(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(open_below(tmp_path / "unplugged", b"film.mp4"))


@pytest.mark.parametrize("swapped", ["folder", "file"])
@pytest.mark.parametrize(
    "before_open", [1, 2, 3]
)  # of the library folder, of the folder in it, of the file
def test_a_link_put_in_at_the_worst_moment_never_leads_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str, before_open: int
) -> None:
    inside, outside = folder / "inside", tmp_path / "outside"
    for place in (inside, outside):
        place.mkdir()
        (place / "film.mp4").write_bytes(place.name.encode())
    opens = 0
    real_open = os.open

    def swap_and_open(path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
        nonlocal opens
        opens += 1
        if opens == before_open:
            place = inside if swapped == "folder" else inside / "film.mp4"
            place.rename(tmp_path / "moved")
            place.symlink_to(outside if swapped == "folder" else outside / "film.mp4")
        return real_open(path, flags, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swap_and_open)
    try:
        opened = open_below_now(folder, b"inside/film.mp4")
    except NotFound:
        content = b""
    else:
        content = opened.read(0, 100)
    assert opens >= before_open
    # A folder that is held already is the right one still; everything else has become a link.
    assert content == (b"inside" if swapped == "folder" and before_open == 3 else b"")


@pytest.mark.parametrize("route", ["video", "drive"])
def test_viewers_that_leave_free_their_files(site: Site, route: str) -> None:
    (site.folder / "film.mp4").write_bytes(noise(64 * MEBIBYTE))
    viewers = [site.ask(f"/{route}/film.mp4") for _ in range(32)]
    for number, viewer in enumerate(viewers):
        if number % 4:  # some leave before the first byte
            viewer.recv(1 + number * 5000)
    until(lambda: len(site.streams.running()) >= 24)
    for number, viewer in enumerate(viewers):
        if number % 2:  # some hang up, some vanish with a reset
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        viewer.close()
    until(lambda: site.held() == [] and site.streams.running() == [])


@pytest.mark.parametrize("route", ["video", "drive"])
def test_viewers_that_leave_at_once_free_their_files(site: Site, route: str) -> None:
    (site.folder / "film.mp4").write_bytes(noise(MEBIBYTE))
    for _ in range(64):
        viewer = site.ask(f"/{route}/film.mp4")
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        viewer.close()
    until(lambda: site.held() == [] and site.streams.running() == [])
    assert loopback.get(site.url("film.mp4")).status_code == 200


def test_a_viewer_that_takes_nothing_is_dropped_and_nobody_else(strict: Site) -> None:
    content = noise(64 * MEBIBYTE)
    (strict.folder / "film.mp4").write_bytes(content)
    idle = strict.ask("/video/film.mp4", 4096)
    busy = strict.ask("/video/film.mp4", 65536, "Range: bytes=0-33554431\r\nConnection: close\r\n")
    until(lambda: len(strict.streams.running()) == 2)
    taken = bytearray()
    while len(strict.streams.running()) == 2:
        taken += busy.recv(4096)
        time.sleep(0.01)
    assert len(taken) < 32 * MEBIBYTE  # the busy one was still at it
    fields, body = received(idle)
    assert int(fields["content-length"]) == len(content)
    assert len(body) < len(content)
    assert content.startswith(body)
    while part := busy.recv(MEBIBYTE):
        taken += part
    assert bytes(taken).partition(b"\r\n\r\n")[2] == content[: 32 * MEBIBYTE]
    until(lambda: strict.held() == [] and strict.streams.running() == [])


def test_the_last_bytes_of_an_answer_are_not_held_for_ever_either(strict: Site) -> None:
    # All of it fits into the buffers below, so that the body has ended long before anything is
    # taken.
    (strict.folder / "film.mp4").write_bytes(noise(400_000))
    idle = strict.ask("/video/film.mp4", 4096)
    assert idle.recv(1, socket.MSG_PEEK)  # the answer has begun, and nothing of it is taken
    until(lambda: strict.held() == [] and strict.streams.running() == [])
    port = idle.getsockname()[1]

    def held_by_server() -> bool:
        return any(
            peer.raddr == ("127.0.0.1", port) for peer in psutil.Process().net_connections("tcp")
        )

    until(lambda: not held_by_server())
    with pytest.raises(ConnectionResetError):
        b"".join(iter(lambda: idle.recv(MEBIBYTE), b""))


def test_a_slow_viewer_is_never_dropped(strict: Site) -> None:
    content = noise(32 * MEBIBYTE)
    (strict.folder / "film.mp4").write_bytes(content)
    slow = strict.ask("/video/film.mp4", 4096)
    taken = bytearray()
    end = time.monotonic() + 4  # four times what an idle viewer is allowed
    while time.monotonic() < end:
        taken += slow.recv(2048)
        time.sleep(0.1)
    assert len(taken) < 256 * 1024  # less than one chunk: not even a chunk's worth of progress
    (stream,) = strict.streams.running()
    assert stream.bytes_sent < 4 * MEBIBYTE
    body = bytes(taken).partition(b"\r\n\r\n")[2]
    while len(body) < MEBIBYTE:
        body += slow.recv(65536)
    assert content.startswith(body)
    slow.close()
    until(lambda: strict.held() == [])


def test_little_is_read_ahead_of_a_viewer_that_takes_nothing(site: Site) -> None:
    (site.folder / "film.mp4").write_bytes(noise(64 * MEBIBYTE))
    idle = site.ask("/drive/film.mp4", 4096)
    until(lambda: site.read_bytes > 0)
    before = -1
    while before != site.read_bytes:  # until the buffers of the kernel are full
        before = site.read_bytes
        time.sleep(0.5)
    (stream,) = site.streams.running()
    # What was read is in the client's hands, in the kernel (some megabytes) or one of at most three
    # chunks here.
    assert site.read_bytes - stream.bytes_sent < 8 * MEBIBYTE
    idle.close()


@pytest.mark.newest_only
@pytest.mark.parametrize(
    ("route", "knows_connection"),
    [("video", True), ("video", False), ("drive", True), ("drive", False)],
)
@pytest.mark.parametrize("change", ["overwrite", "append", "truncate", "empty"])
def test_a_file_changed_in_place_cuts_its_streams_and_never_mixes(
    folder: Path, route: str, knows_connection: bool, change: str
) -> None:
    with Site(folder, knows_connection=knows_connection) as site:
        size_bytes = 48 * MEBIBYTE
        film = folder / "film.mp4"
        film.write_bytes(b"A" * size_bytes)
        viewer = site.ask(f"/{route}/film.mp4", 65536)
        start = viewer.recv(10_000)
        with film.open("r+b") as file:
            if change == "overwrite":
                file.write(b"B" * size_bytes)
            elif change == "append":
                file.seek(0, os.SEEK_END)
                file.write(b"B")
            else:
                file.truncate(size_bytes // 2 if change == "truncate" else 0)
        data = bytearray(start)
        try:
            while part := viewer.recv(MEBIBYTE):
                data += part
        except ConnectionResetError:
            pass
        head, _, body = bytes(data).partition(b"\r\n\r\n")
        assert f"content-length: {size_bytes}".encode() in head
        assert len(body) < size_bytes
        assert set(body) <= {ord("A")}
        until(lambda: site.held() == [] and site.streams.running() == [])
        viewer.close()
        answer = loopback.get(site.url("film.mp4"))
        assert answer.content == film.read_bytes()


def test_others_get_their_turn_after_each_chunk(folder: Path) -> None:
    (folder / "film.mp4").write_bytes(noise(2 * MEBIBYTE))

    async def main() -> list[str]:
        turns: list[str] = []
        over = asyncio.Event()

        async def other() -> None:
            while not over.is_set():
                turns.append("other")
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        opened = await open_below(folder, b"film.mp4")
        async for _ in Streams(chunk_bytes=256 * 1024).body(opened, 0, 2 * MEBIBYTE):
            turns.append("chunk")  # a client that takes all at once
        over.set()
        await task
        return turns

    turns = asyncio.run(main())
    assert turns.count("chunk") == 8
    assert "chunk chunk" not in " ".join(turns)


def test_a_client_can_tell_that_a_stream_was_cut(site: Site) -> None:
    film = site.folder / "film.mp4"
    film.write_bytes(noise(48 * MEBIBYTE))
    with contextlib.closing(HTTPConnection("127.0.0.1", site.port, timeout=30)) as connection:
        connection.request("GET", "/video/film.mp4")
        with connection.getresponse() as answer:
            answer.read(1000)
            os.truncate(film, 1000)
            with pytest.raises((IncompleteRead, ConnectionResetError)):
                answer.read()


@pytest.mark.parametrize("route", ["video", "drive"])
@pytest.mark.parametrize("change", ["replace", "delete", "rename"])
def test_a_file_replaced_removed_or_renamed_is_played_to_its_end(
    site: Site, route: str, change: str
) -> None:
    content = noise(48 * MEBIBYTE)
    film = site.folder / "film.mp4"
    film.write_bytes(content)
    viewer = site.ask(f"/{route}/film.mp4", 65536, "Connection: close\r\n")
    start = viewer.recv(10_000)
    if change == "replace":
        (site.folder / "new.mp4").write_bytes(noise(48 * MEBIBYTE, 2))
        os.replace(site.folder / "new.mp4", film)
    elif change == "delete":
        film.unlink()
    else:
        film.rename(site.folder / "renamed.mp4")
    body = (start + b"".join(iter(lambda: viewer.recv(MEBIBYTE), b""))).partition(b"\r\n\r\n")[2]
    assert hashlib.sha256(body).digest() == hashlib.sha256(content).digest()
    until(lambda: site.held() == [])


def test_a_drive_that_fails_cuts_the_stream(site: Site) -> None:
    content = noise(16 * MEBIBYTE)
    (site.folder / "film.mp4").write_bytes(content)
    site.fails_after_bytes = 2 * MEBIBYTE
    fields, body = received(site.ask("/drive/film.mp4"))
    assert int(fields["content-length"]) == len(content)
    assert len(body) <= 2 * MEBIBYTE
    assert content.startswith(body)
    until(lambda: site.held() == [] and site.streams.running() == [])


def test_a_file_is_not_closed_under_a_read(folder: Path) -> None:
    content = noise(32 * MEBIBYTE)
    (folder / "film.mp4").write_bytes(content)
    ends: list[bytes | str] = []

    def read(file: OpenFile, begun: threading.Event) -> None:
        begun.set()
        try:
            ends.append(file.read(0, len(content)))
        except (OSError, FileChangedError) as error:
            ends.append(str(error))

    for _ in range(20):
        opened = open_below_now(folder, b"film.mp4")
        begun = threading.Event()
        reader = threading.Thread(target=read, args=(opened, begun))
        reader.start()
        begun.wait()
        time.sleep(0.002)
        opened.close()
        # Whoever opens something now may get the number of a descriptor that was closed too early.
        with open(os.devnull, "rb"):
            reader.join()
    assert content in ends
    assert all(end in (content, "[Errno 9] the file is closed") for end in ends)


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="only Linux can read without waiting")
def test_bytes_come_from_memory_only_where_all_of_them_are_there(folder: Path) -> None:
    content = noise(MEBIBYTE)
    (folder / "film.mp4").write_bytes(content)
    opened = open_below_now(folder, b"film.mp4")
    opened.read(0, MEBIBYTE)
    buffer = memoryview(bytearray(1000))
    assert not opened.fill_from_memory(MEBIBYTE - 500, buffer)
    if opened.fill_from_memory(5000, buffer):  # some file systems cannot tell
        assert bytes(buffer) == content[5000:6000]
    (folder / "film.mp4").write_bytes(content + b"x")
    with contextlib.suppress(FileChangedError):
        assert not opened.fill_from_memory(5000, buffer)
    opened.close()
    with pytest.raises(OSError, match="closed"):
        opened.fill_from_memory(0, buffer)


def test_a_read_past_the_end_counts_as_a_change(folder: Path) -> None:
    (folder / "film.mp4").write_bytes(b"x")
    opened = asyncio.run(open_below(folder, b"film.mp4"))
    with pytest.raises(FileChangedError):
        opened.read(5, 10)
    opened.close()


def test_the_running_streams_can_be_seen(site: Site) -> None:
    (site.folder / "Ein Film.mp4").write_bytes(noise(64 * MEBIBYTE))
    before = time.time() * 1000
    viewers = [site.ask("/video/Ein%20Film.mp4", 65536) for _ in range(2)]
    until(lambda: len(site.streams.running()) == 2)
    for _ in range(40):
        viewers[0].recv(65536)
        time.sleep(0.05)
    one, two = site.streams.running()
    assert one.id != two.id
    for stream in (one, two):
        assert (stream.title, stream.path, stream.client) == ("A film", "Ein Film.mp4", "127.0.0.1")
        assert stream.bytes_total == 64 * MEBIBYTE
        assert before - 1 <= stream.started_at <= time.time() * 1000
    assert max(one.bytes_sent, two.bytes_sent) > min(one.bytes_sent, two.bytes_sent) > 0
    assert max(one.rate, two.rate) > 0
    for viewer in viewers:
        viewer.close()
    until(lambda: site.streams.running() == [])


def test_http_2_gets_the_same_bytes_and_sees_a_cut(site: Site) -> None:
    content = noise(5 * MEBIBYTE)
    film = site.folder / "film.mp4"
    film.write_bytes(content)
    with loopback.Client(http1=False, http2=True) as client:
        answer = client.get(site.url("film.mp4"))
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
        assert answer.content == content
        part = client.get(site.url("film.mp4"), headers={"Range": "bytes=1000000-2999999"})
        assert part.content == content[1_000_000:3_000_000]
    film.write_bytes(noise(48 * MEBIBYTE))
    with (
        loopback.Client(http1=False, http2=True) as client,
        client.stream("GET", site.url("film.mp4")) as cut,
    ):
        parts = cut.iter_raw(65536)
        next(parts)
        os.truncate(film, 1000)
        with pytest.raises(httpx.HTTPError):
            list(parts)
    until(lambda: site.held() == [])


def test_http_2_viewers_are_kept_while_slow_and_dropped_when_idle(strict: Site) -> None:
    (strict.folder / "film.mp4").write_bytes(noise(64 * MEBIBYTE))
    small = httpx.HTTPTransport(
        http1=False, http2=True, socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)]
    )
    with (
        loopback.Client(transport=small) as client,
        client.stream("GET", strict.url("film.mp4")) as answer,
    ):
        parts = answer.iter_raw()
        end = time.monotonic() + 4  # four times what an idle viewer is allowed
        while time.monotonic() < end:
            time.sleep(len(next(parts)) / 50_000)
        assert len(strict.streams.running()) == 1
        until(lambda: strict.held() == [] and strict.streams.running() == [])
        with pytest.raises(httpx.HTTPError):
            list(parts)


def test_without_the_connection_an_idle_viewer_still_frees_its_file(folder: Path) -> None:
    with Site(folder, stall_seconds=1, knows_connection=False) as site:
        (folder / "film.mp4").write_bytes(noise(64 * MEBIBYTE))
        with site.ask("/video/film.mp4", 4096):
            until(lambda: len(site.streams.running()) == 1)
            until(lambda: site.held() == [] and site.streams.running() == [])


def test_idle_viewers_do_not_hold_up_the_end_of_the_server(folder: Path) -> None:
    with Site(folder) as site:
        (folder / "film.mp4").write_bytes(noise(64 * MEBIBYTE))
        for _ in range(3):
            site.ask("/video/film.mp4", 4096)
        until(lambda: len(site.streams.running()) == 3)
        site.stop()  # fails where the server does not end
        assert site.held() == []
