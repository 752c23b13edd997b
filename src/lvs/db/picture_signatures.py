"""The `picture_signatures` table, and the pairs of films that it leads to."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from lvs.db.database import Connection, Transaction


class UnsignedVideo(NamedTuple):
    """A film without a signature of what it holds now."""

    video_id: int
    root_id: int
    path: bytes
    content: str


class SignatureRow(NamedTuple):
    """A signature as it is stored."""

    video_id: int
    duration_s: float
    pictures: bytes


async def unsigned(db: Connection, version: int, after_id: int, limit: int) -> list[UnsignedVideo]:
    """Such films by id, behind `after_id`, as far as they can be reached."""
    sql = """
        SELECT g.video_id, g.root_id, g.path, v.looked_fingerprint
        FROM gallery g JOIN videos v ON v.id = g.video_id
            LEFT JOIN picture_signatures s ON s.video_id = g.video_id
        WHERE g.video_id > :after AND NOT g.offline AND g.poster IS NOT NULL AND v.state = 'ready'
            AND v.looked_fingerprint IS NOT NULL
            AND (s.video_id IS NULL OR s.content <> v.looked_fingerprint OR s.version <> :version)
        ORDER BY g.video_id LIMIT :limit
    """
    values = {"version": version, "after": after_id, "limit": limit}
    return [UnsignedVideo(*row) for row in await db.tuples(sql, values)]


async def put(tx: Transaction, video: UnsignedVideo, version: int, row: SignatureRow) -> None:
    """Keep a film's signature, which is to be compared with all the others."""
    sql = """
        INSERT INTO picture_signatures (video_id, content, version, duration_s, pictures, compared)
        SELECT id, :content, :version, :duration_s, :pictures, :pictures = x''
        FROM videos WHERE id = :video_id
        ON CONFLICT (video_id) DO UPDATE SET content = excluded.content,
            version = excluded.version, duration_s = excluded.duration_s,
            pictures = excluded.pictures, compared = excluded.compared
    """
    await tx.run(sql, row._asdict() | {"content": video.content, "version": version})


async def uncompared(db: Connection, version: int, limit: int) -> list[int]:
    """Films whose signature was not compared with the others yet."""
    sql = """
        SELECT video_id FROM picture_signatures WHERE NOT compared AND version = ?
        ORDER BY video_id LIMIT ?
    """
    return [row[0] for row in await db.tuples(sql, (version, limit))]


async def signatures(db: Connection, version: int, after_id: int, limit: int) -> list[SignatureRow]:
    """Signatures that hold a picture, by id behind `after_id`."""
    sql = """
        SELECT video_id, duration_s, pictures FROM picture_signatures
        WHERE video_id > ? AND version = ? AND pictures <> x''
        ORDER BY video_id LIMIT ?
    """
    return [SignatureRow(*row) for row in await db.tuples(sql, (after_id, version, limit))]


async def put_pairs(
    tx: Transaction, compared: Collection[int], pairs: Iterable[tuple[int, int, int]]
) -> None:
    """Keep the pairs (two ids, agreeing pictures) that these films make, in place of those that
    they made before. What somebody called two films stays so.
    """
    ids = json.dumps(list(compared))
    for column in ("low_id", "high_id"):
        await tx.run(
            f"""
            DELETE FROM near_pairs WHERE dismissed_at IS NULL
                AND {column} IN (SELECT value FROM json_each(?))
            """,
            (ids,),
        )
    sql = """
        INSERT INTO near_pairs (low_id, high_id, pictures)
        SELECT min(a.id, b.id), max(a.id, b.id), :pictures FROM videos a, videos b
        WHERE a.id = :one AND b.id = :other AND a.id <> b.id
        ON CONFLICT (low_id, high_id) DO UPDATE SET pictures = excluded.pictures
    """
    rows: Sequence[dict[str, int]] = [
        {"one": one, "other": other, "pictures": pictures} for one, other, pictures in pairs
    ]
    await tx.run_many(sql, rows)
    await tx.run(
        """
        UPDATE picture_signatures SET compared = 1
        WHERE video_id IN (SELECT value FROM json_each(?))
        """,
        (ids,),
    )
