"""Drives that go and come back while LVS runs."""

import asyncio
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from support.disks import dead_disk, small_disk
from support.home import OLD_NS, Home

from lvs.models import Query
from lvs.services.events import Event


async def cards(home: Home) -> dict[str, bool]:
    """Titles of the gallery, and whether each is offline."""
    page = await home.services.gallery.browse(Query(), limit=500)
    return {card.title: card.offline for card in page.cards}


async def shows(home: Home, offline: bool) -> None:
    async def true() -> bool:
        told = bool(home.services.library.progress().offline)
        return told is offline and await cards(home) == dict.fromkeys(
            ("one", "two", "three"), offline
        )

    await home.until(true)


def left_empty(library: Path) -> Callable[[], None]:
    """An empty folder stands at the place of the drive."""
    away = library.with_name("away")
    library.rename(away)
    library.mkdir()
    return lambda: (library.rmdir(), away.rename(library))  # type: ignore[func-returns-value, return-value]


def left_with_something(library: Path) -> Callable[[], None]:
    """Another folder stands there, in which other things lie."""
    away = library.with_name("away")
    library.rename(away)
    library.mkdir()
    (library / "readme.txt").touch()
    return lambda: (shutil.rmtree(library), away.rename(library))  # type: ignore[func-returns-value, return-value]


def gone(library: Path) -> Callable[[], None]:
    away = library.with_name("away")
    library.rename(away)

    def put_back() -> None:
        away.rename(library)

    return put_back


def all_files_leave(library: Path) -> Callable[[], None]:
    away = library.with_name("away")
    away.mkdir()
    names = os.listdir(library)
    for name in names:
        (library / name).rename(away / name)

    def come_back() -> None:
        for name in names:
            (away / name).rename(library / name)

    return come_back


@pytest.mark.parametrize("watch", ["auto", "off"])
@pytest.mark.parametrize("leave", [left_empty, left_with_something, gone, all_files_leave])
async def test_a_drive_that_goes_is_told_and_loses_nothing(
    tmp_path: Path, watch: str, leave: Callable[[Path], Callable[[], None]]
) -> None:
    async with Home(tmp_path, watch=watch, scan_interval=0) as home:
        for name in ("one", "two", "Trip/three"):
            home.add(f"{name}.mp4")
        await home.scan()
        if watch == "auto":
            await home.until(lambda: "watching" in home.services.watcher.state.values())
        media_hash = (await home.video("one.mp4")).media_hash
        come_back = leave(home.library)
        await shows(home, offline=True)
        status = await (await home.client.get("/library/status")).get_data(as_text=True)
        assert "Videos" in status
        assert any("offline" in issue.message for issue in await home.services.health.issues())
        await home.services.ratings.rate(media_hash, 5, "test")
        assert (await home.client.get("/video/one.mp4")).status_code == 503
        for name in ("one.mp4", "two.mp4", "Trip/three.mp4"):
            assert not (await home.video(name)).missing
        come_back()
        await shows(home, offline=False)
        assert (await home.client.get("/video/one.mp4")).status_code == 200
        assert (await home.services.videos.get(media_hash)).rating == 5
        assert not [i for i in await home.services.health.issues() if i.part == "library"]


async def test_a_drive_that_is_exchanged_during_a_scan_loses_nothing(tmp_path: Path) -> None:
    async with Home(tmp_path, watch="off", scan_interval=0) as home:
        for name in ("one", "two"):
            home.add(f"{name}.mp4")
        await home.scan()
        home.add("Trip/three.mp4")
        changed: list[Callable[[], None]] = []

        def exchange(_: Collection[int]) -> None:
            if not changed:
                changed.append(left_with_something(home.library))

        home.services.events.on(Event.ADDED, exchange)
        await home.scan()
        await shows(home, offline=True)
        changed[0]()
        await shows(home, offline=False)


async def test_films_that_come_back_right_after_a_scan_found_none_are_looked_at(home: Home) -> None:
    home.add("one.mp4")
    await home.scan()
    [root] = home.services.library.active_roots
    come_back = all_files_leave(home.library)
    await home.scan()
    assert await cards(home) == {"one": True}
    come_back()
    assert await home.services.library.drives.check() == {root.id}


async def test_a_film_plays_at_once_when_its_drive_is_back(home: Home) -> None:
    home.add("one.mp4")
    await home.scan()
    come_back = gone(home.library)
    await home.services.library.drives.check()
    assert (await home.client.get("/video/one.mp4")).status_code == 503
    come_back()
    assert (await home.client.get("/video/one.mp4")).status_code == 200


async def test_a_random_film_is_found_while_every_drive_is_away(home: Home) -> None:
    home.add("one.mp4")
    await home.scan()
    gone(home.library)
    await home.services.library.drives.check()
    answer = await home.client.get("/random")
    assert answer.headers["Location"].startswith("/watch/one.mp4")


async def test_checks_beside_each_other_see_the_same(home: Home) -> None:
    home.add("one.mp4")
    await home.scan()
    drives = home.services.library.drives
    come_back = gone(home.library)
    assert list(await asyncio.gather(drives.check(), drives.check())) == [set(), set()]
    come_back()
    [root] = drives.active_roots
    assert list(await asyncio.gather(drives.check(), drives.check())) == [{root.id}, {root.id}]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
