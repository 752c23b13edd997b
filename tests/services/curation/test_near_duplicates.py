"""Films that look the same: one is kept with all of both, or they are two; and the undo."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.home import Home

from lvs.db import picture_signatures as rows
from lvs.db.changes import ChangeFilter
from lvs.errors import Invalid, NotFound
from lvs.models import Query
from lvs.services.backup import export, restore, snapshot_reader, snapshots
from lvs.services.curation.change_status import UndoStatus
from lvs.services.household.people import NewPerson

ANNA = "192.168.1.5"
GIVEN = (
    "SELECT video_id, value FROM ratings",
    "SELECT video_id FROM favorites",
    "SELECT video_id, name FROM video_tags JOIN tags ON id = tag_id",
    "SELECT video_id, text FROM video_notes",
    "SELECT video_id FROM hidden",
    "SELECT person_id, video_id FROM later",
    "SELECT person_id, video_id, position_s, watched FROM progress WHERE position_s OR watched",
)


async def everything(home: Home) -> list[Any]:
    """Everything that people gave all films."""
    async with home.services.database.read() as db:
        found = [sorted(map(tuple, await db.all(sql))) for sql in GIVEN]
        lists = await db.all(
            "SELECT playlist_id, video_id FROM playlist_items ORDER BY playlist_id, position"
        )
    return [*found, list(map(tuple, lists))]


async def pair_of(home: Home, one: str, other: str) -> int:
    """The id of a new pair of two films."""
    ids = [(await home.video(name)).id for name in (one, other)]
    async with home.services.database.transaction() as tx:
        await rows.put_pairs(tx, [], [(ids[0], ids[1], 9)])
    pairs, _ = await home.services.near_duplicates.page()
    return pairs[-1].id


async def films(home: Home, *names: str) -> list[str]:
    for name in names:
        home.add(name)
    await home.scan()
    await home.probed()
    return [(await home.video(name)).media_hash for name in names]


async def test_the_kept_one_gets_all_of_both_and_undo_ends_where_it_began(home: Home) -> None:
    small, large, between = await films(home, "small.mp4", "large.mp4", "between.mp4")
    ours = home.services
    mia = await ours.people.create(NewPerson("Mia"))
    await ours.ratings.rate(large, 2, ANNA)
    await ours.ratings.rate(small, 5, ANNA)
    await ours.favorites.set(small, True, ANNA)
    await ours.tags.add(small, "alps", ANNA)
    await ours.tags.add(small, "snow", ANNA)
    await ours.tags.add(large, "Snow", ANNA)
    await ours.notes.set(small, "Grandma at 2:10", ANNA)
    await ours.notes.set(large, "Sharp.", ANNA)
    await ours.later.set(small, True, ANNA)
    await ours.progress.record(small, 0.3, ANNA)
    await ours.progress.record(small, 0.2, ANNA, person=mia.id)
    lists = [await ours.playlists.create("Trips", "", small), await ours.playlists.create("Both")]
    await ours.playlists.add(lists[0], between)
    for each in (large, small):
        await ours.playlists.add(lists[1], each)
    await ours.progress.flush()
    pair = await pair_of(home, "small.mp4", "large.mp4")
    before = await everything(home)

    with pytest.raises(Invalid):
        await ours.near_duplicates.keep(pair, between, ANNA)
    change = await ours.near_duplicates.keep(pair, large, ANNA)

    video = await ours.videos.get(large)
    assert (video.rating, video.favorite, sorted(video.tags)) == (5, True, ["alps", "snow"])
    assert video.notes == "Sharp.\nGrandma at 2:10"
    assert video.watch_state.position_s == 0.3
    assert await ours.later.has(large)
    assert [item.media_hash for item in await ours.playlists.items(lists[0])] == [large, between]
    assert [item.media_hash for item in await ours.playlists.items(lists[1])] == [large]
    assert (await ours.videos.get(small)).hidden
    assert small not in [card.media_hash for card in (await ours.gallery.browse(Query())).cards]
    assert (home.library / "small.mp4").exists()
    assert (await ours.near_duplicates.page())[0] == []
    with pytest.raises(NotFound):
        await ours.near_duplicates.keep(pair, large, ANNA)
    [line] = (await ours.journal.page(ChangeFilter(what="bulk")))[0]
    assert (line.change.id, line.videos, line.status) == (change, 2, UndoStatus.OPEN)
    assert line.change.new == "“large” kept instead of “small”, which is hidden"

    undone = await ours.journal.undo(change, ANNA)
    assert (undone.reason, undone.skipped) == ("", 0)
    assert await everything(home) == before
    assert [each.id for each in (await ours.near_duplicates.page())[0]] == [pair]
    assert undone.change_id
    assert (await ours.journal.undo(undone.change_id, ANNA)).reason == ""
    assert (await ours.videos.get(large)).rating == 5


async def test_two_films_stay_two_until_that_is_undone(home: Home) -> None:
    one, other = await films(home, "one.mp4", "other.mp4")
    ours = home.services
    pair = await pair_of(home, "one.mp4", "other.mp4")
    change = await ours.near_duplicates.part(pair, ANNA)
    assert await ours.near_duplicates.count() == 0
    # compared once more, for ever so long
    ids = [(await ours.videos.get(each)).id for each in (one, other)]
    async with ours.database.transaction() as tx:
        await rows.put_pairs(tx, ids, [(ids[0], ids[1], 12)])
    assert await ours.near_duplicates.count() == 0
    undone = await ours.journal.undo(change, ANNA)
    assert undone.reason == ""
    assert await ours.near_duplicates.count() == 1
    assert (await ours.journal.undo(change, ANNA)).reason
    assert undone.entry.change.what == "different"
    lines = (await ours.journal.page(ChangeFilter(what="different")))[0]
    assert [line.change.new for line in lines] == [None, other]
    assert (await ours.journal.undo(lines[0].change.id, ANNA)).reason == ""
    assert await ours.near_duplicates.count() == 0


async def test_pairs_told_apart_are_exported_backed_up_and_restored(
    home: Home, tmp_path: Path
) -> None:
    one, other = await films(home, "one.mp4", "other.mp4")
    database, pairs = home.services.database, home.services.near_duplicates
    await pairs.part(await pair_of(home, "one.mp4", "other.mp4"), ANNA)
    content = b"".join([piece async for piece in export.as_json(database)])
    (tmp_path / "export.json").write_bytes(content)
    (tmp_path / "snapshot").mkdir()
    snapshots.write(home.data / "lvs.db", tmp_path / "snapshot")
    assert (tmp_path / "snapshot" / "different.json").read_text().count(other) == 1
    for source in (tmp_path / "export.json", tmp_path / "snapshot"):
        async with database.transaction() as tx:
            await tx.run("DELETE FROM near_pairs")
        read = snapshot_reader.read(source)
        assert read.problems == []
        assert (await restore.restore_records(database, read.kept.values(), True)).told_apart == 1
        gains = await restore.restore_records(database, read.kept.values())
        assert (gains.told_apart, gains.nothing) == (1, False)
        assert (await restore.restore_records(database, read.kept.values())).nothing
        ids = [(await home.services.videos.get(each)).id for each in (one, other)]
        async with database.transaction() as tx:  # compared here for the first time
            await rows.put_pairs(tx, ids, [(ids[0], ids[1], 12)])
        assert await pairs.count() == 0
        lines = (await home.services.journal.page(ChangeFilter(what="different")))[0]
        assert (lines[0].change.client, lines[0].change.new) == (restore.CLIENT, other)
        assert (await home.services.journal.undo(lines[0].change.id, ANNA)).reason == ""
        assert [each.pictures for each in (await pairs.page())[0]] == [12]


async def test_undone_before_they_were_compared_they_are_no_pair(home: Home) -> None:
    one, other = await films(home, "one.mp4", "other.mp4")
    content = {"media_hash": one, "different_from": [other, one, "0" * 16]}
    path = home.data / "export.json"
    path.write_text(json.dumps({"videos": [content]}))
    kept = snapshot_reader.read(path).kept.values()
    gains = await restore.restore_records(home.services.database, kept)
    assert gains.told_apart == 1
    lines = (await home.services.journal.page(ChangeFilter(what="different")))[0]
    assert (await home.services.journal.undo(lines[0].change.id, ANNA)).reason == ""
    assert await home.services.near_duplicates.count() == 0
    wrongs: list[Any] = ["x", [1], ["x"], {}]
    for wrong in wrongs:
        path.write_text(json.dumps({"videos": [{"media_hash": one, "different_from": wrong}]}))
        assert len(snapshot_reader.read(path).problems) == 1
