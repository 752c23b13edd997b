"""Many videos changed at once: one transaction, one line of the journal, one undo, and nothing that
the journal does not know of.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.home import Home

from lvs.db import check
from lvs.db.changes import ChangeFilter
from lvs.errors import Conflict, Invalid, NotFound
from lvs.models import HOUSEHOLD, Query, Sort
from lvs.services.curation.bulk import BulkEdit, BulkResult
from lvs.services.curation.change_status import UndoStatus
from lvs.services.curation.undo import JournalEntry
from lvs.services.household.people import NewPerson
from lvs.services.household.playlists import MAX_ITEMS

ANNA, BEN = "192.168.1.5", "192.168.1.6"


async def films(home: Home, count: int) -> list[str]:
    """The hashes of new films, by name."""
    for number in range(count):
        home.add(f"trips/film{number}.mp4")
    await home.scan()
    return [(await home.video(f"trips/film{number}.mp4")).media_hash for number in range(count)]


async def bulk(home: Home, hashes: list[str], **edit: Any) -> BulkResult:
    ids = await home.services.bulk.named(hashes)
    return await home.services.bulk.apply(ids, BulkEdit(**edit), ANNA)


async def journal(home: Home, **chosen: Any) -> list[JournalEntry]:
    return (await home.services.journal.page(ChangeFilter(**chosen)))[0]


async def everything(home: Home) -> list[Any]:
    """The curation of all videos, on which tables and gallery agree."""
    cards = (await home.services.gallery.browse(Query(sort=Sort.TITLE, descending=False))).cards
    cards += (await home.services.gallery.browse(Query(hidden=True))).cards
    found: list[Any] = []
    for card in sorted(cards, key=lambda each: each.id):
        video = await home.services.videos.get(card.media_hash)
        given = (video.rating, video.favorite, video.tags, video.hidden, video.title)
        assert (card.rating, card.favorite, card.tags, card.hidden, card.title) == given
        assert card.watched == video.watch_state.watched
        later = await home.services.later.has(card.media_hash)
        state = video.watch_state
        found.append((*given, video.title_edited, state.position_s, state.watched, later))
    for playlist in await home.services.playlists.every():
        items = await home.services.playlists.items(playlist.playlist.id, hidden=True)
        found.append([item.media_hash for item in items])
    return found


async def test_everything_is_changed_at_once_and_taken_back_at_once(home: Home) -> None:
    hashes = await films(home, 4)
    playlist = await home.services.playlists.create("Alps", "", hashes[1])
    await home.services.ratings.rate(hashes[0], 5, BEN)
    await home.services.favorites.set(hashes[1], True, BEN)
    await home.services.tags.add(hashes[2], "Snow", BEN)
    await home.services.videos.retitle(hashes[3], "Mine", BEN)
    await home.services.later.set(hashes[2], True, BEN)
    await home.services.progress.record(hashes[0], 0.2, BEN)
    await home.services.progress.flush()
    before = await everything(home)
    result = await bulk(
        home, hashes, rating=4, favorite=True, tags_add=("alps", "winter"), tags_remove=("snow",),
        hidden=True, watched=True, playlist=playlist, title="{title} ({n}, {folder})",
    )  # fmt: skip
    assert (result.meant, result.changed) == (4, 4)
    after = await everything(home)
    assert [row[:5] for row in after[:4]] == [
        (4, True, ("alps", "winter"), True, f"{title} ({number}, trips)")
        for number, title in enumerate(["film0", "film1", "film2", "Mine"], 1)
    ]
    assert after[4] == [hashes[1], hashes[0], hashes[2], hashes[3]]
    assert not any(row[8] for row in after[:4])  # watched films have left Later
    assert check.stale_gallery_rows(home.data / "lvs.db").count == 0
    assert check.unused_tags(home.data / "lvs.db").count == 0

    [line, *others] = await journal(home)
    assert (line.change.id, line.change.what, line.videos) == (result.change_id, "bulk", 4)
    assert "4 stars, added to favorites, hidden, watched, tag “alps” added" in str(line.change.new)
    assert all(entry.change.client == BEN for entry in others)
    assert [entry.change.id for entry in await journal(home, what="bulk")] == [result.change_id]

    undone = await home.services.journal.undo(result.change_id or 0, BEN)
    assert (undone.reason, undone.skipped, undone.entry.status) == ("", 0, UndoStatus.TAKEN_BACK)
    assert await everything(home) == before
    again = await home.services.journal.undo(result.change_id or 0, BEN)
    assert again.reason == "It is taken back already."
    await home.services.journal.undo(undone.change_id or 0, BEN)
    assert await everything(home) == after
    assert [entry.status for entry in await journal(home, what="bulk")] == [
        UndoStatus.PUT_BACK,
        UndoStatus.TAKEN_BACK,
        UndoStatus.OPEN,
    ]
    await home.services.journal.undo(result.change_id or 0, BEN)
    assert await everything(home) == before
    assert check.stale_gallery_rows(home.data / "lvs.db").count == 0


async def test_undo_keeps_values_that_were_changed_since(home: Home) -> None:
    hashes = await films(home, 3)
    result = await bulk(home, hashes, rating=2, tags_add=("alps",))
    await home.services.ratings.rate(hashes[1], 5, BEN)
    await home.services.tags.add(hashes[2], "snow", BEN)
    undone = await home.services.journal.undo(result.change_id or 0, ANNA)
    assert undone.skipped == 1
    shown = [(await home.services.videos.get(each)) for each in hashes]
    assert [(video.rating, video.tags) for video in shown] == [(0, ()), (5, ()), (0, ("snow",))]


async def test_one_video_of_many_is_taken_back_by_itself(home: Home) -> None:
    hashes = await films(home, 2)
    await bulk(home, hashes, later=True, tags_add=("alps",))
    video = await home.services.videos.get(hashes[0])
    for line in await journal(home, video_id=video.id):
        assert (await home.services.journal.undo(line.change.id, BEN)).reason == ""
    assert [await home.services.later.has(each) for each in hashes] == [False, True]
    assert [(await home.services.videos.get(each)).tags for each in hashes] == [(), ("alps",)]


async def test_personal_values_keep_their_person_when_others_undo_them(home: Home) -> None:
    hashes = await films(home, 3)
    ids = await home.services.bulk.named(hashes)
    mia = (await home.services.people.create(NewPerson("Mia"))).id
    progress, later = home.services.progress, home.services.later
    await progress.record(hashes[0], 0.2, BEN, person=mia)
    await later.set(hashes[1], True, BEN, person=mia)
    await later.set(hashes[1], True, BEN)

    async def of(person: int) -> list[tuple[bool, float, bool]]:
        states = [await progress.get(each, person=person) for each in hashes]
        listed = [await later.has(each, person=person) for each in hashes]
        return [
            (state.watched, state.position_s, there)
            for state, there in zip(states, listed, strict=True)
        ]

    mias, households = await of(mia), await of(HOUSEHOLD)
    watched = await home.services.bulk.apply(ids, BulkEdit(watched=True), ANNA, person=mia)
    assert (await of(mia), await of(HOUSEHOLD)) == ([(True, 0.0, False)] * 3, households)
    # one film by itself, the way of a change of one film, and the others together
    video = await home.services.videos.get(hashes[0])
    [line, *_] = await journal(home, video_id=video.id)
    assert (await home.services.journal.undo(line.change.id, BEN)).reason == ""
    undone = await home.services.journal.undo(watched.change_id or 0, BEN)
    assert (undone.reason, undone.skipped) == ("", 1)
    assert (await of(mia), await of(HOUSEHOLD)) == (mias, households)


async def nearly_full(home: Home, media_hash: str) -> int:
    """A playlist that holds this video again and again, and has room for one more."""
    playlist = await home.services.playlists.create("Long")
    video = await home.services.videos.get(media_hash)
    sql = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO playlist_items SELECT ?, i, ? FROM n
    """
    async with home.services.database.transaction() as tx:
        await tx.run(sql, (MAX_ITEMS - 1, playlist, video.id))
    return playlist


