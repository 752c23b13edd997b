"""Imports from Stash, XBVR, Jellyfin, .nfo files and digiKam: what is taken, how films are found,
what is refused, and that nothing of LVS's own is lost.
"""

import json
import os
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import foreign, processes
from support.foreign import AT, AT_MS
from support.home import Home, distinct_video

from lvs.db import curation_rows, markers
from lvs.db.changes import ChangeFilter
from lvs.errors import Invalid
from lvs.models import Video
from lvs.services.backup import snapshot_reader, snapshots
from lvs.services.backup.export import as_json
from lvs.services.backup.restore import restore_records
from lvs.services.backup.side_files import SideFileKind, SideFilesExport
from lvs.services.curation.markers import checked_markers
from lvs.services.events import Events
from lvs.services.imports import digikam, jellyfin, nfo, stash, xbvr
from lvs.services.imports.foreign_library import oshash_of, path_of, stars_of
from lvs.services.imports.importer import ForeignImport, ForeignReport
from lvs.services.imports.matcher import NO_FILE, NO_PLACE, SEVERAL

pytestmark = pytest.mark.usefixtures("counted")

Read = Callable[..., Any]


async def take(home: Home, read: Read, path: Path, dry_run: bool = False) -> ForeignReport:
    return await ForeignImport(home.services.database, Events()).take(read(path), dry_run)


async def library(home: Home, *names: str) -> dict[str, Video]:
    for name in names:  # an OpenSubtitles hash takes 128 KiB
        home.add(name, distinct_video() + struct.pack(">I4s", 200_008, b"free") + bytes(200_000))
    await home.scan()
    await home.probed()
    return {name: await home.video(name) for name in names}


async def video(home: Home, name: str) -> Video:
    home.services.cache.clear()
    return await home.video(name)


def oshash(film: Video) -> str:
    return film.file.oshash


def counts(report: ForeignReport) -> dict[str, int]:
    found: Any = report.to_json()["counts"]
    return dict(found["taken"])


# --- Each program ---


async def test_stash_gives_stars_tags_views_and_positions(home: Home, tmp_path: Path) -> None:
    films = await library(home, "a.mp4", "trips/b.mp4", "c.mp4")
    path = foreign.stash(
        tmp_path / "stash-go.sqlite",
        {
            "folders(id, path)": [(1, "/data/moved"), (2, "/data/trips")],
            "files(id, basename, parent_folder_id, size)": [
                (1, "renamed.mp4", 1, 1),
                (2, "b.mp4", 2, 1),
                (3, "c.mp4", 1, films["c.mp4"].files[0].size_bytes),
                (4, "elsewhere.mp4", 1, 5),
            ],
            "video_files(file_id, duration)": [(3, films["c.mp4"].probe.duration_s)],
            "files_fingerprints": [(1, "oshash", oshash(films["a.mp4"])), (1, "phash", 12345)],
            "scenes(id, title, rating, resume_time)": [
                (1, "A", 80, 0.2),
                (2, None, 10, 0),
                (3, "C", None, 0),
                (4, "D", 100, 0),
                (5, "never touched", None, 0),
            ],
            "scenes_files": [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, 1)],
            "tags(id, name)": [(1, "Snow"), (2, "alps"), (3, "\x00")],
            "scenes_tags": [(1, 1), (1, 2), (1, 3), (3, 1)],
            "scenes_view_dates": [(1, "2024-01-01T00:00:00Z"), (1, AT)],
            "scene_markers(scene_id, title, seconds, primary_tag_id, end_seconds)": [
                (1, "", 0.25, 1, None),
                (1, "Summit", 0.1, 2, 0.15),
                (1, "nowhere", -5, 2, None),
            ],
        },
    )
    report = await take(home, stash.read, path)
    assert report.matched == {"oshash": 1, "path_end": 1, "name": 1}
    assert [(film.path, film.why) for film in report.unmatched] == [
        ("/data/moved/elsewhere.mp4", NO_FILE)
    ]
    assert counts(report) == {"rating": 2, "views": 1, "tag": 3, "position": 1, "markers": 1}
    assert (report.nothing, report.not_understood) == (1, 1)
    a = await video(home, "a.mp4")
    assert (a.rating, a.views, a.last_viewed_at) == (4, 2, AT_MS)
    assert a.tags == ("alps", "Snow")
    answer = await (await home.client.get(f"/api/videos/{a.media_hash}")).get_json()
    assert answer["chapters"] == [
        {"title": "Summit", "start_s": 0.1, "end_s": 0.15},
        {"title": "Snow", "start_s": 0.25, "end_s": 0.25},
    ]
    page = await (await home.client.get("/watch/a.mp4")).get_data(as_text=True)
    assert "Summit" in page
    assert (await video(home, "trips/b.mp4")).rating == 1
    async with home.services.database.read() as db:
        sql = "SELECT position_s FROM progress WHERE video_id = ?"
        assert await db.value(sql, (a.id,)) == 0.2


