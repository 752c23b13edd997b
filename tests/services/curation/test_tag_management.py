"""Tags are renamed, merged, aliased, put below others and deleted, and all of it is taken back."""

import random
from typing import Any

import pytest
from support.home import Home

from lvs.db.tag_changes import TagJournalLine
from lvs.errors import Conflict, Invalid, LvsError, NotFound
from lvs.models import Limits, Query
from lvs.services.curation.tag_management import TagEdit, TagManagement
from lvs.services.household.people import NewPerson

ANNA = "192.168.1.5"


async def films(home: Home, count: int) -> list[str]:
    """Media hashes of new videos."""
    names = [f"film {number}.mp4" for number in range(count)]
    for name in names:
        home.add(name)
    await home.scan()
    return [(await home.video(name)).media_hash for name in names]


async def tag(home: Home, film: str, *names: str) -> None:
    for name in names:
        await home.services.tags.add(film, name, ANNA)


async def found(home: Home, **query: Any) -> set[str]:
    return {card.media_hash for card in (await home.services.gallery.browse(Query(**query))).cards}


async def both_ways(home: Home, **query: Any) -> set[str]:
    """The videos that the index finds, and the database alike."""
    gallery = home.services.gallery
    by_index = await found(home, **query)
    kept, gallery._index = gallery._index, None
    try:
        assert await found(home, **query) == by_index
    finally:
        gallery._index = kept
    return by_index


def management(home: Home) -> TagManagement:
    return home.services.tag_management


async def test_an_alias_finds_its_tag_and_gives_it(home: Home) -> None:
    one, other = await films(home, 2)
    await tag(home, one, "holiday")
    await management(home).edit("holiday", TagEdit(more_aliases=("#Hols",)), ANNA)
    for query in ({"tags": ("HOLS",)}, {"q": "tag:hols"}, {"q": "hols"}):
        assert await both_ways(home, **query) == {one}, query
    await tag(home, other, "hols")
    assert await home.services.tags.get(other) == ("holiday",)
    assert await both_ways(home, tags=("holiday",)) == {one, other}
    assert await home.services.gallery.spelling("hols") == "holiday"
    await home.services.tags.remove(other, "hols", ANNA)
    assert await home.services.tags.get(other) == ()


async def test_asking_for_the_parent_finds_what_is_below(home: Home) -> None:
    high, low, sea = await films(home, 3)
    await tag(home, high, "alps")
    await tag(home, sea, "sea")
    await management(home).edit("alps", TagEdit(parent="Mountains"), ANNA)
    await tag(home, low, "mountains")
    for query in ({"tags": ("mountains",)}, {"q": "tag:mountains"}, {"q": "mountains"}):
        assert await both_ways(home, **query) == {high, low}, query
    assert await both_ways(home, tags=("alps",)) == {high}
    await management(home).edit("mountains", TagEdit(parent="land", more_aliases=("hills",)), ANNA)
    assert await both_ways(home, tags=("land",)) == {high, low}
    assert await both_ways(home, q="hills") == {high, low}
    counts = {each.name: each.count for each in await home.services.gallery.tags()}
    assert counts == {"alps": 1, "Mountains": 2, "land": 2, "sea": 1}


async def test_no_tag_stands_below_itself(home: Home) -> None:
    [film] = await films(home, 1)
    await tag(home, film, "alps")
    edit = management(home).edit
    await edit("alps", TagEdit(parent="mountains"), ANNA)
    await edit("mountains", TagEdit(parent="land"), ANNA)
    before = await management(home).every()
    for name, parent in (("land", "alps"), ("mountains", "alps"), ("alps", "alps")):
        with pytest.raises((Conflict, Invalid)):
            await edit(name, TagEdit(parent=parent), ANNA)
    assert await management(home).every() == before
    # a merge into a tag below takes its place
    await management(home).merge("mountains", "alps", ANNA)
    assert (await management(home).get("alps")).parent == "land"


