"""The `bulk_changes` table: changes to many videos at once, which the journal shows as one."""

import sqlite3

from msgspec import Struct

from lvs.db.changes import ChangeFilter
from lvs.db.database import Connection, Transaction


class BulkChange(Struct, frozen=True):
    """A change to many videos. `at` is Unix milliseconds, `undoes` the one that it took back.

    `is_redo` where that one was itself an undo; `undone` where another one took this one back and
    stands.
    """

    id: int
    at: int
    client: str
    summary: str
    videos: int
    undoes: int | None
    is_redo: bool
    undone: bool


_SELECT = """
    SELECT b.id, b.at, b.client, b.summary, b.videos, b.undoes,
        (SELECT u.undoes FROM bulk_changes u WHERE u.id = b.undoes) IS NOT NULL,
        EXISTS (
            SELECT 1 FROM bulk_changes u WHERE u.undoes = b.id
                AND NOT EXISTS (SELECT 1 FROM bulk_changes r WHERE r.undoes = u.id))
    FROM bulk_changes b
"""


async def reserve(tx: Transaction) -> int:
    """An id that no change has: the lines that are written next come behind it."""
    sql = """
        SELECT 1 + max(coalesce((SELECT max(id) FROM changes), 0),
            coalesce((SELECT max(id) FROM bulk_changes), 0))
    """
    return int(await tx.value(sql))


async def add(
    tx: Transaction,
    bulk_id: int,
    summary: str,
    videos: int,
    client: str,
    at: int,
    undoes: int | None = None,
) -> None:
    sql = """
        INSERT INTO bulk_changes (id, at, client, summary, videos, undoes)
        VALUES (:id, :at, :client, :summary, :videos, :undoes)
    """
    values = {"id": bulk_id, "at": at, "client": client, "summary": summary, "videos": videos}
    await tx.run(sql, values | {"undoes": undoes})


async def one(db: Connection, bulk_id: int) -> BulkChange | None:
    row = await db.one(f"{_SELECT} WHERE b.id = ?", (bulk_id,))
    return _bulk(row) if row else None


async def latest(
    db: Connection, chosen: ChangeFilter, limit: int, before_id: int | None
) -> list[BulkChange]:
    """The latest ones of a client or of all, latest first, from before this id on."""
    sql = f"""
        {_SELECT}
        WHERE (:client IS NULL OR b.client = :client) AND (:before IS NULL OR b.id < :before)
        ORDER BY b.id DESC LIMIT :limit
    """
    values = {"client": chosen.client, "before": before_id, "limit": limit}
    return [_bulk(row) for row in await db.all(sql, values)]


async def video_ids(db: Connection, bulk_id: int) -> list[int]:
    """The videos that it changed."""
    sql = "SELECT group_concat(DISTINCT video_id) FROM changes WHERE bulk = ?"
    found = await db.value(sql, (bulk_id,))
    return [int(each) for each in found.split(",")] if found else []


def _bulk(row: sqlite3.Row) -> BulkChange:
    bulk_id, at, client, summary, videos, undoes, is_redo, undone = row
    return BulkChange(bulk_id, at, client, summary, videos, undoes, bool(is_redo), bool(undone))
