"""Playing a list: “Play all”, “Shuffle”, and the films before and behind one in its list."""

import re

from quart import Response
from support.home import Home

from lvs.models import HOUSEHOLD


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def films(home: Home, *names: str) -> list[str]:
    for name in names:
        home.add(f"{name}.mp4")
    await home.scan()
    return [(await home.video(f"{name}.mp4")).media_hash for name in names]


def link(page: str, name: str) -> str:
    """The address of the next or previous film; empty without one."""
    found = re.search(rf'id="{name}" rel="\w+" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else ""


async def walk(home: Home, address: str) -> list[str]:
    """The addresses of every film from the first one on, by following the links to the next."""
    answer = await home.client.get(address)
    assert answer.status_code == 302
    at, found = answer.headers["Location"], list[str]()
    while at and len(found) < 10:
        found.append(at)
        at = link(await text(await home.client.get(at)), "next")
    return found


async def test_a_selection_is_played_in_its_order(home: Home) -> None:
    await films(home, "alps 1", "alps 2", "alps 3", "sea")
    assert await walk(home, "/play?q=alps&sort=title") == [
        f"/watch/alps%20{number}.mp4?q=alps&sort=title" for number in (1, 2, 3)
    ]
    assert 'href="/play?q=alps#play"' in await text(await home.client.get("/?q=alps"))
    assert (await home.client.get("/play?q=nothing")).status_code == 404
    assert (await home.client.get("/play?sort=x")).status_code == 400


async def test_a_shuffled_selection_plays_every_film_once(home: Home) -> None:
    await films(home, "a", "b", "c", "d")
    played = await walk(home, "/play?shuffle=1")
    assert sorted(at.partition("?")[0] for at in played) == [f"/watch/{x}.mp4" for x in "abcd"]
    assert all("sort=random&seed=" in at for at in played)


async def test_a_playlist_is_played_with_what_stands_in_it_twice(home: Home) -> None:
    hashes = await films(home, "a", "b", "c")
    wanted = await home.services.playlists.create("Evening")
    for each in (*hashes, hashes[0]):
        await home.services.playlists.add(wanted, each)
    (home.library / "b.mp4").unlink()
    await home.scan()
    played = await walk(home, f"/play?playlist={wanted}")
    assert played == [
        f"/watch/{name}.mp4?playlist={wanted}&position={at}"
        for name, at in (("a", 0), ("c", 2), ("a", 3))
    ]
    page = await text(await home.client.get(played[1]))
    assert link(page, "previous") == played[0]
    assert f'href="/playlist/{wanted}#item-2"' in page
    assert f"/watch/c.mp4?playlist={wanted}&amp;position=2" in await text(
        await home.client.get(f"/playlist/{wanted}")
    )
    shuffled = await walk(home, f"/play?playlist={wanted}&shuffle=1")
    places = [re.search(r"position=(\d)", at) for at in shuffled]
    assert sorted(found[1] for found in places if found) == ["0", "2", "3"]
    again = [link(await text(await home.client.get(at)), "previous") for at in shuffled]
    assert again == ["", *shuffled[:-1]]
    assert (await home.client.get("/play?playlist=99")).status_code == 404
    empty = await home.services.playlists.create("Empty")
    assert (await home.client.get(f"/play?playlist={empty}")).status_code == 404


async def test_later_is_played_on_although_what_was_watched_leaves_it(home: Home) -> None:
    hashes = await films(home, "a", "b", "c")
    for each in hashes:
        await home.services.later.set(each, True)
    items = await home.services.later.items()
    first = await home.client.get("/play?later=1")
    assert first.headers["Location"] == f"/watch/c.mp4?later={items[0].added_at}"
    await home.services.progress.mark(hashes[2], True)
    assert not await home.services.later.has(hashes[2], person=HOUSEHOLD)
    page = await text(await home.client.get(first.headers["Location"]))
    assert link(page, "next") == f"/watch/b.mp4?later={items[1].added_at}"
    assert len(await walk(home, "/play?later=1&shuffle=1")) == 2


async def test_odd_places_are_messages(home: Home) -> None:
    await films(home, "a")
    for rest in ("playlist=x", "playlist=1&position=-1", "later=x", "later=1&shuffle=-5"):
        assert (await home.client.get(f"/watch/a.mp4?{rest}")).status_code == 400
    for rest in ("playlist=77&position=3", "later=5", "playlist=7", "later=5&shuffle=9"):
        assert (await home.client.get(f"/watch/a.mp4?{rest}")).status_code == 200