async def test_a_merge_says_what_it_will_do_does_it_and_is_taken_back(home: Home) -> None:
    one, both, other = await films(home, 3)
    await tag(home, one, "hols")
    await tag(home, both, "hols", "holiday")
    await tag(home, other, "holiday")
    await management(home).edit("hols", TagEdit(colour="#CC3344", more_aliases=("hol",)), ANNA)
    preview = await management(home).preview_merge("hols", "holiday")
    assert (preview.tag.own, preview.into.own, preview.both) == (2, 2, 1)
    merged = await management(home).merge("hols", "holiday", ANNA)
    assert (merged.films, merged.name) == (2, "holiday")
    assert await both_ways(home, tags=("holiday",)) == {one, both, other}
    details = await management(home).get("hol")
    assert (details.name, details.colour, details.aliases) == (
        "holiday",
        "#cc3344",
        ("hol", "hols"),
    )
    # somebody took it off a film since: that stays as it is
    await home.services.tags.remove(one, "holiday", ANNA)
    assert merged.change_id
    await management(home).undo(merged.change_id, ANNA)
    assert await home.services.tags.get(one) == ()
    assert await home.services.tags.get(both) == ("holiday", "hols")
    assert await home.services.tags.get(other) == ("holiday",)
    with pytest.raises(Conflict, match="undone already"):
        await management(home).undo(merged.change_id, ANNA)


async def test_names_that_are_taken_are_refused_with_a_message(home: Home) -> None:
    [film] = await films(home, 1)
    await tag(home, film, "sea", "alps")
    edit = management(home).edit
    await edit("alps", TagEdit(more_aliases=("alpes",)), ANNA)
    for change in (TagEdit(name="Alps"), TagEdit(name="alpes"), TagEdit(more_aliases=("ALPS",))):
        with pytest.raises(Conflict):
            await edit("sea", change, ANNA)
    for change in (TagEdit(colour="red"), TagEdit(name=" # "), TagEdit(description="x" * 2000)):
        with pytest.raises(Invalid):
            await edit("sea", change, ANNA)
    with pytest.raises(NotFound):
        await edit("nothing", TagEdit(name="something"), ANNA)
    with pytest.raises(NotFound, match="rename"):
        await management(home).merge("sea", "ocean", ANNA)
    # a film cannot come to carry the tag under its alias a second time
    await tag(home, film, "alpes")
    assert await home.services.tags.get(film) == ("alps", "sea")


async def test_a_renamed_tag_shows_on_cards_and_is_found_by_its_new_name(home: Home) -> None:
    [film] = await films(home, 1)
    await tag(home, film, "hollyday")
    renamed = await management(home).edit("hollyday", TagEdit(name="Holiday"), ANNA)
    assert renamed.films == 1
    [card] = (await home.services.gallery.browse(Query())).cards
    assert card.tags == ("Holiday",)
    assert await both_ways(home, q="holiday") == {film}
    assert await both_ways(home, q="hollyday") == set()
    await management(home).edit("holiday", TagEdit(name="Ferien", keep_name=True), ANNA)
    assert await both_ways(home, q="holiday") == {film}
    assert await both_ways(home, tags=("holiday",)) == {film}


@pytest.mark.parametrize(
    "query", ["tag=alps+2019", "q=tag%3A%22ALPS+2019%22+snow", "tag=sea&tag=Alps+2019"]
)
async def test_a_saved_view_still_finds_a_tag_that_was_renamed(home: Home, query: str) -> None:
    [film, other] = await films(home, 2)
    await tag(home, film, "alps 2019")
    await tag(home, other, "sea")
    await home.services.saved_views.create("Alps", query, ANNA)
    await management(home).edit("sea", TagEdit(name="ocean"), ANNA)
    renamed = await management(home).edit("alps 2019", TagEdit(name="mountains"), ANNA)
    assert (await management(home).get("alps 2019")).name == "mountains"
    await management(home).merge("mountains", "ocean", ANNA, keep_name=False)
    assert (await management(home).get("alps 2019")).name == "ocean"
    with pytest.raises(NotFound):  # nobody asked for it
        await management(home).get("mountains")
    with pytest.raises(Conflict):
        await management(home).undo(renamed.change_id or 0, ANNA)


