"""Results and order of the gallery, against a brute-force account; and its pages through the front
door.
"""

import html
import itertools
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.crowd import DAYS, FOLDERS, TAGS, Crowd, crowd, draw
from support.home import Home

from lvs import random_order
from lvs.db import gallery, watch_page
from lvs.db.database import Connection
from lvs.filters import RESOLUTIONS, STATES
from lvs.models import Cursor, Query, Sort
from lvs.services.gallery.gallery import Gallery
from lvs.services.gallery.limits import GalleryLimits
from lvs.web.templates import Templates
from lvs.web.urls import encode_cursor

PEOPLE = draw(240, seed=7)
SORTS = list(Sort)
BEGINNINGS = ("s", "se", "sea", "alp", "ol", "2", "été", "mp4", "nothing")

queries = st.builds(
    Query,
    tags=st.lists(st.sampled_from(TAGS), max_size=3, unique=True).map(tuple),
    min_rating=st.sampled_from((0, 0, 0, 1, 3, 5)),
    favorite=st.booleans(),
    unrated=st.sampled_from((False, False, False, True)),
    viewed=st.sampled_from((False, False, True)),
    min_minutes=st.sampled_from((0, 0, 1, 5, 30)),
    max_minutes=st.sampled_from((0, 0, 1, 5, 120)),
    recorded_from=st.sampled_from((None, None, None, *DAYS)),
    recorded_to=st.sampled_from((None, None, None, *DAYS)),
    resolution=st.sampled_from(("", "", "", *RESOLUTIONS)),
    state=st.sampled_from(("", "", "", *STATES)),
    sound=st.sampled_from(("", "", "", "missing")),
    tagged=st.sampled_from(("", "", "", "yes", "no")),
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
    seed=st.sampled_from((0, 1, 2**30, 2**31 - 1)),
)
simple_queries = st.builds(
    Query,
    sort=st.sampled_from(SORTS),
    descending=st.booleans(),
    seed=st.sampled_from((0, 1, 2**30)),
    viewed=st.booleans(),
)
places = st.none() | st.tuples(st.sampled_from(("Videos", "Films")), st.sampled_from(FOLDERS))
words = st.lists(st.sampled_from(BEGINNINGS), max_size=2, unique=True).map(tuple)
examples = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest_asyncio.fixture(params=[1, 10**9], ids=["along the order", "put in order"])
async def many(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Crowd]:
    """240 videos; the shelf finds what comes next either way."""
    async with crowd(tmp_path, PEOPLE, GalleryLimits(walked_share=request.param, few=30)) as made:
        yield made


def asked(query: Query, place: tuple[str, str] | None, beginnings: tuple[str, ...]) -> Query:
    folder = f"{place[0]}/{place[1]}".rstrip("/").encode() if place else b""
    return replace(query, folder=folder, q=" ".join(beginnings))


