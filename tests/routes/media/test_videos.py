"""The bytes of a film: what a request for them asks of the database, and drives that are away."""

import pytest
from support.home import Home

pytestmark = pytest.mark.core


@pytest.mark.parametrize("copies", [0, 3])
async def test_a_range_request_makes_one_query(home: Home, copies: int) -> None:
    film = home.add("folder/film.mp4").read_bytes()
    for number in range(copies):
        home.add(f"copy {number}.mp4", film)
    await home.scan()
    await home.probed()
    for start in (0, 100):
        before = home.queries
        answer = await home.client.get(
            "/video/folder/film.mp4", headers={"Range": f"bytes={start}-{start + 9}"}
        )
        assert answer.status_code == 206
        assert await answer.get_data(as_text=False) == film[start : start + 10]
        assert home.queries == before + 1


@pytest.mark.parametrize("address", ["", "?sort=title&order=asc", "?sort=random&seed=7"])
async def test_a_watch_page_makes_at_most_six_queries(home: Home, address: str) -> None:
    for name in ("a.mp4", "b.mp4", "folder/c.mp4", "folder/d.mp4", "folder/e.mp4"):
        home.add(name)
    await home.scan()
    await home.probed()
    for name in ("folder/c.mp4", "a.mp4", "folder/d.mp4"):
        video = await home.video(name)
        await home.services.tags.add(video.media_hash, "shared", "test")
    assert (await home.client.get("/")).status_code == 200  # the index is filled by now or not
    for name in ("folder/c.mp4", "folder/c.mp4", "b.mp4"):
        before = home.queries
        answer = await home.client.get(f"/watch/{name}{address}")
        assert answer.status_code == 200
        assert home.queries - before <= 6
        if name == "folder/c.mp4":
            text = await answer.get_data(as_text=True)
            assert "Also #shared" in text
            assert "/watch/folder/e.mp4" in text  # from the folder, or as the next of the list


async def test_a_drive_that_is_back_plays_before_it_is_noticed(home: Home) -> None:
    film = home.add("film.mp4").read_bytes()
    await home.scan()
    away = home.library.with_name("unplugged")
    home.library.rename(away)
    await home.scan()
    answer = await home.client.get("/video/film.mp4")
    assert answer.status_code == 503
    assert "offline" in await answer.get_data(as_text=True)
    away.rename(home.library)
    assert home.services.library.progress().offline == ("Videos",)
    answer = await home.client.get("/video/film.mp4", headers={"Range": "bytes=0-9"})
    assert answer.status_code == 206
    assert await answer.get_data(as_text=False) == film[:10]


async def test_a_film_that_was_moved_leads_to_its_new_address(home: Home) -> None:
    home.add("old.mp4")
    await home.scan()
    (home.library / "old.mp4").rename(home.library / "new.mp4")
    await home.scan()
    answer = await home.client.get("/video/old.mp4?download")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/video/new.mp4?download")
    (home.library / "new.mp4").unlink()
    home.add("other.mp4")
    await home.scan()
    assert (await home.client.get("/video/old.mp4")).status_code == 404
