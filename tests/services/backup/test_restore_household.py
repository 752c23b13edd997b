"""Positions, what was watched, Later and playlists go through backups, exports and back."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from quart import Response
from support.home import Home
from support.household import a_film

from lvs.db import people_rows
from lvs.db.check import repair
from lvs.db.database import Transaction
from lvs.services.backup import check, snapshot_reader
from lvs.services.backup.export import as_csv, as_json
from lvs.services.household.people import NewPerson
from lvs.viewer import Limits

pytestmark = pytest.mark.usefixtures("counted")


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


def restore(source: Path, data: Path) -> dict[str, Any]:
    """Run `lvs restore`; the changes it reports."""
    command = [sys.executable, "-m", "lvs", "restore", str(source), "--yes", "--json"]
    done = subprocess.run(
        [*command, "--data", str(data)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    changes: dict[str, Any] = json.loads(done.stdout).get("changes", {})
    return changes


async def furnish(home: Home) -> tuple[str, str]:
    """Two films: one stopped in and to be seen later, one watched; and a list of both."""
    one, two = await a_film(home, name="one.mp4"), await a_film(home, name="two.mp4")
    await home.services.progress.record(one, 61.5, "a")
    await home.services.progress.mark(two, watched=True)
    await home.services.progress.flush()
    await home.services.later.set(one, True)
    playlist_id = await home.services.playlists.create("Alps “2024”", "high")
    for each in (two, one, two):
        await home.services.playlists.add(playlist_id, each)

    async def hold(tx: Transaction) -> None:
        sql = "INSERT INTO legacy_playlist_items VALUES (?, 9, ?)"
        await tx.run(sql, (playlist_id, b"gone.mp4"))

    await home.services.database.write(hold)
    deleted = await home.services.playlists.create("Deleted")
    await home.services.playlists.delete(deleted)
    return one, two


async def holds(home: Home) -> object:
    """All of it, as it can be compared."""
    state = []
    for name in ("one.mp4", "two.mp4"):
        media_hash = (await home.video(name)).media_hash
        progress = await home.services.progress.get(media_hash)
        later = await home.services.later.has(media_hash)
        state.append((min(progress.position_s, 0.5), progress.watched, progress.updated_at, later))
    lists = [
        (
            each.playlist.name,
            each.playlist.description,
            [item.title for item in await home.services.playlists.items(each.playlist.id)],
        )
        for each in await home.services.playlists.every()
    ]
    return state, lists


@pytest.mark.parametrize("what", ["database", "json"])
async def test_a_backup_brings_all_of_it_back_elsewhere(tmp_path: Path, what: str) -> None:
    async with Home(tmp_path / "old") as home:
        await furnish(home)
        dismissed = await a_film(home, name="dismissed.mp4")
        await home.services.progress.record(dismissed, 0.25, "a")
        await home.services.progress.dismiss(dismissed, True)
        before = await holds(home)
        made = await home.services.backups.make()
        assert made is not None
        films = {path.name: path.read_bytes() for path in home.library.iterdir()}
    source = made.path if what == "database" else made.snapshot
    data = tmp_path / "new" / "data"
    data.mkdir(parents=True)
    restore(source, data)
    new = Home(tmp_path / "new")
    for name, content in films.items():
        new.add(name, content)
    async with new as home:
        assert await holds(home) == before
        titles = {film.card.title for film in await home.services.progress.started()}
        assert titles == {"one"}


async def test_a_restore_adds_what_was_lost_and_changes_nothing_else(home: Home) -> None:
    one, two = await furnish(home)
    made = await home.services.backups.make()
    assert made is not None
    before = await holds(home)
    await home.stop()
    changes = restore(made.snapshot, home.data)
    assert {name for name, number in changes.items() if number} == {"videos"}
    await home.start()
    assert await holds(home) == before
    [summary] = await home.services.playlists.every()
    await home.services.playlists.take_out_named(summary.playlist.id, one)
    await home.services.later.set(one, False)
    await home.services.progress.record(one, 0.25, "a")  # later than the backup: it stays
    await home.stop()
    changes = restore(made.snapshot, home.data)
    assert (changes["progress"], changes["later"]) == (0, 1)
    assert (changes["playlists"], changes["playlist_items"]) == (0, 1)
    await home.start()
    assert await home.services.progress.position_s(one) == 0.25
    assert await home.services.later.has(one)
    items = await home.services.playlists.items(summary.playlist.id)
    assert [item.title for item in items] == ["two", "two", "gone.mp4", "one"]
    assert (await home.services.progress.get(two)).watched


async def test_an_export_holds_it_and_can_be_brought_back(home: Home, tmp_path: Path) -> None:
    one, two = await furnish(home)
    content = b"".join([piece async for piece in as_json(home.services.database)])
    exported = json.loads(content)
    videos = {video["media_hash"]: video for video in exported["videos"]}
    assert (videos[one]["position_s"], videos[one]["watched"]) == (61.5, False)
    assert (videos[two]["position_s"], videos[two]["watched"]) == (None, True)
    assert videos[one]["later_at"]
    assert videos[two]["later_at"] is None
    [playlist] = exported["playlists"]
    assert playlist["items"] == ["two.mp4", "one.mp4", "two.mp4"]
    assert playlist["media_hashes"] == [two, one, two]
    table = b"".join([piece async for piece in as_csv(home.services.database)]).decode()
    rows = {row["media_hash"]: row for row in csv.DictReader(io.StringIO(table))}
    assert (rows[one]["position_s"], rows[two]["watched"]) == ("61.5", "1")
    export = tmp_path / "export.json"
    export.write_bytes(content)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    changes = restore(export, fresh)
    assert (changes["progress"], changes["later"]) == (2, 1)
    assert (changes["playlists"], changes["playlist_items"]) == (1, 3)


async def people_hold(home: Home) -> object:
    """Everything that is personal, as it can be compared."""
    await home.services.progress.flush()
    async with home.services.database.read() as db:
        found = list(await people_rows.everybody(db))
    return [
        (each.name, each.limits, each.start_page, each.preferences, each.videos) for each in found
    ]


@pytest.mark.parametrize("what", ["database", "json", "export"])
async def test_people_and_history_come_back_elsewhere(tmp_path: Path, what: str) -> None:
    async with Home(tmp_path / "old") as home:
        one, two = await furnish(home)
        people = home.services.people
        mia = await people.create(NewPerson("Mia", "1234", Limits(("kids",), (b"Kids",)), "/later"))
        ben = await people.create(NewPerson("Ben"))
        await home.services.progress.record(one, 0.25, "a", person=mia.id)
        await home.services.progress.dismiss(one, True, person=mia.id)
        await home.services.later.set(two, True, person=mia.id)
        await home.services.progress.mark(two, True, person=ben.id)
        await home.services.history.switch(False, person=ben.id)
        await home.services.preferences.choose_language("sound", "de", "a", person=ben.id)
        gone = await people.create(NewPerson("Gone"))
        await home.services.later.set(one, True, person=gone.id)
        await people.remove(gone.id)
        before = await people_hold(home)
        made = await home.services.backups.make()
        assert made is not None
        content = b"".join([piece async for piece in as_json(home.services.database)])
        films = {path.name: path.read_bytes() for path in home.library.iterdir()}
    assert b"argon2" not in content  # a PIN is for backups only
    export = tmp_path / "export.json"
    export.write_bytes(content)
    source = {"database": made.path, "json": made.snapshot, "export": export}[what]
    data = tmp_path / "new" / "data"
    data.mkdir(parents=True)
    changes = restore(source, data)
    if what != "database":
        assert (changes["people"], changes["history"]) == (2, 2)
    new = Home(tmp_path / "new")
    for name, film in films.items():
        new.add(name, film)
    async with new as home:
        assert await people_hold(home) == before
        assert [bool(each.pin) for each in home.services.people.every] == [False, what != "export"]
        again = home.services.people.named("mia")
        assert again is not None
        assert (await home.services.progress.get(one, person=again.id)).position_s == 0.25
        await home.stop()
        if what != "database":
            changes = restore(source, home.data)
            assert {name for name, number in changes.items() if number} == {"videos"}
        await home.start()


async def test_removed_history_is_in_no_later_backup_or_export(home: Home, tmp_path: Path) -> None:
    one, _ = await furnish(home)
    people = [(await home.services.people.create(NewPerson(name))).id for name in ("Mia", "Ben")]
    for person in people:
        for at_ms in (1_600_000_000_000, None):
            await home.services.progress.record(one, 9.5, "a", person=person, at_ms=at_ms)
            await home.services.progress.flush()
    removed, today = sorted(
        line.day for line in await home.services.history.lines(9, person=people[0])
    )
    for person in people:
        assert await home.services.history.remove_day(removed, person=person) == 1
    made = await home.services.backups.make()
    assert made is not None
    assert (made.counts.history, made.counts.people, made.counts.positions) == (3, 2, 4)
    content = b"".join([piece async for piece in as_json(home.services.database)]).decode()
    for each in (content, *(path.read_text() for path in made.snapshot.iterdir())):
        assert removed not in each
    assert f'"day": "{today}"' in content
    assert removed not in await text(await home.client.get("/admin/changes?what=all"))
    data = tmp_path / "new" / "data"
    data.mkdir(parents=True)
    restore(made.path, data)
    async with Home(tmp_path / "new") as later:
        for person in people:
            lines = await later.services.history.lines(9, person=person)
            assert [line.day for line in lines] == [today]


async def test_a_check_finds_what_is_personal_of_nobody(home: Home) -> None:
    one, _ = await furnish(home)
    await home.services.later.set(one, True, person=77)
    found = check.check_data(home.data / "lvs.db", home.data / "backups")
    assert "nobodys" in {finding.kind for finding in found.findings}
    await repair(home.services.database)
    found = check.check_data(home.data / "lvs.db", home.data / "backups")
    assert {"nobodys", "out-of-step"}.isdisjoint(finding.kind for finding in found.findings)


def test_invalid_people_are_reported(tmp_path: Path) -> None:
    line = {"day": "2026-11-22", "at": "2026-11-22T20:00:00Z"}
    good = {"films": {"0" * 16: {"history": [line]}}, "limits": {"tags": ["a"], "folders": []}}
    entries: dict[str, Any] = {
        "good": good,
        "no object": [],
        "films": {"films": {"x": {}}},
        "position": {"films": {"0" * 16: {"position_s": -1}}},
        "line": {"films": {"0" * 16: {"history": [{"day": "today", "at": 5}]}}},
        "time": {"created_at": "then"},
        "limits": {"limits": {"tags": [5], "folders": []}},
        "start": {"start_page": "https://elsewhere"},
        "preferences": {"preferences": {"sound": 5}},
        "bad \u0007": {},
    }
    (tmp_path / "people.json").write_text(json.dumps(entries))
    read = snapshot_reader.read(tmp_path)
    assert len(read.problems) == len(entries) - 1
    assert [person.name for person in read.people] == ["good"]
    assert len(read.people[0].videos["0" * 16].history) == 1


def test_invalid_positions_and_playlists_are_reported(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text(
        json.dumps(
            {
                "0" * 16: {"position_s": -1},
                "1" * 16: {"position_s": "x"},
                "2" * 16: {"position_s": 5, "watched": True, "progress_at": 7},
            }
        )
    )
    (tmp_path / "playlists.json").write_text(
        json.dumps(
            {
                "good": {"items": [{"media_hash": "2" * 16}]},
                "bad": {"items": [{"media_hash": "x"}]},
                "worse": [],
                "a\u0007": {"items": []},
            }
        )
    )
    read = snapshot_reader.read(tmp_path)
    assert len(read.problems) == 5
    assert [playlist.name for playlist in read.playlists] == ["good"]
    kept = read.kept["2" * 16]
    assert (kept.position_s, kept.watched, kept.progress_at) == (5.0, True, 7)
