"""Curation from the original Local Video Server is imported whole, once, and replaces nothing that
was given in LVS.
"""

import contextlib
import hashlib
import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import loopback, processes
from support.home import Home, distinct_video
from support.importing import take
from support.original import AT_MS, database, store
from support.places import SHARED

from lvs.config import VIDEO_FORMATS
from lvs.models import Video
from lvs.services.legacy.lenient_json import IN_MEMORY_BYTES, LenientJson, ParsedValue, SyntaxIssue
from lvs.services.legacy.reader import LegacyData, read
from lvs.services.legacy.sources import find

pytestmark = pytest.mark.usefixtures("counted")

EXAMPLE = SHARED / "legacy"
needs_example = pytest.mark.skipif(
    not EXAMPLE.is_dir(), reason="../shared/legacy is not beside the project"
)


def read_all(*paths: Path) -> LegacyData:
    return read(find(paths, VIDEO_FORMATS, []))


async def playlists(home: Home) -> dict[str, list[str]]:
    """The playlists and the file names in them."""
    sql = """
        SELECT p.name, f.path FROM playlists p
            LEFT JOIN playlist_items i ON i.playlist_id = p.id
            LEFT JOIN files f ON f.video_id = i.video_id AND f.missing_since IS NULL
        ORDER BY p.name, i.position
    """
    async with home.services.database.read() as db:
        rows = [tuple(row) for row in await db.all(sql)]
    return {
        name: [os.fsdecode(path) for _, path in places if path]
        for name, places in itertools.groupby(rows, key=lambda row: row[0])
    }


async def everything(home: Home) -> str:
    """The content of the database as one text: equal texts are equal databases.

    Waits for probes of files, which change it too.
    """
    await home.probed()
    async with home.services.database.read() as db:
        tables = [
            row[0]
            for row in await db.all(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search%'"
            )
        ]
        lines = {
            name: sorted(map(repr, map(tuple, await db.all(f"SELECT * FROM {name}"))))
            for name in tables
        }
    return json.dumps(lines, indent=1)


def state_of(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file of a folder: when it was changed, its mode and its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (state.st_mtime_ns, state.st_mode, hashlib.sha256(content).hexdigest())
    return found


# --- The example, as the running original left it ---


async def with_example(home: Home) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((EXAMPLE / "expected.json").read_text(encoding="utf-8"))
    for name in expected["videos"]:
        home.add(name)
    await home.scan()
    return expected


def milliseconds(text: str | None) -> int:
    return 0 if text is None else int(original_moment(text) * 1000)


def original_moment(text: str) -> float:
    with closing(sqlite3.connect(":memory:")) as db:
        return float(db.execute("SELECT strftime('%s', ?)", (text,)).fetchone()[0])


async def assert_expected(
    home: Home, expected: dict[str, Any], before: dict[str, Video], **more_tags: str
) -> None:
    for name, wanted in expected["videos"].items():
        video = await home.video(name)
        assert (video.rating or None) == wanted["rating"], name
        assert video.views == wanted["views"], name
        assert list(video.tags) == wanted["tags"], name
        assert video.favorite == wanted["favorite"], name
        assert video.last_viewed_at == milliseconds(wanted["last_viewed"]), name
        assert video.favorited_at == milliseconds(wanted["favorited_at"]), name
        assert video.added_at == min(before[name].added_at, int(wanted["added_date"] * 1000)), name
        assert (await home.services.videos.get(wanted["media_hash"])).id == video.id
    assert await playlists(home) == {each["name"]: each["items"] for each in expected["playlists"]}


@needs_example
async def test_the_example_gives_what_its_list_says_and_a_second_time_nothing(home: Home) -> None:
    expected = await with_example(home)
    before = {name: await home.video(name) for name in expected["videos"]}
    report = await take(home, EXAMPLE / "video_metadata.db")
    assert not report.not_understood
    assert not report.kept
    assert not report.different
    await assert_expected(home, expected, before)
    once = await everything(home)
    again = await take(home, EXAMPLE / "video_metadata.db")
    assert not again.changed
    assert len(again.already) == 13 + 12 + 22 + 4 + 3
    assert await everything(home) == once


@needs_example
async def test_the_examples_times_are_taken_where_they_are_older(home: Home) -> None:
    expected = json.loads((EXAMPLE / "expected.json").read_text(encoding="utf-8"))
    minute_ago = time.time() - 60
    for name in expected["videos"]:
        os.utime(home.add(name), (minute_ago, minute_ago))
    await home.scan()
    before = {name: await home.video(name) for name in expected["videos"]}
    await take(home, EXAMPLE / "video_metadata.db")
    await assert_expected(home, expected, before)


@needs_example
async def test_the_whole_folder_of_the_example_gives_the_same_and_the_tags_of_the_sidecar(
    home: Home,
) -> None:
    expected = await with_example(home)
    before = {name: await home.video(name) for name in expected["videos"]}
    report = await take(home, EXAMPLE)
    assert not report.not_understood
    expected["videos"]["It's snowing.mp4"]["tags"] = ["sidecar tag", "winter"]
    await assert_expected(home, expected, before)
    used = {Path(file.file).name: file.used for file in report.original.files}
    assert used == {
        "video_metadata.db": True,
        "ratings.json": True,
        "views.json": True,
        "favorites.json": True,
        "tags.json": False,
        "video_analytics.json": False,
        "It's snowing.mp4.json": True,
    }


@needs_example
async def test_the_json_files_of_the_example_alone_give_the_same_ratings_views_tags_and_favorites(
    home: Home,
) -> None:
    expected = await with_example(home)
    await take(
        home, *(EXAMPLE / f"{name}.json" for name in ("ratings", "views", "tags", "favorites"))
    )
    for name, wanted in expected["videos"].items():
        video = await home.video(name)
        assert (video.rating or None, video.views, list(video.tags), video.favorite) == (
            wanted["rating"],
            wanted["views"],
            wanted["tags"],
            wanted["favorite"],
        )


@needs_example
async def test_nothing_of_the_original_is_touched_and_its_folder_may_be_read_only(
    home: Home, tmp_path: Path
) -> None:
    folder = tmp_path / "original"
    shutil.copytree(EXAMPLE, folder)
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o500)
    before = state_of(folder)
    try:
        await with_example(home)
        assert (await take(home, folder)).changed
        assert state_of(folder) == before
    finally:
        folder.chmod(0o700)


# --- What counts ---


