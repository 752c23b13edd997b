"""The film that an address means, the contents that are one film, and the curation of each."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.home import OLD_NS, Home, distinct_video
from support.media import make_video

from lvs.db.changes import ChangeFilter
from lvs.models import Query
from lvs.services.library.fingerprint import (
    EXTENDED_BLOCK_BYTES,
    EXTENDED_BLOCKS,
    EXTENDED_WHOLE_BYTES,
)

JsonVideo = dict[str, Any]


async def listed(home: Home, query: str = "") -> dict[str, JsonVideo]:
    """The listed videos, by path."""
    answer = await home.client.get(f"/api/videos?limit=500{query}")
    return {video["path"]: video for video in (await answer.get_json())["videos"]}


async def assert_each_plays(home: Home) -> dict[str, JsonVideo]:
    """Every listed film's addresses show and play that film; the list."""
    videos = await listed(home)
    for path, video in videos.items():
        page = await home.client.get(video["url"])
        assert page.status_code == 200, path
        assert video["media_hash"] in await page.get_data(as_text=True), path
        film = await home.client.get(video["stream_url"])
        assert film.status_code == 200, path
        found = await home.services.videos.get(video["media_hash"])
        on_disk = home.services.library.file_path(found.file.root_id, found.file.path)
        assert await film.get_data(as_text=False) == content_of(on_disk), path
    return videos


def content_of(path: bytes) -> bytes:
    return Path(os.fsdecode(path)).read_bytes()


async def serve(home: Home, *libraries: Path) -> None:
    await home.stop()
    home.libraries = list(libraries)
    await home.start()


async def rate(home: Home, name: str, stars: int, library: int = 0) -> str:
    video = await home.video(name, library)
    await home.services.ratings.rate(video.media_hash, stars, "test")
    return video.media_hash


async def stars(home: Home) -> dict[str, int | None]:
    return {path: video["rating"] for path, video in (await listed(home)).items()}


# --- Addresses of libraries ---


async def test_a_folder_and_those_around_it_are_served_in_turn(tmp_path: Path) -> None:
    top = tmp_path / "Disk"
    async with Home(tmp_path, ("Disk/Films/Old",)) as home:
        home.add("clip.mp4")
        (top / "Films/clip.mp4").write_bytes(distinct_video())
        (top / "Old").mkdir()
        (top / "Old/clip.mp4").write_bytes(distinct_video())
        for path in top.rglob("*.mp4"):
            os.utime(path, ns=(OLD_NS, OLD_NS))
        await home.scan()
        await rate(home, "clip.mp4", 5)
        for folder in (top / "Films", top, top / "Films/Old", top):
            await serve(home, folder)
            videos = await assert_each_plays(home)
            rated = [path for path, video in videos.items() if video["rating"] == 5]
            inner = (top / "Films/Old/clip.mp4").relative_to(folder)
            assert rated == [str(inner)]
        await serve(home, top / "Films", top / "Old")
        await assert_each_plays(home)
        assert len(await listed(home)) == 3


@pytest.mark.parametrize("inner", ["Videos", "Videos/Videos", "Videos-2"])
async def test_a_folder_is_named_like_a_library_folder(tmp_path: Path, inner: str) -> None:
    async with Home(tmp_path) as home:
        for name in ("clip.mp4", f"{inner}/clip.mp4", f"{inner}/only.mp4"):
            home.add(name)
        await home.scan()
        assert len(await assert_each_plays(home)) == 3
        other = tmp_path / "elsewhere/Videos"
        other.mkdir(parents=True)
        await serve(home, home.library, other)
        home.add("clip.mp4", library=1)
        home.add(f"{inner}/clip.mp4", library=1)
        await home.scan()
        assert len(await assert_each_plays(home)) == 5


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "still there"])
async def test_a_folder_is_named_like_a_library_folder_of_long_ago(
    tmp_path: Path, gone: bool
) -> None:
    async with Home(tmp_path, ("stick/Holiday",)) as home:
        stick = home.library
        home.add("a.mp4")
        home.add("Holiday/a.mp4")
        await home.scan()
        await rate(home, "a.mp4", 5)
        if gone:
            shutil.rmtree(stick)
        library = tmp_path / "Videos"
        library.mkdir()
        await serve(home, library)
        for name in ("a.mp4", "Holiday/a.mp4"):
            home.add(name)
        await home.scan()
        assert sorted(await assert_each_plays(home)) == ["Holiday/a.mp4", "a.mp4"]


