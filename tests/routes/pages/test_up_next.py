"""Up next: the films that follow those watched last."""

import html
import re

from quart import Response
from support.home import Home

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def watch(home: Home, *paths: str) -> None:
    for path in paths:
        await home.services.progress.mark((await home.video(path)).media_hash, True)


async def row(home: Home) -> list[tuple[str, str]]:
    """The films of the row: address and reason."""
    page = await text(await home.client.get("/up-next", headers=PARTIAL))
    assert "<html" not in page
    found = re.findall(
        r'<li id="next-\d+">\s*<a href="([^"]+)".*?class="reason"[^>]*>([^<]*)', page, re.S
    )
    return [(html.unescape(address), html.unescape(reason)) for address, reason in found]


async def test_the_next_film_of_a_folder_follows_the_one_watched_last(home: Home) -> None:
    for name in (
        "Show/Part 2.mp4",
        "Show/Part 10.mp4",
        "Show/Part 1.mp4",
        "Show/Extras/Part 3.mp4",
        "x.mp4",
    ):
        home.add(name)
    await home.scan()
    assert await row(home) == []
    page = await text(await home.client.get("/"))
    assert re.search(r'id="up-next"[^>]* hidden>', page)
    await watch(home, "Show/Part 1.mp4")
    assert await row(home) == [("/watch/Show/Part%202.mp4?folder=Show&sort=title", "in Show")]
    assert "Part 2" in (await text(await home.client.get("/"))).partition('id="up-next"')[2]
    await watch(home, "Show/Part 2.mp4")
    assert [address for address, _ in await row(home)] == [
        "/watch/Show/Part%2010.mp4?folder=Show&sort=title"
    ]
    last = (await home.video("Show/Part 10.mp4")).media_hash
    await home.services.progress.record(last, 0.1, "a")
    await home.services.progress.flush()
    await watch(home, "x.mp4")  # films that were begun stand among those to go on with
    assert await row(home) == []
    assert "up-next" not in await text(await home.client.get("/?q=part"))


async def test_a_hidden_film_is_never_next(home: Home) -> None:
    for name in ("1.mp4", "2.mp4", "3.mp4"):
        home.add(f"Show/{name}")
    await home.scan()
    await watch(home, "Show/1.mp4")
    hidden = (await home.video("Show/2.mp4")).media_hash
    await home.services.hidden.set(hidden, True, "a")
    assert await row(home) == [("/watch/Show/3.mp4?folder=Show&sort=title", "in Show")]
    wanted = await home.services.playlists.create("Friday")
    for name in "132":
        film = (await home.video(f"Show/{name}.mp4")).media_hash
        await home.services.playlists.add(wanted, film)
    await watch(home, "Show/3.mp4")
    assert await row(home) == []
    await home.services.hidden.set(hidden, False, "a")
    assert [address for address, _ in await row(home)] == [
        f"/watch/Show/2.mp4?playlist={wanted}&position=2"
    ]


async def test_the_next_film_of_a_playlist_stands_there_once(home: Home) -> None:
    for name in ("b.mp4", "a.mp4", "c.mp4"):
        home.add(f"{name[0]}/{name}")
    await home.scan()
    wanted = await home.services.playlists.create("Friday <b>")
    for path in ("b/b.mp4", "a/a.mp4", "c/c.mp4"):
        await home.services.playlists.add(wanted, (await home.video(path)).media_hash)
    await watch(home, "b/b.mp4")
    place = f"?playlist={wanted}&position=1"
    assert await row(home) == [(f"/watch/a/a.mp4{place}", "in Friday <b>")]
    await home.services.playlists.delete(wanted)
    await watch(home, "c/c.mp4")
    assert await row(home) == []


async def test_hidden_films_are_passed_over(home: Home) -> None:
    for number in range(1, 4):
        home.add(f"Show/Part {number}.mp4")
    await home.scan()
    names = [(await home.video(f"Show/Part {number}.mp4")).media_hash for number in range(1, 4)]
    wanted = await home.services.playlists.create("Show")
    for each in names:
        await home.services.playlists.add(wanted, each)
    await home.services.hidden.set(names[1], True, "a")
    await watch(home, "Show/Part 1.mp4")
    [(address, _)] = await row(home)
    assert address.startswith("/watch/Show/Part%203.mp4?")
    await home.services.hidden.set(names[2], True, "a")
    assert await row(home) == []
