"""Curation records, read from a database and put back into one."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from lvs.db import backup
from lvs.db.database import Connection, Transaction
from lvs.db.near_pairs import DIFFERENT_FROM


class CurationRecord(Struct):
    """One video and what people gave it.

    What is None or empty says nothing. Times are Unix milliseconds.
    """

    media_hash: str
    path: bytes = b""
    library: bytes = b""
    fingerprints: tuple[str, ...] = ()
    added_at: int | None = None
    title: str = ""
    rating: int | None = None
    rated_at: int | None = None
    views: int = 0
    last_viewed_at: int | None = None
    tags: tuple[str, ...] = ()
    favorite: bool = False
    favorited_at: int | None = None
    projection: str | None = None
    """The projection that a person chose, as `db.projections` keeps it."""
    poster: int | None = None
    """The place of `eye.PLACES` whose picture a person chose."""
    position_s: float = 0.0
    watched: bool = False
    progress_at: int | None = None
    dismissed: bool = False
    later_at: int | None = None
    hidden_at: int | None = None
    notes: str = ""
    notes_at: int | None = None
    markers: str = ""
    """Markers as `db.markers` keeps them."""
    different_from: tuple[str, ...] = ()
    """Media hashes of films that look the same, and of which somebody said that they are others."""
    names: tuple[str, ...] = ()
    """The hash and every fingerprint, each once."""

    def __post_init__(self) -> None:
        self.names = tuple(dict.fromkeys((self.media_hash, *self.fingerprints)))


class PlaylistRecord(Struct, frozen=True):
    """A playlist and its places in order: a media hash, or the bytes of a name that is held."""

    name: str
    description: str = ""
    created_at: int | None = None
    items: tuple[str | bytes, ...] = ()


class TagRecord(Struct, frozen=True):
    """A tag as people described it. `parent` is a name, `colour` is `#rrggbb`; empty where nothing
    was said.
    """

    name: str
    colour: str = ""
    description: str = ""
    parent: str = ""
    aliases: tuple[str, ...] = ()


class ViewRecord(Struct, frozen=True):
    """A saved view. `query` is as in the gallery's address."""

    name: str
    query: str
    view_id: str = ""
    created_at: int | None = None


_VIEWS = """
    SELECT name, query, view_id, created_at FROM saved_views WHERE deleted_at IS NULL
    ORDER BY position, id
"""


def every_view(path: Path) -> Iterator[ViewRecord]:
    """Every saved view of a database file, in its order. Blocking."""
    return (ViewRecord(**dict(row)) for row in backup.rows(path, _VIEWS))


_TAGS = """
    SELECT t.name, coalesce(t.colour, '') AS colour, t.description, coalesce(p.name, '') AS parent,
        (SELECT json_group_array(name) FROM (
            SELECT name FROM tag_aliases WHERE tag_id = t.id ORDER BY key)) AS aliases
    FROM tags t LEFT JOIN tags p ON p.id = t.parent_id
    WHERE t.colour IS NOT NULL OR t.description <> '' OR t.parent_id IS NOT NULL
        OR EXISTS (SELECT 1 FROM tag_aliases a WHERE a.tag_id = t.id)
    ORDER BY t.key
"""


def every_tag(path: Path) -> Iterator[TagRecord]:
    """Every tag of a database file of which anything was said, by name. Blocking."""
    return map(_tag_record, backup.rows(path, _TAGS))


async def tag_records(db: Connection) -> list[TagRecord]:
    """Every tag of which anything was said, by name."""
    return [_tag_record(row) for row in await db.all(_TAGS)]


def _tag_record(row: sqlite3.Row) -> TagRecord:
    return TagRecord(**{**dict(row), "aliases": tuple(json.loads(row["aliases"]))})


def every_playlist(path: Path) -> Iterator[PlaylistRecord]:
    """Every playlist of a database file, by name. Blocking."""
    sql = "SELECT id, name, description, created_at FROM playlists WHERE deleted_at IS NULL"
    for row in list(backup.rows(path, f"{sql} ORDER BY name")):
        places = f"""
            SELECT i.position, v.media_hash AS item FROM playlist_items i
                JOIN videos v ON v.id = i.video_id WHERE i.playlist_id = {int(row["id"])}
            UNION ALL SELECT position, name FROM legacy_playlist_items
                WHERE playlist_id = {int(row["id"])}
            ORDER BY 1
        """
        items = tuple(place["item"] for place in backup.rows(path, places))
        yield PlaylistRecord(row["name"], row["description"] or "", row["created_at"], items)