def folded(beginnings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({"été": "ete"}.get(word, word) for word in beginnings)


async def all_pages(of: Gallery, query: Query, size: int) -> list[int]:
    """Every id, page by page."""
    found: list[int] = []
    after = None
    for _ in range(1000):
        page = await of.browse(query, size, after)
        assert len(page.cards) <= size
        found += [card.id for card in page.cards]
        if page.next is None:
            return found
        after = page.next
    raise AssertionError("the pages never end")


# --- Order and filters, against brute force ---


@examples
@given(query=queries, place=places, beginnings=words, size=st.integers(1, 50))
async def test_pages_hold_what_a_brute_force_sort_gives(
    many: Crowd, query: Query, place: Any, beginnings: Any, size: int
) -> None:
    expected = many.expected(query, place, folded(beginnings))
    query = asked(query, place, beginnings)
    size = max(size, len(expected) // 12 + 1)
    assert await all_pages(many.fast, query, size) == expected
    assert await many.fast.count(query) == len(expected)
    assert await many.plain.browse(query, size) == await many.fast.browse(query, size)
    assert await many.plain.count(query) == len(expected)


@examples
@given(query=simple_queries, size=st.integers(7, 60))
async def test_every_order_pages_through_everything(many: Crowd, query: Query, size: int) -> None:
    expected = many.expected(query)
    assert await all_pages(many.fast, query, size) == expected
    assert await all_pages(many.plain, query, size) == expected


@examples
@given(query=queries, first=st.integers(0, 100), length=st.integers(0, 100))
async def test_a_run_with_an_end_holds_what_lies_between(
    many: Crowd, query: Query, first: int, length: int
) -> None:
    expected = many.expected(query)
    if not expected:
        return
    first = min(first, len(expected) - 1)
    last = min(first + length, len(expected) - 1)
    after = await place_of(many, query, expected[first - 1]) if first else None
    until = await place_of(many, query, expected[last])
    for answering in (many.fast, many.plain):
        page = await answering.browse(query, 60, after, until)
        assert [card.id for card in page.cards] == expected[first : last + 1]
        assert page.next is None


@examples
@given(query=queries, at=st.integers(0, 300))
async def test_neighbours_stand_before_and_behind(many: Crowd, query: Query, at: int) -> None:
    expected = many.expected(query)
    if not expected:
        return
    at %= len(expected)
    before, behind = await many.fast.neighbours(query, expected[at])
    assert (before and before.id) == (expected[at - 1] if at else None)
    assert (behind and behind.id) == (expected[at + 1] if at + 1 < len(expected) else None)
    assert await many.plain.neighbours(query, expected[at]) == (before, behind)


@examples
@given(
    query=queries,
    key=st.integers(-(2**62), 2**62) | st.floats(-1e15, 1e15) | st.sampled_from((0, 1, 5, 60.0)),
    video_id=st.integers(-(2**62), 2**62) | st.integers(0, 300),
)
async def test_a_place_where_nothing_stands_is_still_a_place(
    many: Crowd, query: Query, key: float, video_id: int
) -> None:
    cursor = Cursor("o" if query.sort is Sort.TITLE else key, video_id)
    other = Cursor("p" if query.sort is Sort.TITLE else 3, 50)
    for after, until in ((cursor, other), (other, cursor)):
        assert await many.fast.browse(query, 20, after, until) == await many.plain.browse(
            query, 20, after, until
        )
    assert await many.fast.browse(query, 20, cursor) == await many.plain.browse(query, 20, cursor)
    assert await many.fast.browse(query, 20, None, cursor) == await many.plain.browse(
        query, 20, None, cursor
    )


@examples
@given(
    beginnings=st.lists(st.sampled_from(BEGINNINGS), min_size=1, max_size=2, unique=True).map(
        tuple
    ),
    rating=st.sampled_from((0, 0, 3)),
    size=st.integers(1, 40),
    descending=st.sampled_from((True, True, False)),
)
async def test_the_best_match_is_ordered_as_by_brute_force(
    many: Crowd, beginnings: tuple[str, ...], rating: int, size: int, descending: bool
) -> None:
    """Its pages, what stands beside each video, and where so much is found that nothing is
    ranked.
    """
    query = Query(min_rating=rating, sort=Sort.MATCH, descending=descending)
    expected = many.expected(query, None, folded(beginnings))
    latest = many.expected(replace(query, sort=Sort.ADDED), None, folded(beginnings))
    query = asked(query, None, beginnings)
    size = max(size, len(expected) // 12 + 1)
    for answering in (many.fast, many.plain):
        assert await all_pages(answering, query, size) == expected
        for at in range(0, len(expected), 29):
            before, behind = await answering.neighbours(query, expected[at])
            assert (before and before.id) == (expected[at - 1] if at else None)
            assert (behind and behind.id) == (expected[at + 1] if at + 1 < len(expected) else None)
    limits = replace(many.fast.limits, ranked_at_most=0)
    fresh = Gallery(many.database, many.fast._library, many.fast._cache, limits)
    assert await all_pages(fresh, query, size) == latest
    await fresh.fill()
    assert await all_pages(fresh, query, size) == latest


async def test_a_place_far_behind_is_found_at_once(many: Crowd) -> None:
    for sort, descending in itertools.product(SORTS, (False, True)):
        query = Query(sort=sort, descending=descending)
        expected = many.expected(query)
        steps = []
        for at in (2, 70, 234):
            place = await place_of(many, query, expected[at])
            step: list[None] = []
            async with many.database.read() as db:
                await db._raw.set_progress_handler(partial(step.append, None), 1)
                found = await gallery.walk(db, query, 3, place)
                await db._raw.set_progress_handler(None, 0)  # type: ignore[arg-type]
            assert found == expected[at + 1 : at + 4]
            steps.append(len(step))
        assert max(steps) < 2 * min(steps), (query, steps)


async def test_a_card_holds_the_tags_as_they_are_spelled(many: Crowd) -> None:
    tricky = (",", '","', '"', "\\", "a\\", "[", "]", "]]", "\u2028", "\x7f", "\t", "夏", "a,b")
    async with many.database.read() as db:
        for names in (
            *itertools.product(tricky, repeat=2),
            *((name,) for name in tricky),
            (),
            tricky,
        ):
            kept = await db.value(
                "SELECT json_group_array(value) FROM json_each(?)", (json.dumps(names),)
            )
            assert gallery.names_of(kept) == names


async def test_related_videos_share_the_most_and_rarest_tags(many: Crowd) -> None:
    uses = Counter(tag for person in PEOPLE for tag in person.tags)
    for person in PEOPLE[:40]:
        close = {
            other.id: sum(1 / uses[tag] for tag in person.tags if tag in other.tags)
            for other in PEOPLE
            if other.id != person.id and set(person.tags) & set(other.tags)
        }
        async with many.database.read() as db:
            found = (await watch_page.beside(db, person.id, 1, b"", 12, 0)).sharing
        assert [close[video_id] for video_id, _ in found] == pytest.approx(
            sorted(close.values(), reverse=True)[:12]
        )
        for video_id, tag in found:
            shared = set(person.tags) & set(PEOPLE[video_id - 1].tags)
            assert uses[tag] == min(uses[each] for each in shared)


async def place_of(many: Crowd, query: Query, video_id: int) -> Cursor:
    async with many.database.read() as db:
        card = await gallery.one(db, video_id)
        assert card
        number = 0
        if query.sort is Sort.RANDOM:
            number = random_order.place(await gallery.shuffle_of(db, video_id), query.seed)
        return gallery.cursor_of(card, number, query.sort)


# --- Changes ---


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(chance=st.randoms(use_true_random=False), steps=st.integers(1, 12))
async def test_the_index_follows_every_change(
    many: Crowd, chance: random.Random, steps: int
) -> None:
    for _ in range(steps):
        await change(many, chance)
        query = Query(
            q=chance.choice(("", "sea", "renamed", "alps")),
            tags=tuple(chance.sample(TAGS, chance.choice((0, 0, 1)))),
            min_rating=chance.choice((0, 0, 3)),
            favorite=chance.random() < 0.3,
            viewed=chance.random() < 0.3,
            folder=chance.choice((b"", b"", b"Videos", b"Videos/Trips")),
            sort=chance.choice(SORTS),
            descending=chance.random() < 0.5,
            seed=5,
        )
        found = await many.fast.find(query)
        plainly = await many.plain.find(query)
        assert (found.page, found.total) == (plainly.page, plainly.total)
        async with many.database.read() as db:
            assert {(tag.name, tag.count) for tag in await many.fast.tags()} == await tags_counted(
                db
            )
            assert [(f.root_id, f.path, f.count) for f in found.folders] == await folders_counted(
                db
            )


async def change(many: Crowd, chance: random.Random) -> None:
    """Something a visitor or a scan may do."""
    video_id = chance.randint(1, len(PEOPLE))
    name = many.hash_of(video_id)
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: many.ratings.rate(name, chance.randint(1, 5), "test"),
        lambda: many.ratings.clear(name, "test"),
        lambda: many.favorites.toggle(name, "test"),
        lambda: many.views.count(name, "test"),
        lambda: many.tags.add(name, chance.choice((*TAGS, "new")), "test"),
        lambda: many.tags.remove(name, chance.choice(TAGS), "test"),
        lambda: many.videos.retitle(name, chance.choice(("renamed 2", "renamed 10", "")), "test"),
        lambda: gone_or_back(many, video_id, chance.choice((1, None))),
        lambda: moved(many, video_id, f"{chance.choice(FOLDERS)}/moved {video_id}.mp4".lstrip("/")),
    ]
    await chance.choice(steps)()


async def gone_or_back(many: Crowd, video_id: int, missing_since: int | None) -> None:
    async with many.database.transaction() as tx:
        await tx.run(
            "UPDATE files SET missing_since = ? WHERE video_id = ?", (missing_since, video_id)
        )
        await gallery.refresh(tx, [video_id])


async def moved(many: Crowd, video_id: int, path: str) -> None:
    async with many.database.transaction() as tx:
        await tx.run("UPDATE files SET path = ? WHERE video_id = ?", (path.encode(), video_id))
        await gallery.refresh(tx, [video_id])


async def tags_counted(db: Connection) -> set[tuple[str, int]]:
    sql = """
        SELECT t.name, count(*) FROM tags t
            JOIN video_tags vt ON vt.tag_id = t.id JOIN gallery g ON g.video_id = vt.video_id
        GROUP BY t.id
    """
    return {(row[0], row[1]) for row in await db.all(sql)}


async def folders_counted(db: Connection) -> list[tuple[int, bytes, int]]:
    rows = await db.all("SELECT root_id, path FROM gallery ORDER BY root_id, path")
    tops = sorted((row[0], row[1].partition(b"/")[0]) for row in rows if b"/" in row[1])
    return [(*key, len(list(group))) for key, group in itertools.groupby(tops)]


async def test_a_change_that_was_taken_back_changes_nothing(many: Crowd) -> None:
    before = await many.fast.find(Query(sort=Sort.RATING))

    async def fail() -> None:
        async with many.database.transaction() as tx:
            await tx.run("DELETE FROM ratings")
            await gallery.refresh(tx, [person.id for person in PEOPLE])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await many.fast.find(Query(sort=Sort.RATING)) == before


async def test_many_changes_at_once_are_followed(many: Crowd) -> None:
    """More than the database remembers one by one."""
    await many.fast.find(Query())
    for _ in range(30_000 // len(PEOPLE) + 10):
        async with many.database.transaction() as tx:
            await gallery.refresh(tx, [person.id for person in PEOPLE])
    async with many.database.transaction() as tx:
        await tx.run("DELETE FROM ratings")
        await gallery.refresh(tx, [person.id for person in PEOPLE])
    async with many.database.read() as db:
        assert await db.value("SELECT count(*) FROM gallery_changes") < 31_000
    assert (await many.fast.find(Query(min_rating=1))).total == 0


async def test_a_database_with_another_history_is_read_anew(many: Crowd) -> None:
    await many.fast.find(Query())
    async with many.database.transaction() as tx:
        await tx.run("DELETE FROM favorites")
        await gallery.refresh(tx, [person.id for person in PEOPLE])
        await tx.run(
            "UPDATE gallery_changes SET mark = mark + 1"
        )  # as after a backup was brought back
    assert (await many.fast.find(Query(favorite=True))).total == 0


async def test_few_videos_with_huge_ids_are_left_to_the_database(tmp_path: Path) -> None:
    async with crowd(tmp_path, PEOPLE[:5]) as few:
        async with few.database.transaction() as tx:
            await tx.run("PRAGMA defer_foreign_keys = ON")
            await tx.run("UPDATE videos SET id = 9000000000000 WHERE id = 5")
            await tx.run("UPDATE files SET video_id = 9000000000000 WHERE video_id = 5")
            for table in ("ratings", "views", "favorites", "video_tags", "gallery"):
                await tx.run(f"DELETE FROM {table} WHERE video_id = 5")
            await gallery.refresh(tx, [9000000000000])
        again = Gallery(few.database, few.fast._library, few.fast._cache)
        await again.fill()
        assert {card.id for card in (await again.browse(Query())).cards} == {
            1,
            2,
            3,
            4,
            9000000000000,
        }
        assert await again.count(Query()) == 5


# --- Pages, through the front door ---

CARD = re.compile(r'<article class="video-card"[^>]* data-media-hash="([0-9a-f]{16})"')
TITLE = re.compile(r'<h2><a href="[^"]*" title="([^"]*)"')
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def group(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, pattern
    return found[1]


async def page(
    home: Home, address: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> str:
    response = await home.client.get(address, headers=headers)
    assert response.status_code == status, address
    return (await response.get_data(as_text=False)).decode()


async def titles(home: Home, address: str) -> list[str]:
    return [html.unescape(title) for title in TITLE.findall(await page(home, address))]


async def hash_of(home: Home, name: str) -> str:
    return (await home.video(name)).media_hash


@pytest_asyncio.fixture
async def films(home: Home) -> Home:
    """Six films of which three are rated, two tagged, one a favorite and two watched."""
    for name in (
        "Trips/Alps 2.mp4",
        "Trips/Alps 10.mp4",
        "Trips/été à la mer.mp4",
        "夏祭り.mp4",
        "plain.mp4",
        "50%.mp4",
    ):
        home.add(name)
    await home.scan()
    await home.probed()
    stars = {"Trips/Alps 2.mp4": 5, "Trips/Alps 10.mp4": 4, "plain.mp4": 1}
    for name, value in stars.items():
        await home.services.ratings.rate(await hash_of(home, name), value, "test")
    for name in ("Trips/Alps 2.mp4", "夏祭り.mp4"):
        await home.services.tags.add(await hash_of(home, name), "Two Words", "test")
    await home.services.favorites.set(await hash_of(home, "plain.mp4"), True, "test")
    for _ in range(2):
        await home.services.views.count(await hash_of(home, "50%.mp4"), "test")
    await home.services.views.count(await hash_of(home, "plain.mp4"), "test")
    return home


async def test_every_address_shows_what_it_says(films: Home) -> None:
    everything = ["50%", "Alps 2", "Alps 10", "été à la mer", "plain", "夏祭り"]
    for address, expected in {
        "/?sort=title": everything,
        "/?sort=title&order=desc": everything[::-1],
        "/?q=alps&sort=title": ["Alps 2", "Alps 10"],
        "/search?q=ete+mer": ["été à la mer"],
        "/?q=tag:two": [],
        "/?q=tag:%22two+words%22&sort=title": ["Alps 2", "夏祭り"],
        "/tag/two%20words?sort=title": ["Alps 2", "夏祭り"],
        "/tag/%23TWO%20WORDS?min_rating=5": ["Alps 2"],
        "/?tag=two+words&favorite=1": [],
        "/?min_rating=4&sort=rating": ["Alps 2", "Alps 10"],
        "/?unrated=1&sort=title": ["50%", "été à la mer", "夏祭り"],
        "/?folder=Trips&sort=title&unrated=1": ["été à la mer"],
        "/?folder=Trip": [],
        "/favorites": ["plain"],
        "/popular": ["50%", "plain"],
        "/?max_minutes=1&sort=title": everything,
        "/?min_minutes=1": [],
    }.items():
        assert await titles(films, address) == expected, address


async def test_the_best_match_comes_first_while_somebody_searches(home: Home) -> None:
    """An order in the address takes precedence, and without words the newest come first. Playing,
    going on, saving and the API use the same order.
    """
    given = {
        "Sintel": "",
        "Sintel, the making": "",
        "About Sintel": "",
        "Dragons": "sintel",
        "Sintelli": "",
        "A night in Sintelburg": "",
    }
    for number, title in enumerate(given):
        home.add(f"{number}.mp4")
        await home.scan()
        name = await hash_of(home, f"{number}.mp4")
        await home.services.videos.retitle(name, title, "test")
        if given[title]:
            await home.services.tags.add(name, given[title], "test")
    await home.services.gallery.fill()
    best = [
        "Sintel",
        "Sintel, the making",
        "About Sintel",
        "Sintelli",
        "Dragons",
        "A night in Sintelburg",
    ]
    latest = list(given)[::-1]
    assert await titles(home, "/?q=sintel") == best
    assert await titles(home, "/?q=SINTEL&sort=match&order=asc") == best[::-1]
    assert await titles(home, "/?q=sintel&sort=added") == latest
    assert await titles(home, "/?sort=match") == await titles(home, "/") == latest
    text = await page(home, "/?q=sintel")
    assert 'aria-label="Sort by: Best match"' in text
    assert 'href="/?q=sintel&amp;sort=added"' in text
    assert 'href="/?q=sintel&amp;order=asc"' in text
    assert 'name="sort" value=""' in text  # other words are best matched, too
    assert "Best match" not in await page(home, "/")
    assert 'name="sort" value="added"' in await page(home, "/?q=sintel&sort=added")
    answer = await home.client.get("/api/videos?q=sintel&limit=2")
    found = json.loads(await answer.get_data())
    answer = await home.client.get(f"/api/videos?q=sintel&limit=9&after={found['next']}")
    found["videos"] += json.loads(await answer.get_data())["videos"]
    assert [video["title"] for video in found["videos"]] == best
    first = (await home.client.get("/play?q=sintel")).headers["Location"]
    watched = await page(home, first)
    assert f"<title>{best[0]}" in watched
    names = {video["title"]: video["media_hash"] for video in found["videos"]}
    answer = await home.client.get("/views?q=sintel&save=1")
    assert "“sintel”</" in (await answer.get_data()).decode()
    answer = await home.client.post("/views?q=sintel", form={"name": "The dragon"})
    assert await titles(home, answer.headers["Location"]) == best
    exported = json.loads(await (await home.client.get("/export.json?q=sintel")).get_data())
    assert [video["media_hash"] for video in exported["videos"]] == [names[t] for t in best]
    assert f'aria-label="Next: {best[1]}"' in watched


async def test_the_page_says_how_many_there_are_and_each_filter_can_be_taken_off(
    films: Home,
) -> None:
    text = await page(films, "/?q=alps&min_rating=4&folder=Trips&sort=title")
    assert re.search(r"<h1[^>]*>“alps” \+2</h1>", text)
    assert '<p id="count" role="status">2 videos</p>' in text
    assert 'aria-label="Sort by: Title"' in text
    for address in (
        "/?min_rating=4&amp;folder=Trips&amp;sort=title",
        "/?q=alps&amp;folder=Trips&amp;sort=title",
    ):
        assert f'href="{address}"' in text


async def test_a_page_without_matches_names_the_filter_to_drop(films: Home) -> None:
    text = await page(films, "/?q=alps&favorite=1")
    assert "No video matches" in text
    assert re.search(r'href="/\?q=alps"[^>]*>.*favorites \(2\)', text)
    assert re.search(r'href="/\?favorite=1"[^>]*>.*“alps” \(1\)', text)
    text = await page(films, "/?q=nothing&favorite=1&unrated=1")
    assert " (0)" not in text


async def test_the_page_or_the_part_of_it_that_is_swapped(films: Home) -> None:
    for address in ("/", "/popular", "/favorites", "/tag/two%20words", "/tags"):
        whole, part = [
            await films.client.get(address, headers=headers) for headers in ({}, PARTIAL)
        ]
        assert (await whole.get_data(as_text=False)).startswith(b"<!doctype html>")
        assert not (await part.get_data(as_text=False)).lstrip().startswith(b"<!doctype")
        assert "HX-Request-Type" in whole.headers["Vary"]
        assert "HX-Request-Type" in part.headers["Vary"]
        assert set(CARD.findall((await whole.get_data(as_text=False)).decode())) == set(
            CARD.findall((await part.get_data(as_text=False)).decode())
        )


async def test_more_comes_until_the_end_and_a_run_refreshes_itself_in_place(home: Home) -> None:
    for number in range(130):
        home.add(f"{number}.mp4")
    await home.scan()
    address = "/?sort=title"
    found: list[str] = []
    runs: list[str] = []
    while address:
        text = await page(home, address, headers=PARTIAL)
        found += [html.unescape(title) for title in TITLE.findall(text)]
        runs.append(html.unescape(group(r'hx-get="([^"]*)" hx-trigger="library:changed', text)))
        more = re.search(r'id="more" href="([^"]*)"', text)
        address = html.unescape(more[1]) if more else ""
    assert found == [str(number) for number in range(130)]
    assert len(runs) == 3
    home.add("75 b.mp4")
    await home.scan()
    again = [
        html.unescape(title) for title in TITLE.findall(await page(home, runs[1], headers=PARTIAL))
    ]
    assert again == [*map(str, range(60, 76)), "75 b", *map(str, range(76, 120))]


async def test_a_search_that_finds_too_many_says_that_they_are_not_ranked(home: Home) -> None:
    for number in range(3):
        home.add(f"lake {number}.mp4")
    await home.scan()
    for most, said in ((3, False), (2, True)):
        home.services.gallery.limits = GalleryLimits(ranked_at_most=most)
        page = await (await home.client.get("/?q=lake")).get_data(as_text=True)
        assert ("3 videos, the latest first" in page) is said


async def test_a_random_order_stays_the_same_with_its_seed(home: Home) -> None:
    for number in range(70):
        home.add(f"{number}.mp4")
    await home.scan()
    text = await page(home, "/?sort=random")
    more = html.unescape(group(r'id="more" href="([^"]*)"', text))
    seed = group(r"seed=([0-9]+)", more)
    first = CARD.findall(text)
    assert CARD.findall(await page(home, f"/?sort=random&seed={seed}")) == first
    rest = CARD.findall(await page(home, more))
    assert len({*first, *rest}) == 70
    assert CARD.findall(await page(home, f"/?sort=random&seed={int(seed) ^ 2**30}")) != first


@pytest.mark.parametrize(
    "address",
    [
        "/?after=x",
        "/?after=" + encode_cursor(Cursor("a", 1)),
        "/?sort=title&after=" + encode_cursor(Cursor(1, 1)),
        "/?until=%00",
        "/?after=" + "A" * 5000,
        "/?after=WzFlOTk5LDFd",
        "/?after=W3RydWUsMV0",
        "/?q=nothing&after=WzEsInh5eiJd",
        "/?sort=size+desc",
        "/?order=up",
        "/?min_rating=6",
        "/?min_rating=-1",
        "/?min_rating=%C2%B2",
        "/?seed=1e3",
        "/?favorite=yes",
        "/?tag=%ff",
        "/?q=" + "a" * 201,
        "/?" + "&".join(f"tag={number}" for number in range(21)),
    ],
)
async def test_nonsense_in_the_address_gets_a_message(home: Home, address: str) -> None:
    text = await page(home, address, 400)
    assert re.search(r"<(p|h1)[^>]*>[A-Z“][^<]{10,}", text)


async def test_an_unknown_tag_is_nowhere(home: Home) -> None:
    await page(home, "/tag/nobody", 404)
    assert await titles(home, "/?tag=nobody") == []


async def test_random_leads_to_a_film_that_can_be_played(films: Home) -> None:
    response = await films.client.get("/random")
    assert response.status_code == 302
    assert response.headers["Cache-Control"] == "no-store"
    assert (await films.client.get(response.headers["Location"])).status_code == 200


async def test_tags_are_listed_with_their_counts(films: Home) -> None:
    await films.services.tags.add(await hash_of(films, "plain.mp4"), "alone", "test")
    rows = re.compile(
        r'<a class="tag-link" href="/\?tag=([^"]*)">.*?<bdi title="[^"]*">([^<]*)</bdi>.*?'
        r'<span class="number" aria-label="([^"]*)"',
        re.DOTALL,
    )
    assert rows.findall(await page(films, "/tags")) == [
        ("Two%20Words", "Two Words", "2 videos"),
        ("alone", "alone", "1 video"),
    ]
    assert [row[1] for row in rows.findall(await page(films, "/tags?order=name"))] == [
        "alone",
        "Two Words",
    ]
    assert [row[1] for row in rows.findall(await page(films, "/tags?filter=WORD"))] == ["Two Words"]
    (films.library / "plain.mp4").unlink()
    await films.scan()
    # a tag of missing films alone stays where it can be renamed, merged and deleted
    assert [row[1:] for row in rows.findall(await page(films, "/tags"))] == [
        ("Two Words", "2 videos"),
        ("alone", "0 videos"),
    ]


async def test_a_kept_card_is_what_a_fresh_one_would_be(films: Home) -> None:
    """Neither the list it stands in nor earlier requests matter."""
    pages: Templates = films.app.extensions["lvs.pages"]
    for query in (
        Query(),
        Query(q="a&b", tags=('"<',)),
        Query(sort=Sort.TITLE, descending=False),
        Query(folder=b"\xff x"),
    ):
        for _ in range(2):
            for card in (await films.services.gallery.browse(Query())).cards:
                for eager in range(3):
                    fresh = pages.render(
                        "partials/video_card.html", card=card, query=query, eager=eager
                    )
                    assert pages.cards.html(card, query, eager) == fresh
        await films.services.ratings.rate(
            await hash_of(films, "plain.mp4"), 1 + len(query.q), "test"
        )


async def test_a_kept_page_is_what_a_fresh_one_would_be(
    films: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page is rendered plainly beside the way that keeps parts, twice, in changing
    surroundings.
    """
    quick, compared = Templates.encoded, []

    def both(pages: Templates, template: str, **context: Any) -> bytes:
        plain = pages.environment.get_template(template).render(context).encode()
        for _ in range(2):
            assert quick(pages, template, **context) == plain
        compared.append(template)
        return plain

    monkeypatch.setattr(Templates, "encoded", both)
    films.services.gallery.limits = GalleryLimits(page_size=4)
    name = await hash_of(films, "plain.mp4")
    for step in range(3):
        for address in (
            "/",
            "/?q=alps&sort=title",
            "/?tag=two+words",
            "/popular?q=%22%26%3C",
            "/?sort=random&seed=5",
            "/?folder=Trips",
        ):
            for headers in ({}, PARTIAL, {"Cookie": "theme=dark; size=large"}):
                text = await page(films, address, headers=headers)
                more = re.search(r'id="more" href="([^"]*)"', text)
                if more:
                    await page(films, html.unescape(more[1]), headers=headers)
        await films.services.ratings.rate(name, 2 + step, "test")
        await films.services.tags.add(name, f"<{step}>&amp;", "test")
    assert {"gallery.html", "partials/video_grid.html"} <= set(compared)


async def test_a_change_is_on_the_next_page(films: Home) -> None:
    name = await hash_of(films, "夏祭り.mp4")
    assert "夏祭り" not in await titles(films, "/?min_rating=5")
    response = await films.client.post(
        f"/videos/{name}/rating", form={"value": "5"}, headers=PARTIAL
    )
    assert response.status_code == 200
    assert "夏祭り" in await titles(films, "/?min_rating=5")
    await films.client.post(
        f"/videos/{name}/tags/remove", form={"tag": "two words"}, headers=PARTIAL
    )
    assert await titles(films, "/tag/two%20words") == ["Alps 2"]
    await films.client.post(f"/videos/{name}/title", form={"title": "summer"}, headers=PARTIAL)
    assert await titles(films, "/?q=summer") == ["summer"]
    assert await titles(films, "/?q=%E5%A4%8F") == ["summer"]  # its file is still called so


async def test_a_page_asks_the_database_few_things(films: Home) -> None:
    await films.services.gallery.fill()
    for address in (
        "/",
        "/?q=alps&min_rating=4&tag=two+words&sort=title",
        "/?q=alps",
        "/popular",
        "/tag/two%20words",
        "/?q=none&favorite=1",
    ):
        meant = 2 if "none" in address else 0  # words like those that were not found
        for least in (6, 3):
            before = films.queries
            await page(films, address)
            assert films.queries - before <= least + meant, address


@given(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1))
def test_every_seed_gives_an_order_of_its_own(one: int, other: int) -> None:
    numbers = range(0, 2**31, 2**31 // 499)
    orders = [sorted(numbers, key=lambda n: random_order.place(n, seed)) for seed in (one, other)]
    assert len({random_order.place(n, one) for n in numbers}) == len(numbers)
    assert all(0 <= random_order.place(n, one) <= random_order.LARGEST for n in numbers)
    followers = [dict(itertools.pairwise(order)) for order in orders]
    same = [n for n in numbers if followers[0].get(n, -1) == followers[1].get(n, -2)]
    assert one == other or len(same) < 20
