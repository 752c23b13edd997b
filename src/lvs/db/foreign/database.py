"""A database of another program: opened for reading, refused where it is not what it should be."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lvs.db import original_db
from lvs.errors import Invalid

Row = tuple[Any, ...]


class ForeignDatabase:
    """Rows of another program's SQLite file. Blocking code."""

    def __init__(self, connection: sqlite3.Connection, path: Path, program: str) -> None:
        self._connection = connection
        self.path, self.program = path, program

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a query."""
        return self._connection.execute(sql, values).fetchall()

    def columns(self, table: str) -> frozenset[str]:
        """Names of a table's columns; empty where there is no such table."""
        sql = "SELECT name FROM pragma_table_info(?)"
        return frozenset(row[0] for row in self.rows(sql, (table,)))

    def require(self, needed: Mapping[str, Sequence[str]], version: str) -> None:
        """Raises Invalid where a table or a column is missing; `version` says which it is."""
        for table, names in needed.items():
            there = self.columns(table)
            if not there:
                raise Invalid(self.refusal(version, f"it has no table {table}"))
            if missing := [name for name in names if name not in there]:
                raise Invalid(
                    self.refusal(version, f"the table {table} has no column {missing[0]}")
                )

    def latest_migration(self, table: str, column: str, oldest: int, newest: int) -> str:
        """The migration that came last, in words; each begins with its number. Raises Invalid where
        there is none, and for one that LVS does not know.
        """
        if column not in self.columns(table):
            raise Invalid(self.refusal("", f"it has no table {table}"))
        sql = f"SELECT max({column}) FROM {table} WHERE {column} GLOB '[0-9]*'"
        found = str(self.rows(sql)[0][0] or "none")
        named = f"migration {found}"
        digits = "".join(itertools.takewhile("0123456789".__contains__, found[:20]))
        if not digits or not oldest <= int(digits) <= newest:
            known = f"LVS knows migrations {oldest} to {newest}"
            raise Invalid(self.refusal(named, known))
        return named

    def refusal(self, version: str, why: str) -> str:
        """The message that refuses a version."""
        said = f" ({version})" if version else ""
        return f"{self.path} is no database of {self.program} that LVS can read{said}: {why}."


@contextlib.contextmanager
def opened(path: Path, program: str) -> Iterator[ForeignDatabase]:
    """Another program's database. Raises Invalid where it is damaged or no database, OSError."""
    try:
        with original_db.opened(path, what_is_left=False) as connection:
            yield ForeignDatabase(connection, path, program)
    except sqlite3.Error as error:
        raise Invalid(f"{path} cannot be read as a database of {program}: {error}.") from None