async def test_limits_still_hold_a_tag_that_was_renamed(home: Home) -> None:
    [film, _] = await films(home, 2)
    await tag(home, film, "kids")
    limits = Limits(("Kids",))
    await home.services.people.create(NewPerson("Ben", limits=limits))
    assert len(await home.services.gallery.allowed(limits)) == 1
    await management(home).edit("kids", TagEdit(name="for children"), ANNA)
    assert len(await home.services.gallery.allowed(limits)) == 1


NAMES = ("alps", "sea", "holiday", "hols", "land")


async def state(home: Home) -> object:
    """Everything that is said of tags and by them."""
    async with home.services.database.read() as db:
        tags = await db.tuples(
            "SELECT t.name, t.key, t.colour, t.description, p.key, t.words FROM tags t"
            " LEFT JOIN tags p ON p.id = t.parent_id ORDER BY t.key"
        )
        aliases = await db.tuples(
            "SELECT a.key, a.name, t.key FROM tag_aliases a JOIN tags t ON t.id = a.tag_id"
            " ORDER BY 1"
        )
        carried = await db.tuples(
            "SELECT v.video_id, t.key, v.created_at FROM video_tags v"
            " JOIN tags t ON t.id = v.tag_id ORDER BY 1, 2"
        )
        cards = await db.tuples("SELECT video_id, tags FROM gallery ORDER BY 1")
        texts = await db.tuples("SELECT rowid, tags FROM search ORDER BY 1")
    return (
        [tuple(row) for row in tags],
        [tuple(row) for row in aliases],
        [tuple(row) for row in carried],
        [tuple(row) for row in cards],
        [tuple(row) for row in texts],
    )


async def attempt(home: Home, dice: random.Random) -> None:
    """Any change of tags, or any undo; a refused one must change nothing."""
    one, other = dice.sample(NAMES, 2)
    tags = management(home)
    changes = await tags.latest(50)
    before = await state(home)
    try:
        match dice.randrange(7):
            case 0:
                await tags.merge(one, other, ANNA, keep_name=dice.random() < 0.5)
            case 1:
                await tags.edit(one, TagEdit(name=other, keep_name=dice.random() < 0.5), ANNA)
            case 2:
                await tags.edit(one, TagEdit(more_aliases=(other,)), ANNA)
            case 3:
                await tags.edit(one, TagEdit(aliases=(), colour="#123456"), ANNA)
            case 4:
                await tags.edit(one, TagEdit(parent=dice.choice((other, ""))), ANNA)
            case 5:
                await tags.delete(one, ANNA)
            case _ if changes:
                await tags.undo(dice.choice(changes).id, ANNA)
    except LvsError:
        assert await state(home) == before


def undo(change: TagJournalLine, known: dict[int, TagJournalLine]) -> bool:
    """True if the line takes something back, and does not only do it once more."""
    return change.undoes is not None and not undo(known[change.undoes], known)


async def take_all_back(home: Home) -> None:
    """Undo whatever stands, the latest first, as long as that gets anywhere."""
    while True:
        known = {change.id: change for change in await management(home).latest(5000)}
        standing = [
            each for each in known.values() if each.undone_by is None and not undo(each, known)
        ]
        if not standing:
            return
        done = 0
        for change in standing:
            try:
                await management(home).undo(change.id, ANNA)
                done += 1
            except Conflict:
                continue
        assert done, [(change.id, change.what, change.name, change.target) for change in standing]


async def test_changes_and_undos_in_any_order_end_where_they_began(home: Home) -> None:
    some = await films(home, 4)
    for number, film in enumerate(some):
        await tag(home, film, *random.Random(number).sample(NAMES, 3))
    before = await state(home)
    for seed in range(40):
        dice = random.Random(seed)
        for _ in range(12):
            await attempt(home, dice)
        await take_all_back(home)
        assert await state(home) == before, seed
