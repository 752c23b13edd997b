"""The pages of folders, and the list that a film opened from one goes on in."""

import html
import os
import re
from collections.abc import AsyncIterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from quart import Response
from support.home import OLD_NS, Home, distinct_video
from support.odd_names import ODD_NAMES
from support.processes import serving, until

from lvs.models import Query

CARD = re.compile(r'class="folder-card">\s*<a href="([^"]+)"')
METER = re.compile(r'<span class="meta">([^<]*)</span>\s*</a>')
FILM = re.compile(r'<h2><a href="([^"]+)"')


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


@pytest.fixture
async def trips(tmp_path: Path) -> AsyncIterator[Home]:
    async with Home(tmp_path) as home:
        for name in ("top.mp4", "Trips/a.mp4", "Trips/2024/b.mp4", "Trips/2024/Rome/c.mp4"):
            home.add(name)
        await home.scan()
        await home.probed()
        yield home


async def ask(home: Home, address: str) -> str:
    answer = await home.client.get(address)
    assert answer.status_code == 200, address
    return await text(answer)


async def test_a_folder_shows_its_films_the_folders_in_it_and_those_above(trips: Home) -> None:
    page = await ask(trips, "/folders")
    assert CARD.findall(page) == ["/folder/Trips"]
    assert METER.findall(page) == ["3 videos · 0:02"]
    assert FILM.findall(page) == ["/watch/top.mp4?direct=1"]
    page = await ask(trips, "/folder/Trips/2024")
    assert CARD.findall(page) == ["/folder/Trips/2024/Rome"]
    assert FILM.findall(page) == ["/watch/Trips/2024/b.mp4?folder=Trips/2024&amp;direct=1"]
    assert re.findall(r'<li><a href="([^"]+)"><bdi>', page) == ["/folders", "/folder/Trips"]
    assert page.count('<span class="posters posters-1">') == 1


async def test_a_hidden_film_is_counted_in_no_folder(trips: Home) -> None:
    for name, shown in (("Trips/2024/Rome/c.mp4", "2 videos"), ("Trips/a.mp4", "1 video")):
        video = await trips.video(name)
        form = {"value": "1"}
        await trips.client.post(f"/videos/{video.media_hash}/hidden", form=form)
        [meter] = METER.findall(await ask(trips, "/folders"))
        assert meter.startswith(f"{shown} ")
    page = await ask(trips, "/folder/Trips/2024")
    assert CARD.findall(page) == []
    assert "/watch/Trips/2024/b.mp4" in page


async def test_a_switch_shows_the_films_of_all_folders_below(trips: Home) -> None:
    page = await ask(trips, "/folder/Trips")
    assert 'href="/folder/Trips?below=1"' in page
    assert "With all folders below (3)" in page
    page = await ask(trips, "/folder/Trips?below=1&sort=title")
    assert [address.partition("?")[0] for address in FILM.findall(page)] == [
        "/watch/Trips/a.mp4",
        "/watch/Trips/2024/b.mp4",
        "/watch/Trips/2024/Rome/c.mp4",
    ]
    assert 'name="below" value="1"' in page
    assert 'href="/folder/Trips?sort=title"' in page


async def test_filters_orders_and_words_stay_in_the_folder(trips: Home) -> None:
    page = await ask(trips, "/folder/Trips?q=c")
    assert [address.partition("?")[0] for address in FILM.findall(page)] == [
        "/watch/Trips/2024/Rome/c.mp4"
    ]
    assert CARD.findall(page) == []
    assert 'action="/folder/Trips"' in page
    page = await ask(trips, "/folder/Trips?favorite=1")
    assert "No video matches" in page
    assert re.search(r'href="/folder/Trips"[^>]* hx-get="/folder/Trips" aria-label="Remove', page)
    assert (await trips.client.get("/folder/Trips?sort=none")).status_code == 400
    assert (await trips.client.get("/folder/Trips?below=2")).status_code == 400


async def test_a_film_keeps_the_list_of_its_folder(trips: Home) -> None:
    page = await ask(trips, "/watch/Trips/2024/b.mp4?folder=Trips/2024&direct=1")
    assert 'id="next"' not in page
    assert 'href="/folder/Trips/2024#video-card-' in page
    page = await ask(trips, "/watch/Trips/2024/b.mp4?folder=Trips&sort=title")
    assert re.findall(r'id="next" rel="next" href="([^"]+)"', page) == [
        "/watch/Trips/2024/Rome/c.mp4?folder=Trips&amp;sort=title"
    ]
    assert 'href="/folder/Trips?sort=title&amp;below=1#video-card-' in page


async def test_a_folder_nobody_knows_gets_a_message(trips: Home) -> None:
    for address in ("/folder/None", "/folder/Trips/..", "/folder/%2e%2e/etc", "/folder/top.mp4"):
        answer = await trips.client.get(address)
        assert answer.status_code == 404, address
        assert "/folders" in await text(answer)
    assert (await trips.client.get("/folder/Trips/")).status_code == 200
    assert (await trips.client.get("/folder/a%00b")).status_code == 404


async def test_the_plain_gallery_knows_films_of_a_folder_alone(trips: Home) -> None:
    """Both with the index in memory and without it."""
    query = Query(folder=b"Trips/2024", direct=True)
    assert [card.title for card in (await trips.services.gallery.browse(query)).cards] == ["b"]
    await trips.services.gallery.fill()
    assert [card.title for card in (await trips.services.gallery.browse(query)).cards] == ["b"]
    top = Query(direct=True)
    assert [card.title for card in (await trips.services.gallery.browse(top)).cards] == ["top"]


