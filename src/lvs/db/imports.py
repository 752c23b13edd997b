"""Queries of an import from another program: every place of every video."""

from msgspec import Struct

from lvs.db.connection import Connection

PLACES_AT_ONCE = 2000


class KnownPlace(Struct, frozen=True):
    """A place of a video, present or past; `duration_s` is None where it is not known."""

    file_id: int
    video_id: int
    media_hash: str
    root_path: bytes
    path: bytes
    size_bytes: int
    oshash: str
    duration_s: float | None
    present: int


async def places(db: Connection, after_id: int) -> list[KnownPlace]:
    """The next places by id behind `after_id`; none at the end."""
    sql = """
        SELECT f.id, f.video_id, v.media_hash, r.path, f.path, f.size_bytes, f.oshash,
            v.duration_s, f.missing_since IS NULL
        FROM files f JOIN videos v ON v.id = f.video_id JOIN roots r ON r.id = f.root_id
        WHERE f.id > ? ORDER BY f.id LIMIT ?
    """
    rows = await db.tuples(sql, (after_id, PLACES_AT_ONCE))
    return [KnownPlace(*row) for row in rows]


async def title_of(db: Connection, video_id: int) -> tuple[str, bool] | None:
    """The title of a video, and True where a person wrote it; None without such a video."""
    row = await db.one("SELECT title, title_edited FROM videos WHERE id = ?", (video_id,))
    return (row[0], bool(row[1])) if row else None
