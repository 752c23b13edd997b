"""One SQLite file: a few connections that read, one that writes.

Writers take turns. Whoever waits while another writes joins its commit ("group commit"), so sixteen clients cost one
`fsync` and not sixteen; a lone writer commits at once. A change is answered only after its commit, with `synchronous=FULL`.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from lvs.errors import Conflict, Full, LvsError, Unavailable
from lvs.text import natural_key, searchable

T = TypeVar("T")
Values = Mapping[str, Any] | Sequence[Any]

BUSY_SECONDS = 10.0
MAX_JOINED = 64  # transactions in one commit
MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(slots=True)
class Usage:
    """What the database was asked for since the start; seconds include waiting for its thread."""

    queries: int = 0
    seconds: float = 0.0
    commits: int = 0
    transactions: int = 0
    writer_wait_s: float = 0.0


class Connection:
    """A connection that answers with rows and counts what it was asked."""

    def __init__(self, raw: aiosqlite.Connection, usage: Usage) -> None:
        self._raw = raw
        self._usage = usage

    async def all(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Every row."""
        started = time.perf_counter()
        try:
            return list(await self._raw.execute_fetchall(sql, values))
        finally:
            self._usage.queries += 1
            self._usage.seconds += time.perf_counter() - started

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
        started = time.perf_counter()
        try:
            async with self._raw.executemany(sql, values):
                pass
        finally:
            self._usage.queries += 1
            self._usage.seconds += time.perf_counter() - started


class Transaction(Connection):
    """The writing connection, inside a transaction."""

    async def run(self, sql: str, values: Values = ()) -> int:
        """Run a statement that changes rows; the number of rows it changed."""
        started = time.perf_counter()
        try:
            async with self._raw.execute(sql, values) as cursor:
                return cursor.rowcount
        finally:
            self._usage.queries += 1
            self._usage.seconds += time.perf_counter() - started


