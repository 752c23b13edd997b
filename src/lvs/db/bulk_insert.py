"""Many new videos at once: rows for every table, in a few statements for all of them instead of a
dozen for each.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from time import time_ns
from typing import NamedTuple

from lvs.db.database import Connection, Transaction
from lvs.db.gallery import RECORDED_BY_FILE, SURE_BY_NAME
from lvs.models import Fingerprint, FoundFile
from lvs.text import natural_key, searchable

# in one statement: going through the statement for each row takes longer than keeping the row
ROWS_AT_ONCE = 200


class NewFile(NamedTuple):
    """A file that is new or changed, and what is kept of it if it turns out to be a new video."""

    path: bytes
    size_bytes: int
    mtime_ns: int
    fingerprint: str
    oshash: str
    title: str
    title_key: str
    title_words: str
    path_words: str
    added_at: int
    extended: str  # its extended fingerprint where its samples look like those of other films

    @property
    def found(self) -> FoundFile:
        """The file as the walk found it."""
        return FoundFile(*self[:3])

    @property
    def hashed(self) -> Fingerprint:
        """The fingerprint of the file's content, as `new_file` got it."""
        return Fingerprint(*self[3:5])


def new_file(
    found: FoundFile, hashed: Fingerprint, title: str, added_at: int, extended: str = ""
) -> NewFile:
    """A file with its fingerprint, made ready for the tables.

    Pure computing, for whichever thread has the time.
    """
    words = searchable(title), searchable(found.path)
    return NewFile(
        *found,
        hashed.fingerprint,
        hashed.oshash,
        title,
        natural_key(title),
        *words,
        added_at,
        extended,
    )


async def add_new(
    tx: Transaction, root_id: int, batch: Sequence[NewFile]
) -> tuple[range, list[NewFile]]:
    """Make videos of those that are new in every way, which in a first scan nearly all are: their
    ids, and all the others.

    No file was ever at their place, and nothing had their content. What is kept is the same as if
    `videos.add`, `files.add` and `gallery.refresh` had done it one by one.
    """
    await _lay_out(tx, batch)
    known = {row[0] for row in await tx.all(_KNOWN, (root_id,))}
    others = [one for number, one in enumerate(batch, 1) if number in known]
    if others:
        await _lay_out(tx, [one for number, one in enumerate(batch, 1) if number not in known])
    before = int(await tx.value("SELECT coalesce(max(id), 0) FROM videos"))
    values = {"before": before, "root_id": root_id, "version": time_ns()}
    for sql in _ADD:
        await tx.run(sql, values)
    return range(before + 1, before + 1 + len(batch) - len(others)), others


async def _lay_out(tx: Transaction, rows: Sequence[NewFile]) -> None:
    """Put these, numbered from 1, and nothing else into the table of arrivals, which is the
    connection's own and in memory.
    """
    await tx.run(_LAID_OUT)
    await tx.run("DELETE FROM arrivals")
    await insert(
        tx,
        "INSERT INTO arrivals VALUES",
        "(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, random() & 2147483647)",
        rows,
    )


async def insert(tx: Transaction, sql: str, marks: str, rows: Sequence[Sequence[object]]) -> None:
    """Insert many rows; `sql` ends with VALUES, and `marks` are the question marks of one row."""
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    many = f"{sql} {', '.join([marks] * ROWS_AT_ONCE)}"
    for start in range(0, whole, ROWS_AT_ONCE):
        await tx.run(many, tuple(chain.from_iterable(rows[start : start + ROWS_AT_ONCE])))
    if whole < len(rows):
        await tx.run_many(f"{sql} {marks}", rows[whole:])


_LAID_OUT = """
    CREATE TEMP TABLE IF NOT EXISTS arrivals (
        number INTEGER PRIMARY KEY, path, size_bytes, mtime_ns, fingerprint, oshash, title,
            title_key, title_words, path_words,
        added_at, extended, shuffle)
"""

_KNOWN = """
    SELECT number FROM arrivals a
    WHERE EXISTS (SELECT 1 FROM files f WHERE f.root_id = ? AND f.path = a.path)
        OR EXISTS (SELECT 1 FROM videos v WHERE v.media_hash = a.fingerprint)
        OR EXISTS (SELECT 1 FROM fingerprints p WHERE p.fingerprint = a.fingerprint)
        OR number NOT IN (SELECT min(number) FROM arrivals GROUP BY fingerprint)
"""

_SURE = SURE_BY_NAME.format(path="path")

_ADD = (
    """
    INSERT INTO videos (id, media_hash, title, added_at, shuffle)
    SELECT :before + number, fingerprint, title, added_at, shuffle FROM arrivals
    """,
    """
    INSERT INTO files (video_id, root_id, path, size_bytes, mtime_ns, fingerprint, oshash)
    SELECT :before + number, :root_id, path, size_bytes, mtime_ns, fingerprint, oshash FROM arrivals
    """,
    """
    INSERT INTO extended_fingerprints (fingerprint, extended, video_id)
    SELECT fingerprint, extended, :before + number FROM arrivals WHERE extended <> ''
    ON CONFLICT DO NOTHING
    """,
    # While a row is in this table, the triggers of `gallery` leave to us what they would do for
    # each video.
    "INSERT INTO adding_many (only) VALUES (1)",
    f"""
    INSERT INTO gallery (video_id, media_hash, version, root_id, path, title, title_key, added_at,
        duration_s, width, height,
        size_bytes, rating, views, last_viewed_at, favorited_at, shuffle, tags, state, poster,
            offline, recorded_at)
    SELECT :before + number, fingerprint, :version, :root_id, path, title, title_key, added_at,
        0.0, 0, 0,
        size_bytes, 0, 0, 0, 0, shuffle, '[]', 'new', NULL, 0,
        {RECORDED_BY_FILE.format(mtime="mtime_ns")}
    FROM arrivals WHERE {_SURE}
    """,
    "DELETE FROM adding_many",
    f"""
    INSERT INTO gallery_changes (what, video_id) SELECT 'place', :before + number FROM arrivals
        WHERE {_SURE}
    """,
    f"""
    INSERT INTO folder_counts (root_id, folder, videos)
    SELECT :root_id, substr(path, 1, instr(path, x'2f') - 1) AS folder, count(*)
    FROM arrivals WHERE instr(path, x'2f') > 0 AND {_SURE} GROUP BY folder
    ON CONFLICT DO UPDATE SET videos = videos + excluded.videos
    """,
    f"""
    INSERT INTO search (rowid, title, path, tags, notes)
    SELECT :before + number, title_words, path_words, '', '' FROM arrivals WHERE {_SURE}
    """,
)


async def without_alias(db: Connection, limit: int) -> list[tuple[int, int, bytes]]:
    """Files whose video has not got their aliases yet: id of the file, id of the video, path."""
    sql = (
        "SELECT id, video_id, path FROM files WHERE id > (SELECT file_id FROM aliased) ORDER BY id"
        " LIMIT ?"
    )
    return await db.tuples(sql, (limit,))


async def add_aliases(tx: Transaction, aliases: Iterable[tuple[str, int]], up_to_file: int) -> None:
    """Keep these (alias, id of the video), which are those of all files up to this one."""
    await insert(
        tx, "INSERT OR IGNORE INTO aliases (alias, video_id) VALUES", "(?, ?)", sorted(aliases)
    )
    await tx.run("UPDATE aliased SET file_id = ?", (up_to_file,))
