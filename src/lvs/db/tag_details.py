"""Tags themselves: their colour, description, aliases and place below other tags."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import asdict, replace

from lvs.db.database import Connection, Transaction
from lvs.db.tags import UNUSED, find


class TagState(Struct, frozen=True):
    """A tag as people described it. Its parent is named by its key, aliases by their names, which
    stand in the order of their keys.
    """

    key: str
    name: str
    colour: str | None = None
    description: str = ""
    parent: str | None = None
    aliases: tuple[tuple[str, str], ...] = ()
    """Pairs of key and name."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        aliases = tuple((key, name) for key, name in value["aliases"])
        return replace(cls(**(value | {"aliases": ()})), aliases=aliases)


States = dict[str, TagState]
"""Tags by key."""


class TagDetails(Struct, frozen=True):
    """A tag with everything that its page shows.

    `own` videos carry it, in the gallery or not; `listed` are those in the gallery, and `films`
    those that carry it or one below it.
    """

    id: int
    name: str
    key: str
    colour: str
    description: str
    parent: str | None
    aliases: tuple[str, ...]
    own: int
    listed: int
    films: int
    children: tuple[str, ...]


def to_json(states: States) -> str:
    """Tags as the journal keeps them."""
    return json.dumps([asdict(states[key]) for key in sorted(states)], ensure_ascii=False)


def from_json(text: str) -> States:
    """The tags of a line of the journal."""
    return {value["key"]: TagState.from_json(value) for value in json.loads(text)}


_STATES = """
    SELECT t.key, t.name, t.colour, t.description, p.key AS parent,
        (SELECT json_group_array(json_array(key, name))
            FROM (SELECT key, name FROM tag_aliases WHERE tag_id = t.id ORDER BY key)) AS aliases
    FROM tags t LEFT JOIN tags p ON p.id = t.parent_id
"""


async def states(db: Connection, keys: Collection[str]) -> States:
    """The states of these tags, as far as they exist."""
    sql = f"{_STATES} WHERE t.key IN (SELECT value FROM json_each(?))"
    return _by_key(await db.all(sql, (json.dumps(sorted(keys)),)))


async def described(db: Connection) -> States:
    """Every tag that anything was said about."""
    sql = f"""
        {_STATES} WHERE t.colour IS NOT NULL OR t.description <> '' OR t.parent_id IS NOT NULL
            OR EXISTS (SELECT 1 FROM tag_aliases a WHERE a.tag_id = t.id)
        ORDER BY t.key
    """
    return _by_key(await db.all(sql))


def _by_key(rows: Sequence[Any]) -> States:
    values = [{**dict(row), "aliases": json.loads(row["aliases"])} for row in rows]
    return {value["key"]: TagState.from_json(value) for value in values}


_DETAILS = """
    WITH RECURSIVE below (top, id) AS (
        SELECT id, id FROM tags WHERE :key IS NULL OR key = :key
        UNION
        SELECT below.top, t.id FROM below JOIN tags t ON t.parent_id = below.id)
    SELECT t.id, t.name, t.key, coalesce(t.colour, '') AS colour, t.description, p.name AS parent,
        (SELECT json_group_array(name) FROM (
            SELECT name FROM tag_aliases WHERE tag_id = t.id ORDER BY key)) AS aliases,
        (SELECT count(*) FROM video_tags WHERE tag_id = t.id) AS own,
        t.listed,
        CASE WHEN EXISTS (SELECT 1 FROM tags c WHERE c.parent_id = t.id)
            THEN (SELECT count(DISTINCT vt.video_id) FROM below
                JOIN video_tags vt ON vt.tag_id = below.id
                JOIN gallery g ON g.video_id = vt.video_id
                WHERE below.top = t.id AND NOT g.hidden)
            ELSE t.listed END AS films,
        (SELECT json_group_array(name) FROM (
            SELECT name FROM tags WHERE parent_id = t.id ORDER BY key)) AS children
    FROM tags t LEFT JOIN tags p ON p.id = t.parent_id
    WHERE :key IS NULL OR t.key = :key
    ORDER BY t.key
"""


async def every(db: Connection) -> list[TagDetails]:
    """Every tag, in alphabetical order."""
    return [_details(row) for row in await db.all(_DETAILS, {"key": None})]


async def one(db: Connection, key: str) -> TagDetails | None:
    """The tag that is called so, or has this alias."""
    row = await db.one(_DETAILS, {"key": key})
    if row is None and (known := await find(db, key)):
        row = await db.one(
            _DETAILS, {"key": await db.value("SELECT key FROM tags WHERE id = ?", (known[0],))}
        )
    return _details(row) if row else None


def _details(row: Any) -> TagDetails:
    values = dict(row)
    values |= {name: tuple(json.loads(values[name])) for name in ("aliases", "children")}
    return TagDetails(**values)


async def count_common(db: Connection, one_id: int, other_id: int) -> int:
    """The number of videos that carry both of these tags."""
    sql = """
        SELECT count(*) FROM video_tags a JOIN video_tags b
            ON b.video_id = a.video_id AND b.tag_id = ?
        WHERE a.tag_id = ?
    """
    return int(await db.value(sql, (other_id, one_id)))


async def children(db: Connection, key: str) -> list[str]:
    """The keys of the tags right below this one."""
    sql = "SELECT c.key FROM tags c JOIN tags t ON t.id = c.parent_id WHERE t.key = ? ORDER BY 1"
    return [row[0] for row in await db.all(sql, (key,))]