async def test_every_imported_change_is_in_the_journal(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4")
    await home.scan()
    path = database(
        tmp_path / "o.db",
        ratings={"a.mp4": 4},
        views={"a.mp4": 7},
        tags=[("a.mp4", "#sea")],
        favorites=["a.mp4"],
    )
    await take(home, path)
    async with home.services.database.read() as db:
        rows = [
            tuple(row)
            for row in await db.all("SELECT what, old, new, client FROM changes ORDER BY what")
        ]
    assert rows == [
        ("favorite", "0", "1", "import"),
        ("rating", None, "4", "import"),
        ("tag", None, "sea", "import"),
        ("view", "0", "7", "import"),
    ]


async def test_times_are_those_of_the_original(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4")
    await home.scan()
    await take(
        home,
        database(
            tmp_path / "o.db",
            ratings={"a.mp4": 4},
            views={"a.mp4": 1},
            tags=[("a.mp4", "#sea")],
            favorites=["a.mp4"],
            added={"a.mp4": 1_500_000_000.25},
        ),
    )
    video = await home.video("a.mp4")
    assert (video.rated_at, video.last_viewed_at, video.favorited_at, video.added_at) == (
        AT_MS,
        AT_MS,
        AT_MS,
        1_500_000_000_250,
    )
    async with home.services.database.read() as db:
        assert await db.value("SELECT created_at FROM video_tags") == AT_MS
        assert await db.value("SELECT added_at FROM gallery") == 1_500_000_000_250


async def test_json_fills_in_what_the_database_has_not(home: Home, tmp_path: Path) -> None:
    for name in "abc":
        home.add(f"{name}.mp4")
    await home.scan()
    database(
        tmp_path / "data" / "video_metadata.db",
        ratings={"a.mp4": 1},
        views={"a.mp4": 10},
        favorites=["a.mp4"],
        tags=[("a.mp4", "#database")],
    )
    store(
        tmp_path,
        ratings={"a.mp4": 5, "b.mp4": 2},
        views={"a.mp4": 99, "b.mp4": 3},
        favorites={"favorites": ["b.mp4"]},
        tags={"b.mp4": ["#ignored"]},
    )
    (tmp_path / "c.mp4.json").write_text('{"tags": ["beside", "#Database"], "title": "?"}')
    report = await take(home, tmp_path)
    a, b, c = [await home.video(f"{name}.mp4") for name in "abc"]
    assert (a.rating, a.views, a.favorite, a.tags) == (1, 10, True, ("database",))
    assert (b.rating, b.views, b.favorite, b.tags) == (2, 3, True, ())
    assert c.tags == ("beside", "database")
    assert not report.not_understood


async def test_tags_json_counts_where_there_is_no_database(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4")
    await home.scan()
    await take(
        home, store(tmp_path / "o", tags={"a.mp4": ["#How  to ", "how to", "x, y"], "b.mp4": []})
    )
    assert (await home.video("a.mp4")).tags == ("How to", "x, y")


IN_2025, LATER_IN_2025 = 1_750_000_000, 1_760_000_000


@pytest.mark.parametrize(
    ("files", "rating"),
    [
        ([("ratings", IN_2025, 1), ("backups/ratings-20200101-000000", LATER_IN_2025, 2)], 1),
        ([("ratings", IN_2025, None), ("backups/ratings-20200101-000000", IN_2025, 2)], 2),
        (
            [
                ("backups/ratings-20200101-000000", LATER_IN_2025, 2),
                ("backups/ratings-20210101-000000", IN_2025, 3),
            ],
            3,
        ),
        ([("ratings", IN_2025, 1), ("backup_json/ratings", LATER_IN_2025, 4)], 4),
        (
            [
                ("backup_json/ratings", LATER_IN_2025, 4),
                ("backups/ratings-20990101-000000", IN_2025, 5),
            ],
            5,
        ),
    ],
    ids=[
        "the one in use",
        "the one in use is empty",
        "later stamp",
        "changed later",
        "stamped later",
    ],
)
async def test_the_newest_copy_with_something_in_it_counts(
    home: Home, tmp_path: Path, files: list[tuple[str, int, int | None]], rating: int
) -> None:
    home.add("a.mp4")
    await home.scan()
    folder = tmp_path / "o"
    for name, changed_at, stars in files:
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"a.mp4": stars} if stars else {}))
        os.utime(path, (changed_at, changed_at))
    report = await take(home, folder)
    assert (await home.video("a.mp4")).rating == rating
    assert not report.not_understood


async def test_the_database_in_use_counts_and_its_copies_stand_in_if_it_is_damaged(
    home: Home, tmp_path: Path
) -> None:
    home.add("a.mp4")
    home.add("b.mp4")
    await home.scan()
    folder = tmp_path / "o"
    main = database(folder / "data" / "video_metadata.db", ratings={"a.mp4": 5})
    database(folder / "video_metadata.db.backup_20250101_000000", ratings={"a.mp4": 3, "b.mp4": 3})
    database(folder / "video_metadata.db.backup_20240101_000000", ratings={"a.mp4": 2, "b.mp4": 2})
    await take(home, folder)
    assert [(await home.video(name)).rating for name in ("a.mp4", "b.mp4")] == [5, 0]
    main.write_bytes(b"not a database at all")
    report = await take(home, folder)
    assert [(await home.video(name)).rating for name in ("a.mp4", "b.mp4")] == [5, 3]
    assert [(Path(file.file).name, file.used) for file in report.original.files] == [
        ("video_metadata.db", True),
        ("video_metadata.db.backup_20250101_000000", True),
        ("video_metadata.db.backup_20240101_000000", False),
    ]


