"""The `roots` table: the library folders."""

import sqlite3
from collections.abc import Collection

from lvs.db.database import Connection, Transaction
from lvs.models import Root, UnreachableFolder


def _root(row: sqlite3.Row) -> Root:
    return Root(
        row["id"],
        row["path"],
        row["name"],
        row["offline_since"],
        bool(row["active"]),
        row["scanned_at"],
    )


async def every(db: Connection) -> list[Root]:
    sql = "SELECT id, path, name, offline_since, active, scanned_at FROM roots ORDER BY id"
    return [_root(row) for row in await db.all(sql)]


async def put(tx: Transaction, path: bytes, name: str) -> None:
    """Add a library folder, or make a known one active again under this name."""
    sql = """
        INSERT INTO roots (path, name) VALUES (:path, :name)
        ON CONFLICT (path) DO UPDATE SET name = excluded.name, active = 1
    """
    await tx.run(sql, {"path": path, "name": name})


async def deactivate(tx: Transaction, root_id: int) -> None:
    await tx.run("UPDATE roots SET active = 0 WHERE id = ?", (root_id,))


async def set_offline(tx: Transaction, root_id: int, since: int | None) -> None:
    await tx.run("UPDATE roots SET offline_since = ? WHERE id = ?", (since, root_id))


async def mounts(db: Connection, root_id: int) -> set[bytes]:
    """Folders below a library folder that were another disk's at the last scan."""
    return {row[0] for row in await db.all("SELECT path FROM mounts WHERE root_id = ?", (root_id,))}


async def set_mounts(tx: Transaction, root_id: int, paths: Collection[bytes]) -> None:
    await tx.run("DELETE FROM mounts WHERE root_id = ?", (root_id,))
    await tx.run_many(
        "INSERT INTO mounts (root_id, path) VALUES (?, ?)", [(root_id, path) for path in paths]
    )


async def away(db: Connection) -> list[UnreachableFolder]:
    """The folders that cannot be read right now, in every library folder."""
    return [
        UnreachableFolder(*row)
        for row in await db.all("SELECT root_id, path, since FROM away ORDER BY root_id, path")
    ]


async def set_away(tx: Transaction, root_id: int, paths: Collection[bytes], at: int) -> None:
    """These folders, and no others of this library folder, cannot be read; what was away
    before keeps its time.
    """
    known = {folder.path for folder in await away(tx) if folder.root_id == root_id}
    for path in known - set(paths):
        await tx.run("DELETE FROM away WHERE root_id = ? AND path = ?", (root_id, path))
    sql = "INSERT INTO away (root_id, path, low, high, since) VALUES (?, ?, ?, ?, ?)"
    # `0` is the character behind `/`: between the two lies everything below the folder.
    await tx.run_many(
        sql, [(root_id, path, path + b"/", path + b"0", at) for path in paths if path not in known]
    )


async def filesystem(db: Connection, root_id: int) -> str | None:
    """The disk's identity at the last scan that could read it."""
    value = await db.value("SELECT filesystem FROM roots WHERE id = ?", (root_id,))
    return str(value) if value is not None else None


async def scanned(tx: Transaction, root_id: int, filesystem: str, at: int) -> None:
    sql = "UPDATE roots SET filesystem = :filesystem, scanned_at = :at WHERE id = :id"
    await tx.run(sql, {"filesystem": filesystem, "at": at, "id": root_id})
