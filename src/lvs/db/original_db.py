"""Reads the database of the original Local Video Server, as much of it as can be read, and never
writes to it. Blocking code.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

# The columns that are read: those that must be there, and those that read as NULL where an older
# version lacks them.
TABLES = {
    "videos": (("filename",), ("added_date",)),
    "ratings": (("filename", "rating"), ("updated_at",)),
    "views": (("filename", "view_count"), ("last_viewed",)),
    "video_tags": (("filename", "tag"), ("created_at",)),
    "favorites": (("filename",), ("created_at",)),
    "playlists": (("id", "name"), ("description", "created_at")),
    "playlist_items": (("playlist_id", "video_filename"), ("position",)),
    "gallery_groups": (("id", "name"), ()),
}
OLDEST = frozenset(
    {"videos", "ratings", "views", "video_tags", "favorites"}
)  # what every version has
LONGEST_VALUE_BYTES = 1 << 20
FIRST_ROW, LAST_ROW = -(1 << 63), (1 << 63) - 1

Cell = int | float | str | bytes | None


class OriginalRow(Struct, frozen=True):
    """A row: its number in the table, and the columns of `TABLES`."""

    table: str
    number: int
    cells: tuple[Cell, ...]


class Damage(Struct, frozen=True):
    """A part that could not be read; `table` is None where it is the whole file."""

    table: str | None
    why: str


class TableEnd(Struct, frozen=True):
    """A table was read to its end."""

    table: str


def rows(path: Path) -> Iterator[OriginalRow | Damage | TableEnd]:
    """Every row of the tables that are known, what could not be read, and which tables were read
    whole. Raises OSError.
    """
    with contextlib.ExitStack() as stack:
        try:
            database = stack.enter_context(opened(path))
            sql = (
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE"
                " VIRTUAL%'"
            )
            there = {name for (name,) in database.execute(sql)}
        except sqlite3.Error as error:
            yield Damage(None, f"it cannot be read as a database: {error}")
            return
        if not there & OLDEST:
            yield Damage(None, "it holds no table of the original Local Video Server")
            return
        for table, (needed, wanted) in TABLES.items():
            if table in there:
                yield from _table(database, table, needed, wanted)
            elif table in OLDEST:
                yield Damage(table, "the table is missing")


@contextlib.contextmanager
def opened(path: Path, what_is_left: bool = True) -> Iterator[sqlite3.Connection]:
    """A database of another program, read-only; as a copy where a journal lies beside it. With
    `what_is_left` also one that was cut off. Raises OSError, sqlite3.Error.
    """
    with path.open("rb"):
        pass  # an OSError says more than SQLite would
    beside = [Path(f"{path}{ending}") for ending in ("-wal", "-journal")]
    with contextlib.ExitStack() as stack:
        if any(each.exists() for each in beside):
            # Changes that are not in the main file yet: SQLite has to work them in, which only a
            # copy may suffer.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lvs-")))
            for each in (path, *beside):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(each, folder / each.name)
            address = (folder / path.name).as_uri()
        else:
            address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        database = stack.enter_context(contextlib.closing(sqlite3.connect(address, uri=True)))
        database.text_factory = _text
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE_BYTES)
        database.execute("PRAGMA trusted_schema = OFF")
        if what_is_left:
            database.execute("PRAGMA writable_schema = ON")
        yield database


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _table(
    database: sqlite3.Connection, table: str, needed: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[OriginalRow | Damage | TableEnd]:
    try:
        present = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    except sqlite3.Error as error:
        yield Damage(table, str(error))
        return
    missing = [column for column in needed if column not in present]
    if missing:
        yield Damage(table, f"the table has no column {missing[0]}")
        return
    columns = ", ".join((*needed, *(column if column in present else "NULL" for column in wanted)))
    sql = f"SELECT rowid, {columns} FROM {table} NOT INDEXED WHERE rowid >= ? ORDER BY rowid"
    damage = None
    start, step = FIRST_ROW, 1
    while start <= LAST_ROW:
        try:
            for row in database.execute(sql, (start,)):
                yield OriginalRow(table, row[0], row[1:])
                start, step = row[0] + 1, 1
            break
        except sqlite3.Error as error:
            damage = damage or Damage(table, f"only a part of it can be read: {error}")
            # Behind the damaged page there may be sound ones. How many rows it held nobody knows:
            # try further and further on.
            start, step = start + step, step + max(1, step // 4)
    yield damage or TableEnd(table)
