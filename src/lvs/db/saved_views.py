"""The `saved_views` table, and its journal `saved_view_changes`."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from lvs.db import journal_lines
from lvs.db.connection import Connection, Transaction

FIRST_ID = 1 << 41
"""Lines of this journal have ids above this, those of tags below it: one id names one change."""

_COLUMNS = "view_id, name, query, created_at"


class SavedView(Struct, frozen=True):
    """A selection of the gallery with a name. `query` is as in the gallery's address."""

    view_id: str
    name: str
    query: str
    created_at: int


class ViewState(Struct, frozen=True):
    """The part of a view that a change may change. `deleted_at` is None while it is there."""

    name: str
    query: str
    position: int
    deleted_at: int | None


ViewStates = Mapping[str, ViewState]


class ViewJournalLine(Struct, frozen=True):
    """One line: `what` is add, edit, delete or move, `name` that of the view it is about."""

    id: int
    at: int
    what: str
    name: str
    before: ViewStates
    after: ViewStates
    client: str
    undoes: int | None
    undone_by: int | None


# --- Views ---


async def every(db: Connection) -> list[SavedView]:
    """Every view in its order."""
    sql = f"SELECT {_COLUMNS} FROM saved_views WHERE deleted_at IS NULL ORDER BY position, id"
    return [SavedView(*row) for row in await db.tuples(sql)]


async def of_key(db: Connection, key: str) -> str | None:
    """The id of the view that has this key."""
    sql = "SELECT view_id FROM saved_views WHERE key = ? AND deleted_at IS NULL"
    found = await db.value(sql, (key,))
    return str(found) if found is not None else None


async def states(db: Connection) -> dict[str, ViewState]:
    """Every view in its order, and behind them those that were deleted."""
    sql = """
        SELECT view_id, name, query, position, deleted_at FROM saved_views
        ORDER BY deleted_at IS NOT NULL, position, id
    """
    return {row[0]: ViewState(*tuple(row)[1:]) for row in await db.all(sql)}


async def add(tx: Transaction, view: SavedView, key: str) -> None:
    """Add a view behind all others."""
    sql = """
        INSERT INTO saved_views (view_id, name, key, query, position, created_at)
        VALUES (:view_id, :name, :key, :query,
            (SELECT coalesce(max(position), 0) + 1 FROM saved_views), :created_at)
    """
    await tx.run(sql, asdict(view) | {"key": key})


async def is_known(db: Connection, view_id: str) -> bool:
    """True for a view that is there, or was deleted lately."""
    sql = "SELECT EXISTS (SELECT 1 FROM saved_views WHERE view_id = ?)"
    return bool(await db.value(sql, (view_id,)))


async def put(tx: Transaction, view_id: str, state: ViewState, key: str) -> None:
    """Write what a view is to be."""
    sql = """
        UPDATE saved_views SET name = :name, key = :key, query = :query, position = :position,
            deleted_at = :deleted_at
        WHERE view_id = :view_id
    """
    await tx.run(sql, asdict(state) | {"view_id": view_id, "key": key})


async def remove_deleted(tx: Transaction, before: int) -> None:
    """Remove for good what was deleted before that time."""
    await tx.run("DELETE FROM saved_views WHERE deleted_at < ?", (before,))


# --- The journal ---

_SELECT = """
    SELECT c.*, (SELECT max(u.id) FROM saved_view_changes u WHERE u.undoes = c.id) AS undone_by
    FROM saved_view_changes c
"""


async def note(
    tx: Transaction,
    at: int,
    what: str,
    name: str,
    before: ViewStates,
    after: ViewStates,
    client: str,
    undoes: int | None = None,
) -> int:
    """Write a line; its id."""
    sql = """
        INSERT INTO saved_view_changes (id, at, what, name, before, after, client, undoes)
        VALUES (1 + (SELECT coalesce(max(id), :first) FROM saved_view_changes),
            :at, :what, :name, :before, :after, :client, :undoes)
        RETURNING id
    """
    values = {"first": FIRST_ID, "at": at, "what": what, "name": name, "client": client}
    values |= {"undoes": undoes, "before": _dumped(before), "after": _dumped(after)}
    return int(await tx.value(sql, values))


async def one_change(db: Connection, change_id: int) -> ViewJournalLine | None:
    row = await db.one(f"{_SELECT} WHERE c.id = ?", (change_id,))
    return _line(row) if row else None


async def latest(
    db: Connection,
    limit: int,
    before_id: int | None = None,
    client: str | None = None,
    after_ms: int | None = None,
    until_ms: int | None = None,
) -> list[ViewJournalLine]:
    """The latest lines, as `journal_lines.latest` finds them."""
    rows = await journal_lines.latest(db, _SELECT, limit, before_id, client, after_ms, until_ms)
    return [_line(row) for row in rows]


def _line(row: Any) -> ViewJournalLine:
    values = dict(row)
    values |= {"before": _loaded(values["before"]), "after": _loaded(values["after"])}
    return ViewJournalLine(**values)


def _dumped(found: ViewStates) -> str:
    return json.dumps({view_id: asdict(state) for view_id, state in found.items()})


def _loaded(text: str) -> dict[str, ViewState]:
    return {view_id: ViewState(**state) for view_id, state in json.loads(text).items()}