async def above(db: Connection, key: str) -> list[str]:
    """The keys of a tag and of every one above it; of a circle each once."""
    sql = """
        WITH RECURSIVE up (id, key, parent_id) AS (
            SELECT id, key, parent_id FROM tags WHERE key = ?
            UNION SELECT t.id, t.key, t.parent_id FROM up JOIN tags t ON t.id = up.parent_id)
        SELECT key FROM up
    """
    return [row[0] for row in await db.all(sql, (key,))]


async def has_cycle(db: Connection, keys: Collection[str]) -> bool:
    """True if one of these tags stands above itself."""
    sql = """
        WITH RECURSIVE up (start, id) AS (
            SELECT id, parent_id FROM tags WHERE key IN (SELECT value FROM json_each(?))
            UNION SELECT up.start, t.parent_id FROM up JOIN tags t ON t.id = up.id)
        SELECT EXISTS (SELECT 1 FROM up WHERE start = id)
    """
    return bool(await db.value(sql, (json.dumps(sorted(keys)),)))


# --- Changing ---


async def rename(tx: Transaction, old_key: str, key: str, name: str) -> None:
    await tx.run("UPDATE tags SET key = ?, name = ? WHERE key = ?", (key, name, old_key))


async def put(tx: Transaction, states: Collection[TagState]) -> None:
    """Make these tags what is said here; those that do not exist are made. An alias that belongs to
    one of them may go to another.
    """
    for state in states:
        await tx.run(
            "INSERT INTO tags (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (state.name, state.key),
        )
        await tx.run(
            "DELETE FROM tag_aliases WHERE tag_id = (SELECT id FROM tags WHERE key = ?)",
            (state.key,),
        )
    for state in states:
        sql = """
            UPDATE tags SET name = :name, colour = :colour, description = :description,
                parent_id = (SELECT id FROM tags WHERE key = :parent)
            WHERE key = :key
        """
        values = asdict(state)
        del values["aliases"]
        await tx.run(sql, values)
        await tx.run_many(
            """
            INSERT INTO tag_aliases (key, name, tag_id) SELECT ?, ?, id FROM tags WHERE key = ?
            """,
            [(key, name, state.key) for key, name in state.aliases],
        )


async def remove(tx: Transaction, key: str) -> None:
    """Remove a tag with its aliases, from every video."""
    await tx.run(
        "DELETE FROM video_tags WHERE tag_id = (SELECT id FROM tags WHERE key = ?)", (key,)
    )
    await tx.run("DELETE FROM tags WHERE key = ?", (key,))


async def remove_unused(tx: Transaction, keys: Collection[str]) -> None:
    """Remove those of these tags that nothing holds."""
    sql = f"DELETE FROM tags AS t WHERE t.key IN (SELECT value FROM json_each(?)) AND {UNUSED}"
    await tx.run(sql, (json.dumps(sorted(keys)),))


async def name_owner(db: Connection, key: str) -> str | None:
    """The key of the tag that is called so or has this alias."""
    sql = """
        SELECT key FROM tags WHERE id = (
            SELECT id FROM tags WHERE key = :key
            UNION ALL SELECT tag_id FROM tag_aliases WHERE key = :key LIMIT 1)
    """
    value = await db.value(sql, {"key": key})
    return str(value) if value is not None else None


async def alias_conflicts(db: Connection) -> bool:
    """True if an alias has the name of a tag."""
    sql = "SELECT EXISTS (SELECT 1 FROM tag_aliases a JOIN tags t ON t.key = a.key)"
    return bool(await db.value(sql))


async def videos_with(db: Connection, keys: Collection[str]) -> set[int]:
    """The videos that carry one of these tags or one below."""
    sql = """
        WITH RECURSIVE below (id) AS (
            SELECT id FROM tags WHERE key IN (SELECT value FROM json_each(?))
            UNION SELECT t.id FROM below JOIN tags t ON t.parent_id = below.id)
        SELECT group_concat(DISTINCT vt.video_id) FROM below
            JOIN video_tags vt ON vt.tag_id = below.id
    """
    text = await db.value(sql, (json.dumps(sorted(keys)),))
    return set(map(int, text.split(","))) if text else set()


async def refresh_words(tx: Transaction, keys: Collection[str]) -> None:
    """Derive anew by which further words the videos of these tags, and of those below, are
    found.
    """
    sql = """
        WITH RECURSIVE
            below (id) AS (
                SELECT id FROM tags WHERE key IN (SELECT value FROM json_each(:keys))
                UNION SELECT t.id FROM below JOIN tags t ON t.parent_id = below.id),
            up (start, id) AS (
                SELECT id, id FROM below
                UNION SELECT up.start, t.parent_id FROM up JOIN tags t ON t.id = up.id
                WHERE t.parent_id IS NOT NULL),
            words (start, word) AS (
                SELECT up.start, t.name FROM up JOIN tags t ON t.id = up.id WHERE up.id <> up.start
                UNION ALL
                SELECT up.start, a.name FROM up JOIN tag_aliases a ON a.tag_id = up.id)
        UPDATE tags SET words = coalesce(
            (SELECT group_concat(word, ' ') FROM (
                SELECT word FROM words WHERE start = tags.id ORDER BY word)), '')
        WHERE id IN (SELECT id FROM below)
    """
    await tx.run(sql, {"keys": json.dumps(sorted(keys))})