async def test_a_database_of_november_2025_has_all_it_has(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4")
    await home.scan()
    path = database(
        tmp_path / "o.db",
        ratings={"a.mp4": 4},
        views={"a.mp4": 2},
        tags=[("a.mp4", "x")],
        favorites=["a.mp4"],
    )
    report = await take(home, path)
    video = await home.video("a.mp4")
    assert (video.rating, video.views, video.tags, video.favorite) == (4, 2, ("x",), True)
    assert not report.not_understood


async def test_tags_that_differ_in_case_or_mark_are_one_and_long_ones_stay_whole(
    home: Home, tmp_path: Path
) -> None:
    home.add("a.mp4")
    await home.scan()
    long = "word " * 40
    rows = [("a.mp4", tag) for tag in ("#Beach", "beach", "#BEACH", "  # sea ", "猫, 犬", long)]
    await take(home, database(tmp_path / "o.db", tags=rows))
    assert set((await home.video("a.mp4")).tags) == {"Beach", "sea", "猫, 犬", long.strip()}
    async with home.services.database.read() as db:
        assert await db.value("SELECT count(*) FROM gallery, json_each(gallery.tags)") == 4


# --- What the household did here stays ---


async def test_values_given_in_lvs_are_kept_and_reported(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4")
    home.add("b.mp4")
    await home.scan()
    path = database(
        tmp_path / "o.db",
        ratings={"a.mp4": 5, "b.mp4": 5},
        tags=[("a.mp4", "#sea"), ("a.mp4", "#sun")],
        favorites=["a.mp4"],
        at="2035-01-01 00:00:00",
    )
    a, b = (await home.video("a.mp4")).media_hash, (await home.video("b.mp4")).media_hash
    await home.services.ratings.rate(b, 2, "somebody")
    await take(home, path)
    await home.services.ratings.clear(a, "somebody")
    await home.services.tags.remove(a, "sea", "somebody")
    await home.services.favorites.set(a, False, "somebody")
    before = await everything(home)
    report = await take(home, path)
    assert await everything(home) == before
    assert sorted((item.name, item.what, item.here) for item in report.different) == [
        ("a.mp4", "favorite", 0),
        ("a.mp4", "rating", 0),
        ("a.mp4", "tag", "taken off"),
        ("b.mp4", "rating", 2),
    ]


async def test_an_imported_rating_gives_way_to_a_newer_one_of_the_original_only(
    home: Home, tmp_path: Path
) -> None:
    home.add("a.mp4")
    await home.scan()
    for number, (stars, at, expected) in enumerate(
        [
            (2, "2025-01-01 00:00:00", 2),
            (4, "2025-06-01 00:00:00", 4),
            (3, "2024-01-01 00:00:00", 4),
        ]
    ):
        await take(home, database(tmp_path / f"{number}.db", ratings={"a.mp4": stars}, at=at))
        assert (await home.video("a.mp4")).rating == expected


@pytest.mark.parametrize(
    ("here", "there", "expected"), [(0, 3, 3), (2, 3, 3), (3, 2, 3), (1, 0, 1)]
)
async def test_the_larger_of_two_view_counts_stays(
    home: Home, tmp_path: Path, here: int, there: int, expected: int
) -> None:
    home.add("a.mp4")
    await home.scan()
    for _ in range(here):
        await home.services.views.count((await home.video("a.mp4")).media_hash, "somebody")
    path = database(tmp_path / "o.db", views={"a.mp4": there})
    await take(home, path)
    assert (await home.video("a.mp4")).views == expected
    assert not (await take(home, path)).changed


# --- Finding the videos ---


@pytest.mark.parametrize(
    ("files", "name", "expected"),
    [
        (["a.mp4"], "a.mp4", "a.mp4"),
        (["trips/a.mp4"], "trips/a.mp4", "trips/a.mp4"),
        (["a.mp4", "trips/a.mp4"], "a.mp4", "a.mp4"),
        (["trips/a.mp4"], "a.mp4", "trips/a.mp4"),
        (["trips/a.mp4"], "./a.mp4", "trips/a.mp4"),
        (["one/a.mp4", "two/a.mp4"], "a.mp4", None),
        (["old/trips/a.mp4", "other/a.mp4"], "trips/a.mp4", "old/trips/a.mp4"),
        (["a.mp4"], "elsewhere/a.mp4", "a.mp4"),
        (["A.MP4"], "a.mp4", "A.MP4"),
        (["A.MP4", "a.mp4"], "a.mp4", "a.mp4"),
        (["A.mp4", "a.MP4"], "a.mp4", None),
        (["Cafe\u0301.mp4"], "Caf\u00e9.mp4", "Cafe\u0301.mp4"),
        (["Caf\u00e9.mp4"], "Cafe\u0301.mp4", "Caf\u00e9.mp4"),
        (["trips/CAFE\u0301.mp4"], "caf\u00e9.mp4", "trips/CAFE\u0301.mp4"),
        (["Caf\u00e9.mp4", "Cafe\u0301.mp4"], "Caf\u00e9.mp4", "Caf\u00e9.mp4"),
        ([b"caf\xe9.mp4"], "caf\udce9.mp4", b"caf\xe9.mp4"),
        (["b.mp4"], "a.mp4", None),
    ],
)
async def test_a_name_finds_its_video_or_none(
    home: Home, tmp_path: Path, files: list[str | bytes], name: str, expected: str | bytes | None
) -> None:
    for file in files:
        home.add(file)
    await home.scan()
    report = await take(home, store(tmp_path / "o", ratings={name: 4}))
    rated = [file for file in files if (await home.video(file)).rating]
    assert rated == ([] if expected is None else [expected])
    assert len(report.kept) == (expected is None)
    if expected is not None:
        alias = hashlib.sha256(
            name.removeprefix("./").encode("utf-8", "surrogateescape")
        ).hexdigest()[:16]
        assert (await home.services.videos.get(alias)).id == (await home.video(expected)).id


async def test_a_video_that_another_name_fits_better_is_not_given_away(
    home: Home, tmp_path: Path
) -> None:
    home.add("Film.mp4")
    await home.scan()
    report = await take(
        home,
        store(
            tmp_path / "o", ratings={"film.mp4": 1, "Film.mp4": 4, "FILM.mp4": 2, "sub/Film.mp4": 3}
        ),
    )
    assert (await home.video("Film.mp4")).rating == 4
    assert len(report.kept) == 3
    home.add("film.mp4")
    await home.scan()
    await home.until(lambda: has_rating(home, "film.mp4", 1))
    assert (await home.video("Film.mp4")).rating == 4


async def has_rating(home: Home, name: str, stars: int) -> bool:
    return (await home.video(name)).rating == stars


async def test_two_names_that_fit_one_video_equally_are_both_kept(
    home: Home, tmp_path: Path
) -> None:
    home.add("here/a.mp4")
    await home.scan()
    report = await take(home, store(tmp_path / "o", ratings={"x/a.mp4": 1, "y/a.mp4": 2}))
    assert (await home.video("here/a.mp4")).rating == 0
    assert [kept.name for kept in report.kept] == ["x/a.mp4", "y/a.mp4"]


async def test_copies_of_one_video_bring_what_each_has(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4", content=home.add("b.mp4").read_bytes())
    await home.scan()
    path = database(
        tmp_path / "o.db",
        ratings={"a.mp4": 2},
        views={"a.mp4": 5, "b.mp4": 7},
        tags=[("a.mp4", "#x"), ("b.mp4", "#y")],
    )
    await take(home, path)
    video = await home.video("a.mp4")
    assert (video.rating, video.views, video.tags) == (2, 7, ("x", "y"))
    assert not (await take(home, path)).changed


async def test_a_file_renamed_in_lvs_before_the_import_is_found_by_its_old_name(
    home: Home, tmp_path: Path
) -> None:
    path = home.add("old.mp4")
    await home.scan()
    path.rename(home.library / "new.mp4")
    await home.scan()
    await take(home, store(tmp_path / "o", ratings={"old.mp4": 4}))
    assert (await home.video("new.mp4")).rating == 4


async def test_files_that_swap_their_names_after_the_import_change_nothing_in_a_second(
    home: Home, tmp_path: Path
) -> None:
    for name in "ab":
        home.add(f"{name}.mp4")
    await home.scan()
    folder = store(
        tmp_path / "o",
        ratings={"a.mp4": 1, "b.mp4": 5},
        tags={"a.mp4": ["first"], "b.mp4": ["second"]},
    )
    await take(home, folder)
    for old, new in (("a", "c"), ("b", "a"), ("c", "b")):
        (home.library / f"{old}.mp4").rename(home.library / f"{new}.mp4")
    await home.scan()
    before = await everything(home)
    assert not (await take(home, folder)).changed
    assert await everything(home) == before
    video = await home.video("a.mp4")
    assert (video.rating, video.tags) == (5, ("second",))


# --- Files that appear later ---


async def test_imported_stars_replace_cached_answers_at_once(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4")
    await home.scan()
    address = f"/api/ratings/{(await home.video('a.mp4')).media_hash}"
    assert (await (await home.client.get(address)).get_json())["user"]["value"] is None
    path = database(tmp_path / "o.db", ratings={"a.mp4": 4})
    await take(home, path)
    assert (await (await home.client.get(address)).get_json())["user"]["value"] == 4


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is stopped"])
async def test_values_without_a_file_are_kept_until_it_appears(
    home: Home, tmp_path: Path, running: bool
) -> None:
    path = database(
        tmp_path / "o.db",
        ratings={"a.mp4": 4},
        views={"a.mp4": 7},
        tags=[("a.mp4", "#sea")],
        favorites=["a.mp4"],
        added={"a.mp4": 1_500_000_000.0},
        playlists={"Trips": ["a.mp4", "b.mp4", "a.mp4"]},
    )
    home.add("b.mp4")
    await home.scan()
    report = await take(home, path)
    assert [(kept.name, kept.why) for kept in report.kept] == [("a.mp4", "no file has this name")]
    assert await playlists(home) == {"Trips": ["b.mp4"]}
    before = await everything(home)
    assert not (await take(home, path)).changed
    assert await everything(home) == before
    if not running:
        await home.stop()
    home.add("sub/a.mp4")
    await (home.scan() if running else home.start())
    await home.until(lambda: has_rating(home, "sub/a.mp4", 4))
    video = await home.video("sub/a.mp4")
    assert (video.views, video.tags, video.favorite, video.favorited_at) == (
        7,
        ("sea",),
        True,
        AT_MS,
    )
    assert video.added_at == 1_500_000_000_000
    assert await playlists(home) == {"Trips": ["sub/a.mp4", "b.mp4", "sub/a.mp4"]}
    report = await take(home, path)
    assert not report.changed
    assert not report.kept


async def test_a_file_that_moves_to_its_old_name_gets_what_is_kept(
    home: Home, tmp_path: Path
) -> None:
    path = home.add("other.mp4")
    await home.scan()
    await take(home, store(tmp_path / "o", ratings={"a.mp4": 4}))
    path.rename(home.library / "a.mp4")
    await home.scan()
    await home.until(lambda: has_rating(home, "a.mp4", 4))


async def test_kept_values_wait_for_a_finished_scan_and_an_unambiguous_name(
    home: Home, tmp_path: Path
) -> None:
    await take(home, store(tmp_path / "o", ratings={"a.mp4": 4}))
    home.add("one/a.mp4")
    second = home.add("two/a.mp4")
    await home.scan()
    assert await home.services.legacy.attach() == 0
    second.unlink()
    await home.scan()
    await home.until(lambda: has_rating(home, "one/a.mp4", 4))


async def test_an_import_into_an_empty_library_says_that_nothing_was_scanned(
    home: Home, tmp_path: Path
) -> None:
    report = await take(home, store(tmp_path / "o", ratings={"a.mp4": 4}))
    assert not report.library_known
    home.add("b.mp4")
    await home.scan()
    assert (await take(home, tmp_path / "o")).library_known


# --- Playlists ---


async def test_playlists_keep_their_order_their_repetitions_and_their_emptiness(
    home: Home, tmp_path: Path
) -> None:
    for name in "abc":
        home.add(f"{name}.mp4")
    await home.scan()
    wanted = {"Empty": [], "Loop": ["b.mp4", "a.mp4", "b.mp4", "c.mp4"]}
    report = await take(home, database(tmp_path / "o.db", playlists=wanted))
    assert await playlists(home) == wanted
    assert report.new_playlists == 2
    async with home.services.database.read() as db:
        assert (
            await db.value("SELECT description || created_at FROM playlists WHERE name = 'Loop'")
            == f"about Loop{AT_MS}"
        )


async def test_a_playlist_that_grew_there_grows_here_too(home: Home, tmp_path: Path) -> None:
    for name in "abc":
        home.add(f"{name}.mp4")
    await home.scan()
    await take(home, database(tmp_path / "1.db", playlists={"Trips": ["a.mp4", "b.mp4", "z.mp4"]}))
    later = database(
        tmp_path / "2.db", playlists={"Trips": ["b.mp4", "a.mp4", "z.mp4", "c.mp4", "a.mp4"]}
    )
    await take(home, later)
    assert await playlists(home) == {"Trips": ["a.mp4", "b.mp4", "c.mp4", "a.mp4"]}
    assert not (await take(home, later)).changed


async def test_rows_of_deleted_playlists_are_left_out(home: Home, tmp_path: Path) -> None:
    path = database(tmp_path / "o.db", playlists={"Trips": ["a.mp4"]})
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM playlists")
    report = await take(home, path)
    assert not report.original.playlists
    assert report.original.left_out == [f"{path}: 1 rows of playlists that were deleted there"]


# --- A dry run ---


async def test_a_dry_run_changes_nothing_and_says_what_would_be(home: Home, tmp_path: Path) -> None:
    home.add("a.mp4")
    await home.scan()
    path = database(
        tmp_path / "o.db",
        ratings={"a.mp4": 4, "gone.mp4": 2},
        views={"a.mp4": 1},
        tags=[("a.mp4", "#x")],
        favorites=["a.mp4"],
        playlists={"P": ["a.mp4", "gone.mp4"]},
    )
    before = await everything(home)
    dry = await take(home, path, dry_run=True)
    assert await everything(home) == before
    wet = await take(home, path)
    assert dry.to_json() | {"dry_run": False} == wet.to_json()
    assert wet.changed


# --- Values ---


@pytest.mark.parametrize(
    ("value", "stars"),
    [
        *((text, 5) for text in ("5", "5.0", '"5"', '" 5 "', '"5.0"', "5e0")),
        *(
            (text, 0)
            for text in (
                "true",
                "7",
                "0",
                "-1",
                "4.5",
                "1e30",
                '"five"',
                '"²"',
                '"1_0"',
                "[5]",
                '{"stars": 5}',
                "NaN",
                "1_0",
            )
        ),
        *((text, 0) for text in ("1" + "0" * 30, "9" * 5000, "1e999", "", "5 5", '"5')),
    ],
)
def test_a_rating_is_read_as_what_it_must_mean_or_reported_with_its_line(
    tmp_path: Path, value: str, stars: int
) -> None:
    path = tmp_path / "ratings.json"
    path.write_text(f'{{\n"a.mp4": 3,\n"b.mp4": {value},\n"c.mp4": 4\n}}')
    found = read_all(path)
    assert found.entry(b"a.mp4").rating == 3
    assert (found.entry(b"b.mp4").rating or 0) == (5 if value == "5 5" else stars)
    if value != '"5':
        assert found.entry(b"c.mp4").rating == 4
    assert bool(found.issues) == (stars == 0)
    assert all(issue.line in (3, 4, 5) for issue in found.issues)


def test_null_is_no_rating_and_no_puzzle(tmp_path: Path) -> None:
    found = read_all(
        store(
            tmp_path,
            ratings={"a.mp4": None},
            views={"a.mp4": None},
            tags={"a.mp4": None},
            favorites={},
        )
    )
    assert not found.issues
    assert not found.entries


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (12, 12),
        (12.0, 12),
        ("12", 12),
        (0, 0),
        (2**53 - 1, 2**53 - 1),
        (-3, None),
        (2**53, None),
        (10**30, None),
        (True, None),
        ([1], None),
    ],
)
def test_a_view_count_is_read_or_reported(tmp_path: Path, value: Any, count: int | None) -> None:
    found = read_all(store(tmp_path, views={"a.mp4": value}))
    assert (found.entries[b"a.mp4"].views if count is not None else None) == count
    assert len(found.issues) == (count is None)


@pytest.mark.parametrize("name", ["", "/", "a\0b.mp4", "\ud800.mp4", "x" * 5000])
def test_a_name_that_no_file_can_have_is_reported(tmp_path: Path, name: str) -> None:
    found = read_all(store(tmp_path, ratings={name: 4, "b.mp4": 5}))
    assert list(found.entries) == [b"b.mp4"]
    assert len(found.issues) == 1


def test_values_in_a_database_are_taken_as_what_they_must_mean_or_reported_with_their_row(
    tmp_path: Path,
) -> None:
    path = database(
        tmp_path / "o.db",
        ratings={
            "a.mp4": "5",
            "b.mp4": 4.0,
            "c.mp4": 9,
            "d.mp4": None,
            "e.mp4": b"\x00",
            "f.mp4": 4.5,
        },
        views={"a.mp4": -1, "b.mp4": "7", "c.mp4": 2**62},
        tags=[("a.mp4", "#"), ("b.mp4", "bad\x07tag"), ("c.mp4", "good")],
        added={"a.mp4": "yesterday", "b.mp4": -5, "c.mp4": 1e300, "d.mp4": 1_500_000_000},
    )
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE ratings SET updated_at = 'soon' WHERE filename = 'b.mp4'")
        file.execute("INSERT INTO ratings (filename, rating) VALUES (NULL, 3)")
        file.execute("INSERT INTO favorites (filename) VALUES (x'ff')")
    found = read_all(path)
    assert {name: entry.rating for name, entry in found.entries.items() if entry.rating} == {
        b"a.mp4": 5,
        b"b.mp4": 4,
    }
    assert {name: entry.views for name, entry in found.entries.items() if entry.views} == {
        b"b.mp4": 7
    }
    assert found.entries[b"d.mp4"].added_at == 1_500_000_000_000
    assert found.entries[b"b.mp4"].rated_at is None
    assert sorted(issue.row or "" for issue in found.issues) == [
        "favorites 1",
        *(f"ratings {number}" for number in (2, 3, 5, 6, 7)),
        "video_tags 1",
        "video_tags 2",
        *(f"videos {number}" for number in (1, 2, 3)),
        "views 1",
        "views 3",
    ]


# --- Damaged, large and foreign JSON ---

BROKEN = {
    "cut in a name": ('{"a.mp4": 5, "b.mp4": 4, "c', {"a": 5, "b": 4}),
    "cut in a number": ('{"a.mp4": 5, "b.mp4": 4', {"a": 5}),
    "cut behind a comma": ('{"a.mp4": 5, "b.mp4": 4,', {"a": 5, "b": 4}),
    "cut and filled with zeros": ('{"a.mp4": 5, "b.mp4": 4, "c.m\0\0\0\0\0', {"a": 5, "b": 4}),
    "nothing but zeros": ("\0" * 500, {}),
    "empty": ("", {}),
    "blank": (" \n ", {}),
    "only a word": ("null", {}),
    "only a text": ('"a.mp4"', {}),
    "a hole in the middle": ('{"a.mp4": 5, @#! }{ , "b.mp4": 4}', {"a": 5, "b": 4}),
    "a comma is missing": ('{"a.mp4": 5 "b.mp4": 4}', {"a": 5, "b": 4}),
    "a comma too many": ('{"a.mp4": 5,, "b.mp4": 4,}', {"a": 5, "b": 4}),
    "a quote is missing": ('{"a.mp4": 5, "c.mp4: 3,\n"b.mp4": 4}', {"a": 5, "b": 4}),
    "a colon is missing": ('{"a.mp4": 5, "c.mp4" 3, "b.mp4": 4}', {"a": 5, "b": 4}),
    "single quotes": ("{'c.mp4': 3, \"b.mp4\": 4}", {"b": 4}),
    "a bad escape": ('{"a.mp4": 5, "\\x.mp4": 3, "b.mp4": 4}', {"a": 5, "b": 4}),
    "a rest of an older file": ('{"a.mp4": 5}, "a.mp4": 2}', {"a": 5}),
    "nested without end": ('{"a.mp4": 5, "c.mp4": ' + "[" * 200_000, {"a": 5}),
    "nested": ('{"c.mp4": ' + '{"x": [' * 50_000 + "]}" * 50_000 + ', "b.mp4": 4}', {"b": 4}),
    "nested lists": ("[" * 200_000, {}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_readable_value_of_a_broken_file_is_taken(tmp_path: Path, name: str) -> None:
    text, expected = BROKEN[name]
    (tmp_path / "ratings.json").write_text(text)
    found = read_all(tmp_path / "ratings.json")
    assert {
        key.decode().removesuffix(".mp4"): entry.rating
        for key, entry in found.entries.items()
        if entry.rating
    } == expected
    assert bool(found.issues) == ("comma" not in name or "cut" in name)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"],
)
def test_every_encoding_that_was_ever_usual_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "ratings.json").write_bytes('{"Köln é.mp4": 5}'.encode(encoding))
    found = read_all(tmp_path / "ratings.json")
    assert {key.decode(): entry.rating for key, entry in found.entries.items()} == {"Köln é.mp4": 5}
    assert not found.issues


def test_two_encodings_in_one_file_are_both_read(tmp_path: Path) -> None:
    (tmp_path / "ratings.json").write_bytes(
        b'{"\xc3\xa9.mp4": 5, "\xe9\x97.mp4": 4, "\\u00fc.mp4": 3}'
    )
    found = read_all(tmp_path / "ratings.json")
    assert {key.decode(): entry.rating for key, entry in found.entries.items()} == {
        "é.mp4": 5,
        "é—.mp4": 4,
        "ü.mp4": 3,
    }


@pytest.mark.parametrize("ending", ["}", "", ', "cut'])
def test_a_large_file_is_read_to_its_end(tmp_path: Path, ending: str) -> None:
    with (tmp_path / "ratings.json").open("w") as file:
        file.write('{"a.mp4": 5,\n"padding": "' + "x" * IN_MEMORY_BYTES + '",\n')
        for number in range(20_000):
            file.write(f'"{number}.mp4": {1 + number % 5},\n')
        file.write('"b.mp4": 4' + ("," if ending.startswith(",") else "") + (ending or " "))
    found = read_all(tmp_path / "ratings.json")
    ratings = {key: entry.rating for key, entry in found.entries.items() if entry.rating}
    assert len(ratings) == 20_002 if ending else 20_001
    assert ratings[b"19999.mp4"] == 5
    assert found.issues[0].line == 2


def test_two_values_for_one_name_are_reported_and_the_last_counts(tmp_path: Path) -> None:
    (tmp_path / "ratings.json").write_text('{"a.mp4": 5,\n "a.mp4": 3,\n "b.mp4": 1,\n "b.mp4": 1}')
    found = read_all(tmp_path / "ratings.json")
    assert found.entries[b"a.mp4"].rating == 3
    assert [issue.line for issue in found.issues] == [2]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"favorites": ["a.mp4", "b.mp4"]}, {b"a.mp4", b"b.mp4"}),
        (["a.mp4", "b.mp4"], {b"a.mp4", b"b.mp4"}),
        ({}, set()),
        ({"favorites": None}, set()),
    ],
)
def test_favorites_come_in_every_shape_the_original_knew(
    tmp_path: Path, content: Any, names: set[bytes]
) -> None:
    found = read_all(store(tmp_path, favorites=content))
    assert {name for name, entry in found.entries.items() if entry.favorite} == names
    assert not found.issues


