"""Counts over the whole library, for the dashboard.

Each walks a table: ask only when something changed.
"""

from msgspec import Struct

from lvs.db.database import Connection


class FolderCount(Struct, frozen=True):
    """Counts for one library folder."""

    root_id: int
    files: int
    size_bytes: int


class FailingVideo(Struct, frozen=True):
    """A video whose last probe failed for a passing reason, and is to be tried again; `at` is Unix
    milliseconds.
    """

    video_id: int
    media_hash: str
    title: str
    reason: str
    attempts: int
    at: int


async def folders(db: Connection) -> list[FolderCount]:
    """Present files and their bytes by library folder, those that are configured now."""
    sql = """
        SELECT f.root_id, count(*), sum(f.size_bytes)
        FROM files f JOIN roots r ON r.id = f.root_id
        WHERE f.missing_since IS NULL AND r.active
        GROUP BY f.root_id
    """
    return [FolderCount(*row) for row in await db.all(sql)]


async def missing_videos(db: Connection) -> int:
    """Videos that are known and lie nowhere, but for those in the recycle bin."""
    sql = """
        SELECT (SELECT count(*) FROM videos WHERE forgotten_at IS NULL)
            - (SELECT count(DISTINCT video_id) FROM files WHERE missing_since IS NULL)
    """
    return int(await db.value(sql))


async def duplicated_videos(db: Connection) -> int:
    """Videos that lie in more than one place."""
    sql = """
        SELECT count(*) FROM (
            SELECT 1 FROM files f JOIN roots r ON r.id = f.root_id
            WHERE f.missing_since IS NULL AND r.active
            GROUP BY f.video_id HAVING count(*) > 1)
    """
    return int(await db.value(sql))


async def unreadable_by_reason(db: Connection, limit: int) -> list[tuple[str, int]]:
    """The commonest reasons why files cannot be read, and how many videos each keeps out."""
    sql = """
        SELECT coalesce(v.reason, ''), count(*) AS videos
        FROM videos v
        WHERE v.state = 'unreadable' AND EXISTS (
            SELECT 1 FROM files f JOIN roots r ON r.id = f.root_id
            WHERE f.video_id = v.id AND f.missing_since IS NULL AND r.active)
        GROUP BY v.reason
        ORDER BY videos DESC, v.reason
        LIMIT ?
    """
    return [(row[0], row[1]) for row in await db.all(sql, (limit,))]


async def failing(db: Connection, limit: int) -> list[FailingVideo]:
    """Videos whose last probe failed for a passing reason, the latest first."""
    sql = """
        SELECT id, media_hash, title, coalesce(reason, ''), attempts, coalesce(looked_at, 0)
        FROM videos
        WHERE attempts > 0
        ORDER BY looked_at DESC, id
        LIMIT ?
    """
    return [FailingVideo(*row) for row in await db.all(sql, (limit,))]


async def titles(db: Connection, video_ids: list[int]) -> dict[int, tuple[str, str]]:
    """Media hash and title of some videos, by id."""
    marks = ", ".join("?" * len(video_ids))
    rows = await db.all(
        f"SELECT id, media_hash, title FROM videos WHERE id IN ({marks})", video_ids
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def answers(db: Connection) -> bool:
    """True if the database can be read."""
    return await db.value("SELECT count(*) FROM roots") is not None