async def test_xbvr_gives_hearts_and_the_watchlist(home: Home, tmp_path: Path) -> None:
    films = await library(home, "a.mp4", "b.mp4")
    path = foreign.xbvr(
        tmp_path / "main.db",
        {
            "scenes(id, title, star_rating, favourite, watchlist, is_watched, deleted_at)": [
                (1, "A", 4.5, 1, 1, 1, None),
                (2, "B", 0, 0, 1, 0, None),
                (3, "deleted", 5, 1, 1, 1, AT),
                (4, "only heard of", 5, 0, 1, 0, None),
            ],
            "files(id, scene_id, path, filename, size, type, video_duration, os_hash)": [
                (1, 1, "D:\\VR", "x.mp4", 1, "video", 1.0, oshash(films["a.mp4"]).lstrip("0")),
                (2, 2, "D:\\VR", "y.mp4", 1, "video", 1.0, oshash(films["b.mp4"]).upper()),
                (3, 2, "D:\\VR", "y.funscript", 1, "script", 0, ""),
            ],
            "tags(id, name)": [(1, "180")],
            "scene_tags": [(1, 1)],
            "histories(scene_id, time_end)": [(1, "2025-03-01 10:20:30+00:00")],
            "scene_cuepoints(scene_id, time_start, name)": [(1, 0.2, "start"), (1, None, "x")],
        },
    )
    report = await take(home, xbvr.read, path)
    assert report.matched == {"oshash": 2}
    assert not report.unmatched
    a = await video(home, "a.mp4")
    assert (a.rating, a.favorite, a.views, a.tags) == (5, True, 1, ("180",))
    assert home.services.progress.of_video(a).watched or counts(report)["watched"] == 1
    [playlist] = await home.services.playlists.every()
    assert (playlist.playlist.name, playlist.count) == ("Watchlist", 2)
    again = await take(home, xbvr.read, path)
    assert not again.given.changed


async def test_jellyfin_gives_what_one_user_gave(home: Home, tmp_path: Path) -> None:
    await library(home, "a.mp4", "b.mp4")
    folder = home.library.resolve()
    ticks = 5_000_000
    items: dict[str, list[tuple[Any, ...]]] = {
        "BaseItems(Id, Type, Path, Name, RunTimeTicks, Size, Tags, Genres, MediaType, IsFolder,"
        " Data)": [
            ("A", "Movie", f"{folder}/a.mp4", "a", ticks, None, "Snow|alps", "Sport", "Video", 0,
             None),
            ("B", "Movie", f"{folder}/b.mp4", "b", ticks, None, None, None, "Video", 0, None),
            ("P", "MediaBrowser.Controller.Playlists.Playlist", "/p", "Winter", 0, None, None,
             None, None, 1, json.dumps({"LinkedChildren": [{"Path": f"{folder}/b.mp4"},
                                                            {"Path": "/gone.mp4"}]})),
            ("Q", "MediaBrowser.Controller.Playlists.Playlist", "/q", "Broken", 0, None, None,
             None, None, 1, "[1"),
        ],
        "Users": [("U1", "anna"), ("U2", "ben"), ("U3", "idle")],
        "UserData(ItemId, UserId, CustomDataKey, Rating, PlaybackPositionTicks, PlayCount,"
        " IsFavorite, LastPlayedDate, Played)": [
            ("A", "U1", "a", 7, 2_000_000, 3, 1, "2025-03-01 10:20:30", 0),
            ("A", "U1", "tt1", 7, 2_000_000, 3, 1, "2025-03-01 10:20:30", 0),
            ("A", "U1", "old", 9, 1_000_000, 1, 0, "2024-03-01 10:20:30", 0),
            ("B", "U1", "old", 6, 0, 0, 0, None, 0),
            ("B", "U1", "b", None, 0, 1, 0, None, 1),
            ("A", "U2", "a", 2, 0, 0, 0, None, 0),
        ],
    }  # fmt: skip
    path = foreign.jellyfin(tmp_path / "jellyfin.db", items)
    with pytest.raises(Invalid, match=r"Choose one with --user: anna, ben\."):
        jellyfin.read(path)
    with pytest.raises(Invalid, match="no data of a user carl"):
        jellyfin.read(path, "carl")
    report = await take(home, lambda file: jellyfin.read(file, "anna"), path)
    assert report.matched == {"path": 2}
    a, b = await video(home, "a.mp4"), await video(home, "b.mp4")
    assert (a.rating, a.favorite, a.views, a.last_viewed_at) == (4, True, 3, AT_MS)
    assert a.tags == ("alps", "Snow", "Sport")
    assert counts(report)["position"] == counts(report)["watched"] == 1
    assert (b.views, b.rating) == (1, 3)
    # one film, though Jellyfin keeps what it was given under several keys
    assert (len(report.library.videos), counts(report)["rating"]) == (2, 2)
    assert report.given.different == []
    [playlist] = await home.services.playlists.every()
    assert (playlist.playlist.name, playlist.count) == ("Winter", 1)
    assert report.not_understood == 1


