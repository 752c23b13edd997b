"""Relevance of the videos that a search finds."""

from lvs import relevance
from lvs.db.database import Connection

_OF_ROW = """
    relevance(:terms, g.title, search.title, search.path, search.tags, search.notes)
"""

PLACE = f"""
    ((SELECT {_OF_ROW} FROM search WHERE search.rowid = g.video_id) << {relevance.TIME_BITS}
        | min(max(g.added_at, 0), {(1 << relevance.TIME_BITS) - 1}))
"""
"""The place of a video `g` in the order, as `relevance.place` gives it."""


async def finds_more(db: Connection, match: str, most: int) -> bool:
    """True where an FTS5 expression finds more than `most` videos."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)"
    return int(await db.value(sql, (match, most + 1))) > most


async def of_all(db: Connection, match: str, terms: str) -> str:
    """Every video that an FTS5 expression finds and its relevance to `terms`, in one text with a
    comma between.
    """
    sql = f"""
        SELECT group_concat(search.rowid || ',' || {_OF_ROW})
        FROM search JOIN gallery g ON g.video_id = search.rowid
        WHERE search MATCH :match
    """
    return str(await db.value(sql, {"match": match, "terms": terms}) or "")


async def of_one(db: Connection, video_id: int, terms: str) -> int:
    """Relevance of a video to `terms`."""
    sql = f"""
        SELECT {_OF_ROW} FROM search JOIN gallery g ON g.video_id = search.rowid
        WHERE search.rowid = :id
    """
    return int(await db.value(sql, {"id": video_id, "terms": terms}) or 0)
