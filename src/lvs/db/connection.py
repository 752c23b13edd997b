"""Connections that answer with rows, and what SQLite's errors mean to people."""

import logging
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from lvs import random_order
from lvs.db import wal
from lvs.db.query_stats import QueryStats
from lvs.errors import DatabaseDamaged, DiskFull, LvsError, Unavailable
from lvs.playability import plays_code
from lvs.text import folder_end, folder_of, natural_key, searchable
from lvs.titles import title_from_path

log = logging.getLogger(__name__)

T = TypeVar("T")
Values = Mapping[str, Any] | Sequence[Any]

BUSY_SECONDS = 10.0

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_CLOSED_TO_US = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_STALE = (
    _DAMAGED
    | _CLOSED_TO_US
    | {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_MISUSE}
)


class Connection:
    """A connection that answers with rows and counts what it was asked."""

    def __init__(self, raw: aiosqlite.Connection, usage: QueryStats) -> None:
        self._raw = raw
        self._usage = usage

    async def all(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Every row."""
        self._check()
        started = time.perf_counter()
        try:
            return list(await self._raw.execute_fetchall(sql, values))
        finally:
            self._usage.asked(sql, time.perf_counter() - started)

    async def tuples(self, sql: str, values: Values = ()) -> list[Any]:
        """Every row as a plain tuple, which many rows are worth: they take a third of the time."""

        def fetch() -> list[Any]:
            with closing(direct(self._raw).cursor()) as cursor:
                cursor.row_factory = None
                return cursor.execute(sql, values).fetchall()

        self._check()
        started = time.perf_counter()
        try:
            return await on_thread(self._raw, fetch)
        finally:
            self._usage.asked(sql, time.perf_counter() - started)

    async def one(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """The first row, or None."""
        rows = await self.all(sql, values)
        return rows[0] if rows else None

    async def value(self, sql: str, values: Values = ()) -> Any:
        """The first column of the first row, or None."""
        row = await self.one(sql, values)
        return row[0] if row else None

    async def run_many(self, sql: str, values: Iterable[Values]) -> None:
        """Run one statement for each set of values."""
        self._check()
        started = time.perf_counter()
        try:
            async with self._raw.executemany(sql, values):
                pass
        finally:
            self._usage.asked(sql, time.perf_counter() - started)

    def _check(self) -> None:
        """Raise where a statement would not do what its caller means."""


class Transaction(Connection):
    """The writing connection, inside a transaction."""

    def __init__(self, raw: aiosqlite.Connection, usage: QueryStats) -> None:
        super().__init__(raw, usage)
        self._over = False

    async def run(self, sql: str, values: Values = ()) -> int:
        """Run a statement that changes rows; the number of rows it changed."""
        self._check()
        started = time.perf_counter()
        try:
            # Closing the cursor would be another way to the thread and back; of a statement without
            # rows nothing is left open.
            return (await self._raw.execute(sql, values)).rowcount
        finally:
            self._usage.asked(sql, time.perf_counter() - started)

    def end(self) -> None:
        """Mark the block as left: whoever still holds this transaction can do nothing with it."""
        self._over = True

    def _check(self) -> None:
        # A full disk makes SQLite roll back by itself; what the block did next would be committed
        # statement by statement.
        if self._over or not self._raw.in_transaction:
            raise sqlite3.OperationalError("this transaction is over")


class DirectTransaction(Transaction):
    """A transaction for a block that runs in one go, on whatever thread: a statement is a call, and
    nothing is waited for.
    """

    def __init__(self, raw: aiosqlite.Connection) -> None:
        super().__init__(raw, QueryStats())
        self._direct = direct(raw)
        self.asked: list[tuple[str, float]] = []

    async def all(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Every row."""
        return self._execute(self._direct.execute, sql, values).fetchall()

    async def run(self, sql: str, values: Values = ()) -> int:
        """Run a statement that changes rows; the number of rows it changed."""
        return self._execute(self._direct.execute, sql, values).rowcount

    async def run_many(self, sql: str, values: Iterable[Values]) -> None:
        """Run one statement for each set of values."""
        self._execute(self._direct.executemany, sql, values)

    def _execute(
        self, execute: Callable[[str, Any], sqlite3.Cursor], sql: str, values: Any
    ) -> sqlite3.Cursor:
        self._check()
        started = time.perf_counter()
        try:
            return execute(sql, values)
        finally:
            self.asked.append((sql, time.perf_counter() - started))


def check_private_parts(raw: aiosqlite.Connection) -> None:
    """Raise Unavailable where aiosqlite lacks what `direct` and `on_thread` use of it."""
    if not isinstance(getattr(raw, "_conn", None), sqlite3.Connection) or not hasattr(
        raw, "_execute"
    ):
        raise Unavailable(
            "This version of aiosqlite is built in another way than LVS needs. Install the version"
            " that LVS asks for: pip install --upgrade local-video-server"
        )


def direct(raw: aiosqlite.Connection) -> sqlite3.Connection:
    """The connection below, for what runs on its thread already: private to aiosqlite, as
    `on_thread` is, and nowhere else in use.
    """
    return raw._conn


async def on_thread(raw: aiosqlite.Connection, function: Callable[[], T]) -> T:
    """The result of a function called on the connection's thread, where several statements
    cost one way there and back.
    """
    # aiosqlite offers each of sqlite3's methods, and nothing public that takes several.
    result: T = await raw._execute(function)  # type: ignore[no-untyped-call]
    return result


# Name, number of arguments, and what is called, of what our SQL asks of Python.
SQL_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("natural_key", 1, natural_key),
    ("searchable", 1, searchable),
    ("title_from_path", 1, title_from_path),
    ("plays_code", 6, plays_code),
    ("folder_of", 1, folder_of),
    ("folder_end", 1, folder_end),
    ("permuted", 3, random_order.permuted),
)


