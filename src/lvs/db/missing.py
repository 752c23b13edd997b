"""Videos that lie nowhere, and the recycle bin of those that were forgotten.

A folder that is offline is no reason to be here.
"""

import json
import sqlite3
from collections.abc import Collection

from msgspec import Struct

from lvs.db.database import Connection, Transaction


class MissingVideo(Struct, frozen=True):
    """A video without any file, and what people gave it.

    Times are Unix milliseconds; `since` is 0 where it was never seen.
    """

    id: int
    media_hash: str
    title: str
    title_edited: bool
    path: bytes | None
    root_name: str | None
    since: int
    forgotten_at: int | None
    rating: int
    views: int
    favorite: bool
    tags: tuple[str, ...]
    playlists: int

    @property
    def curated(self) -> bool:
        return bool(
            self.rating
            or self.views
            or self.favorite
            or self.tags
            or self.playlists
            or self.title_edited
        )


class Totals(Struct, frozen=True):
    """Totals over some videos. `tags` counts them once for each video."""

    videos: int
    ratings: int
    favorites: int
    tags: int
    views: int
    titles: int
    playlists: int


_GONE = "coalesce((SELECT max(f.missing_since) FROM files f WHERE f.video_id = v.id), 0)"

_NOWHERE = "NOT EXISTS (SELECT 1 FROM files f WHERE f.video_id = v.id AND f.missing_since IS NULL)"

# :ids is a JSON list, or NULL for all that were gone at :until.
_MISSING = f"""
    SELECT v.id, {_GONE} AS since FROM videos v
    WHERE v.forgotten_at IS NULL AND {_NOWHERE} AND {_GONE} <= :until
        AND (:ids IS NULL OR v.id IN (SELECT value FROM json_each(:ids)))
"""

_BINNED = f"""
    SELECT v.id, {_GONE} AS since FROM videos v
    WHERE v.forgotten_at IS NOT NULL AND v.forgotten_at <= :until
        AND (:ids IS NULL OR v.id IN (SELECT value FROM json_each(:ids)))
"""

_COLUMNS = """
    v.id, v.media_hash, v.title, v.title_edited, p.path, r.name AS root_name, chosen.since,
        v.forgotten_at,
    coalesce(ra.value, 0) AS rating, coalesce(vi.count, 0) AS views,
        fa.added_at IS NOT NULL AS favorite,
    (SELECT json_group_array(name) FROM (
        SELECT t.name FROM video_tags vt JOIN tags t ON t.id = vt.tag_id WHERE vt.video_id = v.id
            ORDER BY t.key)) AS tags,
    (SELECT count(*) FROM playlist_items i WHERE i.video_id = v.id) AS playlists
"""

_ALL_OF_IT = """
    JOIN videos v ON v.id = chosen.id
    LEFT JOIN files p ON p.id = (SELECT id FROM files WHERE video_id = v.id
        ORDER BY missing_since DESC, id DESC LIMIT 1)
    LEFT JOIN roots r ON r.id = p.root_id
    LEFT JOIN ratings ra ON ra.video_id = v.id
    LEFT JOIN views vi ON vi.video_id = v.id
    LEFT JOIN favorites fa ON fa.video_id = v.id
"""

EVER = 2**62


async def listed(
    db: Connection,
    limit: int,
    after: tuple[int, int] | None = None,
    ids: Collection[int] | None = None,
    until: int = EVER,
) -> list[MissingVideo]:
    """Missing videos, those last that went first, behind `after` (since when it is missing, id).

    Forgotten ones are left out.
    """
    behind = "WHERE (since, id) < (:after_since, :after_id)" if after else ""
    sql = f"""
        SELECT {_COLUMNS}
        FROM (SELECT * FROM ({_MISSING}) {behind} ORDER BY since DESC, id DESC LIMIT :limit) chosen
        {_ALL_OF_IT}
        ORDER BY chosen.since DESC, chosen.id DESC
    """
    return [_lost(row) for row in await db.all(sql, _values(ids, until, limit, after))]


async def forgotten(
    db: Connection, limit: int, after: tuple[int, int] | None = None
) -> list[MissingVideo]:
    """Contents of the recycle bin, latest first, behind `after` (when it was forgotten, id)."""
    behind = "AND (v.forgotten_at, v.id) < (:after_since, :after_id)" if after else ""
    sql = f"""
        SELECT {_COLUMNS}
        FROM ({_BINNED} {behind} ORDER BY v.forgotten_at DESC, v.id DESC LIMIT :limit) chosen
        {_ALL_OF_IT}
        ORDER BY v.forgotten_at DESC, v.id DESC
    """
    return [_lost(row) for row in await db.all(sql, _values(None, EVER, limit, after))]


async def missing_totals(db: Connection, ids: Collection[int] | None, until: int) -> Totals:
    """Totals over these missing videos, or all that were missing at `until`."""
    return await _sum(db, _MISSING, ids, until)


async def bin_totals(db: Connection) -> Totals:
    """Totals over the recycle bin."""
    return await _sum(db, _BINNED, None, EVER)


