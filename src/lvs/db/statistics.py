"""Usage figures, counted from the gallery."""

from lvs.db.database import Connection


async def most_viewed(db: Connection, limit: int, skip: int = 0) -> list[tuple[str, str, int]]:
    """Media hash, title and number of views of the listed videos that were played most."""
    sql = (
        "SELECT media_hash, title, views FROM gallery WHERE views > 0 ORDER BY views DESC, video_id"
        " DESC LIMIT ? OFFSET ?"
    )
    return [(row[0], row[1], row[2]) for row in await db.all(sql, (limit, skip))]


async def by_rating(db: Connection) -> dict[int, int]:
    """Counts of listed videos by stars; 0 for those without."""
    return {
        row[0]: row[1]
        for row in await db.all("SELECT rating, count(*) FROM gallery GROUP BY rating")
    }


async def total_views(db: Connection) -> int:
    """Total number of plays."""
    return int(await db.value("SELECT coalesce(sum(count), 0) FROM views"))
