"""Files that come, go, move, swap and change: what people gave a video stays with it."""

import asyncio
import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from support.home import OLD_NS, Home, distinct_video
from support.odd_names import ODD_NAMES

from lvs.models import Query, Sort, State
from lvs.services.library.fingerprint import fingerprint
from lvs.services.library.walk import WalkResult, legacy_alias, walk
from lvs.services.media.eye import drawing_key


async def curate(home: Home, media_hash: str) -> None:
    await home.services.ratings.rate(media_hash, 5, "test")
    await home.services.tags.add(media_hash, "alps", "test")
    await home.services.favorites.set(media_hash, True, "test")
    await home.services.views.count(media_hash, "test")


async def assert_curated(home: Home, media_hash: str) -> None:
    video = await home.services.videos.get(media_hash)
    assert (video.rating, video.tags, video.favorite, video.views) == (5, ("alps",), True, 1)


@pytest.mark.parametrize("size", [1, 65536, 65537, 131072, 196608, 196609, 1_000_000])
def test_a_fingerprint_is_blake2b_over_size_and_three_blocks(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "film").write_bytes(content)
    block = 65536
    middle = (size - block) // 2
    parts = (
        content
        if size <= 3 * block
        else content[:block] + content[middle : middle + block] + content[-block:]
    )
    expected = hashlib.blake2b(size.to_bytes(8, "big") + parts, digest_size=8).hexdigest()
    found, oshash, _, size_bytes, mtime_ns = fingerprint(os.fsencode(tmp_path / "film"))
    assert found == expected
    assert (size_bytes, mtime_ns) == (size, (tmp_path / "film").stat().st_mtime_ns)
    assert bool(oshash) == (size >= 131072)


def test_oshash_is_that_of_opensubtitles(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1024
    (tmp_path / "film").write_bytes(content)
    words = [
        int.from_bytes(part[at : at + 8], "little")
        for part in (content[:65536], content[-65536:])
        for at in range(0, 65536, 8)
    ]
    assert (
        fingerprint(os.fsencode(tmp_path / "film"))[1]
        == f"{(len(content) + sum(words)) % 2**64:016x}"
    )


async def test_every_video_file_in_every_folder_is_listed_and_nothing_else(home: Home) -> None:
    home.add("top.mp4")
    home.add("deep/er/and deeper/film_two.part.MKV")
    for name in ("notes.txt", ".hidden.mp4", ".git/film.mp4", "film.mp4.part", "noextension"):
        home.add(name)
    (home.library / "link.mp4").symlink_to("top.mp4")
    (home.library / "loop").symlink_to(".")
    os.mkfifo(home.library / "pipe.mp4")
    await home.scan()
    assert await home.titles() == ["film two part", "top"]


@pytest.mark.parametrize("by_descriptor", [True, False], ids=["by descriptor", "as on Windows"])
def test_a_walk_finds_what_a_plain_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_descriptor: bool
) -> None:
    if not by_descriptor:
        monkeypatch.setattr(os, "supports_dir_fd", set())
    home = Home(tmp_path)
    for number, name in enumerate(
        [
            *ODD_NAMES,
            "UPPER.MP4",
            "space.mp4 ",
            "no.txt",
            ".hidden.mp4",
            "dots.mp4/x.avi",
            "a/.b/x.mp4",
        ]
    ):
        home.add(name, bytes(number))
        if not os.fsencode(name).startswith(b"."):
            home.add(b"deep/er/" + os.fsencode(name), bytes(number))
    (home.library / "empty").mkdir()
    (home.library / "link.mp4").symlink_to("UPPER.MP4")
    top = os.fsencode(home.library)
    plain = set()
    for folder, _, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names):
            state = os.lstat(path)
            inner = os.path.relpath(path, top)
            wanted = inner.strip().lower().endswith((b".mp4", b".avi")) and not any(
                p.startswith(b".") for p in inner.split(b"/")
            )
            if wanted and not os.path.islink(path):
                plain.add((inner, state.st_size, state.st_mtime_ns))
    seen = WalkResult()
    found = [
        file for files in walk(top, b"", frozenset((b".mp4", b".avi")), seen) for file in files
    ]
    assert len(found) == len(set(found)) == len(plain) > 2 * len(ODD_NAMES)
    assert set(found) == plain
    assert not seen.empty
    assert not seen.unread


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_any_name_is_listed_ratable_and_found_again(home: Home, name: str | bytes) -> None:
    home.add(name)
    await home.scan()
    video = await home.video(name)
    await curate(home, video.media_hash)
    await home.scan()
    await assert_curated(home, video.media_hash)
    assert (await home.services.gallery.count(Query())) == 1
    assert (
        await home.services.videos.get(legacy_alias(os.fsdecode(name)))
    ).media_hash == video.media_hash