async def test_no_address_leads_to_itself(tmp_path: Path) -> None:
    async with Home(tmp_path, ("One",)) as home:
        home.add("film.mp4")
        await home.scan()
        (tmp_path / "Two").mkdir()
        await serve(home, tmp_path / "Two")
        for address in ("/watch/film.mp4", "/video/film.mp4", "/video/One/film.mp4"):
            assert (await home.client.get(address)).status_code == 404


# --- Identity over time ---


@pytest.mark.parametrize("edited", ["film.mp4", "copy.mp4"])
@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
async def test_the_unedited_of_two_copies_keeps_the_address_and_the_rating(
    home: Home, edited: str, running: bool
) -> None:
    path = home.add("film.mp4")
    await home.scan()
    media_hash = await rate(home, "film.mp4", 5)
    home.add("copy.mp4", path.read_bytes())
    await home.scan()
    if not running:
        await home.stop()
    home.add(edited)
    await (home.scan() if running else home.start())
    videos = await assert_each_plays(home)
    kept = ({"film.mp4", "copy.mp4"} - {edited}).pop()
    assert {path: video["rating"] for path, video in videos.items()} == {edited: None, kept: 5}
    assert videos[kept]["media_hash"] == media_hash


@pytest.mark.parametrize("archived", ["before", "after", "all at the end"])
async def test_a_name_that_is_overwritten_daily_with_an_archive(home: Home, archived: str) -> None:
    days = [distinct_video() for _ in range(4)]
    for number, day in enumerate(days):
        if archived == "before":
            home.add(f"archive/day {number}.mp4", day)
            await home.scan()
        home.add("camera/latest.mp4", day)
        await home.scan()
        await rate(home, "camera/latest.mp4", number + 1)
        if archived == "after":
            home.add(f"archive/day {number}.mp4", day)
            await home.scan()
    if archived == "all at the end":
        for number, day in enumerate(days):
            home.add(f"archive/day {number}.mp4", day)
        await home.scan()
    videos = await assert_each_plays(home)
    assert sorted(video["rating"] for video in videos.values()) == [1, 2, 3, 4]
    for number in range(4):
        found = await home.video(f"archive/day {number}.mp4")
        assert found.rating == number + 1


async def test_given_values_follow_their_content(home: Home) -> None:
    old = home.add("film.mp4").read_bytes()
    await home.scan()
    media_hash = await rate(home, "film.mp4", 5)
    for name in ("first", "both"):
        await home.services.tags.add(media_hash, name, "test")
    await home.services.favorites.set(media_hash, True, "test")
    await home.services.views.count(media_hash, "test")
    await home.services.videos.retitle(media_hash, "The first", "test")
    home.add("film.mp4")
    await home.scan()
    assert (await home.video("film.mp4")).rating == 5  # edited in place: the same film
    await home.services.ratings.rate(media_hash, 2, "test")
    await home.services.tags.remove(media_hash, "both", "test")
    await home.services.tags.add(media_hash, "second", "test")
    await home.services.favorites.set(media_hash, False, "test")
    for _ in range(2):
        await home.services.views.count(media_hash, "test")
    await home.services.videos.retitle(media_hash, "The second", "test")
    await home.services.progress.mark(media_hash, True)
    await home.services.later.set(media_hash, True)
    assert (await home.services.ratings.get(media_hash)).value == 2
    home.add("restored.mp4", old)
    await home.scan()
    assert (await home.services.ratings.get(media_hash)).value == 5
    one, two = await home.video("restored.mp4"), await home.video("film.mp4")
    assert (one.media_hash, one.title) == (media_hash, "The first")
    assert (one.rating, one.tags, one.favorite, one.views) == (5, ("both", "first"), True, 1)
    assert (two.rating, two.tags, two.favorite, two.views) == (2, ("second",), False, 2)
    assert two.title == "The second"
    assert [each.watch_state.watched for each in (one, two)] == [False, True]
    later = home.services.later
    assert [await later.has(each.media_hash) for each in (one, two)] == [False, True]


