"""The `hidden` table: videos that were put out of sight."""

from lvs.db.database import Connection, Transaction


async def has(db: Connection, video_id: int) -> bool:
    """True for a hidden video."""
    return bool(
        await db.value("SELECT EXISTS (SELECT 1 FROM hidden WHERE video_id = ?)", (video_id,))
    )


async def put(tx: Transaction, video_id: int, at: int) -> None:
    sql = "INSERT INTO hidden (video_id, hidden_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
    await tx.run(sql, (video_id, at))


async def remove(tx: Transaction, video_id: int) -> None:
    await tx.run("DELETE FROM hidden WHERE video_id = ?", (video_id,))
