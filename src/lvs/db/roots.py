"""The `roots` table: the library folders."""

import sqlite3

from lvs.db.database import Connection, Transaction
from lvs.models import Root


def _root(row: sqlite3.Row) -> Root:
    return Root(row["id"], row["path"], row["name"], row["offline_since"], bool(row["active"]), row["scanned_at"])


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


async def filesystem(db: Connection, root_id: int) -> str | None:
    """What the disk called itself at the last scan that saw it well."""
    value = await db.value("SELECT filesystem FROM roots WHERE id = ?", (root_id,))
    return str(value) if value is not None else None


async def scanned(tx: Transaction, root_id: int, filesystem: str, at: int) -> None:
    sql = "UPDATE roots SET filesystem = :filesystem, scanned_at = :at WHERE id = :id"
    await tx.run(sql, {"filesystem": filesystem, "at": at, "id": root_id})
