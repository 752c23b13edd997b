"""Orders by date: headings, years, and which of two clocks says when a video was recorded."""

import os
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from support.home import Home
from support.media import make_video

from lvs.models import Card, Cursor, MediaHash, Page, Query, Sort, State
from lvs.services.gallery.dates import NO_DATE, months_of, start_of_year

FILES = (("a", 2021, 3), ("b", 2021, 3), ("c", 2021, 5), ("d", 2024, 12), ("odd", 1970, 1))
HEADING = re.compile(r'<h2 class="month">([^<]*)</h2>')
FILM = re.compile(r'<h2><a href="/watch/([^".?]+)')
YEAR = re.compile(r'<a href="([^"]+)"[^>]* title="[^"]*">(\d{4})</a>')
IN_ORDER = ["d", "film", "c", "b", "a", "odd"]


@pytest.fixture
async def album(tmp_path: Path) -> AsyncIterator[Home]:
    """Films of several years; `film` says itself that it is of July 2022, its file is newer."""
    async with Home(tmp_path) as home:
        for name, year, month in FILES:
            set_time(home.add(f"{name}.mp4"), year, month)
        film = home.library / "film.mp4"
        make_video(film, metadata={"creation_time": "2022-07-01T10:00:00Z"})
        set_time(film, 2025, 1)
        await home.scan()
        await home.probed()
        yield home


def set_time(path: Path, year: int, month: int) -> None:
    at_ns = int(datetime(year, month, 10).timestamp()) * 10**9  # noqa: DTZ001 - as a camera has it
    os.utime(path, ns=(at_ns, at_ns))


async def shown(home: Home, address: str) -> str:
    answer = await home.client.get(address)
    assert answer.status_code == 200, address
    return (await answer.get_data()).decode()


async def test_months_are_headings_and_years_are_links(album: Home) -> None:
    await album.services.gallery.fill()
    page = await shown(album, "/?sort=recorded")
    assert FILM.findall(page) == IN_ORDER
    months = ["December 2024", "July 2022", "May 2021", "March 2021", NO_DATE]
    assert HEADING.findall(page) == months
    years = YEAR.findall(page)
    assert [year for _, year in years] == ["2024", "2022", "2021"]
    assert FILM.findall(await shown(album, years[1][0].replace("&amp;", "&"))) == IN_ORDER[1:]
    assert FILM.findall(await shown(album, years[2][0].replace("&amp;", "&"))) == IN_ORDER[2:]
    page = await shown(album, "/?sort=recorded&order=asc&recorded_from=2000-01-01")
    years = YEAR.findall(page)
    assert [year for _, year in years] == ["2021", "2022", "2024"]
    assert FILM.findall(await shown(album, years[1][0].replace("&amp;", "&"))) == ["film", "d"]


async def test_a_year_a_month_or_a_day_selects(album: Home) -> None:
    for value, films in (
        ("2021", ["c", "b", "a"]),
        ("2021-03", ["b", "a"]),
        ("2021-03-10", ["b", "a"]),
        ("2022", ["film"]),
        ("2025", []),
    ):
        assert FILM.findall(await shown(album, f"/?sort=recorded&recorded={value}")) == films
    for wrong in ("21", "2021-13", "2021-02-30", "%C2%B2021", "2021-3", "2021/03"):
        assert (await album.client.get(f"/?recorded={wrong}")).status_code == 400, wrong


async def test_page_and_json_say_which_clock_it_was(album: Home) -> None:
    for name, at, by in (
        ("film", "2022-07-01T10:00:00.000Z", "container"),
        ("a", None, "file"),
        ("odd", None, None),
    ):
        video = await album.video(f"{name}.mp4")
        found = await (await album.client.get(f"/api/videos/{video.media_hash}")).get_json()
        assert found["recorded_by"] == by
        assert at in (None, found["recorded_at"])
        page = await shown(album, f"/watch/{name}.mp4")
        assert ("date of the file)" in page) == (by == "file")
        assert ("stored in the film)" in page) == (by == "container")


def a_card(number: int, day: int) -> Card:
    at = int(datetime(2024, 1, day).timestamp() * 1000)  # noqa: DTZ001 - the server's own days
    return Card(number, MediaHash(""), 1, 1, b"", "", at, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, (),
                State.READY, None, False)  # fmt: skip


def test_a_month_that_goes_on_has_one_heading() -> None:
    cards = (a_card(1, 31), a_card(2, 1))
    assert months_of(Query(), Page(cards, None)) == {1: "January 2024"}
    assert months_of(Query(), Page(cards, None, Cursor(cards[0].added_at, 9))) == {}
    assert months_of(Query(), Page(cards, None, start_of_year(2024, True))) == {1: "January 2024"}
    assert months_of(Query(sort=Sort.TITLE), Page(cards, None, Cursor("x", 9))) == {}
