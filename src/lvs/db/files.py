"""The `files` table: where videos lie, and where they used to."""

import json
import sqlite3
from collections.abc import Collection, Sequence

from lvs.db.database import Connection, Transaction
from lvs.models import File, Fingerprint, FoundFile, PlayableFile

COLUMNS = (
    "f.id, f.video_id, f.root_id, f.path, f.size_bytes, f.mtime_ns, f.fingerprint, f.oshash,"
    " f.missing_since"
)

# Reachable places first, then offline ones, then those that were left, the latest first.
BEST_FIRST = """f.missing_since IS NOT NULL, NOT r.active,
    (r.offline_since IS NOT NULL OR EXISTS (
        SELECT 1 FROM away
        WHERE away.root_id = f.root_id AND f.path >= away.low AND f.path < away.high)),
    f.missing_since DESC, NOT f.preferred, f.id"""


def file_of(row: sqlite3.Row) -> File:
    return File(
        row["id"],
        row["video_id"],
        row["root_id"],
        row["path"],
        row["size_bytes"],
        row["mtime_ns"],
        row["fingerprint"],
        row["oshash"],
        row["missing_since"],
    )


async def stamps(db: Connection, root_id: int, folder: bytes = b"") -> set[tuple[bytes, int, int]]:
    """Path, size and modification time of every present file of a library folder, or of a place in
    it and all below.
    """
    sql = (
        "SELECT path, size_bytes, mtime_ns FROM files WHERE root_id = :root_id AND missing_since IS"
        " NULL"
    )
    if folder:
        sql += " AND (path = :folder OR path >= :start AND path < :end)"
    values = {"root_id": root_id, "folder": folder, "start": folder + b"/", "end": folder + b"0"}
    return set(await db.tuples(sql, values))


async def stamp(db: Connection, root_id: int, path: bytes) -> tuple[int, int] | None:
    sql = (
        "SELECT size_bytes, mtime_ns FROM files WHERE root_id = ? AND path = ? AND missing_since IS"
        " NULL"
    )
    row = await db.one(sql, (root_id, path))
    return (row[0], row[1]) if row else None


async def below(db: Connection, root_id: int, folder: bytes) -> list[bytes]:
    """Paths of the present files in a folder and all folders below it."""
    sql = """
        SELECT path FROM files
        WHERE root_id = :root_id AND path >= :start AND path < :end AND missing_since IS NULL
    """
    return [
        row[0]
        for row in await db.all(
            sql, {"root_id": root_id, "start": folder + b"/", "end": folder + b"0"}
        )
    ]


async def present(db: Connection, root_id: int, path: bytes) -> File | None:
    sql = (
        f"SELECT {COLUMNS} FROM files f WHERE f.root_id = ? AND f.path = ? AND f.missing_since IS"
        " NULL"
    )
    row = await db.one(sql, (root_id, path))
    return file_of(row) if row else None


async def last_at(db: Connection, root_id: int, path: bytes) -> File | None:
    """The file that lies at this place, or else the one that left it last."""
    sql = f"""
        SELECT {COLUMNS} FROM files f
        WHERE f.root_id = ? AND f.path = ?
        ORDER BY f.missing_since IS NOT NULL, f.missing_since DESC
        LIMIT 1
    """
    row = await db.one(sql, (root_id, path))
    return file_of(row) if row else None


def first_of(places: Sequence[tuple[int, bytes]]) -> tuple[str, list[int | bytes]]:
    """A query, with its values, for the id of the file that an address means which may lead to
    these places (library folder, path): one that lies there now, else the last there whose video is
    listed elsewhere, else any; in the order of the places.
    """
    rows = ", ".join(f"({rank}, ?, ?)" for rank in range(len(places)))
    sql = f"""
        SELECT f.id
        FROM (SELECT column1 AS rank, column2 AS root_id, column3 AS path FROM (VALUES {rows})) p
            CROSS JOIN roots r ON r.id = p.root_id
            CROSS JOIN files f ON f.id = (
                SELECT id FROM files
                WHERE root_id = p.root_id AND path = p.path
                ORDER BY missing_since IS NOT NULL, missing_since DESC LIMIT 1)
        ORDER BY
            CASE
                WHEN f.missing_since IS NULL AND r.active THEN 0
                WHEN EXISTS (
                    SELECT 1 FROM files o JOIN roots a ON a.id = o.root_id
                    WHERE o.video_id = f.video_id AND o.missing_since IS NULL AND a.active) THEN 1
                ELSE 2
            END,
            p.rank
        LIMIT 1
    """
    return sql, [value for place in places for value in place]


