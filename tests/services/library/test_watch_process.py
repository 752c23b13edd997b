"""The watch process: it reports every change below a folder, follows no link, and is bounded."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from support.disks import small_disk

from lvs.services.library.watch_process import WatchProcess
from lvs.services.library.watch_worker import WatchFailed, WatchFailure

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems watch a whole tree by themselves"
)

PATIENCE_S = 30.0


@asynccontextmanager
async def watching(top: Path) -> AsyncIterator[WatchProcess]:
    """A watch process that has set up its watch."""
    async with asyncio.timeout(PATIENCE_S), WatchProcess(os.fsencode(top)) as process:
        assert (await process.changes()).everywhere
        assert process.watching
        yield process


async def told(process: WatchProcess, places: Iterable[bytes]) -> set[bytes]:
    """Wait until these places are reported; all that were."""
    missing, reported = set(places), set[bytes]()
    while missing:
        changes = await process.changes()
        assert not changes.everywhere, "it gave up naming places"
        reported |= changes.places
        missing -= changes.places
    return reported


def watches(process: WatchProcess) -> list[int]:
    """The number of folders that each inotify instance of the process watches."""
    numbers = []
    for entry in Path(f"/proc/{process.process_id}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed a moment ago
            if os.readlink(f"/proc/{process.process_id}/fd/{entry.name}") == "anon_inode:inotify":
                numbers.append(entry.read_text().count("inotify wd:"))
    return numbers


async def test_changes_in_every_folder_are_reported(tmp_path: Path) -> None:
    for name in ("a", "a/b", "c d", "ü"):
        (tmp_path / name).mkdir()
    async with watching(tmp_path) as process:
        assert watches(process) == [5]
        (tmp_path / "top.mp4").touch()
        for name in ("a", "a/b", "c d", "ü"):
            (tmp_path / name / "film.mp4").touch()
        await told(
            process,
            [b"top.mp4", b"a/film.mp4", b"a/b/film.mp4", b"c d/film.mp4", "ü/film.mp4".encode()],
        )


async def test_hidden_folders_are_neither_watched_nor_reported(tmp_path: Path) -> None:
    (tmp_path / ".cache" / "deep").mkdir(parents=True)
    async with watching(tmp_path) as process:
        assert watches(process) == [1]
        (tmp_path / ".cache" / "deep" / "x").touch()
        (tmp_path / ".hidden").mkdir()
        (tmp_path / "seen").touch()
        assert await told(process, [b"seen"]) == {b"seen"}


@pytest.mark.parametrize("when", ["before", "after", "with a folder"])
async def test_no_link_is_followed_whenever_it_comes(tmp_path: Path, when: str) -> None:
    top, outside, elsewhere = tmp_path / "Videos", tmp_path / "outside", tmp_path / "elsewhere"
    for folder in (top, outside / "deep", elsewhere / "new"):
        folder.mkdir(parents=True)
    place = elsewhere / "new" if when == "with a folder" else top
    if when == "after":
        async with watching(top) as process:
            (top / "link").symlink_to(outside)
            (top / "root").symlink_to("/")
            await told(process, [b"link", b"root"])
            await _reports_nothing_of(process, top, outside, 1)
        return
    (place / "link").symlink_to(outside)
    (place / "root").symlink_to("/")
    async with watching(top) as process:
        if when == "with a folder":
            (elsewhere / "new").rename(top / "new")
            await told(process, [b"new"])
        await _reports_nothing_of(process, top, outside, 2 if when == "with a folder" else 1)


async def _reports_nothing_of(
    process: WatchProcess, top: Path, outside: Path, folders: int
) -> None:
    for _ in range(int(PATIENCE_S / 0.05)):
        if sum(watches(process)) == folders:  # a watch that was joined with another ends soon
            break
        await asyncio.sleep(0.05)
    assert sum(watches(process)) == folders
    (outside / "deep" / "secret.mp4").touch()
    (outside / "secret.mp4").touch()
    (top / "film.mp4").touch()
    assert await told(process, [b"film.mp4"]) == {b"film.mp4"}


async def test_folders_that_come_one_after_the_other_are_all_watched_by_few_watches(
    tmp_path: Path,
) -> None:
    async with watching(tmp_path) as process:
        names = [f"folder {number:02}" for number in range(12)]
        for name in names:
            (tmp_path / name).mkdir()
            await told(process, [name.encode()])
        numbers = watches(process)
        assert sum(numbers) == 13
        assert len(numbers) <= 4
        for name in names:
            (tmp_path / name / "film.mp4").touch()
        await told(process, [f"{name}/film.mp4".encode() for name in names])


async def test_a_whole_tree_that_comes_at_once_is_watched(tmp_path: Path) -> None:
    async with watching(tmp_path) as process:
        deep = tmp_path / "a/b/c/d"
        deep.mkdir(parents=True)
        await told(process, [b"a"])
        (deep / "film.mp4").touch()
        await told(process, [b"a/b/c/d/film.mp4"])


async def test_a_renamed_folder_is_followed_under_its_new_name(tmp_path: Path) -> None:
    (tmp_path / "trip" / "day one").mkdir(parents=True)
    async with watching(tmp_path) as process:
        (tmp_path / "trip").rename(tmp_path / "journey")
        await told(process, [b"trip", b"journey"])
        (tmp_path / "journey" / "day one" / "film.mp4").touch()
        await told(process, [b"journey/day one/film.mp4"])


async def test_a_folder_made_anew_under_the_same_name_is_watched(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    async with watching(tmp_path) as process:
        (tmp_path / "folder").rmdir()
        (tmp_path / "folder").mkdir()
        await told(process, [b"folder"])
        (tmp_path / "folder" / "film.mp4").touch()
        await told(process, [b"folder/film.mp4"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
async def test_a_disk_that_goes_and_comes_is_watched_anew(tmp_path: Path) -> None:
    disk = tmp_path / "our disk"
    disk.mkdir()
    async with AsyncExitStack() as stack:
        with small_disk(disk, 100):
            (disk / "deep").mkdir()
            process = await stack.enter_async_context(watching(tmp_path))
        assert (await process.changes()).everywhere
        (disk / "below the disk").touch()
        await told(process, [b"our disk/below the disk"])
        with small_disk(disk, 100):
            assert (await process.changes()).everywhere
            (disk / "new").mkdir()
            (disk / "film.mp4").touch()
            await told(process, [b"our disk/new", b"our disk/film.mp4"])


async def test_too_much_at_once_is_reported_as_everything(tmp_path: Path) -> None:
    async with watching(tmp_path) as process:
        for number in range(6000):
            (tmp_path / f"{number}.mp4").touch()
        while not (await process.changes()).everywhere:
            pass


async def test_a_folder_that_is_gone_or_replaced_is_not_watched_any_more(tmp_path: Path) -> None:
    top = tmp_path / "Videos"
    top.mkdir()
    async with watching(top) as process:
        top.rename(tmp_path / "away")
        top.mkdir()
        assert await _end_of(process) is WatchFailure.GONE
    top.rmdir()
    async with WatchProcess(os.fsencode(top)) as process:
        assert await _end_of(process) is WatchFailure.GONE


async def test_names_that_are_not_utf8_end_it_with_that_reason(tmp_path: Path) -> None:
    async with watching(tmp_path) as process:
        (tmp_path / os.fsdecode(b"film \xff.mp4")).touch()
        assert await _end_of(process) is WatchFailure.NAMES
    async with WatchProcess(os.fsencode(tmp_path)) as process:
        assert await _end_of(process) is WatchFailure.NAMES


async def test_memory_is_bounded(tmp_path: Path) -> None:
    async with WatchProcess(os.fsencode(tmp_path), memory_limit_bytes=30_000_000) as process:
        assert await _end_of(process) is WatchFailure.BROKEN


async def _end_of(process: WatchProcess) -> WatchFailure:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await process.changes()
            except WatchFailed as failed:
                return failed.reason


async def test_the_watch_process_ends_with_the_server(tmp_path: Path) -> None:
    """Its standard input ends when the server is gone, however that ended."""
    async with watching(tmp_path) as process:
        process._process._requests.close()
        assert await _end_of(process) is WatchFailure.BROKEN
        assert not psutil.pid_exists(process.process_id)