async def test_a_camera_that_counts_anew_makes_another_film(home: Home, tmp_path: Path) -> None:
    home.add("other.mp4")
    path = home.add("MOV_0001.mp4")
    await home.scan()
    await home.probed()
    media_hash = await rate(home, "MOV_0001.mp4", 5)
    path.unlink()
    await home.scan()
    film = make_video(tmp_path / "other.mp4", seconds=4, size=(64, 36))
    home.add("MOV_0001.mp4", film.read_bytes())
    await home.scan()
    await home.probed()
    assert await stars(home) == {"MOV_0001.mp4": None, "other.mp4": None}
    gone = await home.services.videos.get(media_hash)
    assert (gone.rating, gone.missing) == (5, True)
    page = await (await home.client.get(f"/v/{media_hash}")).get_data(as_text=True)
    assert f"/videos/{media_hash}/handover" in page


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
async def test_another_film_under_the_same_name_is_offered_what_lay_there(
    home: Home, tmp_path: Path, running: bool
) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    media_hash = await rate(home, "film.mp4", 5)
    film = make_video(tmp_path / "other.mp4", seconds=4, size=(64, 36)).read_bytes()
    if not running:
        await home.stop()
    home.add("film.mp4", film)
    await (home.scan() if running else home.start())
    await home.probed()
    assert await stars(home) == {"film.mp4": None}
    page = await (await home.client.get("/watch/film.mp4")).get_data(as_text=True)
    assert f'action="/videos/{media_hash}/handover"' in page
    newcomer = (await home.video("film.mp4")).media_hash
    answer = await home.client.post(
        f"/videos/{media_hash}/handover",
        form={"to": newcomer},
        headers={"Origin": "http://localhost"},
    )
    assert answer.status_code == 303
    await home.probed()
    assert await stars(home) == {"film.mp4": 5}
    page = await (await home.client.get("/watch/film.mp4")).get_data(as_text=True)
    assert "/handover" not in page


async def test_a_recording_that_grows_is_one_film(home: Home, tmp_path: Path) -> None:
    for seconds in (2, 6, 12):
        film = make_video(tmp_path / f"{seconds}.mp4", seconds=seconds, size=(64, 36))
        path = home.add("recording.mp4", film.read_bytes())
        at = OLD_NS + seconds * 60 * 10**9
        os.utime(path, ns=(at, at))
        await home.scan()
        await home.probed()
        if seconds == 2:
            await rate(home, "recording.mp4", 4)
    assert await stars(home) == {"recording.mp4": 4}


# --- Equal samples ---