@pytest.mark.parametrize(
    ("kind", "content", "puzzles"),
    [
        ("favorites", {"favorites": "a.mp4"}, 1),
        ("favorites", {"favorites": {"a.mp4": True}}, 1),
        ("favorites", ["a.mp4", 5, None, ["b.mp4"]], 3),
        ("tags", {"a.mp4": "sea"}, 1),
        ("tags", {"a.mp4": ["sea", 5, "", "#", None, ["x"]]}, 5),
        ("ratings", ["a.mp4"], 1),
        ("ratings", {"a.mp4": [5]}, 1),
    ],
)
def test_a_shape_the_original_never_had_is_reported(
    tmp_path: Path, kind: str, content: Any, puzzles: int
) -> None:
    assert len(read_all(store(tmp_path, **{kind: content})).issues) == puzzles


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"favorites": ["a.mp4"]}, "favorites"),
        (["a.mp4"], "favorites"),
        ({"a.mp4": ["x"]}, "tags"),
        ({"a.mp4": {"watchCount": 3}}, "video_analytics"),
        ({"a.mp4": 3}, None),
        ({}, None),
    ],
)
def test_a_file_of_another_name_is_told_by_what_is_in_it(
    tmp_path: Path, content: Any, kind: str | None
) -> None:
    path = tmp_path / "of grandfather.json"
    path.write_text(json.dumps(content))
    found = read_all(path)
    assert [file.kind.value for file in found.files] == ([kind] if kind else [])
    assert len(found.issues) == (kind is None)


