"""One SQLite file: a few read connections and one write connection.

A write returns only after its commit, with `synchronous=FULL`. SQLite's errors become messages, and
connections are reopened where that may help, so that LVS needs no restart after the disk was full,
read-only or away.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiosqlite
from msgspec import Struct

from lvs.db import backup, connection
from lvs.db.connection import Connection, Transaction, is_damage, is_stale, readable_error
from lvs.db.migrate import MIGRATIONS, check_known, format_of, migrate, steps
from lvs.db.query_stats import QueryStats
from lvs.db.writer import Writer
from lvs.errors import Conflict, DatabaseDamaged, LvsError, Unavailable

__all__ = ["Connection", "Database", "QueryStats", "Transaction"]

if TYPE_CHECKING:
    from lvs.config import Config

log = logging.getLogger(__name__)

T = TypeVar("T")

# a larger database is checked with its nightly backup only: starting must not take minutes
CHECKED_BYTES = 256 << 20


class _Reader(Struct):
    """A read-only connection, and how often the file had been replaced when it was opened."""

    raw: aiosqlite.Connection
    generation: int


class Database:
    """Opens, migrates and serves one database file. Without `checkpoints` its write-ahead log is
    left to another program (see `lvs.db.wal`).
    """

    def __init__(
        self,
        path: Path,
        readers: int = 3,
        backup_folder: Path | None = None,
        checkpoints: bool = True,
        migrations: Path = MIGRATIONS,
    ) -> None:
        self.path = path
        self._migrations = migrations
        self._checkpoints = checkpoints
        self.usage = QueryStats()
        self.backup_folder = backup_folder or path.parent / "backups"
        self._reader_count = readers
        self._readers: asyncio.LifoQueue[_Reader] = asyncio.LifoQueue()
        self._open_readers: set[aiosqlite.Connection] = set()
        self._writer = Writer(self._connect_again, self._in_place, self.usage)
        self._file: tuple[int, int] | None = None
        self._generation = 0
        self._data_version = 0
        self._opening: asyncio.Task[None] | None = None

    @classmethod
    def from_config(cls, config: "Config") -> Self:
        """The database of this configuration. Nothing is opened yet."""
        return cls(
            config.metadata_db,
            backup_folder=config.data_directory / "backups",
            checkpoints=not config.replicates,
        )

    def begin_opening(self, anew: bool = False) -> asyncio.Task[None]:
        """Start opening in the background; `open` waits for it and raises its errors."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(anew))
        return self._opening

    async def open(self, anew: bool = False) -> None:
        """Open the file, migrate it (after a backup) and start the readers.

        Raises DatabaseDamaged if the file is no sound database, Unavailable if it cannot be opened
        or an existing one has disappeared (unless `anew`), Conflict if a newer LVS wrote it,
        DiskFull if there is no room for the backup.
        """
        await self.begin_opening(anew)

    async def _open(self, anew: bool) -> None:
        if not anew:
            await asyncio.to_thread(backup.refuse_missing_database, self.path, self.backup_folder)
        try:
            raw = await self._connect_first()
            await self._writer.open(raw)
            self._file = self._file_now()
            for _ in range(self._reader_count):
                self._readers.put_nowait(await self._connect_reader())
        except sqlite3.Error as error:
            await self._close_connections()
            raise self._cannot_open(error) from error
        except BaseException:
            await self._close_connections()
            raise

    async def close(self) -> None:
        """Close every connection. Every write that returned is on disk already."""
        opening, self._opening = self._opening, None
        if opening is not None and not opening.done():
            opening.cancel()
            await asyncio.wait([opening])
        await self._close_connections()

    async def _close_connections(self) -> None:
        await self._writer.close()
        for raw in list(self._open_readers):
            await connection.close(raw)
        self._open_readers.clear()

    def _cannot_open(self, error: sqlite3.Error) -> LvsError:
        if is_damage(error):
            return DatabaseDamaged(f"The database {self.path} is damaged: {error}.")
        return Unavailable(f"The database {self.path} cannot be opened: {error}.")

    async def _connect(self, own_thread_only: bool = True) -> aiosqlite.Connection:
        return await connection.connect(self.path, own_thread_only, self._checkpoints)

    async def _connect_first(self) -> aiosqlite.Connection:
        raw = await self._connect(own_thread_only=False)
        wanted = steps(self._migrations)
        try:
            connection.check_private_parts(raw)
            await self._quick_check(raw)
            await check_known(raw, self.path, len(wanted))
            found = await format_of(raw)
            if 0 < found < len(wanted):
                log.info("migrating the database from format %d to %d", found, len(wanted))
                await asyncio.to_thread(
                    backup.before_migration, self.path, self.backup_folder, found
                )
            await raw.execute("PRAGMA journal_mode = WAL")
            await raw.execute("PRAGMA synchronous = FULL")
            await migrate(raw, self.path, wanted)
            [(self._data_version,)] = await raw.execute_fetchall("PRAGMA data_version")
        except BaseException:
            await connection.close(raw)
            raise
        return raw

    async def _quick_check(self, raw: aiosqlite.Connection) -> None:
        """Check the pages now: a damaged one is better found at the start than by a visitor."""
        if self.path.stat().st_size <= CHECKED_BYTES:
            [row] = await raw.execute_fetchall("PRAGMA quick_check(1)")
            if row[0] != "ok":
                raise DatabaseDamaged(f"The database {self.path} is damaged: {row[0]}.")

    async def _connect_again(self) -> aiosqlite.Connection:
        """A new write connection, after the old one became stale or the file was replaced."""
        raw = await self._connect(own_thread_only=False)
        try:
            await self._check_format(raw)
            await raw.execute("PRAGMA journal_mode = WAL")
            await raw.execute("PRAGMA synchronous = FULL")
        except BaseException:
            await connection.close(raw)
            raise
        if self._file != self._file_now():
            log.warning("the database file was replaced; LVS uses the new one")
            self._file = self._file_now()
            self._generation += 1
        return raw

    async def _check_format(self, raw: aiosqlite.Connection) -> None:
        if await format_of(raw) != len(steps(self._migrations)):
            raise Conflict(
                f"The file {self.path} was replaced by one of another format. Restart LVS."
            )

    def _in_place(self) -> bool:
        """True if the open file is still the one at its path. Raises Unavailable if there is none.

        What is written to a deleted file is lost with its last connection.
        """
        now = self._file_now()
        if now is None:
            raise Unavailable("The database file is missing. Nothing was changed; put it back.")
        return now == self._file

    def _file_now(self) -> tuple[int, int] | None:
        try:
            state = os.stat(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(
                "The LVS data folder cannot be reached. Nothing was changed."
            ) from error
        return state.st_dev, state.st_ino

    async def _connect_reader(self) -> _Reader:
        raw = await self._connect()
        self._open_readers.add(raw)
        await raw.execute("PRAGMA query_only = ON")
        return _Reader(raw, self._generation)

    async def _replaced(self, reader: _Reader) -> _Reader:
        """A fresh reader, or the old one if none can be opened."""
        try:
            fresh = await self._connect_reader()
        except sqlite3.Error as error:
            log.warning("the database cannot be reopened for reading: %s", error)
            return reader
        self._open_readers.discard(reader.raw)
        await connection.close(reader.raw)
        return fresh

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A read-only connection. It sees every write that has returned."""
        reader = await self._readers.get()
        try:
            if reader.generation != self._generation:
                reader = await self._replaced(reader)
            yield Connection(reader.raw, self.usage)
        except sqlite3.Error as error:
            if is_stale(error):
                reader = await self._replaced(reader)
            raise readable_error(error) from error
        finally:
            self._readers.put_nowait(reader)

    async def changed_elsewhere(self) -> bool:
        """True if another program wrote to the file since the last call.

        Raises Unavailable as `transaction` does.
        """
        async with self.transaction() as tx:
            version = int(await tx.value("PRAGMA data_version"))
        before, self._data_version = self._data_version, version
        return before not in (0, version)

    async def write(self, block: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """Run `block` and return its result once its changes are on disk. If it raises, its changes
        are undone and its error is raised.

        Faster than `transaction`, for blocks that await nothing but their transaction. A caller
        that is cancelled while waiting does not know whether the block ran. Raises DiskFull or
        Unavailable if the disk or another program prevents the write.
        """
        return await self._writer.write(block)

    def transaction(self) -> contextlib.AbstractAsyncContextManager[Transaction]:
        """A connection that may write. Leaving the block commits; an error inside it rolls
        everything back.

        Raises DiskFull or Unavailable if the disk or another program prevents the write; nothing
        was changed then.
        """
        return self._writer.transaction()
