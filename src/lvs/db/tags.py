"""The `tags` and `video_tags` tables."""

import json
from collections.abc import Collection, Sequence

from lvs.db.database import Connection, Transaction
from lvs.models import Tag

COMPARED = 1000


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


async def add(tx: Transaction, video_id: int, name: str, key: str, at: int) -> bool:
    """Give a video a tag; False where it had it. The first spelling of a tag stays its name."""
    sql = """
        INSERT INTO tags (name, key, used_at) VALUES (:name, :key, :at)
        ON CONFLICT (key) DO UPDATE SET used_at = max(used_at, excluded.used_at)
        RETURNING id
    """
    tag_id = await tx.value(sql, {"name": name, "key": key, "at": at})
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


async def sharing(db: Connection, video_id: int, limit: int) -> Sequence[tuple[int, str]]:
    """Listed videos that share tags with this one: id and the rarest shared tag, most and rarest
    shared first.

    Only so many are compared, those with the rarest of its tags before others: everybody shares the
    popular ones.
    """
    sql = """
        WITH mine AS (
            SELECT vt.tag_id, max(t.listed, 1) AS uses
            FROM video_tags vt JOIN tags t ON t.id = vt.tag_id WHERE vt.video_id = :id),
        near AS (
            SELECT DISTINCT o.video_id
            FROM (SELECT tag_id FROM mine ORDER BY uses, tag_id) rarest CROSS
                JOIN video_tags o ON o.tag_id = rarest.tag_id
            WHERE o.video_id <> :id
            LIMIT :compared)
        SELECT near.video_id, t.name, sum(1.0 / mine.uses) AS closeness, min(mine.uses)
        FROM near
            CROSS JOIN mine
            JOIN video_tags o ON o.video_id = near.video_id AND o.tag_id = mine.tag_id
            JOIN gallery g ON g.video_id = near.video_id
            JOIN tags t ON t.id = mine.tag_id
        GROUP BY near.video_id
        ORDER BY closeness DESC, g.rating DESC, near.video_id
        LIMIT :limit
    """
    return [
        (row[0], row[1])
        for row in await db.all(sql, {"id": video_id, "limit": limit, "compared": COMPARED})
    ]