def run_to_completion(block: Coroutine[Any, Any, T]) -> T:
    """Run a block that awaits nothing but a DirectTransaction. Raises what it raises."""
    try:
        block.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    block.close()
    raise RuntimeError("a block that writes may await nothing but the database")


class _PreparedConnection(sqlite3.Connection):
    """A connection set up as every one of ours is, in one go on its own thread."""

    def __init__(self, *arguments: Any, pragmas: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        try:
            self.row_factory = sqlite3.Row
            for name, count, function in SQL_FUNCTIONS:
                self.create_function(name, count, function, deterministic=True)
            for pragma in pragmas:
                self.execute(f"PRAGMA {pragma}")
        except BaseException:
            self.close()
            raise


async def connect(
    path: Path, own_thread_only: bool = True, checkpoints: bool = True
) -> aiosqlite.Connection:
    """A connection set up as every one of ours is; without `checkpoints` it leaves the write-ahead
    log to another program. Raises sqlite3.Error.
    """
    # No memory map: a file that is cut short, or a disk that fails, under one ends the process
    # and not the query.
    pragmas = (
        "foreign_keys = ON",
        "cache_size = -4096",
        "temp_store = MEMORY",
        "mmap_size = 0",
        *wal.pragmas(path, checkpoints),
    )
    return await aiosqlite.connect(
        path,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        cached_statements=256,
        check_same_thread=own_thread_only,
        factory=partial(_PreparedConnection, pragmas=pragmas),
    )


async def close(raw: aiosqlite.Connection) -> None:
    """Close a connection in whatever state it is; an open transaction is rolled back."""
    try:
        await raw.close()
    except (sqlite3.Error, ValueError) as error:
        log.warning("a database connection could not be closed: %s", error)


def readable_error(error: sqlite3.Error) -> LvsError:
    """An error as people should read it."""
    kind = _kind(error)
    if kind == sqlite3.SQLITE_FULL:
        return DiskFull(
            "The disk that holds the LVS data is full. Nothing was changed; free some space and try"
            " again."
        )
    if kind in _BUSY:
        return Unavailable(
            "Another program holds the database. Nothing was changed; try again in a moment."
        )
    if kind in _CLOSED_TO_US:
        return Unavailable("The LVS data folder cannot be written to. Nothing was changed.")
    if kind in _DAMAGED:
        log.error(
            "the database is damaged (%s): run `lvs check`, and bring back a backup with `lvs"
            " restore`",
            error,
        )
        return DatabaseDamaged(
            "The database is damaged where this is kept. Nothing was changed; `lvs check` says"
            " more."
        )
    if kind == sqlite3.SQLITE_IOERR:
        return Unavailable(
            "The disk that holds the LVS data did not do its part. Nothing was changed; details are"
            " in the log."
        )
    return Unavailable(
        "The database could not do this. Nothing was changed; details are in the log."
    )


def is_busy(error: sqlite3.Error) -> bool:
    """True if another program stands in the way, and waiting may help."""
    return _kind(error) in _BUSY


def is_stale(error: BaseException) -> bool:
    """True if a new connection may do better: this one has seen a disk or a file that was not as it
    should be.
    """
    return isinstance(error, sqlite3.Error) and _kind(error) in _STALE


def is_damage(error: sqlite3.Error) -> bool:
    """True if the file is no sound database."""
    return _kind(error) in _DAMAGED


def _kind(error: sqlite3.Error) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if code is not None else None
