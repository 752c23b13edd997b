"""Saved views against a plain model, and queries that are kept for ever."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.home import Home

from lvs.db.curation_rows import ViewRecord
from lvs.db.database import Database, Transaction
from lvs.errors import Conflict, Invalid, LvsError, NotFound
from lvs.services.backup.restore import restore_records
from lvs.services.curation.saved_views import MAX_QUERY, MAX_VIEWS, SavedViews
from lvs.web.filters import PARAMETERS, parse_query, parse_stored
from lvs.web.urls import query_string

names = st.sampled_from(["One", "one", "Two", "Drei", "Ⅳ", " "])
steps = st.one_of(
    st.tuples(st.just("create"), names),
    st.tuples(st.just("rename"), st.integers(0, 5), names),
    st.tuples(st.just("move"), st.integers(0, 5), st.integers(0, 7)),
    st.tuples(st.just("delete"), st.integers(0, 5)),
    st.tuples(st.just("undo"), st.integers(0, 8)),
)


def test_all_changes_taken_back_in_turn_lead_to_where_they_began(tmp_path: Path) -> None:
    database = Database(tmp_path / "lvs.db")
    with asyncio.Runner() as runner:
        runner.run(database.open())

        @settings(max_examples=40, deadline=None)
        @given(st.lists(steps, max_size=14))
        def there_and_back(plan: list[tuple[object, ...]]) -> None:
            runner.run(_there_and_back(database, plan))

        try:
            there_and_back()
        finally:
            runner.run(database.close())


async def _there_and_back(database: Database, plan: list[tuple[object, ...]]) -> None:
    async def empty(tx: Transaction) -> None:
        await tx.run("DELETE FROM saved_views")
        await tx.run("DELETE FROM saved_view_changes")

    await database.write(empty)
    views = SavedViews(database)
    past = [await _state(views)]
    for step in plan:
        before, lines = await _state(views), await views.latest(1000)
        refused = await _refused(views, step)
        now = await _state(views)
        assert await _state(SavedViews(database)) == now  # what is kept in memory is true
        keys = [name.casefold() for name, _ in now]
        assert len(set(keys)) == len(keys)
        assert not refused or now == before
        if len(await views.latest(1000)) > len(lines):
            past.append(now)
    done = await views.latest(1000)
    assert len(done) == len(past) - 1
    for line, earlier in zip(done, reversed(past[:-1]), strict=True):
        if line.undone_by is not None:
            break  # its undo was taken back just now, which stands in its place
        await views.undo(line.id, "test")
        assert await _state(views) == earlier


async def _state(views: SavedViews) -> list[tuple[str, str]]:
    return [(view.name, view.query) for view in await views.every()]


async def _refused(views: SavedViews, step: tuple[object, ...]) -> bool:
    known = [view.view_id for view in await views.every()]

    def chosen(number: object) -> str:
        return known[int(str(number)) % len(known)] if known else "none"

    try:
        match step:
            case ("create", str(name)):
                await views.create(name, f"q={len(known)}", "test")
            case ("rename", number, str(name)):
                await views.edit(chosen(number), name, None, "test")
            case ("move", number, int(target)):
                await views.move(chosen(number), target, "test")
            case ("delete", number):
                await views.delete(chosen(number), "test")
            case ("undo", int(number)):
                lines = await views.latest(1000)
                await views.undo(lines[number % len(lines)].id if lines else 1, "test")
    except LvsError as error:
        assert isinstance(error, Conflict | Invalid | NotFound)
        return True
    return False


pairs = st.tuples(
    st.sampled_from([*sorted(PARAMETERS), "after", "nothing", "limit"]),
    st.one_of(
        st.sampled_from(["1", "0", "title", "desc", "2024", "2024-02-29", "4K", "yes", "5"]),
        st.text(max_size=12),
        st.integers().map(str),
    ),
)


@given(st.lists(pairs, max_size=8))
def test_every_stored_view_parses_and_names_what_it_dropped(kept: list[tuple[str, str]]) -> None:
    stored = "&".join(f"{name}={quote(value, safe='')}" for name, value in kept)
    query, dropped = parse_stored(stored)
    assert {"after", "nothing", "limit"} & {name for name, _ in kept} <= set(dropped)
    again, nothing = parse_stored(query_string(query).removeprefix("?"))
    assert (again, nothing) == (query, [])
    if not dropped:
        given_args: dict[str, list[str]] = {}
        for name, value in kept:
            given_args.setdefault(name, []).append(value)
        assert query == parse_query(given_args)


@pytest.mark.parametrize("query", ["q=ä", "q=a b", "q=\n", "q=" + "x" * MAX_QUERY])
async def test_a_query_that_no_address_can_have_is_refused(tmp_path: Path, query: str) -> None:
    views = SavedViews(Database(tmp_path / "lvs.db"))
    with pytest.raises(Invalid):
        await views.create("x", query, "test")


async def test_a_restore_adds_no_more_views_than_there_may_be(home: Home) -> None:
    kept = [ViewRecord(f"View {number}", "q=a") for number in range(MAX_VIEWS + 3)]
    gains = await restore_records(home.services.database, [], views=kept)
    assert (gains.saved_views, gains.saved_views_left_out) == (MAX_VIEWS, 3)
    home.services.saved_views.forget()
    assert len(await home.services.saved_views.every()) == MAX_VIEWS
    again = await restore_records(home.services.database, [], views=kept)
    assert again.nothing
    assert again.saved_views_left_out == 3
