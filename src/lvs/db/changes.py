"""The `changes` table: the journal of what people did."""

import json
import sqlite3
from collections.abc import Collection, Sequence

from msgspec import Struct

from lvs.db.database import Connection, Transaction

COLUMNS = """
    c.id, c.at, c.video_id, c.what, c.old, c.new, c.client, c.undoes,
    (SELECT t.undoes FROM changes t WHERE t.id = c.undoes) IS NOT NULL AS is_redo, c.bulk
"""


class Change(Struct, frozen=True):
    """A line of the journal; `at` is Unix milliseconds, `undoes` the id of the change that this one
    took back.

    `is_redo` where that one was itself an undo.
    """

    id: int
    at: int
    video_id: int
    what: str
    old: str | None
    new: str | None
    client: str
    undoes: int | None
    is_redo: bool
    bulk: int | None = None  # the change to many videos at once that it is a part of


class ChangeFilter(Struct, frozen=True):
    """A choice of journal lines. What is None or empty chooses nothing."""

    client: str | None = None
    what: str = ""
    video_id: int | None = None
    since: int | None = None  # Unix milliseconds
    up_to_id: int | None = None
    views: bool = True  # False leaves views out
    alone: bool = False
    """Without the lines of changes to many videos at once."""


async def add(
    tx: Transaction,
    video_id: int,
    what: str,
    old: str | None,
    new: str | None,
    client: str,
    at: int,
    undoes: int | None = None,
) -> int:
    """Note one change; its id. `what` is rating, favorite, tag, title, view, projection, poster (a
    place), different (`new` is the media hash of another film), forgotten, handover (`new` is the
    media hash of the other video) or added (Unix ms).
    """
    sql = """
        INSERT INTO changes (at, video_id, what, old, new, client, undoes)
        VALUES (:at, :video_id, :what, :old, :new, :client, :undoes)
        RETURNING id
    """
    values = {
        "at": at,
        "video_id": video_id,
        "what": what,
        "old": old,
        "new": new,
        "client": client,
        "undoes": undoes,
    }
    return int(await tx.value(sql, values))


async def add_many(
    tx: Transaction,
    video_ids: Collection[int],
    what: str,
    old: str | None,
    new: str | None,
    client: str,
    at: int,
) -> None:
    """Note the same change of many videos."""
    sql = "INSERT INTO changes (at, video_id, what, old, new, client) VALUES (?, ?, ?, ?, ?, ?)"
    await tx.run_many(sql, [(at, video_id, what, old, new, client) for video_id in video_ids])


async def one(db: Connection, change_id: int) -> Change | None:
    row = await db.one(f"SELECT {COLUMNS} FROM changes c WHERE c.id = ?", (change_id,))
    return _change(row) if row else None


async def latest(
    db: Connection, chosen: ChangeFilter, limit: int, before_id: int | None = None
) -> list[Change]:
    """The latest lines, latest first, from before this id on."""
    conditions, values = _conditions(chosen)
    if before_id is not None:
        conditions.append("c.id < :before")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    sql = f"SELECT {COLUMNS} FROM changes c {where} ORDER BY c.id DESC LIMIT :limit"
    return [
        _change(row) for row in await db.all(sql, values | {"before": before_id, "limit": limit})
    ]


async def of_bulk(db: Connection, bulk_id: int, before_id: int | None, limit: int) -> list[Change]:
    """Lines of a change to many videos at once, latest first, from before this id on."""
    sql = f"""
        SELECT {COLUMNS} FROM changes c
        WHERE c.bulk = :bulk AND (:before IS NULL OR c.id < :before)
        ORDER BY c.id DESC LIMIT :limit
    """
    values = {"bulk": bulk_id, "before": before_id, "limit": limit}
    return [_change(row) for row in await db.all(sql, values)]


async def open_of(db: Connection, lines: Collection[Change]) -> set[int]:
    """Ids of these lines behind which nothing stands about the same kind of the same
    video: they can be undone without a further check.
    """
    sql = """
        SELECT c.id FROM json_each(?) wanted JOIN changes c ON c.id = wanted.value
        WHERE NOT EXISTS (
            SELECT 1 FROM changes later
            WHERE later.video_id = c.video_id AND later.id > c.id AND later.what = c.what
                AND later.bulk IS NOT c.bulk)
    """
    ids = json.dumps([line.id for line in lines])
    return {row[0] for row in await db.tuples(sql, (ids,))}


