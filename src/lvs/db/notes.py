"""The `video_notes` table: a text about a video."""

from lvs.db.database import Connection, Transaction


async def of_video(db: Connection, video_id: int) -> str:
    """The text; empty where there is none."""
    return str(await db.value("SELECT text FROM video_notes WHERE video_id = ?", (video_id,)) or "")


async def put(tx: Transaction, video_id: int, text: str, at: int) -> None:
    """Keep a text in place of the one that was there; an empty one removes it."""
    if not text:
        await tx.run("DELETE FROM video_notes WHERE video_id = ?", (video_id,))
        return
    sql = """
        INSERT INTO video_notes (video_id, text, updated_at) VALUES (?, ?, ?)
        ON CONFLICT (video_id) DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at
    """
    await tx.run(sql, (video_id, text, at))
