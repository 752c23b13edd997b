"""The `tags`, `tag_aliases` and `video_tags` tables: tags by name, and on videos."""

import json
from collections.abc import Collection

from lvs.db.database import Connection, Transaction
from lvs.models import Tag

# A tag `t` that no video carries and that nobody said anything about.
UNUSED = """
    NOT EXISTS (SELECT 1 FROM video_tags vt WHERE vt.tag_id = t.id)
    AND t.colour IS NULL AND t.description = '' AND t.parent_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM tag_aliases a WHERE a.tag_id = t.id)
    AND NOT EXISTS (SELECT 1 FROM tags child WHERE child.parent_id = t.id)
"""

# Each tag below another, with the one above, over any number of steps.
_BELOW = """
    below (top, id) AS (
        SELECT parent_id, id FROM tags WHERE parent_id IS NOT NULL
        UNION
        SELECT below.top, t.id FROM below JOIN tags t ON t.parent_id = below.id)
"""

_OF_KEY = """
    SELECT id FROM tags WHERE key = :key
    UNION ALL SELECT tag_id FROM tag_aliases WHERE key = :key LIMIT 1
"""


async def counted_among(db: Connection, video_ids: Collection[int]) -> list[Tag]:
    """Every tag of some videos, with how many of them carry it, in alphabetical order."""
    sql = """
        SELECT t.name, count(*), coalesce(t.colour, '') FROM json_each(?) wanted
            JOIN video_tags vt ON vt.video_id = wanted.value JOIN tags t ON t.id = vt.tag_id
        GROUP BY t.id ORDER BY t.key
    """
    return [Tag(*row) for row in await db.all(sql, (json.dumps(list(video_ids)),))]


async def spelling(db: Connection, key: str) -> str | None:
    """The name of the tag that is called so, or has this alias, as it is written: of one that a
    listed video carries, or that stands above others.
    """
    sql = f"""
        SELECT t.name FROM tags t
        WHERE t.id = ({_OF_KEY})
            AND (t.listed > 0 OR EXISTS (SELECT 1 FROM tags child WHERE child.parent_id = t.id))
    """
    value = await db.value(sql, {"key": key})
    return str(value) if value is not None else None


async def find(db: Connection, key: str) -> tuple[int, str] | None:
    """The id and the name of the tag that is called so, or has this alias."""
    row = await db.one(f"SELECT id, name FROM tags WHERE id = ({_OF_KEY})", {"key": key})
    return (row[0], row[1]) if row else None


async def alias_keys(db: Connection) -> dict[str, list[str]]:
    """The keys of the aliases of each tag that has any, by its name."""
    found: dict[str, list[str]] = {}
    sql = "SELECT t.name, a.key FROM tag_aliases a JOIN tags t ON t.id = a.tag_id ORDER BY a.key"
    for name, key in await db.tuples(sql):
        found.setdefault(name, []).append(key)
    return found


async def ids_of(db: Connection, keys: Collection[str]) -> dict[str, tuple[int, ...]]:
    """The id of each of these tags, with those of the tags below it; none where there is no such
    tag or alias.
    """
    sql = """
        WITH RECURSIVE wanted (key, id) AS (
            SELECT w.value, coalesce(t.id, a.tag_id) FROM json_each(:keys) w
                LEFT JOIN tags t ON t.key = w.value
                LEFT JOIN tag_aliases a ON a.key = w.value
            UNION
            SELECT wanted.key, t.id FROM wanted JOIN tags t ON t.parent_id = wanted.id)
        SELECT key, id FROM wanted ORDER BY key, id
    """
    found: dict[str, tuple[int, ...]] = dict.fromkeys(keys, ())
    for key, tag_id in await db.all(sql, {"keys": json.dumps(list(keys))}):
        if tag_id is not None:
            found[key] += (tag_id,)
    return found


async def of_video(db: Connection, video_id: int) -> tuple[str, ...]:
    """The names of a video's tags, in alphabetical order."""
    sql = (
        "SELECT t.name FROM video_tags vt JOIN tags t ON t.id = vt.tag_id WHERE vt.video_id = ?"
        " ORDER BY t.key"
    )
    return tuple(row[0] for row in await db.all(sql, (video_id,)))


async def last_used(db: Connection, limit: int) -> list[str]:
    """The names of the tags that were given last, the latest first."""
    sql = "SELECT name FROM tags WHERE used_at > 0 ORDER BY used_at DESC, id DESC LIMIT ?"
    return [row[0] for row in await db.tuples(sql, (limit,))]


async def named(tx: Transaction, name: str, key: str, at: int) -> tuple[int, str]:
    """The tag of this key or alias, made where there is none: its id, and its name as it is
    written.
    """
    known = await find(tx, key)
    if known is not None:
        await tx.run("UPDATE tags SET used_at = max(used_at, ?) WHERE id = ?", (at, known[0]))
        return known
    sql = "INSERT INTO tags (name, key, used_at) VALUES (:name, :key, :at) RETURNING id"
    return int(await tx.value(sql, {"name": name, "key": key, "at": at})), name


async def add(tx: Transaction, video_id: int, name: str, key: str, at: int) -> bool:
    """Give a video a tag; False where it had it."""
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
    known = await find(tx, key)
    if known is None or not await tx.run(
        "DELETE FROM video_tags WHERE video_id = ? AND tag_id = ?", (video_id, known[0])
    ):
        return None
    await tx.run(f"DELETE FROM tags AS t WHERE t.id = ? AND {UNUSED}", (known[0],))
    return known[1]


async def counted(db: Connection) -> list[Tag]:
    """Every tag of a listed video and every one above such a tag with its count, in alphabetical
    order. Who has a tag below counts for it.
    """
    sql = f"""
        WITH RECURSIVE {_BELOW}
        SELECT name, key, films, colour FROM (
            SELECT t.name, t.key, t.colour, CASE
                WHEN t.id NOT IN (SELECT top FROM below) THEN t.listed
                ELSE (
                    SELECT count(DISTINCT vt.video_id)
                    FROM video_tags vt JOIN gallery g ON g.video_id = vt.video_id
                    WHERE NOT g.hidden AND (vt.tag_id = t.id
                        OR vt.tag_id IN (SELECT id FROM below WHERE top = t.id))) END AS films
            FROM tags t)
        WHERE films > 0 ORDER BY key
    """
    return [Tag(row[0], row[2], row[3] or "") for row in await db.all(sql)]
