"""Strips of scenes: what a worker draws, where it is kept, and who may have it made."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from quart import Response
from support.home import OLD_NS, Home
from support.media import Picture, make_video

from lvs.errors import Unreadable
from lvs.models import Projection, Shape, Stereo
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.scene_request import SceneRequest, SceneTimes
from lvs.services.media.scene_store import SceneStore, SceneStrip
from lvs.services.media.scene_strips import SceneStrips

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"
SECONDS = 8


def levels(width: int, height: int) -> Picture:
    """A picture whose brightness tells its second, left half only: the right half is red."""

    def picture(at_s: float) -> Image.Image:
        image = Image.new("RGB", (width, height), (250, 0, 0))
        level = 24 + 24 * int(at_s + 0.001)
        image.paste((level, level, level), (0, 0, width // 2, height))
        return image

    return picture


def film(path: Path, size: tuple[int, int] = (160, 90)) -> Path:
    make_video(path, seconds=SECONDS, size=size, picture=levels(*size), keyframe_every=10)
    os.utime(path, ns=(OLD_NS, OLD_NS))
    return path


def request(folder: Path, projection: Projection = Projection(), count: int = 100) -> SceneRequest:  # noqa: B008
    return SceneRequest(count, projection, 16 / 9, folder / "ab" / "sheet.webp", folder / "partial")


async def test_a_sheet_shows_each_keyframe_once_at_its_time(tmp_path: Path) -> None:
    async with ProbePool(1) as pool:
        found = await pool.scenes(film(tmp_path / "film.mp4"), request(tmp_path))
        assert found.times == tuple(map(float, range(SECONDS)))
        few = await pool.scenes(tmp_path / "film.mp4", request(tmp_path, count=4))
        assert few.times == (0.0, 2.0, 4.0, 6.0)
        await pool.scenes(tmp_path / "film.mp4", request(tmp_path))
    strip = SceneStrip(KEY, found)
    with Image.open(tmp_path / "ab" / "sheet.webp") as sheet:
        assert sheet.size == strip.sheet_size
        for at_s, x, y in strip.scenes:
            pixel = sheet.convert("L").getpixel((x + found.width // 4, y + found.height // 2))
            assert abs(pixel - 24 - 24 * at_s) < 12  # type: ignore[operator]


async def test_a_stereo_film_shows_one_eye(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", (320, 90))
    async with ProbePool(1) as pool:
        both = Projection(Shape.FLAT, Stereo.SBS)
        found = await pool.scenes(path, request(tmp_path, both))
    with Image.open(tmp_path / "ab" / "sheet.webp") as sheet:
        red, green, _ = sheet.convert("RGB").getpixel((found.width - 4, found.height // 2))  # type: ignore[misc]
    assert abs(red - green) < 30  # the other eye is red


async def test_films_without_scenes_leave_no_sheet(tmp_path: Path) -> None:
    make_video(tmp_path / "short.mp4", seconds=0.5)
    (tmp_path / "text.mp4").write_bytes(b"no film" * 100)
    async with ProbePool(1) as pool:
        found = await pool.scenes(tmp_path / "short.mp4", request(tmp_path))
        assert found.times == ()
        with pytest.raises(Unreadable):
            await pool.scenes(tmp_path / "text.mp4", request(tmp_path))
    assert not (tmp_path / "ab").exists()


def put(store: SceneStore, key: str, size_bytes: int, used_at: float) -> None:
    path, _ = store.paths(key)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size_bytes))
    os.utime(path, (used_at, used_at))
    store.put(key, SceneTimes((0.0, 1.0), 10, 10))


def test_the_longest_unused_sheets_make_room(tmp_path: Path) -> None:
    store = SceneStore(tmp_path / "scenes", 10_000)
    store.prepare()
    long_ago = time.time() - 1_000_000
    for number in range(4):
        put(store, f"{number:016x}", 2000, long_ago + number)
    assert store.sheet(f"{0:016x}")  # in use again
    put(store, KEY, 3000, long_ago + 9)
    assert store.size_bytes <= 9000
    kept = [key for key in (*(f"{n:016x}" for n in range(4)), KEY) if store.get(key)]
    assert kept == [f"{0:016x}", f"{3:016x}", KEY]
    again = SceneStore(tmp_path / "scenes", 10_000)
    again.prepare()
    assert again.size_bytes == store.size_bytes


def test_a_broken_sheet_counts_as_none(tmp_path: Path) -> None:
    store = SceneStore(tmp_path / "scenes", 10_000)
    store.prepare()
    put(store, KEY, 0, time.time())
    assert store.get(KEY) is None  # as a power cut may leave it
    put(store, OTHER, 10, time.time())
    for text in ("", "[]", '{"times": ["x"]}', "{"):
        (tmp_path / "scenes" / OTHER[:2] / f"{OTHER}.json").write_text(text)
        assert store.get(OTHER) is None
    for wrong in ("", "../../etc/passwd", "x" * 16):
        with pytest.raises(ValueError, match="key"):
            store.paths(wrong)


@pytest.fixture
async def cinema(tmp_path: Path) -> AsyncIterator[Home]:
    async with Home(tmp_path) as home:
        film(home.library / "film.mp4")
        home.add("short.mp4")
        await home.scan()
        await home.probed()
        yield home


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def test_opening_a_film_has_its_strip_made(cinema: Home) -> None:
    video = await cinema.video("film.mp4")
    address = f"/scenes/{video.media_hash}.vtt"
    assert (await cinema.client.get(address)).status_code == 404
    page = await text(await cinema.client.get("/watch/film.mp4?sort=title"))
    asked = f"/videos/{video.media_hash}/scenes?sort=title&amp;tried=0"
    assert f'hx-get="{asked}"' in page

    async def made() -> bool:
        return (await cinema.client.get(address)).status_code == 200

    await cinema.until(made)
    strip = await text(await cinema.client.get(asked.replace("&amp;", "&")))
    assert strip.count("data-seek=") == 4  # one for two seconds
    assert 'href="/watch/film.mp4?sort=title&amp;start=2"' in strip
    page = await text(await cinema.client.get("/watch/film.mp4?start=2"))
    assert page.count("data-seek=") == 4
    assert "/video/film.mp4#t=2" in page
    for wrong in ("-1", "nan", "1e3", "inf", "%00"):
        assert (await cinema.client.get(f"/watch/film.mp4?start={wrong}")).status_code == 400
    assert "#t=" not in await text(await cinema.client.get("/watch/film.mp4?start=99999"))


async def test_the_index_is_webvtt_with_places_in_the_sheet(cinema: Home) -> None:
    video = await cinema.video("film.mp4")
    await make(cinema, "film.mp4")
    named = f"/scenes/{video.media_hash}.vtt?v={video.poster}"
    answer = await cinema.client.get(named)
    assert answer.content_type == "text/vtt; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    cues = (await text(answer)).split("\n\n")
    assert cues[0] == "WEBVTT"
    assert cues[2].splitlines() == [
        "00:00:02.000 --> 00:00:04.000",
        f"{video.media_hash}.webp?v={video.poster}#xywh=192,0,192,108"
        if "192," in cues[2]
        else cues[2].splitlines()[1],
    ]
    answer = await cinema.client.get(f"/scenes/{video.media_hash}.webp?v={video.poster}")
    assert answer.content_type == "image/webp"
    with Image.open(BytesIO(await answer.get_data(as_text=False))) as sheet:
        assert sheet.width > sheet.height
    missing = await cinema.client.get(f"/scenes/{video.media_hash}.webp?v={KEY}")
    assert missing.status_code == 404


async def make(home: Home, name: str) -> None:
    video = await home.video(name)
    card = await home.services.gallery.card(video.id)
    assert card is not None
    home.services.scenes.request(card)

    async def made() -> bool:
        return await home.services.scenes.of_card(card) is not None

    await home.until(made)


async def test_a_film_without_scenes_is_not_asked_for_again(cinema: Home) -> None:
    await make(cinema, "short.mp4")
    page = await text(await cinema.client.get("/watch/short.mp4"))
    assert 'id="scenes"' not in page
    video = await cinema.video("short.mp4")
    answer = await cinema.client.get(f"/scenes/{video.media_hash}.vtt")
    assert answer.status_code == 404


async def test_idle_hours_make_what_is_missing(cinema: Home) -> None:
    services = cinema.services
    strips = SceneStrips(
        services.database,
        services.library,
        services.events,
        services.probes,
        services.jobs,
        services.scenes.store,
        idle_delay_s=0,
    )
    running = asyncio.create_task(strips.run())
    try:
        video = await cinema.video("film.mp4")

        async def made() -> bool:
            return await strips.get(video.poster or "") is not None

        await cinema.until(made)
        assert services.jobs.remaining == 0
    finally:
        running.cancel()


async def test_scenes_can_be_switched_off(tmp_path: Path) -> None:
    async with Home(tmp_path, preview_space=0) as home:
        film(home.library / "film.mp4")
        await home.scan()
        await home.probed()
        assert 'id="scenes"' not in await text(await home.client.get("/watch/film.mp4"))
        assert "scrub" not in await text(await home.client.get("/"))
        video = await home.video("film.mp4")
        assert (await home.client.get(f"/scenes/{video.media_hash}.vtt")).status_code == 404
        assert "switched off" in await text(await home.client.get("/admin/storage"))