async def test_nfo_files_beside_films_and_those_of_our_own_export(
    home: Home, tmp_path: Path
) -> None:
    films = await library(home, "a.mp4", "one/film.mkv", "trips/c.mp4", "d.mp4")
    notes = {
        "a.nfo": "<movie><title>The Alps</title><userrating>9</userrating><tag>Snow</tag>"
        "<genre>Sport</genre><playcount>2</playcount><lastplayed>2025-03-01 10:20:30</lastplayed>"
        "</movie>\nhttps://example.com/a",
        "one/movie.nfo": "<movie><rating>6.4</rating></movie>",
        "tvshow.nfo": "<tvshow><title>x</title></tvshow>",
        "words.nfo": "just the text of a release",
        "d.nfo": "<movie><userrating>99</userrating>",
        "bomb.nfo": '<!DOCTYPE x [<!ENTITY a "b">]><movie><title>&a;</title></movie>',
    }
    for name, text in notes.items():
        (home.library / name).write_text(text)
    report = await take(home, nfo.read, home.library)
    assert report.matched == {"path": 2}
    a = await video(home, "a.mp4")
    assert (a.title, a.rating, a.views, a.last_viewed_at) == ("The Alps", 5, 2, AT_MS)
    assert a.tags == ("Snow", "Sport")
    assert (await video(home, "one/film.mkv")).rating == 3
    assert report.not_understood == 2  # no XML; a document type
    # what LVS exports itself comes back, wherever the files lie
    await home.services.ratings.rate(films["trips/c.mp4"].media_hash, 2, "tester")
    await SideFilesExport(home.services.database, tmp_path / "out", SideFileKind.NFO, ()).write(
        lambda _: None
    )
    await home.services.ratings.clear(films["trips/c.mp4"].media_hash, "import nfo")
    async with home.services.database.transaction() as tx:
        await tx.run("DELETE FROM changes")
    report = await take(home, nfo.read, tmp_path / "out")
    assert report.matched["own_hash"] == 4
    assert (await video(home, "trips/c.mp4")).rating == 2


async def test_digikam_gives_stars_and_tags(home: Home, tmp_path: Path) -> None:
    films = await library(home, "2019/alps/a.mp4", "b.mp4")
    size = films["b.mp4"].files[0].size_bytes
    path = foreign.digikam(
        tmp_path / "digikam4.db",
        {
            "AlbumRoots(id, status, type, specificPath)": [(1, 0, 1, "/photos")],
            "Albums(id, albumRoot, relativePath)": [(1, 1, "/2019/alps"), (2, 1, "/")],
            "Images(id, album, name, status, category, fileSize)": [
                (1, 1, "a.mp4", 1, 2, 7),
                (2, 2, "b.mp4", 1, 2, size),
                (3, 1, "picture.jpg", 1, 1, 7),
                (4, 1, "trashed.mp4", 3, 2, 7),
            ],
            "ImageInformation(imageid, rating)": [(1, 4), (2, -1), (3, 5)],
            "Tags(id, pid, name)": [
                (1, 0, "_Digikam_Internal_Tags_"),
                (2, 1, "Pick Label None"),
                (3, 0, "Family"),
            ],
            "ImageTags": [(1, 2), (1, 3), (2, 3)],
        },
    )
    report = await take(home, digikam.read, path)
    assert report.matched == {"path_end": 1, "name": 1}
    a = await video(home, "2019/alps/a.mp4")
    assert (a.rating, a.tags) == (4, ("Family",))
    assert (await video(home, "b.mp4")).tags == ("Family",)


