"""The `tags` and `video_tags` tables."""

import json
from collections.abc import Collection

from lvs.db.database import Connection, Transaction
from lvs.models import Tag


async def counted_among(db: Connection, video_ids: Collection[int]) -> list[Tag]:
    """Every tag of some videos, with how many of them carry it, in alphabetical order."""
    sql = """
        SELECT t.name, count(*) FROM json_each(?) wanted
            JOIN video_tags vt ON vt.video_id = wanted.value JOIN tags t ON t.id = vt.tag_id
        GROUP BY t.id ORDER BY t.key
    """
    return [Tag(row[0], row[1]) for row in await db.all(sql, (json.dumps(list(video_ids)),))]


async def spelling(db: Connection, key: str) -> str | None:
    """The name of a tag that a listed video carries, as it is written."""
    value = await db.value("SELECT name FROM tags WHERE key = ? AND listed > 0", (key,))
    return str(value) if value is not None else None


async def ids_of(db: Connection, keys: Collection[str]) -> dict[str, int | None]:
    """The id of each of these tags, None for those that do not exist."""
    sql = (
        "SELECT wanted.value, t.id FROM json_each(?) wanted LEFT JOIN tags t ON t.key ="
        " wanted.value"
    )
    return {row[0]: row[1] for row in await db.all(sql, (json.dumps(list(keys)),))}


async def of_video(db: Connection, video_id: int) -> tuple[str, ...]:
    """The names of a video's tags, in alphabetical order."""
    sql = (
        "SELECT t.name FROM video_tags vt JOIN tags t ON t.id = vt.tag_id WHERE vt.video_id = ?"
        " ORDER BY t.key"
    )
    return tuple(row[0] for row in await db.all(sql, (video_id,)))


async def named(tx: Transaction, name: str, key: str, at: int) -> tuple[int, str]:
    """The tag with this key, made where there is none: its id, and its name as it is written."""
    sql = """
        INSERT INTO tags (name, key, used_at) VALUES (:name, :key, :at)
        ON CONFLICT (key) DO UPDATE SET used_at = max(used_at, excluded.used_at)
        RETURNING id, name
    """
    [row] = await tx.all(sql, {"name": name, "key": key, "at": at})
    return row[0], row[1]


async def add(tx: Transaction, video_id: int, name: str, key: str, at: int) -> bool:
    """Give a video a tag; False where it had it. The first spelling of a tag stays its name."""
    tag_id, _ = await named(tx, name, key, at)
    sql = (
        "INSERT INTO video_tags (video_id, tag_id, created_at) VALUES (?, ?, ?) ON CONFLICT DO"
        " NOTHING"
    )
    return await tx.run(sql, (video_id, tag_id, at)) > 0


async def remove(tx: Transaction, video_id: int, key: str) -> str | None:
    """Take a tag off a video; the tag's name, or None where it did not have it.

    A tag nobody uses goes too.
    """
    row = await tx.one("SELECT id, name FROM tags WHERE key = ?", (key,))
    if row is None or not await tx.run(
        "DELETE FROM video_tags WHERE video_id = ? AND tag_id = ?", (video_id, row["id"])
    ):
        return None
    unused = (
        "DELETE FROM tags WHERE id = :id AND NOT EXISTS (SELECT 1 FROM video_tags WHERE tag_id ="
        " :id)"
    )
    await tx.run(unused, {"id": row["id"]})
    return str(row["name"])


async def counted(db: Connection) -> list[Tag]:
    """Every tag of a listed video with its count, in alphabetical order."""
    return [
        Tag(row[0], row[1])
        for row in await db.all("SELECT name, listed FROM tags WHERE listed > 0 ORDER BY key")
    ]


async def recent(db: Connection, limit: int) -> list[str]:
    """The tags that were given last, latest first."""
    return [
        row[0]
        for row in await db.all(
            "SELECT name FROM tags ORDER BY used_at DESC, id DESC LIMIT ?", (limit,)
        )
    ]
