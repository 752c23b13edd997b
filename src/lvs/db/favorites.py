"""The `favorites` table."""

from lvs.db.database import Connection, Transaction


async def has(db: Connection, video_id: int) -> bool:
    return bool(
        await db.value("SELECT EXISTS (SELECT 1 FROM favorites WHERE video_id = ?)", (video_id,))
    )


async def put(tx: Transaction, video_id: int, at: int) -> None:
    await tx.run(
        "INSERT INTO favorites (video_id, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (video_id, at),
    )


async def remove(tx: Transaction, video_id: int) -> None:
    await tx.run("DELETE FROM favorites WHERE video_id = ?", (video_id,))