async def test_markers_are_undone_and_come_back_with_backups(home: Home, tmp_path: Path) -> None:
    films = await library(home, "a.mp4")
    film = films["a.mp4"]
    path = simple(tmp_path / "one.sqlite", film)
    with closing(sqlite3.connect(path)) as db:
        db.executemany(
            "INSERT INTO scene_markers (scene_id, title, seconds, primary_tag_id)"
            " VALUES (1, ?, ?, 1)",
            [("one", 0.1), ("two", 0.2)],
        )
        db.commit()
    await take(home, stash.read, path)
    exported = b"".join([piece async for piece in as_json(home.services.database)])
    [record] = json.loads(exported)["videos"]
    assert record["markers"] == [["one", 100, 200], ["two", 200, 200]]
    [kept] = curation_rows.every(home.services.config.metadata_db)
    folder = tmp_path / "snapshot"
    folder.mkdir()
    snapshots.write(home.services.config.metadata_db, folder)
    entries, _ = await home.services.journal.page(ChangeFilter(what="markers"))
    assert not (await home.services.journal.undo(entries[0].change.id, "tester")).reason
    async with home.services.database.read() as db:
        assert await markers.of_video(db, film.id) == ""
    assert "markers given" in await (await home.client.get("/admin/changes")).get_data(as_text=True)
    snapshot = snapshot_reader.read(folder)
    assert snapshot.kept[film.media_hash].markers == kept.markers
    gains = await restore_records(home.services.database, snapshot.kept.values())
    assert gains.markers == 1
    async with home.services.database.read() as db:
        assert await markers.of_video(db, film.id) == kept.markers
    for wrong in ("x", [["one", 100]], [["one", 200, 100]], [[1, 2, 3]], [["", "x", 1]]):
        with pytest.raises(Invalid):
            checked_markers(wrong)


# --- For all of them ---


def simple(path: Path, film: Video, rating: int = 60, **more: Any) -> Path:
    """A Stash with one scene, with stars, a tag and a view."""
    return foreign.stash(
        path,
        {
            "folders(id, path)": [(1, "/x")],
            "files(id, basename, parent_folder_id, size)": [(1, "x.mp4", 1, 1)],
            "files_fingerprints": [(1, "oshash", oshash(film))],
            "scenes(id, title, rating, resume_time)": [(1, "A", rating, 0)],
            "scenes_files": [(1, 1, 1)],
            "tags(id, name)": [(1, "snow")],
            "scenes_tags": [(1, 1)],
            "scenes_view_dates": [(1, AT)],
        },
        **more,
    )


async def test_an_import_keeps_what_was_given_here_and_can_be_undone(
    home: Home, tmp_path: Path
) -> None:
    films = await library(home, "a.mp4")
    media_hash = films["a.mp4"].media_hash
    path = simple(tmp_path / "one.sqlite", films["a.mp4"])
    before = path.read_bytes()
    dry = await take(home, stash.read, path, dry_run=True)
    assert counts(dry) == {"rating": 1, "views": 1, "tag": 1}
    assert (await video(home, "a.mp4")).rating == 0
    assert counts(await take(home, stash.read, path)) == counts(dry)
    assert not (await take(home, stash.read, path)).given.changed
    entries, _ = await home.services.journal.page(ChangeFilter(client="import stash"))
    assert sorted(entry.change.what for entry in entries) == ["rating", "tag", "view"]
    for entry in entries:
        assert not (await home.services.journal.undo(entry.change.id, "tester")).reason
    a = await video(home, "a.mp4")
    assert (a.rating, a.tags, a.views) == (0, (), 0)
    report = await take(home, stash.read, path)  # what was taken away here stays away
    assert sorted(item.what for item in report.given.different) == ["rating", "tag"]
    await home.services.ratings.rate(media_hash, 5, "tester")
    report = await take(home, stash.read, path)
    assert (await video(home, "a.mp4")).rating == 5
    assert path.read_bytes() == before


