"""Probes of files in worker processes: what is found, what is refused, and what happens when a
worker dies.
"""

import asyncio
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict
from PIL import Image
from support import media
from support.places import PROJECT

from lvs.errors import Unavailable, Unreadable
from lvs.models import Probe, Track
from lvs.services.media.containers import MeteredFile
from lvs.services.media.posters import PosterStore
from lvs.services.media.probe_answer import read_answer
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.video_file import VideoFile

pytestmark = pytest.mark.core

SOURCE = PROJECT / "src"


@pytest_asyncio.fixture
async def probe_pool() -> AsyncIterator[ProbePool]:
    async with ProbePool(workers=1) as workers:
        yield workers


@pytest.fixture
def store(tmp_path: Path) -> PosterStore:
    posters = PosterStore(tmp_path / "posters")
    posters.prepare()
    return posters


def is_running(process_id: int) -> bool:
    """True if the process exists and is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def peak_memory_kib(process_id: int) -> int:
    return int(Path(f"/proc/{process_id}/status").read_text().partition("VmHWM:")[2].split()[0])


async def until_gone(process_id: int) -> None:
    async with asyncio.timeout(20):
        while is_running(process_id):  # noqa: ASYNC110  no event tells of another process
            await asyncio.sleep(0.02)


# What is found


async def test_a_probe_says_what_the_file_holds(probe_pool: ProbePool, tmp_path: Path) -> None:
    path = media.make_video(
        tmp_path / "film.mp4",
        seconds=2,
        size=(320, 180),
        sound=True,
        rotation=90,
        metadata={"creation_time": "2021-03-04T05:06:07Z"},
        container_options={"movflags": "use_metadata_tags"},
    )
    probe = (await probe_pool.probe(path)).probe
    assert probe.container == "mov,mp4,m4a,3gp,3g2,mj2"
    assert probe.video_codec == "h264"
    assert probe.duration_s == pytest.approx(2, abs=0.05)
    assert (probe.width, probe.height) == (180, 320)
    assert (probe.coded_width, probe.coded_height) == (320, 180)
    assert probe.rotation == 90
    assert probe.frame_rate == pytest.approx(10)
    assert probe.bit_depth == 8
    assert probe.pixel_format == "yuv420p"
    assert [(track.codec, track.channels) for track in probe.audio_tracks] == [("aac", 2)]
    assert probe.subtitle_tracks == ()
    assert probe.recorded_at == 1_614_834_367_000


@pytest.mark.parametrize(
    ("name", "codec", "container", "made_with"),
    [
        ("film.webm", "vp8", "matroska,webm", {"sound": True}),
        ("film.mkv", "h264", "matroska,webm", {"sound": True}),
        ("film.avi", "mpeg4", "avi", {"sound": True}),
        ("film.ts", "mpeg2video", "mpegts", {"sound": True}),
        ("film.mpg", "mpeg1video", "mpeg", {"video_codec": "mpeg1video", "frames_per_second": 25}),
        ("film.flv", "flv1", "flv", {"video_codec": "flv"}),
        ("film.wmv", "wmv2", "asf", {"video_codec": "wmv2"}),
        (
            "film.mov",
            "prores",
            "mov,mp4,m4a,3gp,3g2,mj2",
            {"video_codec": "prores_ks", "pixel_format": "yuv422p10le"},
        ),
        ("ten.mp4", "h264", "mov,mp4,m4a,3gp,3g2,mj2", {"pixel_format": "yuv420p10le"}),
        ("motion.avi", "mjpeg", "avi", {"video_codec": "mjpeg"}),
    ],
)
async def test_every_common_kind_of_file_is_read(
    probe_pool: ProbePool,
    store: PosterStore,
    tmp_path: Path,
    name: str,
    codec: str,
    container: str,
    made_with: dict[str, Any],
) -> None:
    path = media.make_video(tmp_path / name, size=(320, 180), **made_with)
    look = await probe_pool.probe(path, store.target("0" * 16))
    assert (look.probe.video_codec, look.probe.container) == (codec, container)
    assert look.probe.duration_s == pytest.approx(1, abs=0.2)
    assert (look.probe.width, look.probe.height) == (320, 180)
    assert bool(look.probe.audio_tracks) == made_with.get("sound", False)
    assert look.has_poster
    assert store.has("0" * 16)


async def test_ten_bits_are_counted(probe_pool: ProbePool, tmp_path: Path) -> None:
    path = media.make_video(tmp_path / "film.mp4", pixel_format="yuv420p10le")
    assert (await probe_pool.probe(path)).probe.bit_depth == 10


async def test_a_stretched_picture_has_its_displayed_size(
    probe_pool: ProbePool, tmp_path: Path
) -> None:
    path = media.make_video(tmp_path / "film.mp4", size=(180, 144), pixel_aspect=Fraction(16, 9))
    probe = (await probe_pool.probe(path)).probe
    assert (probe.width, probe.height, probe.coded_width, probe.coded_height) == (
        320,
        144,
        180,
        144,
    )


async def test_tracks_have_their_language_and_title(probe_pool: ProbePool, tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as film:
        video = film.add_stream("mpeg4", rate=10)
        video.width, video.height = 64, 36
        sound = film.add_stream("aac", rate=48_000)
        sound.metadata.update(language="ger", title="Kommentar\x07 " + "x" * 500)
        for number in range(5):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 36), (number * 40, 0, 0)))
            frame.pts, frame.time_base = number, Fraction(1, 10)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        media._add_tone(film, sound, 0.5)
    track = (await probe_pool.probe(path)).probe.audio_tracks[0]
    assert track == Track("aac", "ger", ("Kommentar " + "x" * 500)[:120], 2, "mp4a.40.2")


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9 \xff\xfe.mp4",
        b"new\nline.mp4",
        b"-dash.mp4",
        b"http:%2F.mp4",
        "Ünï ☂ 日本.mp4".encode(),
        b"x" * 251 + b".mp4",
    ],
)
async def test_any_file_name_works(probe_pool: ProbePool, tmp_path: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    media.make_video(path)
    assert (await probe_pool.probe(path)).probe.width == 64


async def test_a_video_without_a_stated_duration_is_measured(
    probe_pool: ProbePool, tmp_path: Path
) -> None:
    path = media.make_video(
        tmp_path / "live.webm", seconds=3, container_options={"live": "1"}, sound=True
    )
    with av.open(str(path)) as film:
        assert film.duration is None, "the test film must not state its duration"
    assert (await probe_pool.probe(path)).probe.duration_s == pytest.approx(3, abs=0.2)


def test_a_long_video_without_a_stated_duration_is_measured_from_its_ends(
    tmp_path: Path,
) -> None:
    path = media.make_video(
        tmp_path / "live.webm",
        seconds=60,
        size=(160, 90),
        container_options={"live": "1", "cluster_time_limit": "2000"},
    )
    with open(path, "rb", buffering=0) as file:
        film = VideoFile(file)
        film._file.allowance_bytes = 0  # nothing may be read but the two ends
        assert film._measured_duration_s(path.stat().st_size // 4) == pytest.approx(60, abs=0.3)
        film.close()


@given(
    content=st.binary(max_size=200),
    gap=st.tuples(st.integers(0, 220), st.integers(0, 220)).map(sorted),
    steps=st.lists(st.tuples(st.integers(0, 250), st.integers(0, 90)), max_size=8),
)
def test_a_metered_file_reads_like_the_file_without_the_gap(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    gap: list[int],
    steps: list[tuple[int, int]],
) -> None:
    path = tmp_path_factory.mktemp("metered") / "file"
    path.write_bytes(content)
    start, end = (min(edge, len(content)) for edge in gap)
    wanted = content[:start] + content[end:]
    with open(path, "rb", buffering=0) as file:
        metered = MeteredFile(file, len(content), 1000, range(start, end))
        for place, count in steps:
            metered.seek(place)
            got = b""
            while len(got) < count and (piece := metered.read(count - len(got))):
                got += piece
            assert got == wanted[place : place + count]
        assert metered.seek(0, os.SEEK_END) == len(wanted)


def test_a_metered_file_ends_when_its_allowance_is_spent(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    with open(path, "rb", buffering=0) as file:
        metered = MeteredFile(file, 100, 30)
        assert [len(metered.read(20)) for _ in range(3)] == [20, 10, 0]


# What is refused


def unreadable_files(folder: Path) -> dict[str, str]:
    """Makes files that hold no video; gives the sentence that each must get."""
    no_video = "No video could be found in it: it may be an unfinished download."
    whole = media.make_video(folder / "whole.mp4", size=(320, 180))
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("Not a film at all.\n" * 200)
    (folder / "random.mp4").write_bytes(random.Random(1).randbytes(50_000))
    (folder / "unfinished.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for name, kind in (
        ("jpeg.mp4", "JPEG"),
        ("png.mp4", "PNG"),
        ("gif.mkv", "GIF"),
        ("webp.mp4", "WEBP"),
        ("bmp.avi", "BMP"),
        ("avif.mp4", "AVIF"),
    ):
        Image.new("RGB", (320, 200), "#804020").save(folder / name, kind)
    media.make_sound(folder / "sound.mp4")
    (folder / "playlist.mp4").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{whole}\n#EXT-X-ENDLIST\n"
    )
    (folder / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{whole}'\n")
    (folder / "manifest.mp4").write_text(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        ' mediaPresentationDuration="PT1S">'
        "<Period><AdaptationSet mimeType='video/mp4'><Representation id='1'"
        f" bandwidth='1'><BaseURL>{whole}</BaseURL>"
        "</Representation></AdaptationSet></Period></MPD>"
    )
    os.mkfifo(folder / "pipe.mp4")
    (folder / "folder.mp4").mkdir()
    return {
        "empty.mp4": "The file is empty.",
        "text.mp4": no_video,
        "random.mp4": no_video,
        "unfinished.mp4": no_video,
        "jpeg.mp4": "It is a picture, not a video.",
        "png.mp4": "It is a picture, not a video.",
        "gif.mkv": "It is a picture, not a video.",
        "webp.mp4": "It is a picture, not a video.",
        "bmp.avi": "It is a picture, not a video.",
        "avif.mp4": "It is a picture, not a video.",
        "sound.mp4": "It holds sound but no picture.",
        "playlist.mp4": no_video,
        "concat.mp4": no_video,
        "manifest.mp4": no_video,
        "pipe.mp4": "It is not a regular file.",
        "folder.mp4": "It is not a regular file.",
    }


async def test_unreadable_files_get_a_message_with_the_reason(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path
) -> None:
    said = {}
    expected = unreadable_files(tmp_path)
    for name in expected:
        with pytest.raises(Unreadable) as raised:
            await probe_pool.probe(tmp_path / name, store.target("a" * 16))
        said[name] = raised.value.message
    assert said == expected
    assert not store.has("a" * 16)
    assert (await probe_pool.probe(tmp_path / "whole.mp4")).probe.width == 320


async def test_pictures_that_cannot_be_decoded_are_named(
    probe_pool: ProbePool, tmp_path: Path
) -> None:
    path = media.make_video(tmp_path / "film.webm", size=(320, 180), video_codec="libvpx-vp9")
    content = bytearray(path.read_bytes())
    blocks = content.index(b"\x1f\x43\xb6\x75") + 12
    content[blocks + 20 :] = bytes(len(content) - blocks - 20)
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=r"Its pictures cannot be decoded \(vp9\)\."):
        await probe_pool.probe(path)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("film.mkv", "ffv1", "yuv420p"), ("film.mov", "png", "rgb24"), ("film.avi", "png", "rgb24")],
)
async def test_a_codec_off_the_list_is_described_and_not_decoded(
    probe_pool: ProbePool, tmp_path: Path, name: str, codec: str, pixels: str
) -> None:
    path = media.make_video(tmp_path / name, video_codec=codec, pixel_format=pixels)
    store = PosterStore(tmp_path / "posters")
    store.prepare()
    found = await probe_pool.probe(path, store.target("0" * 16))
    assert (found.probe.video_codec, found.has_poster) == (codec, False)
    assert found.probe.duration_s
    assert found.probe.width > 0


UNKNOWN = {"film.mp4": (b"avc1", b"zzzz"), "film.mkv": (b"/ISO/AVC", b"/ISO/ZZZ")}


@pytest.mark.parametrize("name", UNKNOWN)
async def test_a_film_of_a_codec_that_nobody_knows_is_one(
    probe_pool: ProbePool, tmp_path: Path, name: str
) -> None:
    path = media.make_video(tmp_path / name, seconds=2, sound=True)
    path.write_bytes(path.read_bytes().replace(*UNKNOWN[name]))
    store = PosterStore(tmp_path / "posters")
    store.prepare()
    found = await probe_pool.probe(path, store.target("0" * 16))
    assert (found.probe.video_codec, found.has_poster) == ("unknown", False)
    assert found.probe.duration_s == pytest.approx(2, abs=0.1)
    assert [track.codec for track in found.probe.audio_tracks] == ["aac"]
    assert found.probe.width == 0


@pytest.mark.parametrize("honest", [True, False])
async def test_a_giant_picture_is_refused_before_it_is_decoded(
    probe_pool: ProbePool, tmp_path: Path, honest: bool
) -> None:
    path = media.make_video(tmp_path / "film.webm", size=(640, 360))
    content = path.read_bytes()
    # RFC 6386, section 9.1: a VP8 keyframe starts with these three bytes, its width and its height.
    frame = b"\x9d\x01\x2a" + (640).to_bytes(2, "little") + (360).to_bytes(2, "little")
    assert frame in content
    content = content.replace(frame, b"\x9d\x01\x2a\xff\x3f\xff\x3f")
    if honest:
        width, height = b"\xb0\x82\x02\x80", b"\xba\x82\x01\x68"
        assert content.count(width) == content.count(height) == 1
        content = content.replace(width, b"\xb0\x82\x3f\xff").replace(height, b"\xba\x82\x3f\xff")
    path.write_bytes(content)
    with pytest.raises(Unreadable) as raised:
        await probe_pool.probe(path)
    assert (
        "too large: 16383 by 16383" if honest else "cannot be decoded (vp8)"
    ) in raised.value.message
    (process_id,) = probe_pool.process_ids
    assert peak_memory_kib(process_id) < 16383 * 16383 // 1024, (
        "not even one byte for each of its points was touched"
    )


async def test_a_film_cut_short_still_gets_a_poster(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path
) -> None:
    path = media.make_video(tmp_path / "film.mkv", seconds=4, size=(320, 180))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert (await probe_pool.probe(path, store.target("b" * 16))).has_poster


async def test_a_film_with_garbage_in_it_still_gets_a_poster(
    probe_pool: ProbePool, store: PosterStore, tmp_path: Path
) -> None:
    path = media.make_video(
        tmp_path / "film.mp4",
        seconds=4,
        size=(320, 180),
        container_options={"movflags": "faststart"},
    )
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third * 2 : third * 3 - third // 2] = random.Random(2).randbytes(third - third // 2)
    path.write_bytes(content)
    assert (await probe_pool.probe(path, store.target("c" * 16))).has_poster


async def test_a_file_that_is_gone_may_be_tried_again(
    probe_pool: ProbePool, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        await probe_pool.probe(tmp_path / "gone.mp4")
    media.make_video(tmp_path / "gone.mp4")
    assert (await probe_pool.probe(tmp_path / "gone.mp4")).probe.width == 64


async def test_a_disk_that_takes_no_posters_costs_only_the_posters(
    probe_pool: ProbePool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "posters").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        look = await probe_pool.probe(
            media.make_video(tmp_path / "film.mp4"),
            PosterStore(tmp_path / "posters").target("d" * 16),
        )
    assert look.probe.width == 64
    assert not look.has_poster
    assert "NotADirectoryError" in caplog.text


# Workers live and die


async def test_workers_are_used_again_and_never_too_many(tmp_path: Path) -> None:
    paths = [media.make_video(tmp_path / f"{number}.mp4", seed=number) for number in range(8)]
    async with ProbePool(workers=2) as probe_pool:
        for _ in range(2):
            looks = await asyncio.gather(*(probe_pool.probe(path) for path in paths))
            assert len(looks) == 8
            assert len(probe_pool.process_ids) <= 2
            if _ == 0:
                first = probe_pool.process_ids
        assert probe_pool.process_ids == first


async def test_a_hanging_probe_ends_when_its_time_is_up_and_takes_its_worker_with_it(
    tmp_path: Path,
) -> None:
    path = media.make_video(tmp_path / "film.mp4")
    store = PosterStore(tmp_path / "posters")
    store.prepare()
    async with ProbePool(workers=1, time_limit_s=2) as probe_pool:
        await probe_pool.probe(path)
        (process_id,) = probe_pool.process_ids
        os.kill(process_id, signal.SIGSTOP)
        target = store.target("e" * 16)
        target[0].partial.write_bytes(b"the first half of a pic")
        with pytest.raises(Unavailable, match="longer than 2 seconds"):
            await probe_pool.probe(path, target)
        await until_gone(process_id)
        assert not target[0].partial.exists()
        assert (await probe_pool.probe(path, store.target("e" * 16))).has_poster


async def test_a_killed_worker_costs_its_own_job_only(tmp_path: Path) -> None:
    path = media.make_video(tmp_path / "film.mp4")
    async with ProbePool(workers=2) as probe_pool:
        await probe_pool.probe(path)
        (victim,) = probe_pool.process_ids
        os.kill(victim, signal.SIGSTOP)
        doomed = asyncio.create_task(probe_pool.probe(path))
        await asyncio.sleep(0)  # the doomed probe takes the stopped worker
        assert (await probe_pool.probe(path)).probe.width == 64
        assert not doomed.done()
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(Unavailable, match="stopped unexpectedly"):
            await doomed
        assert (await probe_pool.probe(path)).probe.width == 64
        await until_gone(victim)


async def test_a_worker_that_died_while_idle_is_replaced(
    probe_pool: ProbePool, tmp_path: Path
) -> None:
    path = media.make_video(tmp_path / "film.mp4")
    await probe_pool.probe(path)
    (process_id,) = probe_pool.process_ids
    os.kill(process_id, signal.SIGKILL)
    await until_gone(process_id)
    await asyncio.sleep(0.1)  # the event loop hears of it
    assert (await probe_pool.probe(path)).probe.width == 64


async def test_a_cancelled_probe_kills_its_worker(probe_pool: ProbePool, tmp_path: Path) -> None:
    path = media.make_video(tmp_path / "film.mp4")
    await probe_pool.probe(path)
    (process_id,) = probe_pool.process_ids
    os.kill(process_id, signal.SIGSTOP)
    looking = asyncio.create_task(probe_pool.probe(path))
    await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    await until_gone(process_id)
    assert (await probe_pool.probe(path)).probe.width == 64


async def test_memory_beyond_the_limit_is_refused_and_the_worker_goes_on(tmp_path: Path) -> None:
    small = media.make_video(tmp_path / "small.mp4")
    large = media.make_video(
        tmp_path / "large.mp4",
        size=(7680, 4320),
        seconds=0.1,
        picture=media.plain(7680, 4320, (90, 120, 40)),
    )
    async with ProbePool(workers=1, memory_limit_bytes=200 << 20) as probe_pool:
        with pytest.raises(Unavailable, match="more memory"):
            await probe_pool.probe(large)
        assert (await probe_pool.probe(small)).probe.width == 64
    async with ProbePool(workers=1) as probe_pool:
        assert (await probe_pool.probe(large)).probe.width == 7680


async def test_an_idle_worker_ends_by_itself(tmp_path: Path) -> None:
    async with ProbePool(workers=1, idle_limit_s=0.05) as probe_pool:
        await probe_pool.probe(media.make_video(tmp_path / "film.mp4"))
        for process_id in probe_pool.process_ids:
            await until_gone(process_id)


async def test_closing_ends_busy_and_idle_workers_and_refuses_more(tmp_path: Path) -> None:
    path = media.make_video(tmp_path / "film.mp4")
    probe_pool = ProbePool(workers=2)
    await asyncio.gather(probe_pool.probe(path), probe_pool.probe(path))
    process_ids = probe_pool.process_ids
    assert len(process_ids) == 2
    for process_id in process_ids:
        os.kill(process_id, signal.SIGSTOP)
    busy = asyncio.create_task(probe_pool.probe(path))
    await asyncio.sleep(0)
    await probe_pool.close()
    assert not [process_id for process_id in process_ids if is_running(process_id)]
    with pytest.raises(Unavailable):
        await busy
    with pytest.raises(Unavailable, match="stopping"):
        await probe_pool.probe(path)


async def test_a_worker_holds_nothing_of_the_servers(probe_pool: ProbePool, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        await probe_pool.probe(media.make_video(tmp_path / "film.mp4"))
        (process_id,) = probe_pool.process_ids
        held = [
            os.readlink(f"/proc/{process_id}/fd/{number}")
            for number in os.listdir(f"/proc/{process_id}/fd")
        ]
    assert held
    assert not [name for name in held if not name.startswith(("pipe:", "/dev/null"))]
    assert os.getsid(process_id) == process_id, "Ctrl-C in the server's terminal must not reach it"
    assert os.getpriority(os.PRIO_PROCESS, process_id) > os.getpriority(os.PRIO_PROCESS, 0)


def test_workers_end_when_the_server_is_killed(tmp_path: Path) -> None:
    path = media.make_video(tmp_path / "film.mp4")
    program = (
        "import asyncio, sys, time; from lvs.services.media.probe_pool import ProbePool\n"
        "async def main():\n"
        "    probe_pool = ProbePool(workers=1)\n"
        "    await probe_pool.probe(sys.argv[1])\n"
        "    print(*probe_pool.process_ids, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, env=environment
    ) as server:
        assert server.stdout is not None
        process_id = int(server.stdout.readline())
        assert is_running(process_id)
        server.kill()
    deadline = time.monotonic() + 20
    while is_running(process_id) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(process_id)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        {},
        {"probe": {}, "has_poster": True},
        {"unreadable": 3},
        {"unreadable": "x" * 501},
        {"unavailable": None},
        {"probe": [1], "has_poster": True},
    ],
)
def test_nothing_a_worker_says_is_taken_on_trust(answer: object) -> None:
    with pytest.raises(ValueError, match="not valid"):
        read_answer(answer, "film.mp4")


STRANGE_VALUES = [
    ("width", True),
    ("width", -1),
    ("width", 1 << 60),
    ("height", "9"),
    ("rotation", 1.5),
    ("container", None),
    ("recorded_at", 10**30),
    ("duration_s", float("nan")),
    ("duration_s", float("inf")),
    ("audio_tracks", 5),
    ("audio_tracks", [{}]),
]


@pytest.mark.parametrize(("name", "value"), STRANGE_VALUES)
def test_a_probe_with_a_strange_value_is_refused(name: str, value: object) -> None:
    good = asdict(Probe("avi", "mpeg4", 1.5, 4, 2, 4, 2))
    rest = {
        "projection": {"container": None, "likeness": {"beside": 0.1, "above": 0}},
        "eye": "",
        "chapters": [],
        "has_poster": 1,
    }
    assert read_answer(rest | {"probe": good}, "film.mp4").has_poster is False
    with pytest.raises(ValueError, match="not valid"):
        read_answer(rest | {"probe": good | {name: value}}, "film.mp4")
