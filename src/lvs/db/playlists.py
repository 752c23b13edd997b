"""The `playlists` and `playlist_items` tables, and the places held in playlists for videos that are
not there yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lvs.db.database import Connection, Transaction


@dataclass(frozen=True, slots=True)
class Playlist:
    """A list of videos."""

    id: int
    name: str
    description: str | None
    created_at: int


async def every(db: Connection) -> list[Playlist]:
    """All playlists by name."""
    rows = await db.all("SELECT id, name, description, created_at FROM playlists ORDER BY name")
    return [Playlist(row[0], row[1], row[2], row[3]) for row in rows]


async def of_name(db: Connection, name: str) -> Playlist | None:
    row = await db.one(
        "SELECT id, name, description, created_at FROM playlists WHERE name = ?", (name,)
    )
    return Playlist(row[0], row[1], row[2], row[3]) if row else None


async def add(tx: Transaction, name: str, description: str | None, at: int) -> int:
    """A new, empty playlist; its id."""
    sql = """
        INSERT INTO playlists (name, description, created_at) VALUES (:name, :description, :at)
        RETURNING id
    """
    return int(await tx.value(sql, {"name": name, "description": description, "at": at}))


async def describe(tx: Transaction, playlist_id: int, description: str) -> None:
    await tx.run("UPDATE playlists SET description = ? WHERE id = ?", (description, playlist_id))


async def items(db: Connection, playlist_id: int) -> list[int]:
    """Ids of the videos in a playlist, in its order."""
    sql = "SELECT video_id FROM playlist_items WHERE playlist_id = ? ORDER BY position"
    return [row[0] for row in await db.all(sql, (playlist_id,))]


async def held(db: Connection, playlist_id: int) -> list[bytes]:
    """The original's names for which places in a playlist are held, in its order."""
    sql = "SELECT name FROM legacy_playlist_items WHERE playlist_id = ? ORDER BY position"
    return [row[0] for row in await db.all(sql, (playlist_id,))]


async def has_held(db: Connection) -> bool:
    """True if any place in any playlist is held."""
    return bool(await db.value("SELECT EXISTS (SELECT 1 FROM legacy_playlist_items)"))


async def append(tx: Transaction, playlist_id: int, wanted: Sequence[int | bytes]) -> None:
    """Append videos (ids) to a playlist, and hold places there for names of the original."""
    position = await _next_position(tx, playlist_id)
    for number, item in enumerate(wanted, position):
        if isinstance(item, int):
            sql = "INSERT INTO playlist_items (playlist_id, position, video_id) VALUES (?, ?, ?)"
        else:
            sql = "INSERT INTO legacy_playlist_items (playlist_id, position, name) VALUES (?, ?, ?)"
        await tx.run(sql, (playlist_id, number, item))


async def attach(tx: Transaction, name: bytes, video_id: int) -> int:
    """Give a video the places that were held for a name of the original; how many there were."""
    rows = await tx.all(
        "SELECT playlist_id, position FROM legacy_playlist_items WHERE name = ?", (name,)
    )
    for playlist_id, position in rows:
        await tx.run(
            "DELETE FROM legacy_playlist_items WHERE playlist_id = ? AND position = ?",
            (playlist_id, position),
        )
        put = (
            "INSERT INTO playlist_items (playlist_id, position, video_id) VALUES (?, ?, ?) ON"
            " CONFLICT DO NOTHING"
        )
        if not await tx.run(
            put, (playlist_id, position, video_id)
        ):  # somebody put another video at that place since
            await append(tx, playlist_id, [video_id])
    return len(rows)


async def _next_position(db: Connection, playlist_id: int) -> int:
    sql = """
        SELECT max(position) + 1 FROM (
            SELECT position FROM playlist_items WHERE playlist_id = :id
            UNION ALL SELECT position FROM legacy_playlist_items WHERE playlist_id = :id)
    """
    return int(await db.value(sql, {"id": playlist_id}) or 0)
