"""Rows of every listed video for the players' lists, and a number that tells when they changed."""

from typing import NamedTuple

from msgspec import Struct

from lvs.db.database import Connection


class HeadsetVideo(NamedTuple):
    """A listed video as lists of it need it. A tuple, because one list holds ten thousand.

    `added_at` is Unix milliseconds; `rating`, `favorited_at` are 0 for none; `projection` is a
    number of `db.projections`; `tags` is a JSON list of names.
    """

    id: int
    media_hash: str
    title: str
    added_at: int
    duration_s: float
    rating: int
    views: int
    favorited_at: int
    tags: str
    poster: str | None
    state: str
    projection: int


class ListedPlaylist(Struct, frozen=True):
    """A playlist and the ids of the videos in it, in its order."""

    name: str
    video_ids: tuple[int, ...]


async def videos(db: Connection, limit: int) -> list[HeadsetVideo]:
    """Listed videos, the latest first."""
    sql = f"""
        SELECT {", ".join("video_id" if name == "id" else name for name in HeadsetVideo._fields)}
        FROM gallery WHERE NOT hidden ORDER BY added_at DESC, video_id DESC LIMIT ?
    """
    return [HeadsetVideo._make(row) for row in await db.tuples(sql, (limit,))]


async def playlists(db: Connection, limit: int, items: int) -> list[ListedPlaylist]:
    """Playlists by name, of each at most so many places."""
    sql = "SELECT id, name FROM playlists WHERE deleted_at IS NULL ORDER BY name LIMIT ?"
    found = []
    for playlist_id, name in await db.tuples(sql, (limit,)):
        rows = await db.tuples(
            "SELECT video_id FROM playlist_items WHERE playlist_id = ? ORDER BY position LIMIT ?",
            (playlist_id, items),
        )
        found.append(ListedPlaylist(name, tuple(row[0] for row in rows)))
    return found


async def version(db: Connection) -> tuple[int, ...]:
    """Numbers that change whenever anything does that a player's list shows."""
    sql = """
        SELECT
            coalesce((SELECT max(seq) FROM gallery_changes), 0),
            coalesce((SELECT mark FROM gallery_changes ORDER BY seq DESC LIMIT 1), 0),
            (SELECT count(*) FROM gallery),
            (SELECT count(*) FROM playlists WHERE deleted_at IS NULL),
            coalesce((SELECT sum(length(name) * (id + 7)) FROM playlists), 0),
            (SELECT count(*) FROM playlist_items),
            coalesce((SELECT sum((playlist_id * 31 + position) * 31 + video_id)
                FROM playlist_items), 0)
    """
    row = await db.one(sql)
    return tuple(row) if row else ()