async def test_a_renamed_file_keeps_everything_and_gets_its_new_title(home: Home) -> None:
    path = home.add("old name.mp4")
    await home.scan()
    video = await home.video("old name.mp4")
    await curate(home, video.media_hash)
    path.rename(home.library / "new name.mp4")
    await home.scan()
    await assert_curated(home, video.media_hash)
    assert await home.titles() == ["new name"]
    assert (await home.video("new name.mp4")).media_hash == video.media_hash
    answer = await home.client.get("/watch/old%20name.mp4")
    assert (answer.status_code, answer.location) == (302, "/watch/new%20name.mp4")


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
async def test_a_folder_above_is_renamed_or_the_file_moves_to_another_library(
    tmp_path: Path, running: bool
) -> None:
    async with Home(tmp_path, libraries=("One", "Two")) as home:
        home.add("trip/a.mp4")
        home.add("trip/b.mp4")
        await home.scan()
        hashes = [(await home.video(f"trip/{name}.mp4")).media_hash for name in "ab"]
        for media_hash in hashes:
            await curate(home, media_hash)
        if not running:
            await home.stop()
        (home.libraries[0] / "trip").rename(home.libraries[0] / "journey")
        (home.libraries[0] / "journey" / "b.mp4").rename(home.libraries[1] / "b.mp4")
        await (home.scan() if running else home.start())
        for media_hash in hashes:
            await assert_curated(home, media_hash)
        assert (await home.video("b.mp4", library=1)).media_hash == hashes[1]
        answer = await home.client.get("/watch/One/trip/b.mp4")
        assert (answer.status_code, answer.location) == (302, "/watch/Two/b.mp4")


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
async def test_two_files_swap_their_names(home: Home, running: bool) -> None:
    a, b = home.add("a.mp4"), home.add("b.mp4")
    await home.scan()
    hash_a, hash_b = (await home.video("a.mp4")).media_hash, (await home.video("b.mp4")).media_hash
    await curate(home, hash_a)
    if not running:
        await home.stop()
    a.rename(home.library / "c.mp4")
    b.rename(home.library / "a.mp4")
    (home.library / "c.mp4").rename(home.library / "b.mp4")
    await (home.scan() if running else home.start())
    assert (await home.video("b.mp4")).media_hash == hash_a
    assert (await home.video("a.mp4")).media_hash == hash_b
    await assert_curated(home, hash_a)
    assert (await home.services.videos.get(hash_b)).rating == 0
    assert await home.titles() == ["a", "b"]


async def test_a_chain_of_renames_comes_out_right(home: Home) -> None:
    for name in "abc":
        home.add(f"{name}.mp4")
    await home.scan()
    hashes = [(await home.video(f"{name}.mp4")).media_hash for name in "abc"]
    await home.services.ratings.rate(hashes[1], 2, "test")
    for old, new in (("c", "d"), ("b", "c"), ("a", "b")):
        (home.library / f"{old}.mp4").rename(home.library / f"{new}.mp4")
    await home.scan()
    assert [(await home.video(f"{name}.mp4")).media_hash for name in "bcd"] == hashes
    assert [(await home.services.videos.get(media_hash)).rating for media_hash in hashes] == [
        0,
        2,
        0,
    ]


