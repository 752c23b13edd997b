"""Hostile films: bombs, references and exploits cost their own job and nothing else."""

import asyncio
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
import pytest_asyncio
from support import media
from support.home import Home
from support.odd_names import ODD_NAMES
from support.places import SHARED
from support.wire import Wire

from lvs.errors import Unavailable, Unreadable
from lvs.models import Query, State
from lvs.services.media.probe_answer import ProbeResult
from lvs.services.media.probe_pool import ProbePool

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no seccomp")


@pytest_asyncio.fixture
async def probe_pool() -> AsyncIterator[ProbePool]:
    async with ProbePool(workers=1, time_limit_s=40) as running:
        yield running


def box(kind: bytes, *content: bytes) -> bytes:
    """An ISO base media box (ISO/IEC 14496-12 section 4.2)."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def element(identity: str, *content: bytes) -> bytes:
    """An EBML element (RFC 8794 section 6) with a size of eight bytes."""
    body = b"".join(content)
    return bytes.fromhex(identity) + (1 << 56 | len(body)).to_bytes(8, "big") + body


FTYP = box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2mp41")
MVHD = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, 1000) + bytes(80))
TKHD = box(b"tkhd", b"\x00\x00\x00\x07" + bytes(80))
MDHD = box(b"mdhd", bytes(12) + struct.pack(">II", 1000, 1000) + bytes(4))
HDLR = box(b"hdlr", bytes(8) + b"vide" + bytes(13))
EBML = element(
    "1a45dfa3", element("4282", b"matroska"), element("4287", b"\x04"), element("4285", b"\x02")
)
INFO = element("1549a966", element("2ad7b1", (1_000_000).to_bytes(4, "big")))
VIDEO = element("e0", element("b0", b"\x40"), element("ba", b"\x24"))


def track(number: int) -> bytes:
    return element(
        "ae",
        element("d7", number.to_bytes(4, "big")),
        element("73c5", number.to_bytes(4, "big")),
        element("83", b"\x01"),
        element("86", b"V_VP8"),
        VIDEO,
    )


def nested(depth: int, kind: bytes) -> bytes:
    sizes = struct.pack(">I4s", 0, kind)
    return b"".join(struct.pack(">I4s", 8 * left, kind) for left in range(depth, 0, -1)) + sizes


def transport_stream(programs: int, streams: int) -> bytes:
    """Packets (ISO/IEC 13818-1) that announce `programs` programs of `streams` streams each, and
    hold nothing else.
    """

    def packet(pid: int, table: bytes) -> bytes:
        section = table + _crc(table).to_bytes(4, "big")
        return (b"\x47" + (0x4000 | pid).to_bytes(2, "big") + b"\x10\x00" + section).ljust(
            188, b"\xff"
        )[:188]

    found = b""
    for number in range(1, programs + 1):
        pid = 32 + number % 8000
        pat = (
            b"\x00"
            + (0xB000 | 13).to_bytes(2, "big")
            + b"\x00\x01\xc1\x00\x00"
            + number.to_bytes(2, "big")
            + (0xE000 | pid).to_bytes(2, "big")
        )
        entries = b"".join(
            b"\x1b"
            + (0xE000 | (100 + number * streams + each) % 8000).to_bytes(2, "big")
            + b"\xf0\x00"
            for each in range(streams)
        )
        pmt = (
            b"\x02"
            + (0xB000 | (13 + len(entries))).to_bytes(2, "big")
            + number.to_bytes(2, "big")
            + b"\xc1\x00\x00\xe1\x00\xf0\x00"
            + entries
        )
        found += packet(0, pat) + packet(pid, pmt)
    return found


def _crc(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


BOMBS: dict[str, Callable[[], bytes]] = {
    "a hundred thousand tracks.mp4": lambda: (
        FTYP + box(b"moov", MVHD, box(b"trak", TKHD, box(b"mdia", MDHD, HDLR)) * 100_000)
    ),
    "two hundred thousand tracks.mkv": lambda: (
        EBML + element("18538067", INFO, element("1654ae6b", *map(track, range(1, 200_001))))
    ),
    "a million chapters.mkv": lambda: (
        EBML
        + element(
            "18538067",
            INFO,
            element("1654ae6b", track(1)),
            element(
                "1043a770",
                element(
                    "45b9",
                    element("b6", element("73c4", b"\x01"), element("91", b"\x01")) * 1_000_000,
                ),
            ),
        )
    ),
    "a hundred thousand tags.mkv": lambda: (
        EBML
        + element(
            "18538067",
            INFO,
            element(
                "1254c367",
                element(
                    "7373",
                    *(
                        element("67c8", element("45a3", b"T%d" % n), element("4487", b"x" * 50))
                        for n in range(100_000)
                    ),
                ),
            ),
            element("1654ae6b", track(1)),
        )
    ),
    "a title of 64 MiB.mkv": lambda: (
        EBML
        + element(
            "18538067",
            INFO,
            element(
                "1254c367",
                element(
                    "7373",
                    element("67c8", element("45a3", b"TITLE"), element("4487", b"x" * 2**26)),
                ),
            ),
            element("1654ae6b", track(1)),
        )
    ),
    "boxes in boxes.mp4": lambda: FTYP + nested(200_000, b"moov"),
    "tracks in tracks.mp4": lambda: FTYP + nested(100_000, b"trak"),
    "elements in elements.mkv": lambda: (
        EBML
        + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"
        + b"\x45\xb9\x01\xff\xff\xff\xff\xff\xff\xff\xb6\x01\xff\xff\xff\xff\xff\xff\xff" * 50_000
    ),
    "a table of four thousand million samples.mp4": lambda: (
        FTYP
        + box(
            b"moov",
            MVHD,
            box(
                b"trak",
                TKHD,
                box(
                    b"mdia",
                    MDHD,
                    HDLR,
                    box(
                        b"minf",
                        box(
                            b"stbl",
                            box(b"stts", bytes(4) + b"\xff" * 4),
                            box(b"stsz", bytes(8) + b"\xff" * 4),
                            box(b"stco", bytes(4) + b"\xff" * 4),
                        ),
                    ),
                ),
            ),
        )
    ),
    "thousands of programs.ts": lambda: transport_stream(5000, 30),
    "a list of lists.avi": lambda: (
        b"RIFF\xff\xff\xff\x7fAVI " + b"LIST\xff\xff\xff\x7fhdrl" * 100_000
    ),
    "ten million small packets.flv": lambda: (
        b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
        + b"\x12\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0c" * 2_000_000
    ),
}


async def probed(probe_pool: ProbePool, path: Path) -> ProbeResult | Unreadable | Unavailable:
    """Probe the file; any other result than these fails the test."""
    try:
        return await probe_pool.probe(path)
    except (Unreadable, Unavailable) as error:
        return error


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_costs_one_job(probe_pool: ProbePool, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BOMBS[name]())
    good = media.make_video(tmp_path / "good.mp4", seconds=0.2)
    found = await probed(probe_pool, tmp_path / name)
    if isinstance(found, ProbeResult):
        assert len(found.probe.audio_tracks) <= 64
        assert len(found.probe.subtitle_tracks) <= 64
    else:
        assert found.message.endswith(".")
    assert (await probe_pool.probe(good)).probe.width == 64


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("playlist.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n"),
        ("playlist.m3u8.mp4", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n"),
        (
            "key.mp4",
            '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n',
        ),
        ("concat.mkv", "ffconcat version 1.0\nfile '{url}'\n"),
        (
            "manifest.webm",
            (
                '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"'
                ' type="static"><Period><BaseURL>{url}</BaseURL></Period></MPD>'
            ),
        ),
        (
            "session.mp4",
            (
                "v=0\r\no=- 0 0 IN IP4 {host}\r\ns=x\r\nc=IN IP4 {host}\r\nm=video {port} RTP/AVP"
                " 96\r\na=rtpmap:96 H264/90000\r\n"
            ),
        ),
        ("redirect.mov", "RTSPtextRTSP://{host}:{port}/x\r\n"),
        ("reference.asf", "[Reference]\r\nRef1={url}\r\n"),
        ("smil.mp4", '<smil><body><video src="{url}"/></body></smil>'),
        (
            "vobsub.mp4",
            (
                "# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos:"
                " 000000000\n"
            ),
        ),
        ("script.avi", 'AviSource("{url}")\n'),
        ("image.mp4", '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>'),
        ("list.mp4", "file '{url}'\nfile 'subfile,,start,0,end,100,,:/etc/passwd'\n"),
    ],
)
async def test_references_to_other_places_open_nothing(
    probe_pool: ProbePool, tmp_path: Path, name: str, content: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        (tmp_path / name).write_text(
            content.format(url=f"http://{host}:{port}/x.mp4", host=host, port=port)
        )
        found = await probed(probe_pool, tmp_path / name)
        assert isinstance(found, Unreadable)
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


async def test_a_film_whose_samples_lie_in_another_file_is_not_read_from_there(
    probe_pool: ProbePool, tmp_path: Path
) -> None:
    whole = media.make_video(tmp_path / "whole.mp4", seconds=0.2)
    assert isinstance(await probed(probe_pool, whole), ProbeResult)
    content = whole.read_bytes()
    samples = content.index(b"mdat") + 4
    end = samples - 8 + int.from_bytes(content[samples - 8 : samples - 4], "big")
    content = (
        content[:samples] + bytes(end - samples) + content[end:]
    )  # its own are gone, those of the other file are there
    place = (
        content.index(b"url \x00\x00\x00\x01") - 4
    )  # "the samples lie in this file" (ISO/IEC 14496-12 section 8.7.2)
    for target in (f"file://{whole}", str(whole), "whole.mp4", f"http://127.0.0.1:1/{whole}"):
        reference = box(b"url ", bytes(4) + target.encode() + b"\0")
        grown = len(reference) - 12
        head = bytearray(content[:place])
        for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
            at = head.rindex(kind) - 4
            head[at : at + 4] = (int.from_bytes(head[at : at + 4], "big") + grown).to_bytes(
                4, "big"
            )
        (tmp_path / "refers.mp4").write_bytes(bytes(head) + reference + content[place + 12 :])
        assert isinstance(await probed(probe_pool, tmp_path / "refers.mp4"), Unreadable)


def in_a_worker(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process that has limited itself as workers do."""
    start = (
        "import sys, os; from lvs.services.media import worker_limits;"
        " worker_limits.limit_process(2 << 30)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


ATTEMPTS = [
    "socket.socket()",
    "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
    "socket.socket(socket.AF_UNIX)",
    "socket.socketpair()",
    "os.execv('/bin/sh', ['sh', '-c', 'echo done'])",
    "subprocess.run(['/bin/sh', '-c', 'echo done'])",
    "os.posix_spawn('/bin/sh', ['sh', '-c', 'echo done'], {})",
    "os.fork()",
    "os.kill(os.getppid(), 0)",
    "os.killpg(os.getpgid(os.getppid()), 0)",
    "call('sigqueue', os.getppid(), 0, None)",
    "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
    "fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())",
    "os.setpriority(os.PRIO_PROCESS, os.getppid(), os.getpriority(os.PRIO_PROCESS, os.getppid()))",
    "os.sched_setaffinity(os.getppid(), os.sched_getaffinity(os.getppid()))",
]
ATTEMPT = """
import ctypes, fcntl, os, resource, socket, subprocess

def call(name, *arguments):
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), name)

try:
    {}
    print("done")
except PermissionError:
    print("refused")
"""


@linux_only
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_worker_that_was_taken_over_reaches_nobody(attempt: str) -> None:
    done = in_a_worker(ATTEMPT.format(attempt))
    assert done.stdout == "refused\n", done.stderr


@linux_only
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_attempts_succeed_without_the_limits(attempt: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPT.format(attempt)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "done\n" in done.stdout, done.stderr


@linux_only
def test_a_worker_may_still_have_threads_and_lower_its_own_limits() -> None:
    done = in_a_worker(
        "import resource, threading\nthread = threading.Thread(target=print,"
        " args=('thread',))\nthread.start()\nthread.join()\nworker_limits.limit_processor(5)\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU)[0]"
        " < 60)\n"
    )
    assert done.stdout == "thread\nTrue\n", done.stderr


@linux_only
async def test_every_worker_is_sandboxed_and_limited(probe_pool: ProbePool, tmp_path: Path) -> None:
    await probe_pool.probe(media.make_video(tmp_path / "film.mp4", seconds=0.2))
    (worker,) = probe_pool.process_ids
    about = Path(f"/proc/{worker}")
    status, lines = [(about / name).read_text() for name in ("status", "limits")]
    assert "\nSeccomp:\t2\n" in status
    assert "\nNoNewPrivs:\t1\n" in status
    limits = {line[:26].strip(): line[26:].split()[0] for line in lines.splitlines()[1:]}
    assert limits["Max address space"] == str(2 << 30)
    assert limits["Max file size"] == str(64 << 20)
    assert limits["Max core file size"] == "0"
    assert int(limits["Max cpu time"]) <= 60
    assert os.getpriority(os.PRIO_PROCESS, worker) >= 10


@linux_only
def test_processor_time_ends_even_where_time_does_not() -> None:
    done = in_a_worker(
        "import threading\nworker_limits.limit_processor(0.2)\n"
        "for _ in range(3): threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()\n"
    )
    assert done.returncode == -24  # SIGXCPU


async def test_the_watch_page_says_why_a_film_is_unreadable(home: Home) -> None:
    home.add("bomb.mkv", BOMBS["two hundred thousand tracks.mkv"]())
    home.add(
        "playlist.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n"
    )
    home.add("good.mp4")
    await home.scan()
    await home.probed()
    assert (await home.video("good.mp4")).state is State.READY
    async with Wire(home.app) as wire:
        for name in ("bomb.mkv", "playlist.mp4"):
            video = await home.video(name)
            assert video.state is State.UNREADABLE
            assert (video.reason or "").endswith(".")
            assert "cannot be played" in (await wire.ask(f"/watch/{name}")).text
            assert (await wire.ask(f"/thumbnail/{video.media_hash}.jpg")).headers[
                "content-type"
            ] == "image/jpeg"


@linux_only
@pytest.mark.parametrize("swapped", ["the film", "its folder"])
async def test_a_link_in_the_place_of_a_known_film_is_not_probed(
    home: Home, tmp_path: Path, swapped: str
) -> None:
    film = home.add("holidays/film.mp4")
    secret = tmp_path / "private"
    secret.mkdir()
    media.make_video(secret / "film.mp4", size=(128, 72), seconds=0.2)
    await home.scan()
    await home.probed()
    media_hash = (await home.video("holidays/film.mp4")).media_hash
    film.unlink()
    if swapped == "the film":
        film.symlink_to(secret / "film.mp4")
    else:
        film.parent.rmdir()
        film.parent.symlink_to(secret)
    tally = home.services.jobs.tally
    before = tally.done + tally.failed + tally.unreadable
    async with Wire(home.app) as wire:
        assert (await wire.ask(f"/admin/look-again/{media_hash}", method="POST")).status == 202
        await home.until(lambda: tally.done + tally.failed + tally.unreadable > before)
    probe = (await home.video("holidays/film.mp4")).probe
    assert probe is None or probe.width == 64


BAD = SHARED / "media" / "bad"


@pytest.mark.skipif(
    not BAD.is_dir(), reason="the files of ../shared/media/bad are not beside the project"
)
async def test_odd_names_and_bad_files_are_listed_shown_and_served_and_the_server_answers(
    home: Home,
) -> None:
    for name in ODD_NAMES:
        home.add(name)
    for file in BAD.iterdir():
        home.add(f"bad/{file.name}", file.read_bytes())
    for name in ("thousands of programs.ts", "boxes in boxes.mp4", "a hundred thousand tracks.mp4"):
        home.add(name, BOMBS[name]())
    answers: dict[str, set[int]] = {}
    async with Wire(home.app) as wire:
        scanning = asyncio.create_task(home.scan())
        while not scanning.done():
            assert (await wire.ask("/ping")).status == 200
        await scanning
        page = await home.services.gallery.browse(Query(), 500)
        assert len(page.cards) >= len(ODD_NAMES)
        for _ in range(2):  # while they are being probed, and afterwards
            for card in page.cards:
                place = quote_from_bytes(card.path)
                for target in (
                    f"/watch/{place}",
                    f"/video/{place}",
                    f"/thumbnail/{card.media_hash}.jpg",
                    f"/thumbnail/{card.media_hash}.webp",
                ):
                    answers.setdefault(target.split("/")[1], set()).add(
                        (await wire.ask(target)).status
                    )
                assert (await wire.ask("/ping")).status == 200
            for target in (
                "/",
                "/admin/unreadable",
                "/tags",
                "/admin/performance",
                "/api/videos?state=unreadable",
            ):
                assert (await wire.ask(target)).status == 200
            await home.probed()
    assert answers == {"watch": {200}, "video": {200}, "thumbnail": {200}}
