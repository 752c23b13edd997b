"""Hidden videos stand in no list unless it asks for them; notes are found by the search. Both are
journaled, undone, exported, backed up and restored.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from quart import Response
from support.home import Home

from lvs.db import check
from lvs.db.changes import ChangeFilter
from lvs.errors import Invalid
from lvs.models import Query
from lvs.services.backup import snapshot_reader, snapshots
from lvs.services.backup.export import as_json
from lvs.services.backup.restore import restore_records

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def films(home: Home, *names: str) -> list[str]:
    """The hashes of new films."""
    for name in names:
        home.add(f"trips/{name}.mp4")
    await home.scan()
    return [(await home.video(f"trips/{name}.mp4")).media_hash for name in names]


async def titles(home: Home, **query: object) -> list[str]:
    """The titles that a query shows, found by the index and by the database alike."""
    wanted = Query(**query)  # type: ignore[arg-type]
    with_index = [card.title for card in (await home.services.gallery.browse(wanted)).cards]
    index, home.services.gallery._index = home.services.gallery._index, None
    without = [card.title for card in (await home.services.gallery.browse(wanted)).cards]
    home.services.gallery._index = index
    assert with_index == without
    assert await home.services.gallery.count(wanted) == len(with_index)
    return with_index


async def test_a_hidden_video_is_in_no_list_unless_it_is_asked_for(home: Home) -> None:
    one, two = await films(home, "one", "two")
    for each in (one, two):
        await home.services.tags.add(each, "alps", "a")
    playlist = await home.services.playlists.create("Alps", "", one)
    await home.services.later.set(one, True)
    answer = await home.client.put(f"/api/videos/{one}/hidden", json={"hidden": True})
    assert await answer.get_json() == {"hidden": True}
    assert await titles(home) == ["two"]
    assert await titles(home, q="one") == []
    assert await titles(home, tags=("alps",)) == ["two"]
    assert await titles(home, hidden=True) == ["one"]
    assert await titles(home, hidden=True, q="one") == ["one"]
    assert [(tag.name, tag.count) for tag in await home.services.gallery.tags()] == [("alps", 1)]
    assert {(await home.services.gallery.random()).title for _ in range(5)} == {"two"}
    assert [item.title for item in await home.services.later.items()] == []
    assert await home.services.later.count() == 0
    page = await text(await home.client.get(f"/playlist/{playlist}"))
    assert "1 hidden video left out" in page
    assert ">one<" not in page
    assert "one" in await text(await home.client.get(f"/playlist/{playlist}?hidden=1"))
    listed = await (await home.client.get("/api/videos")).get_json()
    assert [video["title"] for video in listed["videos"]] == ["two"]
    listed = await (await home.client.get("/api/videos?hidden=1")).get_json()
    assert [(video["title"], video["hidden"]) for video in listed["videos"]] == [("one", True)]
    assert "Hidden: show it again" in await text(await home.client.get("/watch/trips/one.mp4"))
    assert "Related" not in await text(await home.client.get("/watch/trips/two.mp4"))
    heard = await (await home.client.get("/deovr")).get_json()
    assert one not in json.dumps(heard)

    [latest, *_] = (await home.services.journal.page(ChangeFilter()))[0]
    assert latest.change.what == "hidden"
    assert not (await home.services.journal.undo(latest.change.id, "b")).reason
    assert await titles(home) == ["two", "one"]
    assert [(tag.name, tag.count) for tag in await home.services.gallery.tags()] == [("alps", 2)]
    assert check.stale_gallery_rows(home.data / "lvs.db").count == 0


async def test_folders_count_what_is_in_sight(home: Home) -> None:
    one, _ = await films(home, "one", "two")

    async def counted() -> list[int]:
        return [each.count for each in (await home.services.gallery.find(Query())).folders]

    assert await counted() == [2]
    await home.services.hidden.set(one, True, "a")
    assert await counted() == [1]
    (home.library / "elsewhere").mkdir()
    (home.library / "trips/one.mp4").rename(home.library / "elsewhere/one.mp4")
    await home.scan()
    assert await counted() == [1]
    await home.services.hidden.set(one, False, "a")
    assert sorted(await counted()) == [1, 1]


async def test_notes_are_found_by_the_search_and_undone(home: Home) -> None:
    one, _ = await films(home, "one", "two")
    answer = await home.client.put(
        f"/api/videos/{one}/notes", json={"notes": " Großvater at the lake\r\nin 1987 "}
    )
    assert await answer.get_json() == {"notes": "Großvater at the lake\nin 1987"}
    assert await titles(home, q="grossvater 1987") == ["one"]
    assert "Großvater at the lake" in await text(await home.client.get("/watch/trips/one.mp4"))
    await home.client.post(f"/videos/{one}/notes", form={"notes": "The harbour"})
    assert await titles(home, q="harbour") == ["one"]
    assert await titles(home, q="grossvater") == []
    answer = await home.client.post(
        f"/videos/{one}/notes", form={"notes": "x" * 10_001}, headers=HTMX
    )
    assert answer.status_code == 422
    assert "at most 10,000" in await text(answer)
    bodies: list[Any] = [{"notes": 7}, {"notes": "a\u0000b"}, {"notes": "x" * 10_001}, []]
    for wrong in bodies:
        refused = await home.client.put(f"/api/videos/{one}/notes", json=wrong)
        assert refused.status_code == 400
    with pytest.raises(Invalid):
        await home.services.notes.set(one, "a\u202eb", "a")
    [latest, *_] = (await home.services.journal.page(ChangeFilter(what="notes")))[0]
    await home.services.journal.undo(latest.change.id, "b")
    assert await home.services.notes.get(one) == "Großvater at the lake\nin 1987"
    assert await titles(home, q="harbour") == []


async def test_both_are_exported_and_restored(home: Home, tmp_path: Path) -> None:
    one, two = await films(home, "one", "two")
    await home.services.hidden.set(one, True, "a")
    await home.services.notes.set(one, "The harbour", "a")
    exported = json.loads(b"".join([each async for each in as_json(home.services.database)]))
    by_hash = {each["media_hash"]: each for each in exported["videos"]}
    assert by_hash[one]["notes"] == "The harbour"
    assert by_hash[one]["hidden_at"]
    assert by_hash[two]["hidden_at"] is None
    folder = tmp_path / "snapshot"
    folder.mkdir()
    await asyncio.to_thread(snapshots.write, home.data / "lvs.db", folder)
    kept = await asyncio.to_thread(snapshot_reader.read, folder)
    await home.services.hidden.set(one, False, "a")
    await home.services.notes.set(one, "", "a")
    gains = await restore_records(home.services.database, kept.kept.values())
    assert (gains.hidden, gains.notes) == (1, 1)
    assert await home.services.notes.get(one) == "The harbour"
    assert await titles(home) == ["two"]
