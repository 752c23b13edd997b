"""Every change is written down and can be taken back; what was changed again since is left as it
is.
"""

import asyncio
import itertools
import re
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quart import Response
from support.home import Home

from lvs.clock import now_ms
from lvs.db.changes import Change, ChangeFilter
from lvs.models import Query, Sort, Video
from lvs.services.curation.change_status import UndoStatus, statuses
from lvs.services.curation.tag_management import TagEdit
from lvs.services.curation.undo import JournalEntry

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
ANNA, BEN = "192.168.1.5", "192.168.1.6"
HOUR_MS = 3_600_000


async def text(response: Response) -> str:
    return (await response.get_data(as_text=False)).decode()


async def videos(home: Home, *names: str) -> list[str]:
    """Media hashes of new videos."""
    for name in names:
        home.add(name)
    await home.scan()
    return [(await home.video(name)).media_hash for name in names]


async def journal(home: Home, **chosen: Any) -> list[JournalEntry]:
    return (await home.services.journal.page(ChangeFilter(**chosen)))[0]


async def undo_latest(home: Home) -> str:
    """Take the latest change back that can be; why that was not done, or nothing."""
    latest = next(entry for entry in await journal(home) if entry.status is UndoStatus.OPEN)
    return (await home.services.journal.undo(latest.change.id, "operator")).reason


def ticking(home: Home, since_ms: int = 0) -> None:
    """Have each change happen in a millisecond of its own, from a time on, or an hour ago."""
    clock = partial(next, itertools.count(since_ms or now_ms() - HOUR_MS))
    ours = home.services
    for service in (ours.ratings, ours.tags, ours.favorites, ours.views):
        service.now_ms = clock


async def video(home: Home, media_hash: str) -> Video:
    return await home.services.videos.get(media_hash)


