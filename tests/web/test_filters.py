"""One row of the table is a whole filter: parsing, address, chip, page, API and document."""

import itertools
import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from support.home import Home

from lvs.db import gallery, migrate
from lvs.db.database import Database
from lvs.errors import Invalid
from lvs.filters import FILTERS, filter_bounds
from lvs.models import Probe, Query, Track
from lvs.playability import MATROSKA, MP4, plays
from lvs.services.media.projection import by_person
from lvs.text import natural_key, searchable
from lvs.web.filters import chips, parse_query
from lvs.web.urls import query_string

ORDER = {"sort", "descending", "seed"}
EXAMPLES = {
    "q": ("sea", "“sea”"),
    "tag": ("alps", "tagged alps"),
    "min_rating": ("3", "3 stars or more"),
    "length": ("short", "under 10 min"),
    "min_minutes": ("5", "at least 5 min"),
    "max_minutes": ("60", "under 60 min"),
    "favorite": ("1", "favorites"),
    "unrated": ("1", "unrated"),
    "viewed": ("1", "viewed"),
    "hidden": ("1", "hidden"),
    "progress": ("started", "in progress"),
    "recorded_from": ("2024-02-29", "recorded since 2024-02-29"),
    "recorded_to": ("2024-03-01", "recorded until 2024-03-01"),
    "recorded": ("2024-02", "recorded in 2024-02"),
    "resolution": ("1080p", "1080p or more"),
    "state": ("convert", "needs conversion"),
    "sound": ("missing", "no sound"),
    "vr": ("1", "for a headset"),
    "shape": ("fisheye", "fisheye"),
    "tagged": ("no", "without tags"),
    "subtitles": ("yes", "with subtitles"),
    "folder": ("Trips/a%20b", "in Trips/a%20b"),
    "direct": ("1", "not in folders below"),
}
NEW = ("recorded_from", "recorded_to", "resolution", "state", "sound")


def test_every_field_of_a_query_is_a_filter_or_the_order() -> None:
    named = {each.field or each.name for each in FILTERS}
    assert named | ORDER | {"viewer"} == set(Query.__struct_fields__)
    assert {each.name for each in FILTERS} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_filter_is_read_from_and_written_to_an_address(name: str) -> None:
    value, label = EXAMPLES[name]
    query = parse_query({name: [value]})
    assert query.filtered
    assert query_string(query).startswith(f"?{name}=")
    [chip] = chips(query)
    assert (chip.label, chip.without, chip.url) == (label, Query(), "/")


def test_each_chip_removes_its_own_filter() -> None:
    query = parse_query({name: [value] for name, (value, _) in EXAMPLES.items()})
    found = chips(query)
    assert len(found) == len(EXAMPLES)
    for chip in found:
        assert chip.label not in {other.label for other in chips(chip.without)}
        assert len(chips(chip.without)) == len(EXAMPLES) - 1


def test_a_tag_has_a_chip_of_its_own() -> None:
    found = chips(Query(tags=("alps", "sea")))
    assert [chip.without.tags for chip in found] == [("sea",), ("alps",)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recorded_from", "yesterday"),
        ("recorded_from", "2024-02-30"),
        ("recorded_to", "20240229"),
        ("recorded_to", "0001-01-01"),
        ("recorded", "2024-13"),
        ("recorded", "24"),
        ("recorded", "2023-02-29"),
        ("resolution", "999p"),
        ("state", "unreadable"),
        ("sound", "loud"),
        ("min_rating", "6"),
        ("favorite", "maybe"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, value: str) -> None:
    with pytest.raises(Invalid, match=name):
        parse_query({name: [value]})


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(1970, 1, 1), date(2999, 12, 31)])
def test_any_day_that_is_allowed_has_bounds(day: date) -> None:
    first, _, end, _ = filter_bounds(Query(recorded_from=day, recorded_to=day))
    assert 23 * 3_600_000 <= end.value - first.value <= 25 * 3_600_000


@pytest.mark.parametrize("name", NEW)
async def test_gallery_api_and_document_know_a_filter(tmp_path: Path, name: str) -> None:
    value, label = EXAMPLES[name]
    async with Home(tmp_path) as home:
        page = await (await home.client.get(f"/?{name}={value}")).get_data(as_text=True)
        assert f'aria-label="Remove filter: {label}"' in page
        assert f'name="{name}"' in page
        answer = await home.client.get(f"/api/videos?{name}={value}")
        assert await answer.get_json() == {"videos": [], "next": None}
        document = await (await home.client.get("/api/openapi.json")).get_json()
        [operation] = document["paths"]["/api/videos"].values()
        [parameter] = [each for each in operation["parameters"] if each["name"] == name]
        assert parameter["description"]
        assert not parameter.get("required")
        for wrong in (f"/?{name}=wrong", f"/api/videos?{name}=wrong"):
            assert (await home.client.get(wrong)).status_code == 400