async def test_a_film_is_never_guessed_at(home: Home, tmp_path: Path) -> None:
    films = await library(home, "one/a.mp4", "two/a.mp4")
    async with home.services.database.transaction() as tx:
        await tx.run("UPDATE files SET size_bytes = 1000")
    path = foreign.stash(
        tmp_path / "x.sqlite",
        {
            "folders(id, path)": [(1, "/elsewhere"), (2, "/data/two")],
            "files(id, basename, parent_folder_id, size)": [
                (1, "a.mp4", 1, 1000),
                (2, "a.mp4", 2, 1000),
            ],
            "scenes(id, title, rating, resume_time)": [(n, "", 60, 0) for n in (1, 2, 3)],
            "scenes_files": [(1, 1, 1), (2, 2, 1)],
        },
    )
    report = await take(home, stash.read, path)
    assert [film.why for film in report.unmatched] == [SEVERAL, NO_PLACE]
    assert (await video(home, "two/a.mp4")).rating == 3
    assert (await video(home, "one/a.mp4")).rating == 0
    assert films


@pytest.mark.parametrize(
    ("make", "read", "message"),
    [
        (lambda path: foreign.stash(path, {}, version=31), stash.read,
         "no database of Stash that LVS can read (schema 31): LVS knows schemas 55 to 85; start a"),
        (lambda path: foreign.stash(path, {}, version=999), stash.read, "(schema 999)"),
        (lambda path: foreign.stash(path, {}, dirty=True), stash.read, "was broken off"),
        (lambda path: foreign.xbvr(path, {}), stash.read, "it has no table schema_migrations"),
        (lambda path: foreign.made(path, foreign.XBVR.replace("os_hash", "x"),
                                   {"migrations": [("0012",)]}), xbvr.read,
         "XBVR that LVS can read (migration 0012): the table files has no column os_hash."),
        (lambda path: foreign.xbvr(path, {}, "0412-later"), xbvr.read,
         "(migration 0412-later): LVS knows migrations 1 to 99."),
        (lambda path: foreign.jellyfin(path, {}, "29990101000000_Later"), jellyfin.read,
         "(migration 29990101000000_Later): LVS knows migrations 20241020103111 to 20261231"),
        (lambda path: foreign.jellyfin(path, {}, "20240101000000_Before"), jellyfin.read,
         "(migration 20240101000000_Before)"),
        (lambda path: foreign.made(path, f"{foreign.JELLYFIN} CREATE TABLE LinkedChildren (Id)", {
            "__EFMigrationsHistory": [(foreign.MIGRATION, "9.0.6")]}), jellyfin.read,
         f"(migration {foreign.MIGRATION}): its playlists lie in a table"),
        (lambda path: foreign.made(path, "CREATE TABLE TypedBaseItems (guid TEXT)", {}),
         jellyfin.read, "(library.db, before 10.11)"),
        (lambda path: foreign.digikam(path, {}, version="99"), digikam.read, "(DBVersion 99)"),
        (lambda path: foreign.digikam(path, {}, version="x"), digikam.read, "(DBVersion x)"),
    ],
)  # fmt: skip
def test_an_unknown_version_is_refused_by_its_name(
    make: Callable[[Path], Path], read: Read, message: str, tmp_path: Path
) -> None:
    path = make(tmp_path / "other.db")
    with pytest.raises(Invalid) as refusal:
        read(path)
    assert message in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("read", [stash.read, xbvr.read, jellyfin.read, digikam.read])
def test_a_damaged_or_foreign_file_is_one_message(read: Read, tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("text", b"hello" * 1000)):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(Invalid) as refusal:
            read(path)
        assert str(refusal.value).endswith(".")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")


@pytest.mark.parametrize("odd", ["odd", b"\xff\x00", 2**62, -1, 1e300, None])
def test_values_of_another_kind_are_left_out(odd: Any, tmp_path: Path) -> None:
    item = ("A", "Movie", odd, "/films/a.mp4", odd, odd, odd, odd, odd, "Video", 0)
    given = ("A", "U", "a", odd, odd if odd is not None else 0, 0, 0, odd, 0)
    read = jellyfin.read(
        foreign.jellyfin(
            tmp_path / "jellyfin.db",
            {"BaseItems": [item], "Users": [("U", "anna")], "UserData": [given]},
        )
    )
    assert [film.files[0].path for film in read.videos] == ["/films/a.mp4"]
    with closing(sqlite3.connect(foreign.stash(tmp_path / "stash.sqlite", {}))) as db, db:
        db.execute("UPDATE schema_migrations SET version = ?", (odd,))
    with pytest.raises(Invalid, match="no database of Stash that LVS can read"):
        stash.read(tmp_path / "stash.sqlite")