async def test_several_library_folders_have_a_card_each(tmp_path: Path) -> None:
    async with Home(tmp_path, ("Films", "Kids")) as home:
        home.add("a/x.mp4")
        film = home.add("y.mp4", library=1)
        home.add("copy.mp4", film.read_bytes())
        await home.scan()
        page = await ask(home, "/folders")
        assert CARD.findall(page) == ["/folder/Films", "/folder/Kids"]
        assert METER.findall(page) == ["2 videos", "1 video"]
        page = await ask(home, "/folder/Films/a")
        assert FILM.findall(page) == ["/watch/Films/a/x.mp4?folder=Films/a&amp;direct=1"]
        assert (await home.client.get("/folder/Elsewhere/a")).status_code == 404
        page = await ask(home, "/folder/Films")
        assert len(FILM.findall(page)) == 1  # a copy is shown in every folder it lies in
        before = home.libraries[1]
        before.rename(before.with_name("gone"))
        await home.scan()
        page = await ask(home, "/folders")
        assert page.count("Offline") == 1
        assert len(FILM.findall(await ask(home, "/folder/Kids"))) == 1


async def test_many_folders_come_in_pages(tmp_path: Path) -> None:
    async with Home(tmp_path) as home:
        for number in range(1, 63):
            home.add(f"{number}/film.mp4")
        await home.scan()
        page = await ask(home, "/folders")
        assert CARD.findall(page) == [f"/folder/{number}" for number in range(1, 61)]
        assert 'href="/folders?folders=60"' in page
        assert "62 folders · 62 videos" in page
        assert "No film lies" not in page
        page = await ask(home, "/folders?folders=60")
        assert CARD.findall(page) == ["/folder/61", "/folder/62"]
        assert len(CARD.findall(await ask(home, "/folders?folders=%FF"))) == 60


async def test_a_deep_tree_asks_the_database_few_things(tmp_path: Path) -> None:
    async with Home(tmp_path) as home:
        path = "/".join(f"depth {number}" for number in range(30))
        home.add(f"{path}/film.mp4")
        await home.scan()
        await home.services.gallery.fill()
        address = "/folder/" + path.replace(" ", "%20")
        assert "film" in await ask(home, address)
        needed = []
        for _ in range(3):  # something else that changes makes one of them ask for more
            before = home.queries
            assert (await ask(home, address)).count("<bdi>depth") == 29
            needed.append(home.queries - before)
        assert min(needed) <= 4


async def test_the_number_follows_what_comes(trips: Home) -> None:
    await ask(trips, "/folders")
    trips.add("Trips/new.mp4")
    await trips.scan()
    assert METER.findall(await ask(trips, "/folders"))[0].startswith("4 videos")


def test_folders_may_have_any_name(tmp_path: Path) -> None:
    """Through a real server: a test client cannot send every byte."""
    names = [*(os.fsencode(name)[:250] for name in ODD_NAMES), b"x" * 200]
    for name in names:
        folder = tmp_path / "Videos" / os.fsdecode(name)
        folder.mkdir(parents=True)
        (folder / "film.mp4").write_bytes(distinct_video())
        os.utime(folder / "film.mp4", ns=(OLD_NS, OLD_NS))
    with serving(tmp_path / "Videos", tmp_path) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=30)

        def page(address: str) -> tuple[int, str]:
            connection.request("GET", address)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        until(lambda: len(CARD.findall(page("/folders")[1])) == len(names))
        addresses = CARD.findall(page("/folders")[1])
        assert {unquote_to_bytes(html.unescape(each))[8:] for each in addresses} == set(names)
        for address in map(html.unescape, addresses):
            status, shown = page(address)
            assert (status, len(FILM.findall(shown))) == (200, 1), address
            [film] = FILM.findall(shown)
            status, watch = page(html.unescape(film))
            assert status == 200
            assert f'href="{address}#video-card-' in html.unescape(watch)
        connection.close()


async def test_filters_beside_a_folder_are_of_that_folder(trips: Home) -> None:
    await trips.services.ratings.rate((await trips.video("Trips/a.mp4")).media_hash, 4, "a")
    beside = {"LVS-Panel": "1"}
    page = await text(await trips.client.get("/folder/Trips?below=1", headers=beside))
    assert 'name="below" value="1" form="search"' in page
    assert '<select class="field" name="folder"' not in page
    page = await text(await trips.client.get("/?folder=Trips/2024/Rome", headers=beside))
    assert re.search(r'<option value="Trips/2024/Rome" selected>\s*Trips/2024/Rome \(1\)', page)


async def test_filters_of_a_folder_without_films_of_its_own_are_for_those_below(
    tmp_path: Path,
) -> None:
    async with Home(tmp_path) as home:
        for name in ("Trips/2024/b.mp4", "Trips/2025/c.mp4"):
            home.add(name)
        await home.scan()
        await home.probed()
        await home.services.ratings.rate((await home.video("Trips/2024/b.mp4")).media_hash, 4, "a")
        answer = await home.client.get("/folder/Trips", headers={"LVS-Panel": "1"})
        page = await text(answer)
        assert "2 folders · 2 videos" in page
        assert 'name="below" value="1" form="search"' in page
        assert re.search(r'name="min_rating" value="4"', page)
        assert "Show 2 videos" in page
        assert 'href="/filters?folder=Trips"' in page


async def test_a_folder_whose_name_is_no_text_is_asked_for_by_no_form(trips: Home) -> None:
    for place in ("/", "/filters"):
        for panel in ({}, {"LVS-Panel": "1"}):
            answer = await trips.client.get(f"{place}?folder=%FF&recorded=2024", headers=panel)
            assert answer.status_code == 200
            assert 'name="recorded" value="2024" form="search"' in await text(answer)