def test_only_files_of_the_original_are_read_in_a_folder(tmp_path: Path) -> None:
    for name in (
        "package.json",
        "node_modules/x/ratings.json",
        ".git/ratings.json",
        "ratingstars.json",
        "x.mp4.json.bak",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"a.mp4": 5}')
    (tmp_path / "views.json").mkdir()
    os.mkfifo(tmp_path / "tags.json")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "film.mp4.json").write_text('{"tags": ["x"]}')
    found = read_all(tmp_path)
    assert list(found.entries) == [b"deep/er/film.mp4"]
    assert not found.issues


async def test_a_sidecar_in_a_library_folder_is_for_the_video_beside_it(home: Home) -> None:
    home.add("a.mp4")
    home.add("trips/a.mp4")
    (home.library / "trips" / "a.mp4.json").write_text('{"tags": "not a list"}')
    await home.scan()
    assert (await take(home, home.library / "trips")).not_understood == 1
    (home.library / "trips" / "a.mp4.json").write_text('{"tags": ["#there"]}')
    await take(home, home.library / "trips")
    assert ((await home.video("a.mp4")).tags, (await home.video("trips/a.mp4")).tags) == (
        (),
        ("there",),
    )


# --- Damaged and unusual databases ---


def large_database(path: Path) -> Path:
    names = [f"film number {number}.mp4" for number in range(3000)]
    return database(
        path,
        ratings=dict.fromkeys(names, 4),
        views=dict.fromkeys(names, 7),
        tags=[(name, "#tag") for name in names],
        favorites=names,
        added=dict.fromkeys(names, 1_500_000_000.0),
        playlists={"All": names},
    )


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_the_remaining_rows_of_a_truncated_database_are_read(tmp_path: Path, share: float) -> None:
    path = large_database(tmp_path / "video_metadata.db")
    os.truncate(path, int(path.stat().st_size * share))
    found = read_all(path)
    assert found.issues
    entries = found.entries.values()
    read_values = sum(
        (entry.rating == 4) + (entry.views == 7) + bool(entry.tags) + entry.favorite
        for entry in entries
    )
    assert read_values > 12_000 * (share - 0.3)


