"""The `legacy_names` table, and what an import from the original Local Video Server asks and writes
in the other tables.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from msgspec import Struct, field

from lvs.db.database import Connection, Transaction

PLACES_AT_ONCE = 2000


class ImportedName(Struct, frozen=True):
    """A name of the original: the video it was found to be, or what is kept (JSON) until its file
    appears.
    """

    video_id: int | None
    waiting: str | None


async def names(db: Connection) -> dict[bytes, ImportedName]:
    """Every name that was ever imported."""
    rows = await db.all("SELECT name, video_id, waiting FROM legacy_names")
    return {row[0]: ImportedName(row[1], row[2]) for row in rows}


async def has_waiting(db: Connection) -> bool:
    return bool(
        await db.value("SELECT EXISTS (SELECT 1 FROM legacy_names WHERE waiting IS NOT NULL)")
    )


async def bind(tx: Transaction, found: Iterable[tuple[bytes, int]]) -> None:
    """Each of these names is this video (id); nothing is kept for it any more."""
    sql = """
        INSERT INTO legacy_names (name, video_id) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET video_id = excluded.video_id, waiting = NULL
    """
    await tx.run_many(sql, found)


async def keep(tx: Transaction, waiting: Iterable[tuple[bytes, str]]) -> None:
    """Keep this (JSON) for the video of each name, until its file appears."""
    sql = """
        INSERT INTO legacy_names (name, waiting) VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET video_id = NULL, waiting = excluded.waiting
    """
    await tx.run_many(sql, waiting)


class NamedPlace(Struct, frozen=True):
    """A place of a video, present or past."""

    file_id: int
    video_id: int
    path: bytes
    present: bool


async def places(db: Connection, after_id: int) -> list[NamedPlace]:
    """The next places of all library folders, by id behind `after_id`; none at the end."""
    sql = (
        "SELECT id, video_id, path, missing_since IS NULL FROM files WHERE id > ? ORDER BY id"
        " LIMIT ?"
    )
    return [
        NamedPlace(row[0], row[1], row[2], bool(row[3]))
        for row in await db.all(sql, (after_id, PLACES_AT_ONCE))
    ]


async def any_place(db: Connection) -> bool:
    """True if any file was ever found."""
    return bool(await db.value("SELECT EXISTS (SELECT 1 FROM files)"))


class CurrentCuration(Struct, frozen=True):
    """Present curation of a video that an import may add to; 0 where there is nothing."""

    video_id: int
    media_hash: str
    added_at: int
    rating: int
    rated_at: int
    views: int
    last_viewed_at: int
    favorited_at: int
    tag_keys: tuple[str, ...]


async def known(db: Connection, video_ids: Collection[int]) -> list[CurrentCuration]:
    """The curation of these videos, as far as they exist."""
    sql = """
        SELECT v.id AS video_id, v.media_hash, v.added_at, coalesce(ra.value, 0) AS rating,
            coalesce(ra.updated_at, 0) AS rated_at, coalesce(vi.count, 0) AS views,
            coalesce(vi.last_viewed_at, 0) AS last_viewed_at,
                coalesce(fa.added_at, 0) AS favorited_at,
            (SELECT json_group_array(t.key)
             FROM video_tags vt JOIN tags t ON t.id = vt.tag_id
                 WHERE vt.video_id = v.id) AS tag_keys
        FROM json_each(:ids) wanted
            JOIN videos v ON v.id = wanted.value
            LEFT JOIN ratings ra ON ra.video_id = v.id
            LEFT JOIN views vi ON vi.video_id = v.id
            LEFT JOIN favorites fa ON fa.video_id = v.id
    """
    rows = await db.all(sql, {"ids": json.dumps(list(video_ids))})
    return [
        CurrentCuration(**(dict(row) | {"tag_keys": tuple(json.loads(row["tag_keys"]))}))
        for row in rows
    ]


class LegacyChange(Struct, frozen=True):
    """A line of the journal about stars, hearts or tags."""

    video_id: int
    what: str
    old: str | None
    new: str | None
    client: str


async def journal(db: Connection, video_ids: Collection[int]) -> list[LegacyChange]:
    """Changes to these videos by people and imports, oldest first."""
    sql = """
        SELECT c.video_id, c.what, c.old, c.new, c.client
        FROM json_each(:ids) wanted JOIN changes c ON c.video_id = wanted.value
        WHERE c.what IN ('rating', 'favorite', 'tag')
        ORDER BY c.id
    """
    rows = await db.all(sql, {"ids": json.dumps(list(video_ids))})
    return [LegacyChange(row[0], row[1], row[2], row[3], row[4]) for row in rows]


class ImportRows(Struct):
    """Rows to write for one batch of an import.

    Each row begins with the id of its video.
    """

    ratings: list[tuple[int, int, int]] = field(default_factory=list)  # stars, when
    views: list[tuple[int, int, int | None]] = field(default_factory=list)  # count, when last
    favorites: list[tuple[int, int]] = field(default_factory=list)  # when
    tags: list[tuple[int, str, str, int]] = field(default_factory=list)  # name, key, when
    added: list[tuple[int, int]] = field(default_factory=list)  # when
    changes: list[tuple[int, str, str | None, str | None]] = field(
        default_factory=list
    )  # what, old, new
    aliases: list[tuple[int, str]] = field(default_factory=list)  # alias


async def give(tx: Transaction, gifts: ImportRows, client: str, at: int) -> None:
    """Write them all, with their lines in the journal."""
    statements: tuple[tuple[str, list[Any]], ...] = (
        (
            """
            INSERT INTO ratings (video_id, value, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
            ON CONFLICT (video_id) DO UPDATE SET value = excluded.value,
                updated_at = excluded.updated_at
            """,
            gifts.ratings,
        ),
        (
            """
            INSERT INTO views (video_id, count, last_viewed_at) VALUES (?, ?, ?)
            ON CONFLICT (video_id) DO UPDATE SET count = excluded.count,
                last_viewed_at = excluded.last_viewed_at
            """,
            gifts.views,
        ),
        (
            "INSERT INTO favorites (video_id, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            gifts.favorites,
        ),
        (
            """
            INSERT INTO tags (name, key, used_at) VALUES (?2, ?3, ?4)
            ON CONFLICT (key) DO UPDATE SET used_at = max(used_at, excluded.used_at)
            """,
            gifts.tags,
        ),
        (
            """
            INSERT INTO video_tags (video_id, tag_id, created_at) SELECT ?1, id, ?4 FROM tags
                WHERE key = ?3
            ON CONFLICT DO NOTHING
            """,
            gifts.tags,
        ),
        ("UPDATE videos SET added_at = ?2 WHERE id = ?1", gifts.added),
        (
            "INSERT INTO changes (video_id, what, old, new, client, at) VALUES (?, ?, ?, ?, ?, ?)",
            [(*change, client, at) for change in gifts.changes],
        ),
        (
            "INSERT INTO aliases (video_id, alias) VALUES (?, ?) ON CONFLICT DO NOTHING",
            gifts.aliases,
        ),
    )
    for sql, rows in statements:
        if rows:
            await tx.run_many(sql, rows)
