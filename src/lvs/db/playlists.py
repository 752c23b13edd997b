"""The `playlists` and `playlist_items` tables, and the places held in playlists for videos that are
not there yet. `playlist_pages` reads what pages show of them.
"""

from collections.abc import Sequence

from msgspec import Struct

from lvs.db.database import Connection, Transaction

_ITEMS = ("playlist_items", "legacy_playlist_items")


class Playlist(Struct, frozen=True):
    """A list of videos."""

    id: int
    name: str
    description: str | None
    created_at: int


async def every(db: Connection) -> list[Playlist]:
    """All playlists by name."""
    rows = await db.all(
        "SELECT id, name, description, created_at FROM playlists WHERE deleted_at IS NULL"
        " ORDER BY name"
    )
    return [Playlist(row[0], row[1], row[2], row[3]) for row in rows]


async def of_name(db: Connection, name: str) -> Playlist | None:
    row = await db.one(
        "SELECT id, name, description, created_at FROM playlists WHERE name = ?", (name,)
    )
    return Playlist(row[0], row[1], row[2], row[3]) if row else None


async def exists(db: Connection, playlist_id: int) -> bool:
    """True for a playlist that is not deleted."""
    sql = "SELECT EXISTS (SELECT 1 FROM playlists WHERE id = ? AND deleted_at IS NULL)"
    return bool(await db.value(sql, (playlist_id,)))


async def add(tx: Transaction, name: str, description: str | None, at: int) -> int:
    """A new, empty playlist; its id."""
    sql = """
        INSERT INTO playlists (name, description, created_at) VALUES (:name, :description, :at)
        RETURNING id
    """
    return int(await tx.value(sql, {"name": name, "description": description, "at": at}))


async def describe(tx: Transaction, playlist_id: int, description: str) -> None:
    await tx.run("UPDATE playlists SET description = ? WHERE id = ?", (description, playlist_id))


async def rename(tx: Transaction, playlist_id: int, name: str) -> None:
    await tx.run("UPDATE playlists SET name = ? WHERE id = ?", (name, playlist_id))


async def delete(tx: Transaction, playlist_id: int, at: int) -> None:
    """Delete a playlist so that it can be brought back; its name is free for another one."""
    sql = """
        UPDATE playlists SET deleted_at = :at, deleted_name = name, name = char(1) || id
        WHERE id = :id AND deleted_at IS NULL
    """
    await tx.run(sql, {"id": playlist_id, "at": at})


async def deleted_name(db: Connection, playlist_id: int) -> str | None:
    """The name that a deleted playlist had; None where there is no such playlist."""
    sql = "SELECT deleted_name FROM playlists WHERE id = ? AND deleted_at IS NOT NULL"
    name = await db.value(sql, (playlist_id,))
    return str(name) if name is not None else None


async def bring_back(tx: Transaction, playlist_id: int, name: str) -> None:
    """Bring a deleted playlist back under this name."""
    sql = "UPDATE playlists SET deleted_at = NULL, deleted_name = NULL, name = ? WHERE id = ?"
    await tx.run(sql, (name, playlist_id))


async def remove_deleted(tx: Transaction, before: int) -> None:
    """Remove for good what was deleted before that time."""
    await tx.run("DELETE FROM playlists WHERE deleted_at < ?", (before,))


async def insert(tx: Transaction, playlist_id: int, position: int, video_id: int) -> None:
    """Put a video at a place where none is, or at the end where one is."""
    sql = """
        INSERT INTO playlist_items (playlist_id, position, video_id)
        SELECT :id, :position, :video WHERE NOT EXISTS (
            SELECT 1 FROM legacy_playlist_items WHERE playlist_id = :id AND position = :position)
        ON CONFLICT DO NOTHING
    """
    if not await tx.run(sql, {"id": playlist_id, "position": position, "video": video_id}):
        await append(tx, playlist_id, [video_id])


async def remove_item(tx: Transaction, playlist_id: int, position: int) -> bool:
    """Remove what stands at a place; False where nothing does."""
    removed = 0
    for table in _ITEMS:
        sql = f"DELETE FROM {table} WHERE playlist_id = ? AND position = ?"
        removed += await tx.run(sql, (playlist_id, position))
    return removed > 0


async def remove_video(tx: Transaction, playlist_id: int, video_id: int) -> int:
    """Remove a video from all of its places; how many there were."""
    sql = "DELETE FROM playlist_items WHERE playlist_id = ? AND video_id = ?"
    return await tx.run(sql, (playlist_id, video_id))


async def remove_held(tx: Transaction, playlist_id: int, name: bytes) -> int:
    """Remove the places held for a name of the original; how many there were."""
    sql = "DELETE FROM legacy_playlist_items WHERE playlist_id = ? AND name = ?"
    return await tx.run(sql, (playlist_id, name))


async def beside(
    db: Connection, playlist_id: int, position: int, up: bool, hidden: bool
) -> int | None:
    """The next place before or after this one; those of hidden videos count only with `hidden`."""
    compare, pick = ("<", "max") if up else (">", "min")
    in_sight = "" if hidden else "AND video_id NOT IN (SELECT video_id FROM hidden)"
    sql = f"""
        SELECT {pick}(position) FROM (
            SELECT position FROM playlist_items
            WHERE playlist_id = :id AND position {compare} :position {in_sight}
            UNION ALL SELECT position FROM legacy_playlist_items
            WHERE playlist_id = :id AND position {compare} :position)
    """
    found = await db.value(sql, {"id": playlist_id, "position": position})
    return int(found) if found is not None else None


async def places_between(
    db: Connection, playlist_id: int, low: int, high: int
) -> list[tuple[int, str]]:
    """The places from one position to another, both included, in order: position and table."""
    sql = " UNION ALL ".join(
        f"SELECT position, '{table}' FROM {table}"
        " WHERE playlist_id = :id AND position BETWEEN :low AND :high"
        for table in _ITEMS
    )
    rows = await db.all(f"{sql} ORDER BY 1", {"id": playlist_id, "low": low, "high": high})
    return [(row[0], row[1]) for row in rows]


async def reposition(tx: Transaction, playlist_id: int, table: str, old: int, new: int) -> None:
    """Give what stands at a place of a table another position."""
    sql = f"UPDATE {table} SET position = ? WHERE playlist_id = ? AND position = ?"
    await tx.run(sql, (new, playlist_id, old))


async def move(tx: Transaction, playlist_id: int, position: int, target: int) -> bool:
    """Move what stands at a place to another, from which on those between make room; False where
    nothing stands at the first.
    """
    low, high = sorted((position, target))
    places = await places_between(tx, playlist_id, low, high)
    positions = [place for place, _ in places]
    if position not in positions:
        return False
    rotated = places[1:] + places[:1] if position < target else places[-1:] + places[:-1]
    for place, table in places:  # out of the way, each to a place below all others
        await reposition(tx, playlist_id, table, place, -1 - place)
    for (place, table), new in zip(rotated, positions, strict=True):
        await reposition(tx, playlist_id, table, -1 - place, new)
    return True


async def count(db: Connection, playlist_id: int) -> int:
    """The number of places in a playlist, including those held for missing videos."""
    sql = " + ".join(f"(SELECT count(*) FROM {each} WHERE playlist_id = :id)" for each in _ITEMS)
    return int(await db.value(f"SELECT {sql}", {"id": playlist_id}))


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