def test_damaged_pages_cost_little_more_than_what_is_on_them(tmp_path: Path) -> None:
    path = large_database(tmp_path / "video_metadata.db")
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    damaged = range(30, pages, 40)
    for page in damaged:
        content[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    found = read_all(path)
    assert found.issues
    entries = found.entries.values()
    read_values = sum(
        (entry.rating == 4) + (entry.views == 7) + bool(entry.tags) + entry.favorite
        for entry in entries
    )
    assert read_values > 11_000


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no table of the original"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "cannot be read as a database"),
        (b"something else", "cannot be read as a database"),
    ],
    ids=["empty", "only a header", "no database"],
)
def test_a_file_that_is_no_database_is_reported(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "video_metadata.db").write_bytes(content)
    store(tmp_path, ratings={"a.mp4": 5}, tags={"a.mp4": ["taken, for no database has any"]})
    found = read_all(tmp_path)
    assert why in found.issues[0].why
    assert (found.entries[b"a.mp4"].rating, len(found.entries[b"a.mp4"].tags)) == (5, 1)


def test_a_database_of_another_program_is_reported(tmp_path: Path, home_database: Path) -> None:
    found = read_all(home_database)
    assert not found.entries
    assert found.issues


@pytest.fixture
def home_database(tmp_path: Path) -> Path:
    """A database in which `ratings` is something else."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as file, file:
        file.execute("CREATE TABLE ratings (video_id INTEGER PRIMARY KEY, value INTEGER)")
        file.execute("INSERT INTO ratings VALUES (1, 5)")
    return tmp_path / "other.db"


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_changes_that_are_not_in_the_main_file_yet_are_read_and_nothing_is_written(
    tmp_path: Path, mode: str
) -> None:
    folder = tmp_path / "original"
    path = database(folder / "video_metadata.db", ratings={"a.mp4": 1, "b.mp4": 2})
    # A program that is killed leaves its journal behind: with what is new in the one mode, with
    # what is to be undone in another.
    program = f"""
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = {mode}")
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN")
db.execute("UPDATE ratings SET rating = 5 WHERE filename = 'a.mp4'")
if "{mode}" == "wal":
    db.execute("COMMIT")