async def test_stars_are_taken_back_and_put_back_again(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    await home.services.ratings.rate(film, 3, ANNA)
    await home.services.ratings.rate(film, 5, ANNA)
    assert await undo_latest(home) == ""
    assert (await home.services.ratings.get(film)).value == 3
    [card] = (await home.services.gallery.browse(Query())).cards
    assert card.rating == 3
    newest, changed, first = await journal(home)
    assert (newest.change.old, newest.change.new, newest.change.client) == ("5", "3", "operator")
    assert (newest.change.undoes, newest.status) == (changed.change.id, UndoStatus.OPEN)
    assert (changed.status, first.status) == (UndoStatus.TAKEN_BACK, UndoStatus.OPEN)
    assert await undo_latest(home) == ""
    assert (await home.services.ratings.get(film)).value == 5
    assert [entry.status for entry in await journal(home)] == [
        UndoStatus.PUT_BACK,
        UndoStatus.TAKEN_BACK,
        UndoStatus.OPEN,
        UndoStatus.CHANGED_SINCE,
    ]


async def test_a_value_that_was_changed_again_since_is_left_as_it_is(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    await home.services.ratings.rate(film, 3, ANNA)
    await home.services.ratings.rate(film, 4, BEN)
    await home.services.ratings.rate(film, 3, BEN)
    first = (await journal(home))[-1]
    undone = await home.services.journal.undo(first.change.id, "operator")
    assert "changed again since" in undone.reason
    assert (await home.services.ratings.get(film)).value == 3
    assert len(await journal(home)) == 3
    # Once the later ones are gone it can be done.
    for _ in range(2):
        newest_open = next(
            entry
            for entry in await journal(home)
            if entry.status is UndoStatus.OPEN and not entry.change.undoes
        )
        assert not (await home.services.journal.undo(newest_open.change.id, "operator")).reason
    assert not (await home.services.journal.undo(first.change.id, "operator")).reason
    assert (await home.services.ratings.get(film)).value is None


async def test_a_value_that_came_from_elsewhere_is_not_overwritten(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    await home.services.ratings.rate(film, 3, ANNA)
    async with home.services.database.transaction() as tx:
        await tx.run("UPDATE ratings SET value = 1")
    assert "another value now" in await undo_latest(home)
    assert (await home.services.ratings.get(film)).value in (
        1,
        3,
    )  # the second is what the cache may still say
    async with home.services.database.read() as db:
        assert await db.value("SELECT value FROM ratings") == 1


async def test_stars_that_were_taken_away_come_back(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    await home.services.ratings.rate(film, 2, ANNA)
    await home.services.ratings.clear(film, ANNA)
    assert await undo_latest(home) == ""
    assert (await home.services.ratings.get(film)).value == 2


async def test_a_heart_comes_back_with_its_place_among_the_favorites(home: Home) -> None:
    old, new = await videos(home, "old.mp4", "new.mp4")
    ticking(home)
    await home.services.favorites.set(old, True, ANNA)
    since = (await video(home, old)).favorited_at
    await home.services.favorites.set(new, True, ANNA)
    await home.services.favorites.set(old, False, ANNA)
    for _ in range(3):  # undo, redo, undo: the date stays the first one
        assert await undo_latest(home) == ""
    assert (await video(home, old)).favorited_at == since
    found = await home.services.gallery.browse(Query(favorite=True, sort=Sort.FAVORITED))
    assert [card.media_hash for card in found.cards] == [new, old]


async def test_tags_go_and_come_back_each_on_its_own(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    await home.services.tags.add(film, "Alps", ANNA)
    await home.services.tags.add(film, "snow", ANNA)
    await home.services.tags.remove(film, "alps", BEN)
    entries = await journal(home)
    assert [entry.status for entry in entries] == [
        UndoStatus.OPEN,
        UndoStatus.OPEN,
        UndoStatus.CHANGED_SINCE,
    ]
    assert not (await home.services.journal.undo(entries[1].change.id, "operator")).reason
    assert await home.services.tags.get(film) == ()
    assert not (await home.services.journal.undo(entries[0].change.id, "operator")).reason
    assert await home.services.tags.get(film) == ("Alps",)
    assert await home.services.gallery.count(Query(tags=("alps",))) == 1
    assert not (await home.services.journal.undo(entries[2].change.id, "operator")).reason
    assert await home.services.tags.get(film) == ()
    assert await home.services.gallery.tags() == []


async def test_a_title_goes_back_to_the_one_before_or_to_the_files_name(home: Home) -> None:
    [film] = await videos(home, "IMG_1.mp4")
    await home.services.videos.retitle(film, "Anna", ANNA)
    await home.services.videos.retitle(film, "Anna", ANNA)  # says nothing new and is no change
    await home.services.videos.retitle(film, "Anna in Rome", BEN)
    assert len(await journal(home)) == 2
    assert await undo_latest(home) == ""
    assert ((await video(home, film)).title, (await video(home, film)).title_edited) == (
        "Anna",
        True,
    )
    home.library.joinpath("IMG_1.mp4").rename(home.library / "Holiday.mp4")
    await home.scan()
    first = (await journal(home))[-1]
    assert not (await home.services.journal.undo(first.change.id, "operator")).reason
    assert ((await video(home, film)).title, (await video(home, film)).title_edited) == (
        "Holiday",
        False,
    )
    assert await home.titles() == ["Holiday"]


async def test_views_are_taken_back_whatever_came_after_them(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    ticking(home)
    for client in (ANNA, BEN, ANNA):
        await home.services.views.count(film, client)
    third, second, first = await journal(home)
    assert third.change.at > second.change.at > first.change.at
    assert not (await home.services.journal.undo(second.change.id, "operator")).reason
    assert (await home.services.views.get(film), (await video(home, film)).last_viewed_at) == (
        2,
        third.change.at,
    )
    assert not (await home.services.journal.undo(third.change.id, "operator")).reason
    assert (await home.services.views.get(film), (await video(home, film)).last_viewed_at) == (
        1,
        first.change.at,
    )
    assert "already" in (await home.services.journal.undo(second.change.id, "operator")).reason
    assert not (await home.services.journal.undo(first.change.id, "operator")).reason
    assert await home.services.views.get(film) == 0
    assert await home.services.gallery.count(Query(viewed=True)) == 0


async def test_a_change_that_is_taken_back_by_many_at_once_is_taken_back_once(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    for _ in range(5):
        await home.services.views.count(film, ANNA)
    [latest, *_] = await journal(home)
    outcomes = await asyncio.gather(
        *(home.services.journal.undo(latest.change.id, f"10.0.0.{n}") for n in range(8))
    )
    assert sum(not outcome.reason for outcome in outcomes) == 1
    assert await home.services.views.get(film) == 4


async def test_all_changes_of_one_client_since_a_time_are_shown_first_and_then_taken_back(
    home: Home,
) -> None:
    one, two = await videos(home, "one.mp4", "two.mp4")
    ticking(home)
    await home.services.ratings.rate(one, 1, ANNA)
    await home.services.tags.add(two, "before", ANNA)
    since = (await journal(home))[0].change.at + 1
    await home.services.ratings.rate(one, 2, ANNA)
    await home.services.ratings.rate(one, 3, ANNA)
    await home.services.ratings.rate(two, 4, ANNA)
    await home.services.ratings.rate(two, 5, BEN)
    await home.services.tags.add(two, "after", ANNA)
    await home.services.favorites.set(two, True, BEN)
    await home.services.views.count(one, ANNA)

    page = await text(await home.client.get(f"/admin/changes/undo?client={ANNA}&since={since}"))
    assert re.search(r"<b>4</b>\s+changes of 2 videos", page)
    assert "1 other change cannot be undone: It was changed again since." in page
    assert (await home.services.ratings.get(one)).value == 3  # nothing was done yet
    up_to = re.search(r'name="up_to" value="(\d+)"', page)
    assert up_to
    await home.services.ratings.rate(
        one, 5, ANNA
    )  # meanwhile, and not shown: it is left alone, and what it stands upon
    form = {"client": ANNA, "since": str(since), "up_to": up_to[1]}
    answer = await home.client.post("/admin/changes/undo", form=form)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        f"/admin/changes?client={ANNA}",
    )
    task = home.services.background_tasks.latest("undo")
    assert task
    assert not task.failed
    assert "2 changes taken back. 3 left as they are: It was changed again since." in task.message
    assert task.message in (await text(await home.client.get("/admin/changes"))).replace("\n", " ")
    assert (await home.services.ratings.get(one)).value == 5
    assert (await home.services.ratings.get(two)).value == 5
    assert await home.services.tags.get(two) == ("before",)
    assert await home.services.favorites.get(two)
    assert await home.services.views.get(one) == 0


async def test_undone_together_a_chain_of_changes_ends_where_it_began(home: Home) -> None:
    films = await videos(home, *(f"film {number}.mp4" for number in range(6)))
    await home.services.ratings.rate(films[0], 1, BEN)
    for round_ in range(40):
        film = films[round_ % 6]
        await home.services.ratings.rate(film, 1 + round_ % 5, ANNA)
        await home.services.tags.add(film, f"tag {round_ % 4}", ANNA)
        await home.services.views.count(film, ANNA)
        if round_ % 3 == 0:
            await home.services.ratings.clear(film, ANNA)
            await home.services.tags.remove(film, f"tag {round_ % 4}", ANNA)
    preview = await home.services.journal.preview(ANNA, 0)
    tally = await home.services.journal.undo_all(
        ANNA, 0, preview.up_to_id, "operator", lambda _: None
    )
    assert (tally.done, tally.skipped.total()) == (preview.changes, 0)
    for film in films:
        found = await video(home, film)
        assert (found.rating, found.tags, found.views) == (1 if film == films[0] else 0, (), 0)
    # All that is a change like any other: the operator's own is taken back, and everything is as it
    # was.
    preview = await home.services.journal.preview("operator", 0)
    await home.services.journal.undo_all(
        "operator", 0, preview.up_to_id, "operator", lambda _: None
    )
    assert (await video(home, films[0])).views == 7
    assert sum([(await video(home, film)).views for film in films]) == 40


async def test_saved_views_and_tags_are_undone_with_all_else_of_a_client(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    ours = home.services
    await ours.tags.add(film, "snow", BEN)
    await ours.saved_views.create("Before", "q=a", BEN)
    kept = await ours.saved_views.create("Mine", "q=b", ANNA)
    await ours.saved_views.edit(kept.view_id, "Renamed", None, ANNA)
    deleted = await ours.saved_views.create("Again", "q=c", ANNA)
    change = await ours.saved_views.delete(deleted.view_id, ANNA)
    await ours.saved_views.undo(change, ANNA)
    await ours.tag_management.edit("snow", TagEdit(name="ice"), ANNA)
    await ours.ratings.rate(film, 3, ANNA)
    page = await text(await home.client.get(f"/admin/changes/undo?client={ANNA}&since=0"))
    assert "<dt>Saved views</dt>\n<dd>3</dd>" in page
    assert "<dt>Tags themselves</dt>\n<dd>1</dd>" in page
    assert "<b>5</b> changes" in page
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    answer = await home.client.post("/admin/changes/undo", form=form)
    assert answer.status_code == 303
    await ours.background_tasks.wait_briefly("undo", 30)
    task = ours.background_tasks.latest("undo")
    assert task
    assert task.message == "5 changes taken back."
    assert [view.name for view in await ours.saved_views.every()] == ["Before"]
    assert await ours.tags.get(film) == ("snow",)
    assert (await ours.ratings.get(film)).value is None
    page = await text(await home.client.get(f"/admin/changes/undo?client={ANNA}&since=0"))
    assert "Nothing to undo" in page


CHANGES = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.sampled_from("ab"), st.integers(0, 30)),
    max_size=14,
)


@settings(max_examples=200, deadline=None)
@given(CHANGES, st.sets(st.integers(1, 14)))
def test_undo_always_leads_to_the_previous_value(
    steps: list[tuple[str, str, int]], chosen: set[int]
) -> None:
    """A model with two values: whatever is open, taking it back leads from the value that is to the
    one before.
    """
    lines: list[Change] = []
    value: dict[str, str | None] = {"a": None, "b": None}

    def note(tag: str, new: str | None, undoes: Change | None) -> None:
        redo = undoes is not None and undoes.undoes is not None
        number = len(lines) + 1
        old = value[tag]
        lines.append(
            Change(
                number,
                number,
                ord(tag),
                "rating",
                old,
                new,
                "c",
                undoes.id if undoes else None,
                redo,
            )
        )
        value[tag] = new

    for kind, tag, number in steps:
        if kind == "one":
            note(tag, str(number), None)
            continue
        found = statuses(lines[::-1], lines)
        open_ = [line for line in lines if found[line.id] is UndoStatus.OPEN]
        if open_:
            line = open_[number % len(open_)]
            assert value[chr(line.video_id)] == line.new, "what is open is what gave the value"
            note(chr(line.video_id), line.old, line)
    found = statuses(lines[::-1], lines)
    for line in lines:  # seen on its own, from its line on, each says the same
        later = [other for other in lines[::-1] if other.id >= line.id]
        assert statuses(later, [line])[line.id] is found[line.id]
    # What is planned to be taken back together can be, one by one.
    together = [line for line in lines[::-1] if line.id in chosen]
    plan = statuses(lines[::-1], together, together=True)
    for line in together:
        if plan[line.id] is UndoStatus.OPEN:
            assert statuses(lines[::-1], [line])[line.id] is UndoStatus.OPEN
            assert value[chr(line.video_id)] == line.new
            note(chr(line.video_id), line.old, line)


async def test_the_page_works_with_and_without_javascript(home: Home) -> None:
    [film] = await videos(home, "film.mp4")
    await home.client.post(f"/videos/{film}/rating", form={"value": "4"})
    await home.services.tags.add(film, "<b>bold</b>", ANNA)
    page = await text(await home.client.get("/admin/changes"))
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    tag_line, rating_line = await journal(home)
    answer = await home.client.post(f"/admin/changes/{tag_line.change.id}/undo", headers=HTMX)
    body = await text(answer)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "library:changed")
    assert f'id="change-{tag_line.change.id}"' in body
    assert "undone" in body
    answer = await home.client.post(f"/admin/changes/{tag_line.change.id}/undo", headers=HTMX)
    assert "It is taken back already." in await text(answer)
    answer = await home.client.post(f"/admin/changes/{rating_line.change.id}/undo")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/changes")
    answer = await home.client.post(f"/admin/changes/{rating_line.change.id}/undo")
    assert answer.status_code == 409
    assert "taken back already" in await text(answer)
    assert (await home.services.ratings.get(film)).value is None


async def test_the_list_is_paged_and_filtered(home: Home) -> None:
    one, two = await videos(home, "one.mp4", "two.mp4")
    ticking(home)
    for number in range(130):
        if number == 31:  # between the last line of the first page and the first of the second
            await home.services.saved_views.create("Between", "", ANNA)
            ticking(home, now_ms() + HOUR_MS)
        await home.services.views.count(one, ANNA if number % 2 else BEN)
    await home.services.ratings.rate(two, 4, "")
    seen: list[str] = []
    between = 0
    assert len(re.findall(r'id="change-', await text(await home.client.get("/admin/changes")))) == 2
    address: str | None = "/admin/changes?what=all"  # with views, which are many
    while address:
        page = await text(await home.client.get(address))
        between += len(re.findall(r'id="change-\d{12}', page))
        seen += [each for each in re.findall(r'id="change-(\d+)"', page) if len(each) < 12]
        following = re.search(r'href="(/admin/changes\?what=all&amp;before=\d+)"', page)
        address = following[1].replace("&amp;", "&") if following else None
    assert len(seen) == len(set(seen)) == 131
    assert between == 1
    assert seen == sorted(seen, key=int, reverse=True)
    assert {entry.change.client for entry in await journal(home, client=ANNA)} == {ANNA}
    assert len(await journal(home, client=ANNA)) == 65
    assert [entry.title for entry in await journal(home, what="rating")] == ["two"]
    page = await text(await home.client.get(f"/admin/changes?video={two}&what=rating"))
    assert len(re.findall(r'id="change-', page)) == 1
    assert await home.services.journal.clients() == ["", ANNA, BEN]


@pytest.mark.parametrize(
    ("method", "address", "form", "status"),
    [
        ("GET", "/admin/changes?what=nonsense", None, 400),
        ("GET", "/admin/changes?before=x", None, 400),
        ("GET", "/admin/changes?before=99999999999999999999", None, 400),
        ("GET", "/admin/changes?video=0123456789abcdef", None, 404),
        ("GET", "/admin/changes?client=%ff", None, 400),
        ("GET", "/admin/changes/undo", None, 400),
        ("GET", "/admin/changes/undo?client=a&since=-1", None, 400),
        ("GET", "/admin/changes/undo?client=a&since=9007199254740993", None, 400),
        ("POST", "/admin/changes/undo", {}, 400),
        ("POST", "/admin/changes/undo", {"client": "a", "since": "1_0", "up_to": "3"}, 400),
        ("POST", "/admin/changes/undo", {"client": "a", "since": "0"}, 400),
        ("POST", "/admin/changes/undo", {"client": "x" * 5000, "since": "0", "up_to": "3"}, 400),
        ("POST", "/admin/changes/7/undo", {}, 404),
        ("POST", "/admin/changes/²/undo", {}, 400),
        ("POST", "/admin/changes/99999999999999999999999/undo", {}, 400),
    ],
)
async def test_nonsense_gets_a_message(
    home: Home, method: str, address: str, form: dict[str, str] | None, status: int
) -> None:
    send = home.client.post(address, form=form) if method == "POST" else home.client.get(address)
    answer = await send
    assert answer.status_code == status
    assert "<h1>" in await text(answer)