async def test_nothing_is_half_done(home: Home) -> None:
    hashes = await films(home, 3)
    playlist = await home.services.playlists.create("Alps")
    full = await nearly_full(home, hashes[0])
    before = await everything(home)
    for edit, wrong in (
        ({}, Invalid),
        ({"rating": 6}, Invalid),
        ({"tags_add": ("a\u0000",), "rating": 3}, Invalid),
        ({"tags_add": ("alps",), "tags_remove": ("#Alps",)}, Invalid),
        ({"title": "{name}", "rating": 3}, Invalid),
        ({"watched": True, "later": True}, Invalid),
        ({"playlist": playlist + 7, "rating": 3}, NotFound),
    ):
        with pytest.raises(wrong):
            await bulk(home, hashes, **edit)
    with pytest.raises(Conflict):
        await bulk(home, hashes, rating=3, playlist=full)
    with pytest.raises(NotFound):
        await bulk(home, [*hashes, "0" * 16], rating=3)
    assert await everything(home) == before
    assert await journal(home) == []
    nothing = await bulk(home, hashes, favorite=False)
    assert (nothing.changed, nothing.change_id) == (0, None)
    assert await journal(home) == []


async def test_a_selection_is_what_was_counted(home: Home) -> None:
    await films(home, 3)
    seen = await home.services.gallery.last_id()
    home.add("trips/new.mp4")
    await home.scan()
    edits = home.services.bulk
    ids = await edits.selected(Query(unrated=True), seen)
    assert len(ids) == 3
    result = await edits.apply(ids, BulkEdit(rating=3), ANNA)
    assert result.changed == 3
    assert await home.services.gallery.count(Query(unrated=True)) == 1