async def playable_at(db: Connection, places: Sequence[tuple[int, bytes]]) -> PlayableFile | None:
    """The file at the first of these places where one is present, or else one that was there."""
    first, values = first_of(places)
    sql = f"""
        SELECT v.id, f.root_id, f.path, f.missing_since IS NOT NULL, v.title, v.container
        FROM files f JOIN videos v ON v.id = f.video_id
        WHERE f.id = ({first})
    """
    row = await db.one(sql, values)
    return PlayableFile(row[0], row[1], row[2], bool(row[3]), row[4], row[5]) if row else None


async def of_video(db: Connection, video_id: int) -> list[File]:
    """Every place of a video: reachable ones first, then offline, then those it left, the latest
    first.
    """
    sql = f"""
        SELECT {COLUMNS}
        FROM files f JOIN roots r ON r.id = f.root_id
        WHERE f.video_id = ?
        ORDER BY {BEST_FIRST}
    """
    return [file_of(row) for row in await db.all(sql, (video_id,))]


async def prefer(tx: Transaction, video_id: int, file_id: int) -> bool:
    """Play this place of a video from now on; False where it does not lie there."""
    sql = (
        "SELECT EXISTS (SELECT 1 FROM files WHERE id = ? AND video_id = ? AND missing_since IS"
        " NULL)"
    )
    if not await tx.value(sql, (file_id, video_id)):
        return False
    await tx.run("UPDATE files SET preferred = (id = ?) WHERE video_id = ?", (file_id, video_id))
    return True


async def has_present(db: Connection, video_id: int) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM files WHERE video_id = ? AND missing_since IS NULL)"
    return bool(await db.value(sql, (video_id,)))


async def add(
    tx: Transaction, video_id: int, root_id: int, found: FoundFile, hashed: Fingerprint
) -> None:
    sql = """
        INSERT INTO files (video_id, root_id, path, size_bytes, mtime_ns, fingerprint, oshash)
        VALUES (:video_id, :root_id, :path, :size_bytes, :mtime_ns, :fingerprint, :oshash)
    """
    values = {"video_id": video_id, "root_id": root_id, "path": found.path}
    await tx.run(sql, values | _stamp(found, hashed))
    # It is back where it was: the note that it left is no longer true.
    forget = (
        "DELETE FROM files WHERE root_id = :root_id AND path = :path AND video_id = :video_id AND"
        " missing_since IS NOT NULL"
    )
    await tx.run(forget, values)


async def update(tx: Transaction, file_id: int, found: FoundFile, hashed: Fingerprint) -> None:
    """Record that the file was touched or edited in place."""
    sql = """
        UPDATE files
        SET size_bytes = :size_bytes, mtime_ns = :mtime_ns, fingerprint = :fingerprint,
            oshash = :oshash, compared = NULL
        WHERE id = :id
    """
    await tx.run(sql, {"id": file_id} | _stamp(found, hashed))


def _stamp(found: FoundFile, hashed: Fingerprint) -> dict[str, object]:
    return {
        "size_bytes": found.size_bytes,
        "mtime_ns": found.mtime_ns,
        "fingerprint": hashed.fingerprint,
        "oshash": hashed.oshash,
    }


async def mark_missing(
    tx: Transaction, root_id: int, paths: Collection[bytes], at: int
) -> list[int]:
    """Note that these files left their place; the ids of the videos they belong to."""
    video_ids: set[int] = set()
    for path in paths:
        sql = (
            "SELECT id, video_id FROM files WHERE root_id = :root_id AND path = :path AND"
            " missing_since IS NULL"
        )
        row = await tx.one(sql, {"root_id": root_id, "path": path})
        if row:
            await tx.run("UPDATE files SET missing_since = ? WHERE id = ?", (at, row["id"]))
            video_ids.add(row["video_id"])
    return list(video_ids)


async def restore_missing(tx: Transaction, root_id: int, since: int) -> list[int]:
    """Take files of a library folder for present again that were noted as missing since then (Unix
    milliseconds); the ids of their videos.
    """
    sql = """
        UPDATE OR IGNORE files SET missing_since = NULL WHERE root_id = ? AND missing_since >= ?
        RETURNING video_id
    """
    return [row[0] for row in await tx.all(sql, (root_id, since))]


async def any_present(db: Connection, root_id: int) -> bool:
    """True if a library folder holds any file."""
    sql = "SELECT EXISTS (SELECT 1 FROM files WHERE root_id = ? AND missing_since IS NULL)"
    return bool(await db.value(sql, (root_id,)))


async def move_to_video(tx: Transaction, from_id: int, to_id: int) -> None:
    """Give every place of one video to another."""
    await tx.run("UPDATE files SET video_id = ? WHERE video_id = ?", (to_id, from_id))