async def of_videos(db: Connection, video_ids: Collection[int], from_id: int) -> list[Change]:
    """Every line about these videos from this id on, latest first.

    Of views only those that were taken back, and by what.
    """
    sql = f"""
        SELECT {COLUMNS}
        FROM json_each(:videos) wanted JOIN changes c ON c.video_id = wanted.value
        WHERE c.id >= :from_id AND (c.what <> 'view' OR c.undoes IS NOT NULL)
        ORDER BY c.id DESC
    """
    return [
        _change(row)
        for row in await db.all(sql, {"videos": json.dumps(list(video_ids)), "from_id": from_id})
    ]


async def clients(db: Connection, limit: int) -> list[str]:
    """Everybody who ever changed something, in the order of their addresses."""
    # From one client to the next by the index: the journal itself may be long.
    sql = """
        WITH RECURSIVE known (client) AS (
            SELECT min(client) FROM changes
            UNION ALL
            SELECT (SELECT min(client) FROM changes c WHERE c.client > known.client) FROM known
                WHERE known.client IS NOT NULL)
        SELECT client FROM known WHERE client IS NOT NULL LIMIT ?
    """
    return [row[0] for row in await db.all(sql, (limit,))]


async def giving(
    db: Connection, video_id: int, what: str, value: str, before_id: int
) -> Change | None:
    """The latest line before that id that gave a video this value."""
    sql = f"""
        SELECT {COLUMNS} FROM changes c
        WHERE c.video_id = :video_id AND c.what = :what AND c.id < :before AND c.new = :value
        ORDER BY c.id DESC LIMIT 1
    """
    row = await db.one(
        sql, {"video_id": video_id, "what": what, "before": before_id, "value": value}
    )
    return _change(row) if row else None


# A view that was taken back, and not put back again, was none.
_STANDING = """
    c.what = 'view' AND c.undoes IS NULL AND NOT EXISTS (
        SELECT 1 FROM changes u WHERE u.undoes = c.id AND NOT EXISTS (SELECT 1 FROM changes r
            WHERE r.undoes = u.id))
"""


async def last_view(db: Connection, video_id: int) -> int | None:
    """Time of the last play (Unix ms), as far as the journal knows."""
    value = await db.value(
        f"SELECT max(c.at) FROM changes c WHERE c.video_id = ? AND {_STANDING}", (video_id,)
    )
    return int(value) if value is not None else None


async def views_by_day(db: Connection, since: int) -> dict[str, int]:
    """Plays on each day (YYYY-MM-DD where the server stands) since then
    (Unix ms).
    """
    # Steps of more than one come from an import and not from a day.
    sql = f"""
        SELECT date(c.at / 1000, 'unixepoch', 'localtime') AS day, count(*)
        FROM changes c
        WHERE {_STANDING} AND c.at >= ? AND CAST(c.new AS INTEGER) - CAST(c.old AS INTEGER) = 1
        GROUP BY day
    """
    return {row[0]: row[1] for row in await db.all(sql, (since,))}


def _conditions(chosen: ChangeFilter) -> tuple[list[str], dict[str, object]]:
    wanted: Sequence[tuple[str, str, object]] = (
        ("c.client = :client", "client", chosen.client),
        ("c.what = :what", "what", chosen.what or None),
        ("c.video_id = :video_id", "video_id", chosen.video_id),
        ("c.at >= :since", "since", chosen.since),
        ("c.id <= :up_to_id", "up_to_id", chosen.up_to_id),
    )
    alone = ["c.bulk IS NULL"] if chosen.alone else []
    used = [(condition, name, value) for condition, name, value in wanted if value is not None]
    conditions = [*alone, *(condition for condition, _, _ in used)]
    if not chosen.views:
        conditions.append("c.what <> 'view'")
    return conditions, {name: value for _, name, value in used}


def _change(row: sqlite3.Row) -> Change:
    return Change(
        row["id"],
        row["at"],
        row["video_id"],
        row["what"],
        row["old"],
        row["new"],
        row["client"],
        row["undoes"],
        bool(row["is_redo"]),
        row["bulk"],
    )