class _Turn:
    """A commit that several transactions may share."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.joined = 0


class Database:
    """Opens, migrates and serves one database file."""

    def __init__(self, path: Path, readers: int = 3) -> None:
        self.path = path
        self.usage = Usage()
        self._reader_count = readers
        self._readers: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        self._open: list[aiosqlite.Connection] = []
        self._writer: aiosqlite.Connection | None = None
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._turn: _Turn | None = None
        self._leftover: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the file, bring its tables up to date and start the readers.

        Raises Unavailable where the file cannot be opened or is no database, Conflict where a newer LVS wrote it.
        """
        try:
            self._writer = await self._connect()
            await self._writer.execute("PRAGMA journal_mode = WAL")
            await self._writer.execute("PRAGMA synchronous = FULL")
            await self._migrate(self._writer)
            for _ in range(self._reader_count):
                raw = await self._connect()
                await raw.execute("PRAGMA query_only = ON")
                self._readers.put_nowait(Connection(raw, self.usage))
        except sqlite3.Error as error:
            await self.close()
            raise Unavailable(f"The database {self.path} cannot be opened: {error}.") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every connection; what was answered is on disk already."""
        for raw in self._open:
            with contextlib.suppress(sqlite3.Error, ValueError):
                await raw.close()
        self._open.clear()

    async def _connect(self) -> aiosqlite.Connection:
        raw = await aiosqlite.connect(self.path, isolation_level=None, timeout=BUSY_SECONDS, cached_statements=256)
        self._open.append(raw)
        raw.row_factory = sqlite3.Row
        await raw.create_function("natural_key", 1, natural_key, deterministic=True)
        await raw.create_function("searchable", 1, searchable, deterministic=True)
        for pragma in ("foreign_keys = ON", "cache_size = -16384", "temp_store = MEMORY", "mmap_size = 268435456"):
            await raw.execute(f"PRAGMA {pragma}")
        return raw

    async def _migrate(self, raw: aiosqlite.Connection) -> None:
        steps = sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))
        async with raw.execute("PRAGMA user_version") as cursor:
            row = await cursor.fetchone()
        version = row[0] if row else 0
        if version > len(steps):
            raise Conflict(
                f"The database {self.path} was written by a newer LVS: its format is {version}, this LVS knows {len(steps)}. "
                "Update LVS."
            )
        for number, step in enumerate(steps[version:], version + 1):
            script = step.read_text(encoding="utf-8")
            await raw.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection that can only read; it sees every change that was answered before."""
        connection = await self._readers.get()
        try:
            yield connection
        except sqlite3.Error as error:
            raise _in_words(error) from error
        finally:
            self._readers.put_nowait(connection)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A connection that may write. Leaving the block commits; an error inside it undoes all that the block did.

        Raises Full or Unavailable where the disk or another program stands in the way; nothing was changed then.
        """
        raw = self._writer
        if raw is None:
            raise Unavailable("The database is not open.")
        asked = time.perf_counter()
        await self._wait_for_turn()
        self.usage.writer_wait_s += time.perf_counter() - asked
        try:
            turn = await _uninterrupted(self._begin(raw))
            try:
                yield Transaction(raw, self.usage)
            except BaseException as error:
                await _uninterrupted(self._undo(raw, turn, error))
                raise
            await _uninterrupted(self._finish(raw, turn))
        except sqlite3.Error as error:
            raise _in_words(error) from error
        finally:
            self._lock.release()
        await _settled(turn.done)

    async def _wait_for_turn(self) -> None:
        self._waiting += 1
        try:
            await self._lock.acquire()
        except asyncio.CancelledError:
            self._waiting -= 1
            if self._turn is not None and not self._waiting:
                # Somebody left the commit to us, and we are leaving: another has to do it.
                self._leftover = asyncio.ensure_future(self._commit_leftover())
            raise
        self._waiting -= 1

    async def _commit_leftover(self) -> None:
        async with self._lock:
            if self._turn is not None and self._writer is not None:
                await self._commit_if_last(self._writer, self._turn)

    async def _begin(self, raw: aiosqlite.Connection) -> _Turn:
        if self._turn is None:
            await raw.execute("BEGIN IMMEDIATE")
            self._turn = _Turn()
        await raw.execute("SAVEPOINT one")
        self.usage.transactions += 1
        return self._turn

    async def _undo(self, raw: aiosqlite.Connection, turn: _Turn, error: BaseException) -> None:
        """Take back this block alone; what others did in the same turn stays and is committed by the last of them."""
        if not raw.in_transaction:  # SQLite itself rolled all of it back, on a full disk for example
            self._fail(turn, error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError("rolled back"))
            return
        await raw.execute("ROLLBACK TO one")
        await raw.execute("RELEASE one")
        await self._commit_if_last(raw, turn)

    async def _finish(self, raw: aiosqlite.Connection, turn: _Turn) -> None:
        try:
            await raw.execute("RELEASE one")
        except sqlite3.Error as error:
            self._fail(turn, error)
            if raw.in_transaction:
                await raw.execute("ROLLBACK")
            return
        turn.joined += 1
        await self._commit_if_last(raw, turn)

    async def _commit_if_last(self, raw: aiosqlite.Connection, turn: _Turn) -> None:
        if self._waiting and turn.joined < MAX_JOINED:
            return  # the next one in line joins this commit
        try:
            await raw.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(turn, error)
            if raw.in_transaction:
                await raw.execute("ROLLBACK")
            return
        self.usage.commits += 1
        self._turn = None
        turn.done.set_result(None)

    def _fail(self, turn: _Turn, error: sqlite3.Error) -> None:
        self._turn = None
        turn.done.set_exception(error)
        turn.done.exception()  # every member of the turn may have gone: no complaint then


async def _settled(done: asyncio.Future[None]) -> None:
    try:
        await asyncio.shield(done)
    except sqlite3.Error as error:
        raise _in_words(error) from error


async def _uninterrupted(step: Coroutine[Any, Any, T]) -> T:
    """Run a step to its end even when the caller is cancelled, so that the connection is never left half way."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _in_words(error: sqlite3.Error) -> LvsError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary == sqlite3.SQLITE_FULL:
        return Full("The disk that holds the LVS data is full. Nothing was changed; free some space and try again.")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable("Another program holds the database. Nothing was changed; try again in a moment.")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return Unavailable("The LVS data folder cannot be written to. Nothing was changed.")
    return Unavailable("The database could not do this. Nothing was changed; details are in the log.")
