"""Changes in a library folder show up by themselves."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from support.home import OLD_NS, Home, distinct_video

from lvs.services.events import Event


@pytest_asyncio.fixture(params=["auto", "poll"])
async def watched(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Home]:
    """A household whose library folder is watched, by the system's notices or by polling."""
    async with Home(tmp_path, watch=request.param, poll_interval=1, scan_interval=0) as home:
        await home.until(
            lambda: (
                set(home.services.watcher.state.values()) <= {"watching", "polling"}
                and bool(home.services.watcher.state)
            )
        )
        await asyncio.sleep(
            1.5 if request.param == "poll" else 0.2
        )  # the poller's first look is what it compares with
        yield home


async def shows(home: Home, *titles: str) -> None:
    async def true() -> bool:
        return await home.titles() == list(titles)

    await home.until(true)


async def test_files_come_are_renamed_and_go(watched: Home) -> None:
    told: list[str] = []

    def note(event: Event, ids: Collection[int]) -> None:
        if ids:
            told.append(event)

    for event in Event:
        watched.services.events.on(event, partial(note, event))
    watched.add("film.mp4")
    await shows(watched, "film")
    media_hash = (await watched.video("film.mp4")).media_hash
    await watched.services.ratings.rate(media_hash, 4, "test")
    (watched.library / "film.mp4").rename(watched.library / "renamed.mp4")
    await shows(watched, "renamed")
    assert (await watched.services.videos.get(media_hash)).rating == 4
    watched.add("other.mp4")
    (watched.library / "renamed.mp4").unlink()
    await shows(watched, "other")
    assert {Event.ADDED, Event.MODIFIED, Event.REMOVED, Event.CHANGED} <= set(told)


async def test_a_file_made_at_once_inside_a_new_folder_is_found(watched: Home) -> None:
    watched.add("new folder/and another/film.mp4")
    await shows(watched, "film")


async def test_a_renamed_folder_takes_its_films_along_and_a_deleted_one_goes(watched: Home) -> None:
    for name in ("one", "two"):
        watched.add(f"trip/{name}.mp4")
    await shows(watched, "one", "two")
    (watched.library / "trip").rename(watched.library / "journey")

    async def moved() -> bool:
        return (
            not (await watched.video("trip/one.mp4")).missing
            and (await watched.video("trip/one.mp4")).file.path == b"journey/one.mp4"
        )

    await watched.until(moved)
    await shows(watched, "one", "two")
    watched.add("stays.mp4")
    shutil.rmtree(watched.library / "journey")
    await shows(watched, "stays")


async def test_a_film_that_is_copied_in_slowly_appears_once_it_is_whole(watched: Home) -> None:
    content = distinct_video()
    with (watched.library / "slow.mp4").open("wb") as file:
        for start in range(0, len(content), 500):
            file.write(content[start : start + 500])
            file.flush()
            await asyncio.sleep(0.02)
    await shows(watched, "slow")
    await watched.probed()
    assert (await watched.video("slow.mp4")).file.size_bytes == len(content)


async def test_a_link_that_leads_out_of_the_library_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    async with Home(tmp_path, watch="auto", scan_interval=0) as home:
        (home.library / "link").symlink_to(outside)
        home.add("film.mp4")
        await home.services.library.check(
            home.services.library.active_roots[0], [b"link/secret.mp4", b"film.mp4"]
        )
        (outside / "secret.mp4").write_bytes(distinct_video())
        os.utime(outside / "secret.mp4", ns=(OLD_NS, OLD_NS))
        await home.services.library.check(
            home.services.library.active_roots[0], [b"link/secret.mp4", b"link"]
        )
        assert await home.titles() == ["film"]


async def test_names_that_are_not_utf8_are_followed_too(tmp_path: Path) -> None:
    (tmp_path / "Videos").mkdir()
    async with Home(tmp_path, watch="auto", scan_interval=0) as home:
        home.add(b"caf\xe9/film one.mp4")
        await shows(home, "film one")
        home.add(b"caf\xe9/film \xff.mp4")
        await shows(home, "film one", "film \ufffd")


def link_to(path: Path, target: Path) -> None:
    path.symlink_to(target)


def pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def film_of_its_name(path: Path, _: Path) -> None:
    path.write_bytes(distinct_video())


def folder_of_its_name(path: Path, _: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("left", "put", "shown"),
    [
        ("film.mp4", link_to, []),
        ("film.mp4", pipe, []),
        ("film.mp4", folder_of_its_name, []),
        ("folder", link_to, []),
        ("folder.mp4", film_of_its_name, ["folder"]),
    ],
)
async def test_replaced_files_and_folders_leave_the_gallery(
    watched: Home,
    left: str,
    put: Callable[[Path, Path], None],
    shown: list[str],
) -> None:
    watched.add("stays.mp4")
    watched.add(left if left == "film.mp4" else f"{left}/film.mp4")
    await shows(watched, "film", "stays")
    elsewhere = watched.library.with_name("other disk")
    (watched.library / left).rename(elsewhere)
    put(watched.library / left, elsewhere)
    await shows(watched, *shown, "stays")


async def test_writes_of_another_program_are_noticed(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    media_hash = (await home.video("film.mp4")).media_hash
    assert (await home.services.ratings.get(media_hash)).value is None
    before = home.services.library.progress().version
    other = sqlite3.connect(home.data / "lvs.db")
    with other:
        other.execute("INSERT INTO ratings SELECT id, 4, 0, 0 FROM videos")
    other.close()

    async def noticed() -> bool:
        return (await home.services.ratings.get(media_hash)).value == 4

    await home.until(noticed)
    assert home.services.library.progress().version > before


@pytest.mark.parametrize("done", ["came", "left", "settled"])
async def test_changes_seen_while_the_database_was_locked_are_made_up_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, done: str
) -> None:
    settle_seconds = 1.0 if done == "settled" else 0.2
    async with Home(tmp_path, watch="auto", scan_interval=0, settle_seconds=settle_seconds) as home:
        home.services.watcher.again_s = home.services.database._writer.busy_seconds = 0.5
        leaves = home.add("leaves.mp4")
        home.add("stays.mp4")
        await shows(home, "leaves", "stays")
        other = sqlite3.connect(home.data / "lvs.db", isolation_level=None, check_same_thread=False)
        # in a thread: the server, which may be writing, goes on in this one
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        if done == "left":
            leaves.unlink()
        elif done == "came":
            home.add("film.mp4")
        else:
            (home.library / "film.mp4").write_bytes(distinct_video())
        await home.until(lambda: caplog.text.count("watching the library failed") > 1)
        other.execute("ROLLBACK")
        other.close()
        await shows(home, *(["stays"] if done == "left" else ["film", "leaves", "stays"]))
