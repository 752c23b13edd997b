"""Films that LVS has no decoder for: they stay in the gallery, with facts, stars and download."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.home import Home
from support.media import make_video

NAMES = ("archive.mkv", "unknown.mp4")


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    each = Home(tmp_path, watch="off")
    archive = make_video(tmp_path / "a.mkv", seconds=2, sound=True, video_codec="ffv1")
    each.add("archive.mkv", archive.read_bytes())
    film = make_video(tmp_path / "a.mp4", seconds=2, sound=True).read_bytes()
    each.add("unknown.mp4", film.replace(b"avc1", b"zzzz"))
    async with each:
        await each.probed()
        yield each


@pytest.mark.parametrize("name", NAMES)
async def test_an_undecodable_film_keeps_its_facts_stars_and_download(
    home: Home, name: str
) -> None:
    gallery = await (await home.client.get("/?state=undecodable")).get_data(as_text=True)
    assert f"/watch/{name}" in gallery
    page = await (await home.client.get(f"/watch/{name}")).get_data(as_text=True)
    assert "<video" not in page
    assert "LVS cannot decode this film" in page
    assert f'href="/video/{name}?download=1"' in page
    assert "<dt>Length</dt>" in page
    assert "0 × 0" not in page
    media_hash = (await home.video(name)).media_hash
    answer = await home.client.post(f"/api/ratings/{media_hash}", json={"value": 4})
    assert answer.status_code == 201
    assert (await home.video(name)).rating == 4
    download = await home.client.get(f"/video/{name}?download=1")
    assert download.status_code == 200
    assert (await home.client.get(f"/api/videos/{media_hash}")).status_code == 200
    assert (await home.client.get(f"/watch/{name}?large=1")).status_code == 200
