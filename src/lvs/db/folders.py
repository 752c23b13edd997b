"""Contents of the library's folders."""

from dataclasses import dataclass

from lvs.db.database import Connection


@dataclass(frozen=True, slots=True)
class FolderSize:
    """A folder and all below it.

    `name` is None for the files that lie in the folder that was asked for itself.
    """

    name: bytes | None
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LargeFile:
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