async def _sum(db: Connection, chosen: str, ids: Collection[int] | None, until: int) -> Totals:
    sql = f"""
        SELECT count(*), count(ra.value), count(fa.added_at),
            coalesce(sum((SELECT count(*) FROM video_tags vt WHERE vt.video_id = v.id)), 0),
                coalesce(sum(vi.count), 0),
            coalesce(sum(v.title_edited), 0), coalesce(sum((SELECT count(*) FROM playlist_items i
                WHERE i.video_id = v.id)), 0)
        FROM ({chosen}) chosen
            JOIN videos v ON v.id = chosen.id
            LEFT JOIN ratings ra ON ra.video_id = v.id
            LEFT JOIN views vi ON vi.video_id = v.id
            LEFT JOIN favorites fa ON fa.video_id = v.id
    """
    row = await db.one(sql, _values(ids, until))
    return Totals(*row) if row else Totals(0, 0, 0, 0, 0, 0, 0)


async def is_forgotten(db: Connection, video_id: int) -> bool:
    return bool(
        await db.value("SELECT forgotten_at IS NOT NULL FROM videos WHERE id = ?", (video_id,))
    )


async def forget(tx: Transaction, ids: Collection[int] | None, until: int, at: int) -> list[int]:
    """Put these missing videos into the recycle bin, or all that were missing at `until`; the ids
    of those that are in it now.

    One that is not missing stays.
    """
    sql = f"""
        UPDATE videos SET forgotten_at = :at, nights_forgotten = 0
        WHERE id IN (SELECT id FROM ({_MISSING}))
        RETURNING id
    """
    return [row[0] for row in await tx.all(sql, _values(ids, until) | {"at": at})]


async def restore(tx: Transaction, ids: Collection[int] | None, until: int = EVER) -> list[int]:
    """Take these out of the recycle bin, or all that were in it at `until`; the ids of those that
    were in it.
    """
    sql = f"""
        UPDATE videos SET forgotten_at = NULL, nights_forgotten = 0
        WHERE id IN (SELECT id FROM ({_BINNED}))
        RETURNING id
    """
    return [row[0] for row in await tx.all(sql, _values(ids, until))]


async def count_night(tx: Transaction, night: str) -> bool:
    """Count this night for everything in the bin; False where it was counted before."""
    sql = """
        INSERT INTO bin_nights (only, night) VALUES (1, :night)
        ON CONFLICT (only) DO UPDATE SET night = excluded.night WHERE night <> excluded.night
    """
    if not await tx.run(sql, {"night": night}):
        return False
    await tx.run(
        "UPDATE videos SET nights_forgotten = nights_forgotten + 1 WHERE forgotten_at IS NOT NULL"
    )
    return True


_DUE = f"""
    SELECT v.id, v.forgotten_at FROM videos v
    WHERE v.forgotten_at <= :before AND v.nights_forgotten >= :nights AND {_NOWHERE}
"""


async def due(db: Connection, before: int, nights: int) -> tuple[int, int]:
    """The number of videos forgotten before that time and have been in the bin that many nights;
    when the last was (Unix ms).
    """
    sql = f"SELECT count(*), coalesce(max(forgotten_at), 0) FROM ({_DUE})"
    row = await db.one(sql, {"before": before, "nights": nights})
    return (row[0], row[1]) if row else (0, 0)


async def remove(tx: Transaction, before: int, nights: int, limit: int) -> list[str]:
    """Remove up to `limit` of those for good, with everything about them; their titles."""
    rows = await tx.all(
        f"{_DUE} ORDER BY v.id LIMIT :limit", {"before": before, "nights": nights, "limit": limit}
    )
    values = {"ids": json.dumps([row[0] for row in rows])}
    await tx.run("DELETE FROM search WHERE rowid IN (SELECT value FROM json_each(:ids))", values)
    titles = await tx.all(
        "DELETE FROM videos WHERE id IN (SELECT value FROM json_each(:ids)) RETURNING title", values
    )
    await tx.run(
        "DELETE FROM tags WHERE NOT EXISTS (SELECT 1 FROM video_tags vt WHERE vt.tag_id = tags.id)"
    )
    return [row[0] for row in titles]


def _values(
    ids: Collection[int] | None, until: int, limit: int = 0, after: tuple[int, int] | None = None
) -> dict[str, int | str | None]:
    since, after_id = after or (0, 0)
    listed_ids = None if ids is None else json.dumps(list(ids))
    return {
        "ids": listed_ids,
        "until": until,
        "limit": limit,
        "after_since": since,
        "after_id": after_id,
    }


def _lost(row: sqlite3.Row) -> MissingVideo:
    return MissingVideo(
        id=row["id"],
        media_hash=row["media_hash"],
        title=row["title"],
        title_edited=bool(row["title_edited"]),
        path=row["path"],
        root_name=row["root_name"],
        since=row["since"],
        forgotten_at=row["forgotten_at"],
        rating=row["rating"],
        views=row["views"],
        favorite=bool(row["favorite"]),
        tags=tuple(json.loads(row["tags"])),
        playlists=row["playlists"],
    )
