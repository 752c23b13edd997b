"""Playlists as pages and the API show them: with their videos, and what is missing."""

from dataclasses import dataclass

from lvs.db import gallery
from lvs.db.database import Connection
from lvs.db.playlists import Playlist
from lvs.models import Card, shown


@dataclass(frozen=True, slots=True)
class PlaylistSummary:
    """A playlist, the number of its places, and the length of its videos in seconds."""

    playlist: Playlist
    count: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class PlaylistItem:
    """A place in a playlist.

    A missing video has no card. A place held for a name of the original has no hash either.
    """

    position: int
    media_hash: str
    title: str
    card: Card | None


_SUMMARY = """
    SELECT p.id, p.name, p.description, p.created_at,
        (SELECT count(*) FROM playlist_items i WHERE i.playlist_id = p.id)
        + (SELECT count(*) FROM legacy_playlist_items h WHERE h.playlist_id = p.id),
        (SELECT coalesce(sum(v.duration_s), 0.0) FROM playlist_items i
            JOIN videos v ON v.id = i.video_id WHERE i.playlist_id = p.id)
    FROM playlists p
    WHERE p.deleted_at IS NULL
"""


async def summaries(db: Connection) -> list[PlaylistSummary]:
    """Every playlist by name."""
    rows = await db.tuples(f"{_SUMMARY} ORDER BY p.name COLLATE NOCASE, p.id")
    return [PlaylistSummary(Playlist(*row[:4]), row[4], row[5]) for row in rows]


async def summary(db: Connection, playlist_id: int) -> PlaylistSummary | None:
    row = await db.one(f"{_SUMMARY} AND p.id = ?", (playlist_id,))
    return PlaylistSummary(Playlist(*tuple(row)[:4]), row[4], row[5]) if row else None


async def count_hidden(db: Connection, playlist_id: int) -> int:
    """How many places of a playlist hold a hidden video."""
    sql = """
        SELECT count(*) FROM playlist_items i JOIN hidden h ON h.video_id = i.video_id
        WHERE i.playlist_id = ?
    """
    return int(await db.value(sql, (playlist_id,)))


async def items(
    db: Connection, playlist_id: int, after: int, limit: int, hidden: bool
) -> list[PlaylistItem]:
    """The places behind a position, in order; those of hidden videos only with `hidden`."""
    in_sight = "" if hidden else "AND i.video_id NOT IN (SELECT video_id FROM hidden)"
    sql = f"""
        SELECT i.position, v.media_hash, v.title, {gallery.COLUMNS}
        FROM playlist_items i JOIN videos v ON v.id = i.video_id
            LEFT JOIN gallery g ON g.video_id = v.id
        WHERE i.playlist_id = :id AND i.position > :after {in_sight}
        ORDER BY i.position LIMIT :limit
    """
    values = {"id": playlist_id, "after": after, "limit": limit}
    found = [
        PlaylistItem(row[0], row[1], row[2], gallery.card_of(row[3:]) if row[3] else None)
        for row in await db.tuples(sql, values)
    ]
    held = """
        SELECT position, name FROM legacy_playlist_items
        WHERE playlist_id = :id AND position > :after ORDER BY position LIMIT :limit
    """
    found += [
        PlaylistItem(row[0], "", shown(row[1]), None) for row in await db.tuples(held, values)
    ]
    return sorted(found, key=lambda item: item.position)[:limit]