def tape(scene: bytes, size: int = 3_000_000) -> bytes:
    """A tape that is black where samples are taken, with a scene between."""
    black = bytes(range(16)) * (size // 16)
    return black[: size // 4] + scene + black[size // 4 + len(scene) :]


TAPES = [tape(scene * 20_000) for scene in (b"sea ", b"town", b"wood")]


async def test_tapes_with_equal_samples_are_films_of_their_own(home: Home) -> None:
    for number, content in enumerate(TAPES):
        home.add(f"tape {number}.avi", content)
    await home.scan()
    videos = [await home.video(f"tape {number}.avi") for number in range(3)]
    assert len({video.id for video in videos}) == 3
    for number, video in enumerate(videos):
        await home.services.ratings.rate(video.media_hash, number + 1, "test")
    await home.stop()
    for number in range(3):  # all change their names, and one comes twice
        (home.library / f"tape {number}.avi").rename(home.library / f"renamed {2 - number}.avi")
    shutil.copy2(home.library / "renamed 0.avi", home.library / "copy.avi")
    await home.start()
    for number in range(3):
        assert (await home.video(f"renamed {2 - number}.avi")).rating == number + 1
    assert (await home.video("copy.avi")).rating == 3


async def test_a_tape_in_the_place_of_another_is_not_taken_for_it(home: Home) -> None:
    home.add("a/tape.avi", TAPES[0])
    await home.scan()
    media_hash = await rate(home, "a/tape.avi", 5)
    await home.stop()
    (home.library / "a/tape.avi").unlink()
    home.add("b/other.avi", TAPES[1])
    await home.start()
    assert (await home.video("b/other.avi")).rating == 0
    home.add("c/found again.avi", TAPES[0])
    await home.scan()
    assert (await home.video("c/found again.avi")).media_hash == media_hash


async def test_copies_are_compared_before_a_page_says_they_are_the_same(home: Home) -> None:
    samples = os.urandom(3_000_000)  # no picture is uniform here
    content = [
        samples[:800_000] + scene * 50_000 + samples[1_000_000:] for scene in (b"sea ", b"town")
    ]
    home.add("one.avi", content[0])
    home.add("two.avi", content[1])
    home.add("same/one.avi", content[0])
    await home.scan()
    media_hash = await rate(home, "one.avi", 5)
    page = await (await home.client.get("/admin/duplicates")).get_data(as_text=True)
    assert "not compared yet" in page
    while await home.services.comparison.compare_some():
        pass
    videos = {name: await home.video(name) for name in ("one.avi", "two.avi", "same/one.avi")}
    assert videos["one.avi"].id == videos["same/one.avi"].id != videos["two.avi"].id
    assert (videos["one.avi"].media_hash, videos["one.avi"].rating) == (media_hash, 5)
    assert videos["two.avi"].rating == 0
    page = await (await home.client.get("/admin/duplicates")).get_data(as_text=True)
    assert "the same content" in page
    assert "not compared yet" not in page
    assert len(await listed(home)) == 2
    (home.library / "two.avi").rename(home.library / "three.avi")  # and it stays that film
    await home.scan()
    assert (await home.video("three.avi")).id == videos["two.avi"].id


def long_tape(path: Path, scene: bytes) -> None:
    """A long black tape with a scene where not even the extended fingerprint looks."""
    size = EXTENDED_WHOLE_BYTES + (16 << 20)
    last = size - EXTENDED_BLOCK_BYTES
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(last * 10 // (EXTENDED_BLOCKS - 1) + EXTENDED_BLOCK_BYTES + 1000)
        file.write(scene)
    os.utime(path, ns=(OLD_NS, OLD_NS))


async def test_long_films_are_wholly_compared_before_a_page_says_they_are_the_same(
    home: Home,
) -> None:
    for name, scene in (("sea", b"sea"), ("town", b"town"), ("copy of sea", b"sea")):
        long_tape(home.library / f"{name}.avi", scene)
    await home.scan()
    page = await (await home.client.get("/admin/duplicates")).get_data(as_text=True)
    assert "not compared yet" in page
    while await home.services.comparison.compare_some():
        pass
    names = ("sea.avi", "town.avi", "copy of sea.avi")
    sea, town, copy = [await home.video(name) for name in names]
    assert sea.id == copy.id != town.id
    page = await (await home.client.get("/admin/duplicates")).get_data(as_text=True)
    assert "not compared yet" not in page
    for name in ("sea.avi", "town.avi"):
        await home.services.tags.add((await home.video(name)).media_hash, name[:-4], "test")
        (home.library / name).rename(home.library / f"renamed {name}")
    long_tape(home.library / "wood.avi", b"wood")
    shutil.copy2(home.library / "renamed town.avi", home.library / "copy of town.avi")
    await home.scan()
    found = {path.name: await home.video(path.name) for path in home.library.glob("*.avi")}
    tags = {name: video.tags for name, video in found.items()}
    assert tags == {
        "renamed sea.avi": ("sea",),
        "copy of sea.avi": ("sea",),
        "renamed town.avi": ("town",),
        "copy of town.avi": ("town",),
        "wood.avi": (),
    }
    assert len({video.id for video in found.values()}) == 3


# --- One step to what a film was given ---


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Films/Trip (2010).avi", "Films/Trip (2010).mp4"),
        ("Trip.2010.mkv", "New disk/2010/Trip.2010.mp4"),
        ("Käse & Söhne.mpg", "käse & söhne.mp4"),
    ],
)
@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
async def test_a_better_encode_with_another_name_gets_everything_in_one_step(
    home: Home, before: str, after: str, running: bool
) -> None:
    path = home.add(before)
    await home.scan()
    media_hash = await rate(home, before, 5)
    await home.services.tags.add(media_hash, "family", "test")
    if not running:
        await home.stop()
    path.unlink()
    home.add(after)
    await (home.scan() if running else home.start())
    page = await home.client.get(f"/v/{media_hash}")
    text = await page.get_data(as_text=True)
    newcomer = (await home.video(after)).media_hash
    assert page.status_code == 404
    assert f'value="{newcomer}"' in text
    await home.services.tags.add(newcomer, "sharp", "test")
    headers = {"Origin": "http://localhost"}
    address = f"/videos/{media_hash}/handover"
    answer = await home.client.post(address, form={"to": newcomer}, headers=headers)
    assert answer.status_code == 303
    video = await home.video(after)
    assert (video.rating, video.tags) == (5, ("family", "sharp"))
    for name in (media_hash, newcomer):
        assert (await home.services.videos.get(name)).id == video.id
    await assert_each_plays(home)
    assert len(await listed(home)) == 1
    again = await home.client.post(address, form={"to": newcomer}, headers=headers)
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("now", "name"),
    [("edited", "trip/a.mp4"), ("encoded anew", "trip/a.mkv"), ("both", "deeper/trip/a.mp4")],
)
@pytest.mark.parametrize("kept", [True, False], ids=["the old disk is there", "it is gone"])
async def test_a_film_that_changed_on_its_new_disk_is_offered_what_it_had_on_the_old_one(
    tmp_path: Path, now: str, name: str, kept: bool
) -> None:
    async with Home(tmp_path, ("old/Videos",)) as home:
        path = home.add("trip/a.mp4")
        home.add("b.mp4")
        await home.scan()
        media_hash = await rate(home, "trip/a.mp4", 5)
        new = tmp_path / "new" / "Videos"
        top = new.joinpath(*Path(name).parts[:-2])
        if now == "encoded anew":
            new.mkdir(parents=True)
        else:
            shutil.copytree(home.library, top)
        if not kept:
            shutil.rmtree(home.library)
        await serve(home, new)
        if now == "encoded anew":
            home.add("b.mkv")
        else:
            assert (await stars(home))[name] == 5
        home.add(name)
        await home.scan()
        newcomer = (await home.video(name)).media_hash
        assert newcomer != media_hash
        page = await (await home.client.get(f"/watch/{name}")).get_data(as_text=True)
        assert f'action="/videos/{media_hash}/handover"' in page
        other = "b.mkv" if now == "encoded anew" else f"{name[: -len('trip/a.mp4')]}b.mp4"
        page = await (await home.client.get(f"/watch/{other}")).get_data(as_text=True)
        assert "/handover" not in page
        answer = await home.client.post(
            f"/videos/{media_hash}/handover",
            form={"to": newcomer},
            headers={"Origin": "http://localhost"},
        )
        assert answer.status_code == 303
        assert (await stars(home))[name] == 5
        await assert_each_plays(home)
        assert path.exists() is kept


