"""The `changes` table: the journal of what people did."""

from lvs.db.database import Transaction


async def add(tx: Transaction, video_id: int, what: str, old: str | None, new: str | None, client: str, at: int) -> None:
    """Note one change. `what` is rating, favorite, tag, title or view."""
    sql = """
        INSERT INTO changes (at, video_id, what, old, new, client)
        VALUES (:at, :video_id, :what, :old, :new, :client)
    """
    values = {"at": at, "video_id": video_id, "what": what, "old": old, "new": new, "client": client}
    await tx.run(sql, values)