else:
    db.executemany("INSERT INTO favorites (filename) VALUES (?)",
        [(str(n) * 500,) for n in range(2000)])
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert {each.name for each in folder.iterdir()} > {path.name}, "nothing was left behind"
    for file in folder.iterdir():
        file.chmod(0o400)
    before = state_of(folder)
    found = read_all(path)
    assert found.entries[b"a.mp4"].rating == (5 if mode == "wal" else 1)
    assert found.entries[b"b.mp4"].rating == 2
    assert not any(entry.favorite for entry in found.entries.values())
    assert not found.issues
    assert state_of(folder) == before


def test_a_database_that_was_in_wal_mode_is_read_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "original"
    path = database(folder / "video_metadata.db", ratings={"a.mp4": 4})
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = wal")
    before = state_of(folder)
    assert read_all(path).entries[b"a.mp4"].rating == 4
    assert state_of(folder) == before


# --- Whatever is in the files ---

NAMES = st.sampled_from(
    ["a.mp4", "b.mp4", "Café.mp4", "x/y.mp4", "", "favorites", "tags"]
) | st.text(max_size=10)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 6)
    | st.floats()
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(
    ["ratings", "views", "tags", "favorites", "video_analytics", "x.mp4", "unknown"]
)
quiet = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def good(value: Any) -> int | None:
    """The stars that a value in ratings.json must be read as."""
    if isinstance(value, str) and value.strip() in ("1", "2", "3", "4", "5"):
        return int(value)
    return int(value) if not isinstance(value, bool) and value in (1, 2, 3, 4, 5) else None


@quiet
@given(
    content=st.dictionaries(NAMES, VALUES, max_size=6),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
)
def test_every_good_rating_of_any_json_object_is_read(
    tmp_path: Path, content: Any, indent: int | None, ascii_only: bool
) -> None:
    path = tmp_path / "ratings.json"
    path.write_text(
        json.dumps(content, indent=indent, ensure_ascii=ascii_only),
        encoding="utf-8",
        errors="surrogatepass",
    )
    found = read_all(path)
    for name, value in content.items():
        encoded = os.fsencode(name) if "\0" not in name and is_text(name) else b""
        plain = encoded.strip(b"/") and not encoded.startswith(b"./")
        if plain and good(value):
            assert found.entries[encoded].rating == good(value)


def is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@quiet
@given(kind=KINDS, content=VALUES)
def test_any_json_in_any_file_gives_a_report(tmp_path: Path, kind: str, content: Any) -> None:
    path = tmp_path / f"{kind}.json"
    path.write_text(json.dumps(content))
    read_all(path)


@quiet
@given(
    content=st.binary(max_size=200)
    | st.text('{}[]",:\\0123456789abc \n', max_size=60).map(str.encode)
)
def test_any_bytes_are_gone_through_to_their_end(content: bytes) -> None:
    parts = list(LenientJson(content))
    assert len(parts) <= len(content) + 2
    assert [part.at for part in parts] == sorted(part.at for part in parts)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        assert not [part for part in parts if isinstance(part, SyntaxIssue)]


@quiet
@given(
    content=st.dictionaries(st.text(max_size=6), st.integers(0, 999), min_size=1, max_size=6),
    data=st.data(),
)
def test_before_a_cut_every_value_is_read_and_none_is_made_up(
    content: dict[str, int], data: st.DataObject
) -> None:
    text = json.dumps(content).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    parts = list(LenientJson(text[:cut]))
    found = {part.key: part.value for part in parts if isinstance(part, ParsedValue)}
    assert not set(map(repr, found.items())) - set(map(repr, content.items()))
    # Values that a comma follows are whole.
    assert len(found) >= text[:cut].count(b", ") - sum(", " in name for name in content)
    assert isinstance(parts[-1], SyntaxIssue)


@quiet
@given(
    content=st.dictionaries(
        st.text("abc", min_size=1, max_size=3), st.integers(1, 5), min_size=3, max_size=8
    ),
    data=st.data(),
)
def test_a_broken_place_costs_its_neighbours_only(
    content: dict[str, int], data: st.DataObject
) -> None:
    text = json.dumps(content).encode()
    at = data.draw(st.integers(1, len(text) - 2))
    broken = (
        text[:at]
        + data.draw(st.sampled_from([b"", b"#", b"##", b"}", b"]", b'"', b","]))
        + text[at + 1 :]
    )
    # The damage may turn a later name into one that came before: every pair counts, not the last of
    # a name.
    found = [
        (part.key, part.value) for part in LenientJson(broken) if isinstance(part, ParsedValue)
    ]
    starts = {
        match[1].decode(): match.start() for match in re.finditer(rb'"([abc]+)": [1-5]', text)
    }
    before = [name for name, start in starts.items() if start + len(name) + 6 < at]
    assert not [name for name in before if (name, content[name]) not in found]


