"""Handing over: a film that is gone, and those that may be the same film under another name."""

import os
import sqlite3
from collections.abc import Iterable

from msgspec import Struct

from lvs.db import missing, videos
from lvs.db.database import Connection, Transaction
from lvs.text import folded

FOUND = 200  # names that a search may bring


class Candidate(Struct, frozen=True):
    """A listed film that may be the one that is gone; `near` where it lies at its place."""

    video_id: int
    media_hash: str
    title: str
    root_id: int
    path: bytes
    duration_s: float
    near: bool


def stem_of(path: bytes) -> bytes:
    """A path without its extension."""
    folder, slash, name = path.rpartition(b"/")
    return folder + slash + (name.rpartition(b".")[0] or name)


async def candidates(db: Connection, video_id: int, limit: int) -> list[Candidate]:
    """Listed films whose name is that of a place of this one, whatever their extension: those in
    its folder, in any library folder, first.
    """
    sql = "SELECT DISTINCT path FROM files WHERE video_id = ? ORDER BY missing_since DESC LIMIT 8"
    stems = {stem_of(row[0]) for row in await db.all(sql, (video_id,))}
    found: dict[int, Candidate] = {}
    for stem in sorted(stems):
        for candidate in await _near(db, stem) + await _named(db, stem):
            if candidate.video_id != video_id:
                found.setdefault(candidate.video_id, candidate)
    return sorted(found.values(), key=lambda each: (not each.near, each.path))[:limit]


_CARD = "g.video_id, g.media_hash, g.title, g.root_id, g.path, g.duration_s"


async def note_former(tx: Transaction, video_ids: Iterable[int]) -> None:
    """Note for new videos which video with something to give lies at their place, whatever its
    extension, in a library folder that is served no more.
    """
    if not await tx.value("SELECT EXISTS (SELECT 1 FROM roots WHERE NOT active)"):
        return
    for video_id in video_ids:
        sql = "SELECT path FROM files WHERE video_id = ? AND missing_since IS NULL"
        path = await tx.value(sql, (video_id,))
        if path is not None and (former := await _former_at(tx, path)) is not None:
            await set_former(tx, video_id, former)


async def _former_at(db: Connection, path: bytes) -> int | None:
    sql = """
        SELECT f.video_id, f.path FROM roots r
            CROSS JOIN files f ON f.root_id = r.id AND f.path >= :start AND f.path < :end
                AND f.missing_since IS NULL
        WHERE NOT r.active
    """
    stem = stem_of(path)
    for video_id, other in await db.tuples(sql, {"start": stem + b".", "end": stem + b"/"}):
        if stem_of(other) == stem and await is_out_of_sight(db, video_id):
            return int(video_id)
    return None


async def is_out_of_sight(db: Connection, video_id: int) -> bool:
    """True if a video was given something, and lies in no library folder that is served."""
    sql = """
        SELECT EXISTS (
            SELECT 1 FROM files f JOIN roots r ON r.id = f.root_id
            WHERE f.video_id = ? AND f.missing_since IS NULL AND r.active)
    """
    return not await db.value(sql, (video_id,)) and await videos.has_curation(db, video_id)


async def set_former(tx: Transaction, video_id: int, former_id: int) -> None:
    """Have the page of a video offer it what another one was given, as long as that one is gone."""
    await tx.run("UPDATE videos SET parted_from = ? WHERE id = ?", (former_id, video_id))


async def _near(db: Connection, stem: bytes) -> list[Candidate]:
    sql = f"""
        SELECT {_CARD}, 1 FROM roots r
            JOIN files f ON f.root_id = r.id AND f.path >= :start AND f.path < :end
                AND f.missing_since IS NULL
            JOIN gallery g ON g.video_id = f.video_id
        WHERE r.active
    """
    # / follows . in ASCII
    rows = await db.all(sql, {"start": stem + b".", "end": stem + b"/"})
    return [_candidate(row) for row in rows]


