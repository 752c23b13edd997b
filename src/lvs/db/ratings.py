"""The `ratings` table: one to five stars for a video."""

from lvs.db.database import Connection, Transaction


async def value(db: Connection, video_id: int) -> int | None:
    stars = await db.value("SELECT value FROM ratings WHERE video_id = ?", (video_id,))
    return int(stars) if stars is not None else None


async def named(db: Connection, name: str) -> tuple[int, int | None] | None:
    """The video of this name or alias (where several share an alias, the oldest): its id and its
    stars.
    """
    sql = """
        SELECT v.id, r.value
        FROM videos v LEFT JOIN ratings r ON r.video_id = v.id
        WHERE v.id = coalesce(
            (SELECT id FROM videos WHERE media_hash = :name),
            (SELECT video_id FROM aliases WHERE alias = :name ORDER BY video_id LIMIT 1))
    """
    row = await db.one(sql, {"name": name})
    return (row[0], row[1]) if row else None


async def put(tx: Transaction, video_id: int, stars: int, at: int) -> None:
    sql = """
        INSERT INTO ratings (video_id, value, created_at, updated_at)
            VALUES (:video_id, :stars, :at, :at)
        ON CONFLICT (video_id) DO UPDATE SET value = excluded.value,
            updated_at = excluded.updated_at
    """
    await tx.run(sql, {"video_id": video_id, "stars": stars, "at": at})


async def remove(tx: Transaction, video_id: int) -> None:
    await tx.run("DELETE FROM ratings WHERE video_id = ?", (video_id,))
