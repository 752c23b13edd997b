"""Tags given to films, one by one and many at once, beside changes of the tags themselves: whatever
is taken back, no film loses a tag that it was given for another reason.
"""

import random
from collections.abc import Awaitable, Callable

import pytest
from support.home import Home

from lvs.db import check
from lvs.db.changes import ChangeFilter
from lvs.errors import LvsError
from lvs.services.curation.bulk import BulkEdit
from lvs.services.curation.tag_management import TagEdit

ANNA = "192.168.1.5"
NAMES = ("alps", "Hols", "holiday", "sea")

Undo = Callable[[], Awaitable[object]]


async def films(home: Home, count: int) -> list[str]:
    for number in range(count):
        home.add(f"film {number}.mp4")
    await home.scan()
    return [(await home.video(f"film {number}.mp4")).media_hash for number in range(count)]


async def bulk(home: Home, hashes: list[str], *add: str, remove: tuple[str, ...] = ()) -> int:
    """Tag these films at once; the change (0: none)."""
    ids = await home.services.bulk.named(hashes)
    edit = BulkEdit(tags_add=add, tags_remove=remove)
    return (await home.services.bulk.apply(ids, edit, ANNA)).change_id or 0


async def tags_of(home: Home, *hashes: str) -> list[tuple[str, ...]]:
    return [await home.services.tags.get(each) for each in hashes]


async def names(home: Home) -> list[str]:
    return [tag.name for tag in await home.services.tag_management.every()]


def _of(video_id: int) -> ChangeFilter:
    return ChangeFilter(video_id=video_id, what="tag")


async def test_an_undo_that_finds_nothing_leaves_no_tag_behind(home: Home) -> None:
    hashes = await films(home, 2)
    change = await bulk(home, hashes, "hols")
    renamed = await home.services.tag_management.edit("hols", TagEdit(name="holiday"), ANNA)
    undone = await home.services.journal.undo(change, ANNA)
    assert undone.reason == "It was changed again since."
    assert await names(home) == ["holiday"]
    assert renamed.change_id
    await home.services.tag_management.undo(renamed.change_id, ANNA)
    assert (await home.services.journal.undo(change, ANNA)).reason == ""
    assert await names(home) == []


@pytest.mark.parametrize("single", [True, False])
async def test_a_film_that_had_both_tags_of_a_merge_keeps_the_one_it_had(
    home: Home, single: bool
) -> None:
    one, both = await films(home, 2)
    await home.services.tags.add(both, "holiday", ANNA)
    change = await bulk(home, [one, both], "hols")
    merged = await home.services.tag_management.merge("hols", "holiday", ANNA)
    if single:
        video = await home.services.videos.get(both)
        [line, *_] = (await home.services.journal.page(_of(video.id)))[0]
        assert (await home.services.journal.undo(line.change.id, ANNA)).reason
    undone = await home.services.journal.undo(change, ANNA)
    assert (undone.reason, undone.skipped) == ("", 1)
    assert await tags_of(home, one, both) == [(), ("holiday",)]
    assert merged.change_id
    await home.services.tag_management.undo(merged.change_id, ANNA)
    assert "holiday" in (await tags_of(home, both))[0]


async def test_a_chain_of_merges_and_a_tag_given_since_lose_nothing(home: Home) -> None:
    one, last, since = await films(home, 3)
    manage = home.services.tag_management
    await home.services.tags.add(last, "travel", ANNA)
    change = await bulk(home, [one, last, since], "hols")
    for film in (one, last, since):
        await home.services.tags.add(film, "other", ANNA)
    await home.services.tags.add(last, "holiday", "import")
    await home.services.tags.remove(last, "holiday", "import")
    await manage.edit("hols", TagEdit(name="holiday", keep_name=True), ANNA)
    await manage.merge("holiday", "travel", ANNA)
    await home.services.tags.remove(since, "travel", ANNA)
    await home.services.tags.add(since, "Travel", ANNA)
    undone = await home.services.journal.undo(change, ANNA)
    assert (undone.reason, undone.skipped) == ("", 2)
    assert await tags_of(home, one, last, since) == [
        ("other",),
        ("other", "travel"),
        ("other", "travel"),
    ]


async def test_an_alias_that_came_later_takes_no_tag_away(home: Home) -> None:
    [film] = await films(home, 1)
    await home.services.tags.add(film, "sea", ANNA)
    change = await bulk(home, [film], "ocean")
    await home.services.tag_management.delete("ocean", ANNA)
    await home.services.tag_management.edit("sea", TagEdit(more_aliases=("ocean",)), ANNA)
    assert (await home.services.journal.undo(change, ANNA)).reason
    assert await tags_of(home, film) == [("sea",)]


async def carried(home: Home) -> tuple[list[tuple[int, str]], list[tuple[str, str]], list[str]]:
    """Tags of films, aliases, and tags."""
    async with home.services.database.read() as db:
        sql = "SELECT v.video_id, t.name FROM video_tags v JOIN tags t ON t.id = v.tag_id"
        films = [tuple(row) for row in await db.tuples(f"{sql} ORDER BY 1, 2")]
        aliases = [
            tuple(row)
            for row in await db.tuples(
                "SELECT a.key, t.key FROM tag_aliases a JOIN tags t ON t.id = a.tag_id ORDER BY 1"
            )
        ]
    return films, aliases, await names(home)


async def step(home: Home, hashes: list[str], dice: random.Random) -> Undo | None:
    """Any change of tags or of films' tags; how it is undone, None where nothing changed."""
    one, other = dice.sample(NAMES, 2)
    some = dice.sample(hashes, dice.randint(1, len(hashes)))
    manage, journal = home.services.tag_management, home.services.journal
    change: int | None = None
    tag_change: int | None = None
    match dice.randrange(7):
        case 0:
            change = await bulk(home, some, one)
        case 1:
            change = await bulk(home, some, remove=(one,))
        case 2:
            change = await bulk(home, some, one, remove=(other,))
        case 3:
            video = await home.services.videos.get(some[0])
            [before, *_] = (await journal.page(_of(video.id)))[0]
            await home.services.tags.add(some[0], one, ANNA)
            [line, *_] = (await journal.page(_of(video.id)))[0]
            change = line.change.id if line.change.id != before.change.id else None
        case 4:
            keep = dice.random() < 0.5
            tag_change = (await manage.merge(one, other, ANNA, keep_name=keep)).change_id
        case 5:
            edit = TagEdit(name=other, keep_name=dice.random() < 0.5)
            tag_change = (await manage.edit(one, edit, ANNA)).change_id
        case _:
            tag_change = (await manage.delete(one, ANNA)).change_id
    if tag_change:
        return lambda: manage.undo(tag_change, ANNA)
    return (lambda: journal.undo(change, ANNA)) if change else None


async def test_all_of_it_taken_back_in_turn_ends_where_it_began(home: Home) -> None:
    hashes = await films(home, 4)
    for number, film in enumerate(hashes):
        for name in random.Random(number).sample(NAMES, 2):
            await home.services.tags.add(film, name, ANNA)
    start = await carried(home)
    for seed in range(40):
        dice = random.Random(seed)
        undos: list[Undo] = []
        for _ in range(8):
            try:
                undo = await step(home, hashes, dice)
            except LvsError:
                continue
            undos += [undo] if undo else []
        for undo in reversed(undos):
            await undo()
        assert await carried(home) == start, seed
    assert check.stale_gallery_rows(home.data / "lvs.db").count == 0