# --- The command ---


def lay_out(folder: Path) -> Path:
    library = folder / "Videos"
    library.mkdir()
    (library / "a.mp4").write_bytes(b"one film")
    (library / "b.mp4").write_bytes(b"another")
    database(
        folder / "old" / "video_metadata.db",
        ratings={"a.mp4": 5, "c.mp4": 1},
        playlists={"P": ["b.mp4", "a.mp4"]},
    )
    return library


@pytest.mark.parametrize("scan_first", [True, False])
def test_the_commands_do_it_in_either_order(tmp_path: Path, scan_first: bool) -> None:
    library = lay_out(tmp_path)
    scan = ("scan", library, "--data", "data", "--no-look")
    imported = ("import-legacy", "old", "--data", "data")
    for command in (scan, imported) if scan_first else (imported, scan):
        answer = processes.run(*command, cwd=tmp_path, LVS_SETTLE_SECONDS="0")
        assert (answer.returncode, answer.stderr) == (0, "")
        if command is imported:
            assert ("No library folder has been scanned yet" in answer.stdout) == (not scan_first)
    exported = json.loads(processes.run("export", "--data", "data", cwd=tmp_path).stdout)
    assert {video["path"]: video["rating"] for video in exported["videos"]} == {
        "a.mp4": 5,
        "b.mp4": None,
    }
    [playlist] = exported["playlists"]
    assert (playlist["name"], playlist["items"]) == ("P", ["b.mp4", "a.mp4"])
    again = processes.run(*imported, "--json", cwd=tmp_path)
    report = json.loads(again.stdout)
    assert report["taken"] == []
    assert report["counts"]["no_such_file"] == 1


def test_the_command_imports_while_the_server_runs_and_files_that_come_later_get_theirs(
    tmp_path: Path,
) -> None:
    library = lay_out(tmp_path)
    for name in ("a.mp4", "b.mp4"):
        (library / name).write_bytes(
            distinct_video()
        )  # what is no film is listed only until a worker has seen that
    options = {"LVS_SETTLE_SECONDS": "0", "LVS_ENABLE_THUMBNAILS": "false"}
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "lvs",
        "serve",
        library,
        "--data",
        tmp_path / "data",
        "--port",
        "0",
    ]
    with processes.Server([*command, "--host", "127.0.0.1"], tmp_path, **options) as server:

        def stars(name: str) -> int | None:
            media_hash = hashlib.sha256(name.encode()).hexdigest()[:16]
            answer = loopback.get(f"{server.address}/api/ratings/{media_hash}", timeout=30)
            value: int | None = (
                answer.json()["user"]["value"] if answer.status_code == 200 else None
            )
            return value

        def listed() -> int:
            answer = loopback.get(f"{server.address}/api/videos", timeout=30)
            return len(answer.json()["videos"])

        wait_until(lambda: listed() == 2)
        answer = processes.run("import-legacy", "old", "--data", "data", cwd=tmp_path)
        assert answer.returncode == 0, answer.stderr
        assert stars("a.mp4") == 5
        (tmp_path / "c.mp4").write_bytes(distinct_video())
        (tmp_path / "c.mp4").rename(library / "c.mp4")  # whole from the first
        wait_until(lambda: stars("c.mp4") == 1)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + processes.PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def test_an_import_that_was_killed_is_completed_by_the_next(tmp_path: Path) -> None:
    large_database(tmp_path / "old" / "video_metadata.db")
    command = [sys.executable, "-m", "lvs", "import-legacy", "old", "--data", "data"]

    def names() -> int:
        with (
            contextlib.suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{tmp_path}/data/lvs.db?mode=ro", uri=True)) as db,
        ):
            return int(db.execute("SELECT count(*) FROM legacy_names").fetchone()[0])
        return 0

    with subprocess.Popen(
        command, cwd=tmp_path, env=processes.environment(tmp_path), stdout=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: names() > 0 or process.poll() is not None)
        process.kill()
    assert names() > 0
    assert processes.run_command(list(command), tmp_path).returncode == 0
    assert names() == 3000
    report = json.loads(processes.run_command([*command, "--json"], tmp_path).stdout)
    assert (report["taken"], report["counts"]["playlists"]) == ([], 0)
    with closing(sqlite3.connect(tmp_path / "data" / "lvs.db")) as db:
        assert db.execute("SELECT count(*) FROM legacy_playlist_items").fetchone() == (3000,)


def test_a_dry_run_of_the_command_makes_no_data_folder(tmp_path: Path) -> None:
    lay_out(tmp_path)
    answer = processes.run("import-legacy", "old", "--data", "data", "--dry-run", cwd=tmp_path)
    assert answer.returncode == 0
    assert "Dry run" in answer.stdout
    assert not (tmp_path / "data").exists()


def test_the_report_names_file_line_and_reason(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "old" / "ratings.json").write_text('{\n"a.mp4": 5,\n"b.mp4": 77\n}')
    answer = processes.run(
        "import-legacy", "old", "--data", "data", "--report", "report.json", cwd=tmp_path
    )
    assert answer.returncode == 1
    assert "old/ratings.json, line 3: a rating is 1 to 5 stars, not 77 (“b.mp4”)" in answer.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["not_understood"] == [
        {
            "file": "old/ratings.json",
            "line": 3,
            "row": None,
            "why": "a rating is 1 to 5 stars, not 77 (“b.mp4”)",
        }
    ]
    assert [kept["name"] for kept in report["no_such_file"]] == ["a.mp4", "b.mp4", "c.mp4"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is not there."),
        (["Videos"], "No files of the original Local Video Server were found in Videos."),
        (["old", "nowhere"], "nowhere is not there."),
        (
            ["old", "--report", "old/video_metadata.db"],
            "old/video_metadata.db is a file of the original.",
        ),
        (["old", "--report", "nowhere/report.json"], "nowhere"),
    ],
)
def test_a_refused_import_ends_with_a_message(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    lay_out(tmp_path)
    before = state_of(tmp_path / "old")
    answer = processes.run("import-legacy", *arguments, "--data", "data", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"lvs: {message}")
    assert state_of(tmp_path / "old") == before
