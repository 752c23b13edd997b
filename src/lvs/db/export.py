"""Everything people may want to take along, read in one piece while the server goes on writing."""

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from lvs.db.database import Connection
from lvs.db.near_pairs import DIFFERENT_FROM

VIDEOS_AT_ONCE = 500


class ExportedVideo(Struct, frozen=True):
    """One video with what people gave it; times are Unix milliseconds.

    A video without any known place has no path.
    """

    id: int
    media_hash: str
    title: str
    added_at: int
    rating: int | None
    views: int
    last_viewed_at: int | None
    favorited_at: int | None
    tags: tuple[str, ...]
    path: bytes | None
    root_name: str | None
    missing_since: int | None
    projection: str | None
    poster_place: int | None
    position_s: float | None
    watched: int
    progress_at: int | None
    dismissed: int
    later_at: int | None
    hidden_at: int | None
    notes: str | None
    markers: str | None
    different_from: tuple[str, ...]


@contextlib.asynccontextmanager
async def consistent_read(db: Connection) -> AsyncIterator[None]:
    """Read everything inside as of one moment."""
    await db.value("BEGIN")
    try:
        yield
    finally:
        await db.value("ROLLBACK")


# Where the video lies, or lay last: a reachable place before an offline one.
_PLACE = """
    SELECT f.id FROM files f JOIN roots r ON r.id = f.root_id
    WHERE f.video_id = v.id
    ORDER BY f.missing_since IS NOT NULL, NOT r.active, r.offline_since IS NOT NULL,
        f.missing_since DESC, f.id
    LIMIT 1
"""


_COLUMNS = f"""
    v.id, v.media_hash, v.title, v.added_at, ra.value AS rating, coalesce(vi.count, 0) AS views,
        vi.last_viewed_at,
    fa.added_at AS favorited_at,
    (SELECT json_group_array(name) FROM (
        SELECT t.name FROM video_tags vt JOIN tags t ON t.id = vt.tag_id WHERE vt.video_id = v.id
            ORDER BY t.key)) AS tags,
    f.path, r.name AS root_name, f.missing_since, pr.chosen AS projection, pr.poster_place,
    nullif(wp.position_s, 0) AS position_s, coalesce(wp.watched, 0) AS watched,
    wp.updated_at AS progress_at, coalesce(wp.dismissed, 0) AS dismissed,
    la.added_at AS later_at,
    hi.hidden_at, no.text AS notes, ma.chapters AS markers, {DIFFERENT_FROM} AS different_from
"""

_GIVEN = f"""
    LEFT JOIN files f ON f.id = ({_PLACE})
    LEFT JOIN roots r ON r.id = f.root_id
    LEFT JOIN ratings ra ON ra.video_id = v.id
    LEFT JOIN views vi ON vi.video_id = v.id
    LEFT JOIN favorites fa ON fa.video_id = v.id
    LEFT JOIN projections pr ON pr.video_id = v.id
    LEFT JOIN progress wp ON wp.person_id = 0 AND wp.video_id = v.id
    LEFT JOIN later la ON la.person_id = 0 AND la.video_id = v.id
    LEFT JOIN hidden hi ON hi.video_id = v.id
    LEFT JOIN video_notes no ON no.video_id = v.id
    LEFT JOIN markers ma ON ma.video_id = v.id
"""


async def videos(db: Connection, after_id: int) -> list[ExportedVideo]:
    """The next videos by id behind `after_id`, missing ones too; none at the end."""
    sql = f"SELECT {_COLUMNS} FROM videos v {_GIVEN} WHERE v.id > :after ORDER BY v.id LIMIT :limit"
    return [
        _exported(row) for row in await db.all(sql, {"after": after_id, "limit": VIDEOS_AT_ONCE})
    ]


async def some(db: Connection, video_ids: Sequence[int]) -> list[ExportedVideo]:
    """These videos, in the order of the ids."""
    sql = (
        f"SELECT {_COLUMNS} FROM json_each(?) wanted JOIN videos v ON v.id = wanted.value {_GIVEN}"
        " ORDER BY wanted.key"
    )
    return [_exported(row) for row in await db.all(sql, (json.dumps(list(video_ids)),))]


def _exported(row: sqlite3.Row) -> ExportedVideo:
    lists = {name: tuple(json.loads(row[name])) for name in ("tags", "different_from")}
    return ExportedVideo(**(dict(row) | lists))


async def root_paths(db: Connection) -> list[bytes]:
    """Paths of all library folders that were ever served."""
    return [row[0] for row in await db.tuples("SELECT path FROM roots")]


async def places_in_playlist(
    db: Connection, playlist_id: int, after: int
) -> list[tuple[int, bytes | None, str | None]]:
    """The next places of a playlist behind position `after`: position, path, name of the library
    folder; none at the end.
    """
    sql = f"""
        SELECT i.position, f.path, r.name
        FROM playlist_items i
            JOIN videos v ON v.id = i.video_id
            LEFT JOIN files f ON f.id = ({_PLACE})
            LEFT JOIN roots r ON r.id = f.root_id
        WHERE i.playlist_id = :id AND i.position > :after
        ORDER BY i.position
        LIMIT :limit
    """
    rows = await db.all(sql, {"id": playlist_id, "after": after, "limit": VIDEOS_AT_ONCE})
    return [(row[0], row[1], row[2]) for row in rows]


async def hashes_in_playlist(db: Connection, playlist_id: int) -> list[str]:
    """The media hashes of a playlist's videos, in its order."""
    sql = """
        SELECT v.media_hash FROM playlist_items i JOIN videos v ON v.id = i.video_id
        WHERE i.playlist_id = ? ORDER BY i.position
    """
    return [row[0] for row in await db.all(sql, (playlist_id,))]


async def active_roots(db: Connection) -> int:
    """The number of library folders in use."""
    return int(await db.value("SELECT count(*) FROM roots WHERE active"))
