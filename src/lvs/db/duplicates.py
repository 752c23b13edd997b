"""Videos that lie in more than one place."""

import json

from msgspec import Struct

from lvs.db.database import Connection


class Copy(Struct, frozen=True):
    """One of the places of a video; `played` where it is the one that is shown and played now."""

    file_id: int
    root_id: int
    root_name: str
    path: bytes
    size_bytes: int
    mtime_ns: int
    fingerprint: str
    offline: bool
    preferred: bool
    played: bool
    compared: str | None


class Duplicate(Struct, frozen=True):
    """A video and its places.

    `same` where all of them hold the same, `compared` where more than samples says so.
    """

    id: int
    media_hash: str
    title: str
    readable: bool
    copies: tuple[Copy, ...]

    @property
    def same(self) -> bool:
        return len({copy.fingerprint for copy in self.copies}) == 1

    @property
    def compared(self) -> bool:
        return (
            self.same
            and len({copy.compared for copy in self.copies} - {None}) == 1
            and all(copy.compared is not None for copy in self.copies)
        )

    @property
    def spare_bytes(self) -> int:
        """Bytes taken by all but the largest copy."""
        sizes = [copy.size_bytes for copy in self.copies]
        return sum(sizes) - max(sizes)


async def listed(db: Connection, limit: int, after_id: int = 0) -> list[Duplicate]:
    """Such videos by id, behind `after_id`, in library folders that are configured now."""
    wanted = """
        SELECT f.video_id FROM files f JOIN roots r ON r.id = f.root_id
        WHERE f.missing_since IS NULL AND r.active AND f.video_id > ?
        GROUP BY f.video_id HAVING count(*) > 1
        ORDER BY f.video_id LIMIT ?
    """
    ids = [row[0] for row in await db.all(wanted, (after_id, limit))]
    sql = """
        SELECT v.id AS video_id, v.media_hash, v.title, v.state <> 'unreadable',
            f.id, f.root_id, r.name, f.path, f.size_bytes, f.mtime_ns, f.fingerprint,
            r.offline_since IS NOT NULL OR EXISTS (
                SELECT 1 FROM away a WHERE a.root_id = f.root_id AND f.path >= a.low
                    AND f.path < a.high) AS offline,
            f.preferred, g.root_id IS f.root_id AND g.path IS f.path AS played, f.compared
        FROM json_each(?) wanted
            JOIN videos v ON v.id = wanted.value
            JOIN files f ON f.video_id = v.id AND f.missing_since IS NULL
            JOIN roots r ON r.id = f.root_id AND r.active
            LEFT JOIN gallery g ON g.video_id = v.id
        ORDER BY v.id, f.id
    """
    found: dict[int, Duplicate] = {}
    copies: dict[int, list[Copy]] = {}
    for row in await db.all(sql, (json.dumps(ids),)):
        copy = Copy(*row[4:11], *map(bool, row[11:14]), *row[14:15])
        copies.setdefault(row[0], []).append(copy)
        found[row[0]] = Duplicate(row[0], row[1], row[2], bool(row[3]), tuple(copies[row[0]]))
    return list(found.values())
