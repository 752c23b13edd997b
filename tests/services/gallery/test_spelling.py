"""Searches that may have been meant are offered where nothing was found, and only there."""

from msgspec.structs import replace
from support.home import Home

from lvs.models import Query

ANNA = "192.168.1.5"


async def meant(home: Home, text: str, **filters: object) -> list[tuple[str, int]]:
    query = replace(Query(q=text), **filters)
    return [(each.query.q, each.count) for each in await home.services.spelling.suggest(query)]


async def page(home: Home, address: str) -> str:
    return (await (await home.client.get(address)).get_data()).decode()


async def test_a_misspelt_word_is_offered_as_the_index_holds_it(home: Home) -> None:
    for name in ("Holiday in Kyoto.mp4", "holiday beach.mp4", "Straße.mp4", "夏祭り.mp4"):
        home.add(name)
    await home.scan()
    kyoto = (await home.video("Holiday in Kyoto.mp4")).media_hash
    await home.services.tags.add(kyoto, "temples", ANNA)
    assert await meant(home, "holidya") == [("holiday", 2)]
    assert await meant(home, "holiday kyotto") == [("holiday kyoto", 1)]
    assert await meant(home, "hollday kyotto") == [("holiday kyoto", 1)]
    assert await meant(home, "tempels") == [("temples", 1)]
    assert await meant(home, "straase") == [("strasse", 1)]
    # words are kept, and read anew when a title, a tag or a place changed
    queries = home.services.database.usage.queries
    assert await meant(home, "strasze") == [("strasse", 1)]
    kept = home.services.database.usage.queries - queries
    await home.services.videos.retitle(kyoto, "Gebirge in Kyoto", ANNA)
    assert await meant(home, "gebrige") == [("gebirge", 1)]
    queries = home.services.database.usage.queries
    assert await meant(home, "gebrigee") == [("gebirge", 1)]
    assert home.services.database.usage.queries - queries == kept
    assert await meant(home, "xyzzyx") == []
    # both words are somewhere, only in no one film: no word is misspelt
    assert await meant(home, "kyoto beach") == []
    # the other filters stay, and what they leave empty is not offered
    assert await meant(home, "holidya", favorite=True) == []
    for odd in ("", "-", '"', "🎬", "a", "x" * 200, "a b c d e f g h", "\0", "%_"):
        assert await meant(home, odd) == [], odd
    empty = await page(home, "/?q=holidya")
    assert "Did you mean" in empty
    assert "holiday (2)" in empty
    assert "Did you mean" not in await page(home, "/?q=holiday")


async def test_words_find_what_their_filters_find(home: Home) -> None:
    for name in ("trips/a.mp4", "b.mp4"):
        home.add(name)
    await home.scan()
    one = (await home.video("trips/a.mp4")).media_hash
    await home.services.tags.add(one, "alps", ANNA)
    await home.services.favorites.set(one, True, ANNA)
    for words, expected in {
        "is:favorite": 1,
        "no:tags": 1,
        "has:tags": 1,
        "in:trips": 1,
        "in:nowhere": 0,
        "no:subtitles": 2,
        "has:subtitles": 0,
        "has:tags in:trips is:favorite tag:alps": 1,
        "no:tags is:favorite": 0,
    }.items():
        found = await (await home.client.get("/api/videos", query_string={"q": words})).get_json()
        assert len(found["videos"]) == expected, words
    await home.services.tags.remove(one, "alps", ANNA)
    found = await (await home.client.get("/api/videos?q=no:tags")).get_json()
    assert len(found["videos"]) == 2