def every(path: Path) -> Iterator[CurationRecord]:
    """Every video of a database file, by path. Blocking."""
    sql = f"""
        SELECT v.media_hash, v.added_at, CASE WHEN v.title_edited THEN v.title
            ELSE '' END AS title, f.path, r.path AS library,
            ra.value AS rating, ra.updated_at AS rated_at, coalesce(vi.count, 0) AS views,
                vi.last_viewed_at,
            fa.added_at AS favorited_at, pr.chosen AS projection,
            pr.poster_place AS poster,
            coalesce(wp.position_s, 0.0) AS position_s, coalesce(wp.watched, 0) AS watched,
            wp.updated_at AS progress_at, coalesce(wp.dismissed, 0) AS dismissed,
            la.added_at AS later_at,
            hi.hidden_at, no.text AS notes, no.updated_at AS notes_at,
            ma.chapters AS markers, {DIFFERENT_FROM} AS different_from,
            (SELECT json_group_array(name) FROM (
                SELECT t.name FROM video_tags vt JOIN tags t ON t.id = vt.tag_id
                WHERE vt.video_id = v.id ORDER BY t.key)) AS tags,
            (SELECT json_group_array(fingerprint) FROM fingerprints p
                WHERE p.video_id = v.id) AS fingerprints
        FROM videos v
            LEFT JOIN files f ON f.id = (
                SELECT id FROM files WHERE video_id = v.id
                ORDER BY missing_since IS NOT NULL, missing_since DESC, id LIMIT 1)
            LEFT JOIN roots r ON r.id = f.root_id
            LEFT JOIN ratings ra ON ra.video_id = v.id
            LEFT JOIN views vi ON vi.video_id = v.id
            LEFT JOIN favorites fa ON fa.video_id = v.id
            LEFT JOIN projections pr ON pr.video_id = v.id
            LEFT JOIN progress wp ON wp.person_id = 0 AND wp.video_id = v.id
            LEFT JOIN later la ON la.person_id = 0 AND la.video_id = v.id
            LEFT JOIN hidden hi ON hi.video_id = v.id
            LEFT JOIN video_notes no ON no.video_id = v.id
            LEFT JOIN markers ma ON ma.video_id = v.id
        ORDER BY f.path, v.id
    """
    for row in backup.rows(path, sql):
        yield CurationRecord(
            media_hash=row["media_hash"],
            path=row["path"] or b"",
            library=row["library"] or b"",
            fingerprints=tuple(json.loads(row["fingerprints"])),
            added_at=row["added_at"],
            title=row["title"],
            rating=row["rating"],
            rated_at=row["rated_at"],
            views=row["views"],
            last_viewed_at=row["last_viewed_at"],
            tags=tuple(json.loads(row["tags"])),
            favorite=row["favorited_at"] is not None,
            favorited_at=row["favorited_at"],
            projection=row["projection"],
            poster=row["poster"],
            position_s=row["position_s"],
            watched=bool(row["watched"]),
            progress_at=row["progress_at"],
            dismissed=bool(row["dismissed"]),
            later_at=row["later_at"],
            hidden_at=row["hidden_at"],
            notes=row["notes"] or "",
            notes_at=row["notes_at"],
            markers=row["markers"] or "",
            different_from=tuple(json.loads(row["different_from"])),
        )


async def named(db: Connection, names: Sequence[str]) -> int | None:
    """The video that has one of these names or contents."""
    sql = """
        SELECT video_id FROM (
            SELECT 1 AS rank, id AS video_id FROM videos
                WHERE media_hash IN (SELECT value FROM json_each(:names))
            UNION ALL SELECT 2, video_id FROM fingerprints
                WHERE fingerprint IN (SELECT value FROM json_each(:names))
            UNION ALL SELECT 3, video_id FROM aliases WHERE alias IN (SELECT value
                FROM json_each(:names)))
        ORDER BY rank, video_id LIMIT 1
    """
    found = await db.value(sql, {"names": json.dumps(names)})
    return int(found) if found is not None else None


async def at(db: Connection, library: bytes, path: bytes) -> int | None:
    """The one video that lies at this path: in this library folder, or in whichever where that one
    is not known.
    """
    sql = """
        SELECT DISTINCT f.video_id FROM files f JOIN roots r ON r.id = f.root_id
        WHERE f.path = :path AND f.missing_since IS NULL
            AND (r.path = :library OR NOT EXISTS (SELECT 1 FROM roots WHERE path = :library))
        LIMIT 2
    """
    found = await db.all(sql, {"library": library, "path": path})
    return int(found[0][0]) if len(found) == 1 else None


async def leave_place(
    tx: Transaction, video_id: int, kept: CurationRecord, root_id: int, at_ms: int
) -> None:
    """Note that the video lay there, so that its old address, and a better encode under its name,
    lead to it.
    """
    sql = """
        INSERT INTO files (video_id, root_id, path, size_bytes, mtime_ns, fingerprint, oshash,
            missing_since)
        VALUES (:video_id, :root_id, :path, 0, 0, :fingerprint, '', :at)
    """
    fingerprint = kept.fingerprints[-1] if kept.fingerprints else kept.media_hash
    values = {
        "video_id": video_id,
        "root_id": root_id,
        "path": kept.path,
        "fingerprint": fingerprint,
        "at": at_ms,
    }
    await tx.run(sql, values)


async def root_at(tx: Transaction, library: bytes, name: str) -> int:
    """The library folder at this place.

    One that is not configured yet is noted, and shown when it is.
    """
    sql = (
        "INSERT INTO roots (path, name, active) VALUES (?, ?, 0) ON CONFLICT (path) DO UPDATE SET"
        " path = path RETURNING id"
    )
    return int(await tx.value(sql, (library, name)))


async def view_count(db: Connection, video_id: int) -> tuple[int, int]:
    """The number of plays and the time of the last one (0: not known)."""
    row = await db.one(
        "SELECT count, coalesce(last_viewed_at, 0) FROM views WHERE video_id = ?", (video_id,)
    )
    return (row[0], row[1]) if row else (0, 0)


async def put_views(tx: Transaction, video_id: int, count: int, last_viewed_at: int | None) -> None:
    sql = """
        INSERT INTO views (video_id, count, last_viewed_at) VALUES (:video_id, :count, :last)
        ON CONFLICT (video_id) DO UPDATE SET
            count = excluded.count, last_viewed_at = coalesce(excluded.last_viewed_at,
                last_viewed_at)
    """
    await tx.run(sql, {"video_id": video_id, "count": count, "last": last_viewed_at})


async def title_from_path(db: Connection, video_id: int) -> tuple[str, bool]:
    """Its title, and whether somebody wrote it."""
    row = await db.one("SELECT title, title_edited FROM videos WHERE id = ?", (video_id,))
    return (row[0], bool(row[1])) if row else ("", False)