async def test_only_missing_films_can_be_handed_over(home: Home) -> None:
    home.add("one.avi")
    home.add("one.mp4")
    await home.scan()
    one, other = [(await home.video(f"one.{kind}")).media_hash for kind in ("avi", "mp4")]
    headers = {"Origin": "http://localhost"}
    for gone, to, code in ((one, other, 409), (one, one, 409), (one, "0" * 16, 404)):
        answer = await home.client.post(
            f"/videos/{gone}/handover", form={"to": to}, headers=headers
        )
        assert answer.status_code == code
    assert len(await listed(home)) == 2


async def _everything(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """All rows about videos, but for lines that were only added and what is derived."""
    tables = (
        *("videos", "files", "ratings", "views", "favorites", "video_tags", "progress", "later"),
        *("fingerprints", "extended_fingerprints", "aliases", "playlist_items", "projections"),
    )
    async with home.services.database.read() as db:
        found = {table: sorted(await db.tuples(f"SELECT * FROM {table}")) for table in tables}
        sql = "SELECT id, video_id, what, old, new FROM changes WHERE what <> 'handover'"
        return found | {"changes": sorted(await db.tuples(sql))}


async def _two_films_of_one_name(home: Home) -> tuple[str, str]:
    """Make a missing and a present film, each with a value of every kind; their hashes."""
    services = home.services
    home.add("other.mp4")
    path = home.add("trip.avi")
    await home.scan()
    gone = await rate(home, "trip.avi", 5)
    both = await services.playlists.create("Both")
    path.unlink()
    home.add("trip.mp4")
    await home.scan()
    listed = await rate(home, "trip.mp4", 3)
    for number, name in enumerate((gone, listed)):
        await services.tags.add(name, "family", "test")
        await services.tags.add(name, f"of {number}", "test")
        await services.views.count(name, "test")
        await services.favorites.set(name, number == 0, "test")
        await services.later.set(name, True)
        await services.playlists.add(both, name)
    await home.probed()
    return gone, listed


async def _hand_over(home: Home, gone: str, to: str) -> None:
    answer = await home.client.post(
        f"/videos/{gone}/handover", form={"to": to}, headers={"Origin": "http://localhost"}
    )
    assert answer.status_code == 303


async def _undo_latest(home: Home) -> str:
    """Take the latest handover back, as the button of the journal does; why it was not, if so."""
    entries, _ = await home.services.journal.page(ChangeFilter(what="handover"))
    [latest, *_] = [entry for entry in entries if entry.change.undoes is None]
    return (await home.services.journal.undo(latest.change.id, "test")).reason


async def test_a_handover_is_taken_back_as_if_it_had_never_been(home: Home) -> None:
    gone, listed = await _two_films_of_one_name(home)
    before = await _everything(home)
    for _ in range(2):
        await _hand_over(home, gone, listed)
        assert (await home.video("trip.mp4")).media_hash == gone
        await home.probed()
        assert await _undo_latest(home) == ""
        after = await _everything(home)
        for table, rows in before.items():
            assert after[table] == rows, table
    await assert_each_plays(home)
    assert (await home.video("trip.mp4")).media_hash == listed
    assert await stars(home) == {"trip.mp4": 3, "other.mp4": None}
    answer = await home.client.get("/admin/changes?what=handover")
    assert "moved to another film" in await answer.get_data(as_text=True)


async def test_values_given_after_a_handover_stay_with_the_present_film(
    home: Home,
) -> None:
    services = home.services
    gone, listed = await _two_films_of_one_name(home)
    await _hand_over(home, gone, listed)
    await services.ratings.rate(gone, 1, "test")
    await services.tags.add(gone, "since", "test")
    await services.tags.remove(gone, "family", "test")
    await services.views.count(gone, "test")
    (home.library / "trip.mp4").rename(home.library / "renamed.mp4")
    await home.scan()
    entries, _ = await services.journal.page(ChangeFilter(what="handover"))
    assert (await services.journal.undo(entries[0].change.id, "test")).reason == ""
    old, new = await services.videos.get(gone), await services.videos.get(listed)
    assert (old.rating, old.tags, old.views, old.missing) == (5, ("family", "of 0"), 1, True)
    assert (new.rating, new.tags, new.views) == (1, ("of 1", "since"), 2)
    assert new.file.path == b"renamed.mp4"
    [undone] = [
        e
        for e in (await services.journal.page(ChangeFilter(what="handover")))[0]
        if e.change.undoes
    ]
    assert (await services.journal.undo(undone.change.id, "test")).reason == ""  # joined again
    joined = await home.video("renamed.mp4")
    assert (joined.media_hash, joined.rating, joined.views) == (gone, 1, 3)
    assert await _undo_latest(home) == ""
    assert (await home.video("renamed.mp4")).media_hash == listed


async def test_a_handover_is_no_longer_to_be_taken_back_once_both_films_are_there(
    home: Home,
) -> None:
    path = home.add("trip.avi")
    content = path.read_bytes()
    await home.scan()
    gone = await rate(home, "trip.avi", 5)
    path.unlink()
    home.add("trip.mp4")
    await home.scan()
    listed = (await home.video("trip.mp4")).media_hash
    await _hand_over(home, gone, listed)
    home.add("found.avi", content)
    await home.scan()
    assert len(await assert_each_plays(home)) == 2
    assert "two videos already" in await _undo_latest(home)
    assert await stars(home) == {"found.avi": 5, "trip.mp4": None}


# --- Several places ---


@pytest_asyncio.fixture
async def two_roots(tmp_path: Path) -> AsyncIterator[Home]:
    async with Home(tmp_path, ("Disk", "Mirror")) as home:
        yield home


async def test_a_film_is_once_in_the_whole_and_in_every_folder_it_lies_in(home: Home) -> None:
    beach = home.add("All/2019/beach.mp4")
    home.add("All/2020/snow.mp4")
    for folder in ("For Grandma", "Best of"):
        (home.library / folder).mkdir()
        os.link(beach, home.library / folder / "sunny day.mp4")
    for in_memory in (True, False):
        await home.scan()
        if not in_memory:
            home.services.gallery._index = None
        assert len(await listed(home)) == 2
        for folder, count in (("All", 2), ("All/2019", 1), ("For%20Grandma", 1), ("Best%20of", 1)):
            assert len(await listed(home, f"&folder={folder}")) == count, folder
        for words, count in (("grandma", 1), ("sunny", 1), ("best", 1), ("beach", 1), ("snow", 1)):
            assert len(await listed(home, f"&q={words}")) == count, words
        found = await home.services.gallery.find(Query())
        counts = {os.fsdecode(folder.path): folder.count for folder in found.folders}
        assert counts == {"All": 2, "For Grandma": 1, "Best of": 1}
    (home.library / "Best of/sunny day.mp4").unlink()
    await home.scan()
    assert await listed(home, "&folder=Best%20of") == {}
    assert await listed(home, "&q=best") == {}
    assert len(await listed(home, "&q=sunny")) == 1


async def test_a_mirrored_library_shows_each_film_once_and_in_both(two_roots: Home) -> None:
    home = two_roots
    contents = [distinct_video() for _ in range(3)]
    for number, content in enumerate(contents):
        home.add(f"film {number}.mp4", content)
        home.add(f"kept/film {number}.mp4", content, library=1)
    home.add("own.mp4", library=1)
    await home.scan()
    for in_memory in (True, False):
        if not in_memory:
            home.services.gallery._index = None
        assert len(await listed(home)) == 4
        for folder, count in (("Disk", 3), ("Mirror", 4), ("Mirror/kept", 3)):
            assert len(await listed(home, f"&folder={folder}")) == count, folder


@pytest.mark.parametrize("into", ["", "From the old disk/"])
@pytest.mark.parametrize("deleted", [0, 1])
async def test_a_library_folder_is_emptied_into_another(
    two_roots: Home, into: str, deleted: int
) -> None:
    home = two_roots
    for number in range(3):
        home.add(f"f{number}.mp4")
        await home.scan()
        await rate(home, f"f{number}.mp4", 4)
    home.add("own.mp4", library=1)
    await home.scan()
    await home.stop()
    old, new = home.libraries
    (new / into).mkdir(exist_ok=True)
    for path in sorted(old.iterdir()):
        path.rename(new / into / path.name)
    for number in range(deleted):
        (new / into / f"f{number}.mp4").unlink()
    await home.start()
    overview = await home.services.overviews.now()
    assert overview.duplicates == 0
    offline = home.services.library.progress().offline
    assert list(offline) == (["Disk"] if deleted else [])
    rated = [video for video in (await listed(home)).values() if video["rating"] == 4]
    assert len(rated) == 3  # what nobody can tell stays in sight, on a folder that may be offline