async def test_counts_that_no_film_has_are_said_and_left_out(home: Home, tmp_path: Path) -> None:
    await library(home, "a.mp4", "b.mp4", "c.mp4")
    for name, plays in (("a", "1e300"), ("b", "9223372036854775808"), ("c", "3")):
        (home.library / f"{name}.nfo").write_text(f"<movie><playcount>{plays}</playcount></movie>")
    os.mkfifo(home.library / "pipe.nfo")  # nobody writes into it
    report = await take(home, nfo.read, home.library)
    assert [(await video(home, f"{name}.mp4")).views for name in "abc"] == [0, 0, 3]
    assert report.not_understood == 2


async def test_a_database_that_is_cut_off_changes_nothing(home: Home, tmp_path: Path) -> None:
    films = await library(home, "a.mp4")
    path = simple(tmp_path / "one.sqlite", films["a.mp4"])
    with closing(sqlite3.connect(path)) as db:
        db.executemany("INSERT INTO tags (name) VALUES (?)", [("t" * 200,)] * 500)
        db.commit()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Invalid, match="cannot be read as a database of Stash"):
        await take(home, stash.read, path)
    assert (await video(home, "a.mp4")).rating == 0


@pytest.mark.parametrize(
    ("value", "scale", "stars"),
    [(0, 100, None), (1, 100, 1), (20, 100, 1), (50, 100, 3), (100, 100, 5), (4.5, 5, 5),
     (0.5, 5, 1), ("6.4", 10, 3), ("", 10, None), (None, 10, None)],
)  # fmt: skip
def test_stars_of_every_scale(value: Any, scale: float, stars: int | None) -> None:
    assert stars_of(value, scale) == stars


def test_invalid_ratings_are_refused_and_paths_and_hashes_are_read_as_meant() -> None:
    for value in (-1, 101, "many", float("nan"), float("inf"), b"\xff"):
        with pytest.raises(ValueError, match="a rating is"):
            stars_of(value, 100)
    assert path_of("D:\\VR\\", "a.mp4") == "D:/VR/a.mp4"
    assert path_of("/films/", "a\\b.mp4") == "/films/a\\b.mp4"
    assert path_of("\\\\nas\\films", "a.mp4") == "//nas/films/a.mp4"
    assert oshash_of(b"AB12") == "000000000000ab12"
    assert [oshash_of(value) for value in (None, "", "0", "xyz", "0" * 20)] == [""] * 5


async def test_the_command_finds_the_database_and_reports(home: Home, tmp_path: Path) -> None:
    films = await library(home, "a.mp4")
    folder = tmp_path / "stash"
    folder.mkdir()
    simple(folder / "stash-go.sqlite", films["a.mp4"])
    arguments = ("import", "stash", folder, "--data", home.data)
    dry = processes.run(*arguments, "--dry-run", cwd=tmp_path)
    assert (dry.returncode, dry.stderr) == (0, "")
    assert dry.stdout.startswith("Dry run: nothing was changed.")
    assert "Found:          1 by content\n" in dry.stdout
    done = processes.run(*arguments, "--report", "report.json", cwd=tmp_path)
    assert "Taken:          1 rating, 1 view count, 1 tag\n" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["program"], report["version"]) == ("Stash", "schema 71")
    again = processes.run(*arguments, "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["counts"]["already_there"] == {
        "rating": 1,
        "views": 1,
        "tag": 1,
    }
    assert (await video(home, "a.mp4")).rating == 3
    for wrong, sentence in (
        (("import", "stash", tmp_path / "nowhere"), "is not there."),
        (("import", "xbvr", folder), "There is no main.db in"),
        (("import", "xbvr", folder, "--user", "x"), "--user is for Jellyfin"),
        (("import", "plex", folder), "invalid choice"),
        (("import", "nfo", folder), "There is no .nfo of a film in"),
    ):
        failed = processes.run(*wrong, "--data", home.data, cwd=tmp_path)
        assert failed.returncode == 2
        assert sentence in failed.stderr
        assert failed.stderr.count("\n") == 1