async def test_a_better_encode_under_the_same_name_is_the_same_video(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    video = await home.video("film.mp4")
    await curate(home, video.media_hash)
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    await assert_curated(home, video.media_hash)
    again = await home.services.videos.get(video.media_hash)
    assert again.file.fingerprint != video.file.fingerprint
    assert again.poster == drawing_key(again.file.fingerprint)


async def test_a_better_encode_that_was_known_under_another_name_takes_the_place(
    home: Home,
) -> None:
    home.add("film.mp4")
    new = home.add("film better.mp4")
    await home.scan()
    video = await home.video("film.mp4")
    newcomer = await home.video("film better.mp4")
    await curate(home, video.media_hash)
    os.replace(new, home.library / "film.mp4")
    await home.scan()
    await assert_curated(home, video.media_hash)
    assert (await home.video("film.mp4")).media_hash == video.media_hash
    assert (await home.services.videos.get(newcomer.media_hash)).media_hash == video.media_hash
    assert await home.titles() == ["film"]


async def test_a_file_deleted_and_made_again_under_its_name_keeps_everything(home: Home) -> None:
    path = home.add("film.mp4")
    home.add("other.mp4")
    await home.scan()
    video = await home.video("film.mp4")
    await curate(home, video.media_hash)
    path.unlink()
    await home.scan()
    assert await home.titles() == ["other"]
    home.add("film.mp4")
    await home.scan()
    await assert_curated(home, video.media_hash)
    assert await home.titles() == ["film", "other"]


async def test_copies_are_one_video_and_one_may_go(home: Home) -> None:
    path = home.add("film.mp4")
    await home.scan()
    video = await home.video("film.mp4")
    await curate(home, video.media_hash)
    for name in ("copy one.mp4", "copy two.mp4"):
        shutil.copy2(path, home.library / name)
    await home.scan()
    assert await home.titles() == ["film"]
    assert len((await home.services.videos.get(video.media_hash)).files) == 3
    path.unlink()
    await home.scan()
    await assert_curated(home, video.media_hash)
    assert await home.titles() in (["copy one"], ["copy two"])


async def test_a_missing_file_comes_back_whole(home: Home) -> None:
    path = home.add("film.mp4")
    other = home.add("other.mp4")
    await home.scan()
    video = await home.video("film.mp4")
    await curate(home, video.media_hash)
    content = path.read_bytes()
    path.unlink()
    await home.scan()
    assert await home.titles() == ["other"]
    assert (await home.client.get(f"/watch/{path.name}")).status_code == 404
    assert (await home.services.videos.get(video.media_hash)).missing
    home.add("elsewhere/film again.mp4", content)
    await home.scan()
    await assert_curated(home, video.media_hash)
    assert await home.titles() == ["film again", "other"]
    assert other.exists()


async def test_an_edited_title_survives_a_rename(home: Home) -> None:
    path = home.add("IMG_0001.mp4")
    await home.scan()
    video = await home.video("IMG_0001.mp4")
    await home.services.videos.retitle(video.media_hash, "Anna's birthday", "test")
    path.rename(home.library / "IMG_0002.mp4")
    await home.scan()
    assert await home.titles() == ["Anna's birthday"]
    assert (await home.services.videos.retitle(video.media_hash, "", "test")).title == "IMG 0002"


async def test_empty_files_that_become_films_become_films_of_their_own(home: Home) -> None:
    home.add("a.mp4", b"")
    home.add("b.mp4", b"")
    await home.scan()
    await home.probed()
    assert await home.titles() == []
    assert len(await home.services.gallery.unreadable(10)) == 2
    home.add("a.mp4")
    home.add("b.mp4")
    await home.scan()
    await home.probed()
    assert await home.titles() == ["a", "b"]
    assert await home.services.gallery.unreadable(10) == []


async def test_a_file_still_being_written_waits(home: Home) -> None:
    path = home.library / "copying.mp4"
    path.write_bytes(distinct_video()[:500])
    await home.scan()
    assert await home.titles() == []
    path.write_bytes(distinct_video())

    async def listed() -> bool:
        return await home.titles() == ["copying"]

    await home.until(listed)


async def test_an_unreadable_file_is_listed_apart_and_not_tried_again(home: Home) -> None:
    home.add("text.mp4", b"no film " * 1000)
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    assert await home.titles() == ["film"]
    [unreadable] = await home.services.gallery.unreadable(10)
    assert unreadable.path == b"text.mp4"
    assert unreadable.reason.endswith(".")
    looks = home.services.jobs.tally.unreadable
    await home.scan()
    await home.probed()
    assert home.services.jobs.tally.unreadable == looks == 1
    assert (await home.services.videos.get(unreadable.media_hash)).state is State.UNREADABLE


async def test_a_folder_that_is_away_or_empty_is_offline_and_nothing_is_lost(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    video = await home.video("film.mp4")
    await curate(home, video.media_hash)
    away = home.library.with_name("unplugged")
    home.library.rename(away)
    await home.scan()
    [card] = (await home.services.gallery.browse(Query())).cards
    assert card.offline
    assert home.services.library.progress().offline == ("Videos",)
    home.library.mkdir()  # the mount point of a disk that is not mounted
    await home.scan()
    assert [card.offline for card in (await home.services.gallery.browse(Query())).cards] == [True]
    assert (await home.client.get("/watch/film.mp4")).status_code == 200
    assert (await home.client.get("/video/film.mp4")).status_code == 503
    home.library.rmdir()
    away.rename(home.library)
    assert await home.services.library.drives.check()
    await home.scan()
    assert [card.offline for card in (await home.services.gallery.browse(Query())).cards] == [False]
    await assert_curated(home, video.media_hash)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
async def test_a_disk_inside_the_library_that_is_unmounted_loses_nothing(home: Home) -> None:
    home.add("local.mp4")
    (home.library / "disk").mkdir()
    mount(home.library / "disk")
    try:
        home.add("disk/deep/film.mp4")
        await home.scan()
        video = await home.video("disk/deep/film.mp4")
        await curate(home, video.media_hash)
        content = (home.library / "disk/deep/film.mp4").read_bytes()
    finally:
        unmount(home.library / "disk")
    await home.scan()
    assert {
        card.title: card.offline for card in (await home.services.gallery.browse(Query())).cards
    } == {
        "local": False,
        "film": True,
    }
    assert home.services.library.progress().offline == ("Videos/disk",)
    assert (await home.client.get("/video/disk/deep/film.mp4")).status_code == 503
    assert (await home.client.get("/video/local.mp4")).status_code == 200
    mount(home.library / "disk")
    try:
        assert not await home.services.library.drives.check()
        home.add("disk/deep/film.mp4", content)
        assert await home.services.library.drives.check()
        await home.scan()
        assert [card.offline for card in (await home.services.gallery.browse(Query())).cards] == [
            False,
            False,
        ]
        await assert_curated(home, video.media_hash)
    finally:
        unmount(home.library / "disk")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk")
async def test_another_disk_in_the_place_of_the_library_is_not_believed(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await curate(home, (await home.video("film.mp4")).media_hash)
    mount(home.library)
    try:
        home.add("stranger.mp4")
        await home.scan()
        assert {
            card.title: card.offline for card in (await home.services.gallery.browse(Query())).cards
        }["film"]
    finally:
        unmount(home.library)
    await home.scan()
    await assert_curated(home, (await home.video("film.mp4")).media_hash)
    assert "film" in await home.titles()


def mount(folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True)


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True)


async def test_a_library_no_longer_configured_is_hidden_and_comes_back(tmp_path: Path) -> None:
    async with Home(tmp_path, libraries=("One", "Two")) as home:
        home.add("a.mp4")
        home.add("b.mp4", library=1)
        await home.scan()
        await curate(home, (await home.video("b.mp4", library=1)).media_hash)
        assert await home.titles() == ["a", "b"]
        await home.stop()
        both = home.libraries
        home.libraries = both[:1]
        await home.start()
        assert await home.titles() == ["a"]
        await home.stop()
        home.libraries = both
        await home.start()
        assert await home.titles() == ["a", "b"]
        await assert_curated(home, (await home.video("b.mp4", library=1)).media_hash)


async def test_the_gallery_rows_are_what_a_rebuild_would_give(home: Home) -> None:
    from lvs.db import gallery

    for number in range(5):
        home.add(f"film {number}.mp4")
    await home.scan()
    await home.probed()
    video = await home.video("film 2.mp4")
    await curate(home, video.media_hash)
    (home.library / "film 3.mp4").unlink()
    await home.scan()

    async def rows() -> list[tuple[object, ...]]:
        async with home.services.database.read() as db:
            found = await db.all("SELECT * FROM gallery ORDER BY video_id")
        return [
            tuple(value for key, value in zip(row.keys(), row, strict=True) if key != "version")
            for row in found
        ]

    before = await rows()
    assert len(before) == 4
    async with home.services.database.transaction() as tx:
        ids = [row[0] for row in await tx.all("SELECT id FROM videos")]
        await tx.run("DELETE FROM gallery")
        await gallery.refresh(tx, ids)
    assert await rows() == before


async def test_titles_sort_as_people_count(home: Home) -> None:
    for name in ("film 10", "film 2", "Film 1", "élan", "Zebra", "eland"):
        home.add(f"{name}.mp4")
    await home.scan()
    assert await home.titles(Query(sort=Sort.TITLE, descending=False)) == [
        "élan",
        "eland",
        "Film 1",
        "film 2",
        "film 10",
        "Zebra",
    ]


async def test_films_of_the_first_scan_are_as_old_as_their_files_and_later_ones_are_new(
    home: Home,
) -> None:
    root = home.services.library.active_roots[0]
    home.add("later.mp4")
    await home.services.library.check(
        msgspec.structs.replace(root, scanned_at=None), [b"later.mp4"]
    )
    assert (await home.video("later.mp4")).added_at > OLD_NS // 1_000_000
    await home.stop()
    home.libraries = [home.library.with_name("Another")]
    home.libraries[0].mkdir()
    home.add("first.mp4")
    await home.start()
    assert (await home.video("first.mp4")).added_at == OLD_NS // 1_000_000


async def test_a_copy_put_over_another_film_leaves_both_what_they_were_given(home: Home) -> None:
    first, second = home.add("first.mp4"), home.add("second.mp4")
    await home.scan()
    hashes = [(await home.video(f"{name}.mp4")).media_hash for name in ("first", "second")]
    await curate(home, hashes[0])
    await home.services.ratings.rate(hashes[1], 2, "test")
    home.add("first.mp4", second.read_bytes())
    await home.scan()
    await assert_curated(home, hashes[0])
    assert (await home.services.videos.get(hashes[1])).rating == 2
    assert [(await home.video(f"{name}.mp4")).media_hash for name in ("first", "second")] == hashes
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux",
    reason="only root on Linux may give a thread another user's rights",
)
@pytest.mark.parametrize(
    "mode", [0, 0o744, 0o711], ids=["nothing allowed", "only listed", "only passed through"]
)
@pytest.mark.parametrize("whole", [False, True], ids=["a folder in it", "the library folder"])
async def test_a_folder_that_may_not_be_read_is_offline_and_nothing_in_it_is_lost(
    tmp_path: Path, mode: int, whole: bool
) -> None:
    with TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        home = Home(tmp_path)
        home.libraries = [Path(place)]
        async with home:
            home.add("local.mp4")
            private = home.add("private/film.mp4").parent
            await home.scan()
            media_hash = (await home.video("private/film.mp4")).media_hash
            await curate(home, media_hash)
            closed = home.library if whole else private
            closed.chmod(mode)
            # The threads that look at the disk lose root's rights (setfsuid(2)), which no
            # permission stops.
            nobody = partial(ctypes.CDLL(None).setfsuid, 65534)
            asyncio.get_running_loop().set_default_executor(
                ThreadPoolExecutor(2, initializer=nobody)
            )
            await home.scan()
            cards = (await home.services.gallery.browse(Query())).cards
            assert {card.title: card.offline for card in cards} == {"local": whole, "film": True}
            await assert_curated(home, media_hash)
            assert not await home.services.library.drives.check()
            closed.chmod(0o755)
            assert await home.services.library.drives.check()
            await home.scan()
            assert not any(
                card.offline for card in (await home.services.gallery.browse(Query())).cards
            )
