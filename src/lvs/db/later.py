"""The `later` table: what one means to watch."""

from msgspec import Struct

from lvs.db import gallery
from lvs.db.database import Connection, Transaction
from lvs.db.sight import visible_condition
from lvs.models import Card


class LaterItem(Struct, frozen=True):
    """A video to watch later; without a card where it is missing."""

    media_hash: str
    title: str
    added_at: int
    card: Card | None


async def has(db: Connection, person_id: int, video_id: int) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM later WHERE person_id = ? AND video_id = ?)"
    return bool(await db.value(sql, (person_id, video_id)))


async def added_at(db: Connection, person_id: int, video_id: int) -> int | None:
    """The time a video was added (Unix milliseconds); None where it is not on the list."""
    sql = "SELECT added_at FROM later WHERE person_id = ? AND video_id = ?"
    value = await db.value(sql, (person_id, video_id))
    return int(value) if value is not None else None


async def put(tx: Transaction, person_id: int, video_id: int, at: int) -> bool:
    """Add a video; False where it is there already."""
    sql = """
        INSERT INTO later (person_id, video_id, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING
    """
    return await tx.run(sql, (person_id, video_id, at)) > 0


async def remove(tx: Transaction, person_id: int, video_id: int) -> None:
    await tx.run("DELETE FROM later WHERE person_id = ? AND video_id = ?", (person_id, video_id))


async def count(db: Connection, person_id: int) -> int:
    seen, values = visible_condition("video_id")
    sql = f"SELECT count(*) FROM later WHERE person_id = :person{seen}"
    return int(await db.value(sql, {"person": person_id, **values}))


async def count_shown(db: Connection, person_id: int) -> int:
    """The number of videos that are not hidden."""
    seen, values = visible_condition("l.video_id")
    sql = f"""
        SELECT count(*) FROM later l
        WHERE l.person_id = :person{seen}
            AND NOT EXISTS (SELECT 1 FROM hidden WHERE video_id = l.video_id)
    """
    return int(await db.value(sql, {"person": person_id, **values}))


async def items(db: Connection, person_id: int, limit: int, skip: int) -> list[LaterItem]:
    """The videos to watch later, latest first, without the hidden ones."""
    seen, values = visible_condition("l.video_id")
    sql = f"""
        SELECT v.media_hash, v.title, l.added_at, {gallery.COLUMNS}
        FROM later l JOIN videos v ON v.id = l.video_id LEFT JOIN gallery g ON g.video_id = v.id
        WHERE l.person_id = :person AND NOT coalesce(g.hidden, 0){seen}
        ORDER BY l.added_at DESC, l.video_id DESC
        LIMIT :limit OFFSET :skip
    """
    return [
        LaterItem(row[0], row[1], row[2], gallery.card_of(row[3:]) if row[3] else None)
        for row in await db.tuples(
            sql, {"person": person_id, "limit": limit, "skip": skip, **values}
        )
    ]
