"""Contents of the library's folders."""

import json
from collections.abc import Collection, Sequence

from msgspec import Struct

from lvs.db.database import Connection
from lvs.models import State
from lvs.text import natural_key

POSTERS_CHECKED = 24  # of a folder's first videos, where most have none yet
MOST_FOLDERS = 400  # SQLite joins at most 500 queries


class FolderSize(Struct, frozen=True):
    """A folder and all below it.

    `name` is None for the files that lie in the folder that was asked for itself.
    """

    name: bytes | None
    files: int
    size_bytes: int


class LargeFile(Struct, frozen=True):
    """A file, where it lies, and the video it is."""

    media_hash: str
    title: str
    root_name: str
    path: bytes
    size_bytes: int


async def within(db: Connection, root_id: int, folder: bytes) -> list[FolderSize]:
    """The folders right in a folder of a library folder (empty: at its top), the largest first."""
    sql = """
        SELECT CASE WHEN cut > 0 THEN substr(rest, 1, cut - 1) END AS name, count(*),
            sum(size_bytes) AS size
        FROM (
            SELECT rest, instr(rest, x'2f') AS cut, size_bytes
            FROM (
                SELECT substr(path, length(:start) + 1) AS rest, size_bytes FROM files
                WHERE root_id = :root_id AND missing_since IS NULL
                    AND (:start = x'' OR (path >= :start AND path < :end))))
        GROUP BY name
        ORDER BY size DESC, name
    """
    start, end = (folder + b"/", folder + b"0") if folder else (b"", b"")
    return [
        FolderSize(*row)
        for row in await db.all(sql, {"root_id": root_id, "start": start, "end": end})
    ]


async def largest(db: Connection, limit: int) -> list[LargeFile]:
    """The largest files in library folders that are configured now."""
    sql = """
        SELECT v.media_hash, v.title, r.name, f.path, f.size_bytes
        FROM (
            SELECT f.* FROM files f JOIN roots r ON r.id = f.root_id
            WHERE f.missing_since IS NULL AND r.active
            ORDER BY f.size_bytes DESC, f.id LIMIT ?) f
            JOIN videos v ON v.id = f.video_id
            JOIN roots r ON r.id = f.root_id
        ORDER BY f.size_bytes DESC, f.id
    """
    return [LargeFile(*row) for row in await db.all(sql, (limit,))]


class Subfolder(Struct, frozen=True):
    """A folder with the listed videos in and below it, and their length in seconds.

    `name` is None for those that lie in the folder that was asked for itself.
    """

    name: bytes | None
    videos: int
    duration_s: float


class FolderPoster(Struct, frozen=True):
    """The poster of a video in a folder; `number` is that of the folder among those asked for."""

    number: int
    media_hash: str
    poster: str
    colour: str = ""
    state: State = State.READY


async def listed(
    db: Connection, root_id: int, folder: bytes, allowed: Collection[int] | None = None
) -> list[Subfolder]:
    """The folders right in a folder of a library folder, in the order of names, with the listed
    videos that have a place in them: all, or only those `allowed`.
    """
    inside = "root_id = :root_id AND path >= :start AND path < :end"
    shown = (
        "NOT hidden AND "
        + (inside if folder else "root_id = :root_id")
        + _among("video_id", allowed)
    )
    sql = f"""
        SELECT name, count(*), total(duration_s) FROM (
            SELECT CASE WHEN cut > 0 THEN substr(rest, 1, cut - 1) END AS name, duration_s FROM (
                SELECT rest, instr(rest, x'2f') AS cut, duration_s FROM (
                    SELECT substr(path, :skip) AS rest, duration_s FROM gallery WHERE {shown})))
        GROUP BY name
    """
    values = _range(root_id, folder) | {"allowed": _as_json(allowed)}
    skip = len(folder) + 2 if folder else 1
    rows = await db.tuples(sql, {**values, "skip": skip})
    found = {row[0]: (row[1], row[2]) for row in rows}
    for name, seconds in await _copies(db, root_id, folder, allowed):
        count, total = found.get(name, (0, 0.0))
        found[name] = (count + 1, total + seconds)
    in_order = sorted(found, key=lambda name: (name is not None, natural_key(_text(name)), name))
    return [Subfolder(name, *found[name]) for name in in_order]


async def _copies(
    db: Connection, root_id: int, folder: bytes, allowed: Collection[int] | None
) -> list[tuple[bytes | None, float]]:
    """Name and length for each video that has a copy in one of these folders, but not the place
    that its card shows.
    """
    # The signs keep SQLite from going through every place: few are copies, and they have an index.
    inside = "AND +f.path >= :start AND +f.path < :end" if folder else ""
    inside += _among("f.video_id", allowed)
    sql = f"""
        SELECT f.video_id, f.path, g.root_id, g.path, g.duration_s
        FROM files f JOIN gallery g ON g.video_id = f.video_id
        WHERE f.copy = 1 AND f.missing_since IS NULL AND NOT g.hidden
            AND +f.root_id = :root_id {inside}
    """
    start = folder + b"/" if folder else b""
    found: dict[tuple[int, bytes | None], float] = {}
    for video_id, path, shown_root, shown_path, seconds in await db.tuples(
        sql, _range(root_id, folder) | {"allowed": _as_json(allowed)}
    ):
        name = _child(path, start)
        is_there = shown_root == root_id and shown_path.startswith(start)
        if not (is_there and _child(shown_path, start) == name):
            found[video_id, name] = seconds
    return [(name, seconds) for (_, name), seconds in found.items()]


async def posters(
    db: Connection,
    root_id: int,
    folders: Sequence[bytes],
    each: int,
    allowed: Collection[int] | None = None,
) -> list[FolderPoster]:
    """Up to `each` posters of the first videos in and below each of these folders, at most 400:
    of all, or only of those `allowed`.
    """
    parts: list[str] = []
    values: list[int | bytes | str] = []
    for number, folder in enumerate(folders[:MOST_FOLDERS]):
        inside = "AND path >= ? AND path < ?" if folder else ""
        inside += _among("video_id", allowed, "?")
        parts.append(f"""
            SELECT * FROM (
                SELECT {number}, media_hash, poster, coalesce(colour, '') FROM (
                    SELECT media_hash, poster, colour FROM gallery
                    WHERE NOT hidden AND root_id = ? {inside}
                    ORDER BY path LIMIT {POSTERS_CHECKED})
                WHERE poster IS NOT NULL LIMIT {each})
            """)
        values += [root_id, folder + b"/", folder + b"0"] if folder else [root_id]
        values += [] if allowed is None else [_as_json(allowed)]
    rows = await db.tuples("UNION ALL".join(parts), values) if parts else []
    return [FolderPoster(*row) for row in rows]


def _among(column: str, allowed: Collection[int] | None, values: str = ":allowed") -> str:
    """The condition that a video is one of those `allowed`; none where all are."""
    return "" if allowed is None else f" AND {column} IN (SELECT value FROM json_each({values}))"


def _as_json(allowed: Collection[int] | None) -> str:
    return json.dumps(list(allowed or ()))


def _range(root_id: int, folder: bytes) -> dict[str, int | bytes | str]:
    # 0 follows / in ASCII
    return {"root_id": root_id, "start": folder + b"/", "end": folder + b"0"}


def _child(path: bytes, start: bytes) -> bytes | None:
    """The first folder of a path behind `start`; None where it is a file's name."""
    name, slash, _ = path[len(start) :].partition(b"/")
    return name if slash else None


def _text(name: bytes | None) -> str:
    return (name or b"").decode("utf-8", "replace")