async def _named(db: Connection, stem: bytes) -> list[Candidate]:
    name = stem.rpartition(b"/")[2]
    words = folded(os.fsdecode(name).encode("utf-8", "replace").decode()).replace('"', " ")
    if not any(character.isalnum() for character in words):
        return []
    sql = f"""
        SELECT {_CARD}, 0 FROM search s JOIN gallery g ON g.video_id = s.rowid
        WHERE search MATCH ? LIMIT {FOUND}
    """
    rows = await db.all(sql, (f'path : "{words}"',))
    found = [_candidate(row) for row in rows]
    return [
        each for each in found if stem_of(each.path).rpartition(b"/")[2].lower() == name.lower()
    ]


def _candidate(row: sqlite3.Row) -> Candidate:
    return Candidate(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]))


async def hand_over(tx: Transaction, gone_id: int, to_id: int, at: int) -> None:
    """Make a listed film the one that is gone: it gets all that one was given, and answers to its
    names. What it was given itself comes first where there can be only one.
    """
    values = {"gone": gone_id, "to": to_id}
    for sql in _MERGE:
        await tx.run(sql, values)
    await videos.merge_uncurated(tx, gone_id, to_id, at)
    await missing.restore(tx, [gone_id])


# All that the listed film has goes to the one that is gone, which then takes its place.
_MERGE = (
    """
    INSERT INTO ratings (video_id, value, created_at, updated_at)
    SELECT :gone, value, created_at, updated_at FROM ratings WHERE video_id = :to
    ON CONFLICT (video_id) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
    """,
    """
    INSERT INTO views (video_id, count, last_viewed_at)
    SELECT :gone, count, last_viewed_at FROM views WHERE video_id = :to
    ON CONFLICT (video_id) DO UPDATE SET
        count = count + excluded.count, last_viewed_at = max(last_viewed_at,
            excluded.last_viewed_at)
    """,
    "INSERT OR IGNORE INTO favorites SELECT :gone, added_at FROM favorites WHERE video_id = :to",
    """
    INSERT OR IGNORE INTO video_tags (video_id, tag_id, created_at)
    SELECT :gone, tag_id, created_at FROM video_tags WHERE video_id = :to
    """,
    """
    UPDATE videos SET title_edited = 1, title = (SELECT title FROM videos WHERE id = :to)
    WHERE id = :gone AND (SELECT title_edited FROM videos WHERE id = :to)
    """,
    """
    INSERT INTO progress (person_id, video_id, position_s, watched, updated_at, dismissed)
    SELECT person_id, :gone, position_s, watched, updated_at, dismissed
    FROM progress WHERE video_id = :to
    ON CONFLICT (person_id, video_id) DO UPDATE SET position_s = excluded.position_s,
        watched = max(watched, excluded.watched), updated_at = excluded.updated_at,
        dismissed = excluded.dismissed
    WHERE excluded.updated_at >= updated_at
    """,
    """
    INSERT OR IGNORE INTO later (person_id, video_id, added_at)
    SELECT person_id, :gone, added_at FROM later WHERE video_id = :to
    """,
    """
    INSERT OR IGNORE INTO hidden (video_id, hidden_at)
    SELECT :gone, hidden_at FROM hidden WHERE video_id = :to
    """,
    """
    INSERT OR IGNORE INTO markers (video_id, chapters)
    SELECT :gone, chapters FROM markers WHERE video_id = :to
    """,
    """
    INSERT INTO video_notes (video_id, text, updated_at)
    SELECT :gone, text, updated_at FROM video_notes WHERE video_id = :to
    ON CONFLICT (video_id) DO UPDATE SET text = excluded.text || char(10) || text,
        updated_at = excluded.updated_at
    """,
    """
    INSERT OR IGNORE INTO history (person_id, day, video_id, at)
    SELECT person_id, day, :gone, at FROM history WHERE video_id = :to
    """,
    """
    UPDATE projections SET chosen = (SELECT chosen FROM projections WHERE video_id = :to)
    WHERE video_id = :gone AND EXISTS (
        SELECT 1 FROM projections WHERE video_id = :to AND chosen IS NOT NULL)
    """,
    """
    UPDATE projections
    SET poster_place = (SELECT poster_place FROM projections WHERE video_id = :to)
    WHERE video_id = :gone AND EXISTS (
        SELECT 1 FROM projections WHERE video_id = :to AND poster_place IS NOT NULL)
    """,
    "UPDATE changes SET video_id = :gone WHERE video_id = :to",
    "UPDATE OR IGNORE tag_change_films SET video_id = :gone WHERE video_id = :to",
)
