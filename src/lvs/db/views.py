"""The `views` table: how often a video was played."""

from lvs.db.database import Connection, Transaction


async def count(db: Connection, video_id: int) -> int:
    return int(await db.value("SELECT count FROM views WHERE video_id = ?", (video_id,)) or 0)


async def add(tx: Transaction, video_id: int, at: int) -> int:
    """One view more; the new count."""
    sql = """
        INSERT INTO views (video_id, count, last_viewed_at) VALUES (:video_id, 1, :at)
        ON CONFLICT (video_id) DO UPDATE SET count = count + 1,
            last_viewed_at = excluded.last_viewed_at
        RETURNING count
    """
    return int(await tx.value(sql, {"video_id": video_id, "at": at}))


async def put(tx: Transaction, video_id: int, count: int, last_viewed_at: int | None) -> None:
    """Store a number of views, the last one at that time (Unix ms, None where it is not known);
    none at all for a count of 0.
    """
    if not count:
        await tx.run("DELETE FROM views WHERE video_id = ?", (video_id,))
        return
    sql = """
        INSERT INTO views (video_id, count, last_viewed_at) VALUES (:video_id, :count, :last)
        ON CONFLICT (video_id) DO UPDATE SET count = excluded.count,
            last_viewed_at = excluded.last_viewed_at
    """
    await tx.run(sql, {"video_id": video_id, "count": count, "last": last_viewed_at})