async def test_the_filters_know_the_content_of_files(tmp_path: Path) -> None:
    async with Home(tmp_path) as home:
        home.add("film.mp4")
        await home.scan()
        await home.probed()
        assert await home.titles(Query(state="plays")) == ["film"]
        assert await home.titles(Query(state="convert")) == []
        assert await home.titles(Query(resolution="720p")) == []
        silent = not (await home.video("film.mp4")).probe.audio_tracks
        assert await home.titles(Query(sound="missing")) == (["film"] if silent else [])


SHAPES = list(
    itertools.product(
        (MP4, MATROSKA, "avi"),
        ("h264", "hevc", "av1", "vp8", "vp9", "ffv1"),
        (None, "yuv420p", "yuvj420p", "yuv422p10le"),
        (None, "aac", "mp3", "opus", "flac", "vorbis", "ac3"),
        ("mp4", "webm", "MKV", "WEBM"),
    )
)


def old_database(path: Path) -> None:
    """A database as it was before the filters by content, with one video of each shape."""
    with closing(sqlite3.connect(path)) as db:
        db.create_function("natural_key", 1, natural_key, deterministic=True)
        db.create_function("searchable", 1, searchable, deterministic=True)
        steps = list(itertools.takewhile(lambda s: "filters" not in s.name, migrate.steps()))
        for step in steps:
            db.executescript(step.read_text(encoding="utf-8"))
        db.execute(f"PRAGMA user_version = {len(steps)}")
        db.execute("INSERT INTO roots (id, path, name) VALUES (1, x'2f76', 'v')")
        for number, (container, codec, pixels, sound, extension) in enumerate(SHAPES, 1):
            tracks = f'[{{"codec": "{sound}"}}]' if sound else "[]"
            name, place = f"{number:016x}", f"{number}.{extension}".encode()
            db.execute(
                """INSERT INTO videos (id, media_hash, title, added_at, shuffle, state, container,
                       video_codec, width, height, pixel_format, audio_tracks, recorded_at)
                   VALUES (?, ?, 't', 1, 1, 'ready', ?, ?, ?, 1080, ?, ?, ?)""",
                (number, name, container, codec, number, pixels, tracks, number % 3 or None),
            )
            db.execute(
                """INSERT INTO files (video_id, root_id, path, size_bytes, mtime_ns, fingerprint,
                       oshash) VALUES (?, 1, ?, 1, 1, ?, ?)""",
                (number, place, name, name),
            )
            db.execute(
                """INSERT INTO gallery (video_id, media_hash, version, root_id, path, title,
                       title_key, added_at, duration_s, width, height, size_bytes, rating, views,
                       last_viewed_at, favorited_at, shuffle, tags, state, offline)
                   VALUES (?, ?, 1, 1, ?, 't', 't', 1, 0.0, ?, 1080, 1, 0, 0, 0, 0, 1, '[]',
                       'ready', 0)""",
                (number, name, place, number),
            )
        db.commit()


FACTS = "SELECT video_id, recorded_at, lines, playback, silent FROM gallery ORDER BY video_id"


async def test_an_old_database_gets_what_the_filters_ask(tmp_path: Path) -> None:

    old_database(tmp_path / "lvs.db")
    database = Database(tmp_path / "lvs.db")
    await database.open()
    try:
        async with database.read() as db:
            migrated = [tuple(row) for row in await db.all(FACTS)]
        async with database.transaction() as tx:
            await gallery.refresh(tx, range(1, len(SHAPES) + 1))
        async with database.read() as db:
            assert [tuple(row) for row in await db.all(FACTS)] == migrated
    finally:
        await database.close()
    for number, _, _, playback, silent in migrated:
        container, codec, pixels, sound, extension = SHAPES[number - 1]
        tracks = (Track(sound),) if sound else ()
        probe = Probe(container, codec, 1.0, number, 1080, number, 1080,
                      pixel_format=pixels, audio_tracks=tracks)  # fmt: skip
        assert playback == plays(probe, extension)[0]
        assert silent == (not tracks)


async def test_the_gallery_shows_only_films_of_a_shape(home: Home) -> None:
    shapes = {"flat": "mono", "equirect180": "sbs", "equirect360": "mono"}
    for shape, stereo in shapes.items():
        home.add(f"{shape}.mp4")
        await home.scan()
        video = await home.video(f"{shape}.mp4")
        await home.services.projections.choose(video.media_hash, by_person(shape, stereo), "me")
    home.add("cinema.mp4")
    await home.scan()
    video = await home.video("cinema.mp4")
    await home.services.projections.choose(video.media_hash, by_person("flat", "sbs"), "me")
    expected = {
        "vr=1": {"equirect180", "equirect360", "cinema"},
        "shape=equirect180": {"equirect180"},
        "shape=flat": {"flat", "cinema"},
        "shape=fisheye": set(),
        "shape=flat&vr=1": {"cinema"},
    }
    for query, titles in expected.items():
        answer = await home.client.get(f"/api/videos?{query}")
        found = json.loads(await answer.get_data())["videos"]
        assert {video["title"] for video in found} == titles, query
    assert (await home.client.get("/?shape=dome")).status_code == 400
    page = (await (await home.client.get("/?shape=equirect180")).get_data(as_text=False)).decode()
    assert "equirect180.mp4" in page
    assert "cinema.mp4" not in page