async def of_several_contents(db: Connection) -> list[int]:
    """Ids of the videos that lie in several places with different contents."""
    sql = """
        SELECT video_id FROM files
        WHERE missing_since IS NULL AND video_id IN (SELECT video_id FROM files WHERE copy = 1)
        GROUP BY video_id HAVING count(DISTINCT fingerprint) > 1
    """
    return [row[0] for row in await db.all(sql)]


async def uncompared(db: Connection, limit: int, but: Collection[int]) -> list[File]:
    """Places of videos that lie in several, which were not read to be compared yet; but these."""
    sql = f"""
        SELECT {COLUMNS} FROM files f JOIN roots r ON r.id = f.root_id
        WHERE f.video_id IN (SELECT video_id FROM files WHERE copy = 1 AND missing_since IS NULL)
            AND f.missing_since IS NULL AND f.compared IS NULL
            AND r.active AND r.offline_since IS NULL
            AND f.id NOT IN (SELECT value FROM json_each(?))
        ORDER BY f.video_id, f.id LIMIT ?
    """
    return [file_of(row) for row in await db.all(sql, (json.dumps(list(but)), limit))]


async def set_compared(tx: Transaction, file: File, read: str) -> None:
    """Keep what was read of a place to compare it, unless its content is another one by now."""
    sql = "UPDATE files SET compared = ? WHERE id = ? AND fingerprint = ? AND mtime_ns = ?"
    await tx.run(sql, (read, file.id, file.fingerprint, file.mtime_ns))


async def differing_copies(db: Connection, video_id: int) -> list[tuple[str, str, int, bool]]:
    """Contents of a video with the same samples that differ: their fingerprint, what was read to
    compare them, their size in bytes, and whether it is that of the place that is known longest.
    Empty where all are the same.
    """
    sql = """
        SELECT fingerprint, compared, max(size_bytes), min(id) FROM files
        WHERE video_id = ? AND missing_since IS NULL AND compared IS NOT NULL
        GROUP BY fingerprint, compared ORDER BY min(id)
    """
    rows = await db.all(sql, (video_id,))
    seen: set[str] = set()
    found = []
    for row in rows:
        found.append((row[0], row[1], row[2], row[0] not in seen))
        seen.add(row[0])
    return found if any(not first for *_, first in found) else []


async def give_fingerprint(tx: Transaction, video_id: int, fingerprint: str, read: str) -> None:
    """Know the places with this content by what was read of them to compare them."""
    sql = (
        "UPDATE files SET fingerprint = :read WHERE video_id = :id AND fingerprint = :old AND"
        " compared = :read"
    )
    await tx.run(sql, {"read": read, "id": video_id, "old": fingerprint})


async def lying_elsewhere(db: Connection, root_id: int) -> list[bytes]:
    """Paths of the present files of a library folder whose content lies in another one that can be
    reached.
    """
    sql = """
        SELECT f.path FROM files f
        WHERE f.root_id = ? AND f.missing_since IS NULL AND EXISTS (
            SELECT 1 FROM files o JOIN roots r ON r.id = o.root_id
            WHERE o.video_id = f.video_id AND o.fingerprint = f.fingerprint
                AND o.root_id <> f.root_id
                AND o.missing_since IS NULL AND r.active AND r.offline_since IS NULL)
    """
    return [row[0] for row in await db.all(sql, (root_id,))]


async def count_by_root(db: Connection) -> dict[int, int]:
    """The number of files in each library folder."""
    sql = "SELECT root_id, count(*) FROM files WHERE missing_since IS NULL GROUP BY root_id"
    return {row[0]: row[1] for row in await db.all(sql)}


async def replaced(db: Connection, since: int) -> list[tuple[int, int]]:
    """Pairs of videos: one that left its place after `since` (Unix ms) and lies nowhere, and the
    one that lies there now.
    """
    # CROSS JOIN: SQLite is to begin with what left, which is little, and not with everything that
    # is there.
    sql = """
        SELECT DISTINCT past.video_id, now.video_id
        FROM files past INDEXED BY files_missing
            CROSS JOIN files now ON now.root_id = past.root_id AND now.path = past.path
                AND now.missing_since IS NULL
            JOIN videos v ON v.id = past.video_id AND v.forgotten_at IS NULL
        WHERE past.missing_since > ? AND now.video_id <> past.video_id
            AND NOT EXISTS (SELECT 1 FROM files f WHERE f.video_id = past.video_id
                AND f.missing_since IS NULL)
    """
    return [(row[0], row[1]) for row in await db.all(sql, (since,))]
