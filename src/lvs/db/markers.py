"""The `markers` table: places in a film that people named."""

from lvs.db.connection import Connection, Transaction


async def of_video(db: Connection, video_id: int) -> str:
    """The markers as `chapters` keeps them; empty where there are none."""
    sql = "SELECT chapters FROM markers WHERE video_id = ?"
    return str(await db.value(sql, (video_id,)) or "")


async def put(tx: Transaction, video_id: int, text: str) -> None:
    """Keep these in place of those that were there; an empty text removes them."""
    if not text:
        await tx.run("DELETE FROM markers WHERE video_id = ?", (video_id,))
        return
    sql = "INSERT OR REPLACE INTO markers (video_id, chapters) VALUES (?, ?)"
    await tx.run(sql, (video_id, text))
