"""Inconsistencies in a database file.

Blocking: call it in a thread.
"""

from pathlib import Path

from msgspec import Struct

from lvs.db import backup, people
from lvs.db.database import Database, Transaction
from lvs.db.gallery import SHOWS, refresh
from lvs.db.tag_details import refresh_words
from lvs.db.tags import UNUSED
from lvs.models import display_path

EXAMPLES = 5
REFRESHED_AT_ONCE = 500

_LISTED = f"""
    SELECT v.id FROM videos v
    WHERE EXISTS (
        SELECT 1 FROM files f JOIN roots r ON r.id = f.root_id
        WHERE f.video_id = v.id AND {SHOWS} AND r.active)
"""

_PLACELESS = (
    "SELECT v.title FROM videos v WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.video_id = v.id)"
)

_MISSING = """
    SELECT f.path FROM videos v JOIN files f ON f.id = (
        SELECT id FROM files WHERE video_id = v.id ORDER BY missing_since DESC, id DESC LIMIT 1)
    WHERE v.forgotten_at IS NULL AND NOT EXISTS (SELECT 1 FROM files WHERE video_id = v.id
        AND missing_since IS NULL)
"""

_UNREADABLE = """
    SELECT f.path FROM videos v JOIN files f ON f.video_id = v.id JOIN roots r ON r.id = f.root_id
    WHERE v.state = 'unreadable' AND f.missing_since IS NULL AND r.active
"""

_OFFLINE = "SELECT path FROM roots WHERE active AND offline_since IS NOT NULL"

_UNUSED_TAGS = f"SELECT name FROM tags t WHERE {UNUSED}"

_TAG_CIRCLES = """
    WITH RECURSIVE up (start, id) AS (
        SELECT id, parent_id FROM tags WHERE parent_id IS NOT NULL
        UNION SELECT up.start, t.parent_id FROM up JOIN tags t ON t.id = up.id)
    SELECT name FROM tags WHERE id IN (SELECT start FROM up WHERE start = id)
"""

_TAG_CLASHES = "SELECT a.name FROM tag_aliases a JOIN tags t ON t.key = a.key"

# What is derived and out of step: cards that are wanted or too many, cards that say another thing
# than the tables, lost text.
_OUT_OF_STEP = f"""
    SELECT title FROM (
        SELECT v.id, v.title FROM videos v WHERE v.id IN ({_LISTED})
            AND v.id NOT IN (SELECT video_id FROM gallery)
        UNION SELECT video_id, title FROM gallery WHERE video_id NOT IN ({_LISTED})
        UNION SELECT g.video_id, g.title FROM gallery g
            LEFT JOIN ratings ra ON ra.video_id = g.video_id
            LEFT JOIN views vi ON vi.video_id = g.video_id
            LEFT JOIN favorites fa ON fa.video_id = g.video_id
            LEFT JOIN progress wp ON wp.person_id = 0 AND wp.video_id = g.video_id
        WHERE g.watched <> coalesce(wp.watched, 0)
            OR (g.progress > 0) <> (coalesce(wp.position_s, 0) > 0)
            OR g.rating <> coalesce(ra.value, 0) OR g.views <> coalesce(vi.count, 0)
            OR g.favorited_at <> coalesce(fa.added_at, 0)
            OR g.hidden <> EXISTS (SELECT 1 FROM hidden WHERE video_id = g.video_id)
            OR json_array_length(g.tags) <> (SELECT count(*) FROM video_tags vt
                WHERE vt.video_id = g.video_id)
        UNION SELECT g.video_id, g.title FROM gallery g WHERE g.video_id NOT IN (SELECT rowid
            FROM search))
"""


class FindingGroup(Struct, frozen=True):
    """The number of findings of a kind, with a few names."""

    count: int
    examples: tuple[str, ...]


def videos_without_files(path: Path) -> FindingGroup:
    """Videos that lie nowhere and never did."""
    return _group(path, _PLACELESS)


def missing(path: Path) -> FindingGroup:
    """Videos whose files are all gone, those in the recycle bin left aside."""
    return _group(path, _MISSING)


def unreadable(path: Path) -> FindingGroup:
    """Files that cannot be read as video."""
    return _group(path, _UNREADABLE)


def offline(path: Path) -> FindingGroup:
    """Library folders that were away at the last check."""
    return _group(path, _OFFLINE)


# What is personal of somebody who is not there.
_NOBODYS = " UNION ALL ".join(
    f"SELECT '{table}' FROM {table} WHERE person_id > 0"
    f" AND person_id NOT IN (SELECT id FROM people)"
    for table in people.PERSONAL
)


def orphaned_personal_rows(path: Path) -> FindingGroup:
    """Rows of people who are not there."""
    return _group(path, _NOBODYS)


def unused_tags(path: Path) -> FindingGroup:
    """Tags no video carries."""
    return _group(path, _UNUSED_TAGS)


def tag_cycles(path: Path) -> FindingGroup:
    """Tags that stand above themselves."""
    return _group(path, _TAG_CIRCLES)


def tag_clashes(path: Path) -> FindingGroup:
    """Aliases that are the name of another tag."""
    return _group(path, _TAG_CLASHES)


def stale_gallery_rows(path: Path) -> FindingGroup:
    """Videos of which the gallery or the search says another thing than what was given."""
    return _group(path, _OUT_OF_STEP)


def _group(path: Path, sql: str) -> FindingGroup:
    [counted] = backup.rows(path, f"SELECT count(*) FROM ({sql})")
    found = backup.rows(path, f"{sql} LIMIT {EXAMPLES}") if counted[0] else ()
    return FindingGroup(
        counted[0],
        tuple(display_path(row[0]) if isinstance(row[0], bytes) else str(row[0]) for row in found),
    )


async def repair(database: Database) -> None:
    """Make anew all that is derived: cards and the search; and drop tags nobody uses.

    Nothing that people gave is touched.
    """
    async with database.transaction() as tx:
        await tx.run(f"DELETE FROM tags AS t WHERE {UNUSED}")
        await tx.run("UPDATE tags SET parent_id = NULL WHERE name IN (" + _TAG_CIRCLES + ")")
        await tx.run("DELETE FROM tag_aliases WHERE key IN (SELECT key FROM tags)")
        keys = [row[0] for row in await tx.all("SELECT key FROM tags")]
        await refresh_words(tx, keys)
        await people.remove_orphaned_rows(tx)
        await tx.run("DELETE FROM search")
        await tx.run(f"DELETE FROM gallery WHERE video_id NOT IN ({_LISTED})")
        await _refresh_all(tx)


async def _refresh_all(tx: Transaction) -> None:
    ids = [row[0] for row in await tx.all("SELECT id FROM videos ORDER BY id")]
    for start in range(0, len(ids), REFRESHED_AT_ONCE):
        await refresh(tx, ids[start : start + REFRESHED_AT_ONCE])