async def test_a_mount_that_vanishes_at_the_top_or_below_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "Videos" / "disk").mkdir(parents=True)
    async with Home(tmp_path, scan_interval=0) as home:
        home.add("local.mp4")
        with small_disk(home.library / "disk", 1000):
            home.add("disk/one.mp4")
            both = home.add("disk/both.mp4").read_bytes()
            await home.scan()
            home.add("both.mp4", both)
            await home.scan()
            assert await cards(home) == {"local": False, "one": False, "both": False}

        async def noticed() -> bool:
            return await cards(home) == {"local": False, "one": True, "both": False}

        await home.until(noticed)
        found = await (await home.client.get("/api/videos?limit=10")).get_json()
        videos = {video["title"]: video for video in found["videos"]}
        for title, offline in (("one", True), ("both", False), ("local", False)):
            address = f"/api/videos/{videos[title]['media_hash']}"
            detail = await (await home.client.get(address)).get_json()
            assert (videos[title]["offline"], detail["offline"]) == (offline, offline), title
            assert detail["path"] == videos[title]["path"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
@pytest.mark.parametrize("watch", ["auto", "off"])
async def test_a_disk_that_is_exchanged_below_is_noticed(tmp_path: Path, watch: str) -> None:
    disk = tmp_path / "Videos" / "disk"
    async with Home(tmp_path, watch=watch, scan_interval=0) as home:

        async def until_shown(title: str) -> None:
            async def noticed() -> bool:
                return await cards(home) == {"local": False, title: False}

            await home.until(noticed)

        home.add("local.mp4")
        with small_disk(disk, 1000):
            home.add("disk/one.mp4")
            await home.scan()
            media_hash = (await home.video("disk/one.mp4")).media_hash
            await home.services.ratings.rate(media_hash, 5, "test")
            await home.services.library.drives.check()
            with small_disk(disk, 1000):
                home.add("disk/two.mp4")
                await until_shown("two")
                while await home.services.library.drives.check():
                    pass  # it knows this one by the second look
            await until_shown("one")
            assert (await home.video("disk/one.mp4")).rating == 5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
async def test_films_on_a_drive_that_does_not_answer_are_not_missing(home: Home) -> None:
    for name in ("local", "trip/beach", "trip/deep/hill"):
        home.add(f"{name}.mp4")
    await home.scan()
    titles = await home.titles()
    with dead_disk(home.library / "trip"):
        with pytest.raises(OSError, match="not connected"):
            os.lstat(home.library / "trip")
        await home.scan()
        await home.services.library.scan_quietly(home.services.library.active_roots[0].id)
        assert await home.titles() == titles
        assert not (await home.video("trip/beach.mp4")).missing
    await home.scan()
    assert await cards(home) == {"local": False, "beach": False, "hill": False}


async def test_one_file_that_is_deleted_is_missing_all_the_same(home: Home) -> None:
    home.add("one.mp4")
    film = home.add("two.mp4")
    await home.scan()
    film.unlink()
    await home.services.library.check(home.services.library.active_roots[0], [b"two.mp4"])
    assert await cards(home) == {"one": False}
    assert (await home.video("two.mp4")).missing


@pytest.mark.parametrize(
    "mtime_ns",
    [-1, 0, 4_102_444_800_000_000_000, 9_223_372_036_854_775_807, 15_000_000_000_000_000_000],
)
async def test_an_odd_time_of_change_costs_itself_only(home: Home, mtime_ns: int) -> None:
    home.add("a.mp4")
    odd = home.add("odd.mp4")
    home.add("z.mp4")
    os.utime(odd, ns=(mtime_ns, mtime_ns))
    await home.scan()
    assert await home.titles() == ["a", "odd", "z"]
    assert any("odd.mp4" in issue.message for issue in await home.services.health.issues())
    assert (await home.client.get("/watch/odd.mp4")).status_code == 200
    root = home.services.library.active_roots[0]
    await home.services.library.check(root, [b"odd.mp4"])
    await home.scan()
    assert await home.titles() == ["a", "odd", "z"]


@pytest.mark.parametrize("mtime_ns", [-300_000_000_000_000_000, 0, 15_032_385_535_000_000_000])
async def test_an_odd_time_is_told_as_soon_as_its_file_comes(home: Home, mtime_ns: int) -> None:
    async def told() -> list[str]:
        return [issue.message for issue in await home.services.health.issues()]

    home.add("a.mp4")
    await home.scan()
    root = home.services.library.active_roots[0]
    odd = home.add("odd.mp4")
    for _ in range(2):
        os.utime(odd, ns=(mtime_ns, mtime_ns))
        await home.services.library.check(root, [b"odd.mp4"])
        assert ["odd.mp4" in message for message in await told()] == [True]
    os.utime(odd, ns=(OLD_NS, OLD_NS))
    await home.services.library.check(root, [b"odd.mp4"])
    assert await told() == []


@pytest.mark.parametrize("number", [1, 3])
async def test_an_empty_gallery_tells_of_links(home: Home, tmp_path: Path, number: int) -> None:
    for each in range(number):
        (home.library / f"link {each}").symlink_to(tmp_path)
    await home.scan()
    page = await (await home.client.get("/")).get_data(as_text=True)
    assert f"{number} symbolic link" in page
