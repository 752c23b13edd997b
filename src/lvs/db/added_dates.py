"""Dates of addition that a wrong clock gave, and what they may have been."""

import sqlite3

from msgspec import Struct

from lvs.db.database import Connection

# A clock that lost its time starts in 1970, 1980 or the like; films of that time were added later.
EARLIEST_MS = 631_152_000_000  # 1990
# From here on an early date is believed where it is that of the file, which somebody set.
BELIEVED_MS = 63_072_000_000  # 1972


class AddedDateRange(Struct, frozen=True):
    """Dates of addition that are to be set right: those from `start` and before `end` (Unix ms), or
    without both those that cannot be.
    """

    start: int | None = None
    end: int | None = None


class DateRepair(Struct, frozen=True):
    """A video whose date of addition (Unix ms) would become another one."""

    video_id: int
    media_hash: str
    title: str
    before: int
    after: int


_IMPOSSIBLE = """
    (v.added_at > :now + 86400000 OR v.added_at < :earliest AND NOT EXISTS (
        SELECT 1 FROM files f
        WHERE f.video_id = v.id AND v.added_at >= :believed
            AND f.mtime_ns / 1000000 = v.added_at))
"""
_CHOSEN = "v.added_at >= coalesce(:start, v.added_at) AND v.added_at < coalesce(:end, 1 << 62)"

# The earliest time at which the film is known to have been there: that of its file, or of what
# somebody gave it.
_REPAIRS = """
    SELECT id, media_hash, title, added_at,
        coalesce(min(coalesce(file, given), coalesce(given, file)), :now) AS after
    FROM (
        SELECT v.id, v.media_hash, v.title, v.added_at,
            (SELECT min(f.mtime_ns) / 1000000 FROM files f WHERE f.video_id = v.id
                AND f.mtime_ns BETWEEN :earliest * 1000000 AND :now * 1000000) AS file,
            (SELECT min(c.at) FROM changes c WHERE c.video_id = v.id
                AND c.at BETWEEN :earliest AND :now) AS given
        FROM videos v WHERE v.id > :behind AND {chosen})
    WHERE after <> added_at
"""


async def count_impossible(db: Connection, now: int) -> int:
    """The number of videos whose date of addition cannot be."""
    odd = _IMPOSSIBLE.replace("v.id", "v.video_id")
    sql = f"""
        SELECT count(*) FROM gallery v
        WHERE (v.added_at < :earliest OR v.added_at > :now) AND {odd}
    """
    return int(await db.value(sql, _values(AddedDateRange(), now)))


async def count(db: Connection, span: AddedDateRange, now: int) -> int:
    """The number of dates that would become others."""
    sql = f"SELECT count(*) FROM ({_repairs(span)})"
    return int(await db.value(sql, _values(span, now)))


async def page(
    db: Connection, span: AddedDateRange, now: int, limit: int, behind_id: int = 0
) -> list[DateRepair]:
    """Dates that would become others, by video behind `behind_id`."""
    sql = f"{_repairs(span)} ORDER BY id LIMIT :limit"
    rows = await db.all(sql, _values(span, now) | {"limit": limit, "behind": behind_id})
    return [_repair(row) for row in rows]


def _repairs(span: AddedDateRange) -> str:
    return _REPAIRS.format(chosen=_IMPOSSIBLE if span == AddedDateRange() else _CHOSEN)


def _values(span: AddedDateRange, now: int) -> dict[str, int | None]:
    bounds = {"start": span.start, "end": span.end, "behind": 0}
    return bounds | {"now": now, "earliest": EARLIEST_MS, "believed": BELIEVED_MS}


def _repair(row: sqlite3.Row) -> DateRepair:
    return DateRepair(row["id"], row["media_hash"], row["title"], row["added_at"], row["after"])