async def test_two_people_at_once_lose_no_tag(home: Home) -> None:
    hashes = await films(home, 8)
    ids = await home.services.bulk.named(hashes)
    await asyncio.gather(*(
        home.services.bulk.apply(ids, BulkEdit(tags_add=(f"tag {number}",)), f"10.0.0.{number}")
        for number in range(6)
    ))  # fmt: skip
    wanted = tuple(f"tag {number}" for number in range(6))
    assert [(await home.services.videos.get(each)).tags for each in hashes] == [wanted] * 8
    assert [tag.count for tag in await home.services.gallery.tags()] == [8] * 6


EDITS = st.fixed_dictionaries(
    {"films": st.sets(st.integers(0, 3), min_size=1)},
    optional={
        "rating": st.integers(0, 5),
        "favorite": st.booleans(),
        "hidden": st.booleans(),
        "watched": st.booleans(),
        "tags_add": st.just(("alps",)),
        "title": st.sampled_from(["", "{file} {n}", "Same"]),
    },
).filter(lambda edit: len(edit) > 1)


async def test_undone_in_the_opposite_order_all_is_as_before(home: Home) -> None:
    hashes = await films(home, 4)
    ids = await home.services.bulk.named(hashes)
    loop = asyncio.get_running_loop()

    async def way(edits: list[dict[str, Any]]) -> None:
        before = await everything(home)
        made: list[int] = []
        for edit in edits:
            chosen = [ids[number] for number in sorted(edit["films"])]
            rest = {name: value for name, value in edit.items() if name != "films"}
            result = await home.services.bulk.apply(chosen, BulkEdit(**rest), ANNA)
            made += [result.change_id] if result.change_id else []
        for change_id in reversed(made):
            undone = await home.services.journal.undo(change_id, BEN)
            assert (undone.reason, undone.skipped) == ("", 0)
        assert await everything(home) == before

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(EDITS, min_size=1, max_size=4))
    def any_order(edits: list[dict[str, Any]]) -> None:
        asyncio.run_coroutine_threadsafe(way(edits), loop).result(60)

    await asyncio.to_thread(any_order)
