"""Films whose scenes can be drawn."""

from lvs.db.connection import Connection
from lvs.db.gallery import COLUMNS, card_of
from lvs.models import Card


async def videos(db: Connection, after_id: int, limit: int) -> list[Card]:
    """Listed videos with a poster, by id behind `after_id`."""
    sql = f"""
        SELECT {COLUMNS} FROM gallery g
        WHERE g.video_id > ? AND g.poster IS NOT NULL AND NOT g.offline
        ORDER BY g.video_id LIMIT ?
    """
    return [card_of(row) for row in await db.all(sql, (after_id, limit))]


async def content(db: Connection, video_id: int) -> str:
    """The fingerprint that a video had when it was probed; empty where it was not."""
    sql = "SELECT ifnull(looked_fingerprint, '') FROM videos WHERE id = ?"
    found = await db.tuples(sql, (video_id,))
    return str(found[0][0]) if found else ""
