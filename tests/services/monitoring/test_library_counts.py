"""The library in numbers, as the dashboard tells them."""

import re
from pathlib import Path

from support.home import Home

from lvs.services.monitoring.library_counts import PAUSE_S


async def test_counts_are_up_to_date_once_a_scan_has_ended(home: Home) -> None:
    counter = home.services.overviews
    for count in (1, 2, 3):
        home.add(f"{count}.mp4")
        await home.scan()
        assert (await counter.now()).files == count
        assert (await counter.now()).videos == count


async def test_videos_are_those_that_the_gallery_lists_and_the_hidden_are_counted_apart(
    tmp_path: Path,
) -> None:
    async with Home(tmp_path, enable_thumbnails=True) as home:
        counter = home.services.overviews
        seconds = 0.0
        counter.clock = lambda: seconds
        home.add("beach.mp4")
        home.add("broken.mp4", b"no video at all")
        home.add("lake.mp4")
        await home.scan()
        await home.probed()
        lake = await home.video("lake.mp4")

        async def figures() -> tuple[int, int, int]:
            nonlocal seconds
            seconds += PAUSE_S
            counts = await counter.now()
            gallery = await home.client.get("/")
            tile = await home.client.get("/admin/tiles/library")
            listed = re.search(r"([0-9]+) videos?", await gallery.get_data(as_text=True))
            assert listed
            assert counts.videos == int(listed[1])
            assert f"<b>{counts.videos}</b> video" in await tile.get_data(as_text=True)
            return counts.videos, counts.hidden, counts.unreadable

        assert await figures() == (2, 0, 1)
        await home.services.hidden.set(lake.media_hash, True, "")
        assert await figures() == (1, 1, 1)
        await home.services.hidden.set(lake.media_hash, False, "")
        assert await figures() == (2, 0, 1)


async def test_changes_between_scans_are_counted_no_oftener_than_is_worth_it(home: Home) -> None:
    counter = home.services.overviews
    home.add("film.mp4")
    await home.scan()
    counted = await counter.now()
    video = await home.video("film.mp4")
    await home.client.post(f"/api/ratings/{video.media_hash}", json={"value": 4})
    assert await counter.now() is counted
