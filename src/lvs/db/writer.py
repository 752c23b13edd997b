"""The one connection that writes. Writers take turns, and whoever waits while another writes joins its commit.

"Group commit": sixteen clients cost one `fsync` and not sixteen; a lone writer commits at once. Each block is a savepoint, so
that one that fails takes back what it did itself and nothing of the others in its turn. Whoever leaves the writer and finds
nobody in line commits; `_turn` is None exactly when no transaction is open.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import aiosqlite

from lvs.db.connection import BUSY_SECONDS, Transaction, close, in_words, is_busy, is_worn
from lvs.db.usage import Usage
from lvs.errors import Unavailable

T = TypeVar("T")

MAX_JOINED = 64  # blocks in one commit
MAX_TURN_SECONDS = 0.1  # nobody waits longer than this for others to join
BUSY_SLICE_MS = 250  # how long SQLite itself waits for another program; between the slices a caller can leave
BUSY_PAUSE_SECONDS = 0.02
CLOSE_SECONDS = 1.0


class _Turn:
    """A commit that several blocks may share."""

    def __init__(self, raw: aiosqlite.Connection) -> None:
        self.raw = raw
        self.joined = 0
        self._began = time.monotonic()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def full(self) -> bool:
        return self.joined >= MAX_JOINED or time.monotonic() - self._began > MAX_TURN_SECONDS

    def succeed(self) -> None:
        self._done.set_result(None)

    def fail(self, error: Exception) -> None:
        # aiosqlite says ValueError where a connection is closed.
        self._done.set_exception(error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error)))
        self._done.exception()  # every member of the turn may have gone: no complaint then

    async def settled(self) -> None:
        """Come back when the commit is on disk. Raises what kept it from getting there."""
        await asyncio.shield(self._done)


class Writer:
    """Gives one block after the other the writing connection, and opens a new one when the old is worn."""

    def __init__(
        self, connect: Callable[[], Awaitable[aiosqlite.Connection]], in_place: Callable[[], bool], usage: Usage
    ) -> None:
        self._connect = connect
        self._in_place = in_place
        self._usage = usage
        self._raw: aiosqlite.Connection | None = None
        self._worn = False
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._turn: _Turn | None = None
        self._leftovers: set[asyncio.Task[None]] = set()

    async def open(self, raw: aiosqlite.Connection) -> None:
        """Take this connection. Raises sqlite3.Error."""
        await raw.execute(f"PRAGMA busy_timeout = {BUSY_SLICE_MS}")
        self._raw = raw

    async def close(self) -> None:
        """Let the block that runs end, and close; what was answered is on disk already."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._lock.acquire(), CLOSE_SECONDS)
            self._lock.release()
        raw, self._raw = self._raw, None
        if raw is not None:
            await close(raw)
        if self._turn is not None:
            self._turn.fail(sqlite3.OperationalError("the database was closed"))
            self._turn = None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """See Database.transaction."""
        asked = time.monotonic()
        await self._wait_in_line()
        try:
            try:
                turn = await self._begin(asked + BUSY_SECONDS)
            finally:
                self._usage.waited(time.monotonic() - asked)
            transaction = Transaction(turn.raw, self._usage)
            try:
                yield transaction
            except BaseException as error:
                transaction.end()
                await _to_the_end(self._undo(turn, error))
                raise
            transaction.end()
            ended = time.monotonic()
            await _to_the_end(self._keep(turn))
        except sqlite3.Error as error:
            raise in_words(error) from error
        finally:
            self._lock.release()
        try:
            await turn.settled()
        except sqlite3.Error as error:
            raise in_words(error) from error
        finally:
            self._usage.committed(time.monotonic() - ended)

    async def _wait_in_line(self) -> None:
        self._waiting += 1
        try:
            await self._lock.acquire()
        except BaseException:
            if self._turn is not None and self._waiting == 1:
                # Somebody may have left the commit to us, and we are leaving: it must not wait for the next who comes.
                leftover = asyncio.ensure_future(self._commit_leftover())
                self._leftovers.add(leftover)
                leftover.add_done_callback(self._leftovers.discard)
            raise
        finally:
            self._waiting -= 1

    async def _commit_leftover(self) -> None:
        async with self._lock:
            if self._turn is not None and not self._waiting:
                await self._commit(self._turn)

    async def _begin(self, deadline: float) -> _Turn:
        while True:
            try:
                turn, cancelled = await _through(self._begin_now())
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(BUSY_PAUSE_SECONDS)
                continue
            if cancelled:
                await _to_the_end(self._undo(turn, cancelled))
                raise cancelled
            self._usage.transactions += 1
            return turn

    async def _begin_now(self) -> _Turn:
        turn = self._turn
        if turn is not None:
            try:
                await turn.raw.execute("SAVEPOINT block")
            except (sqlite3.Error, ValueError) as error:
                await self._abandon(turn, error)
                raise sqlite3.OperationalError(str(error)) from error
            return turn
        raw = await self._usable()
        try:
            await raw.executescript("BEGIN IMMEDIATE; SAVEPOINT block")
        except sqlite3.Error as error:
            self._worn = raw.in_transaction or is_worn(error)
            raise
        self._turn = _Turn(raw)
        return self._turn

    async def _usable(self) -> aiosqlite.Connection:
        """The connection, or a new one where the old is worn or the file in its place is another."""
        if self._raw is None:
            raise Unavailable("The database is not open.")
        if not self._in_place() or self._worn:
            old, new = self._raw, await self._connect()
            await self.open(new)
            self._worn = False
            await close(old)
        return self._raw

    async def _undo(self, turn: _Turn, error: BaseException) -> None:
        """Take back this block alone; what others did in the same turn stays."""
        self._worn = self._worn or is_worn(error)
        try:
            await turn.raw.execute("ROLLBACK TO block")
            await turn.raw.execute("RELEASE block")
        except (sqlite3.Error, ValueError) as also:  # SQLite itself rolled all of it back, on a full disk for example
            await self._abandon(turn, error if isinstance(error, sqlite3.Error) else also)
            return
        if turn.full or not self._waiting:
            await self._commit(turn)

    async def _keep(self, turn: _Turn) -> None:
        """Leave what this block did to the next in line to commit, or commit it where there is none."""
        turn.joined += 1
        if turn.full or not self._waiting:
            await self._commit(turn)  # which ends the savepoint too
            return
        try:
            await turn.raw.execute("RELEASE block")
        except (sqlite3.Error, ValueError) as error:
            await self._abandon(turn, error)

    async def _commit(self, turn: _Turn) -> None:
        try:
            await (_commit_patiently(turn.raw) if turn.joined else turn.raw.execute("ROLLBACK"))
        except (sqlite3.Error, ValueError) as error:
            await self._abandon(turn, error)
            return
        self._turn = None
        self._usage.commits += bool(turn.joined)
        turn.succeed()

    async def _abandon(self, turn: _Turn, error: Exception) -> None:
        """Nothing of this turn can be kept: every block in it hears so."""
        self._worn = self._worn or is_worn(error)
        try:
            if turn.raw.in_transaction:
                await turn.raw.execute("ROLLBACK")
        except (sqlite3.Error, ValueError):
            self._worn = True
        self._turn = None
        turn.fail(error)


async def _commit_patiently(raw: aiosqlite.Connection) -> None:
    # Where the file system allows no WAL, another program that reads can stand in the way of a commit for a moment.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            await raw.execute("COMMIT")
        except sqlite3.Error as error:
            if not (is_busy(error) and raw.in_transaction) or time.monotonic() >= deadline:
                raise
            await asyncio.sleep(BUSY_PAUSE_SECONDS)
        else:
            return


async def _through(step: Coroutine[Any, Any, T]) -> tuple[T, asyncio.CancelledError | None]:
    """Run a step to its end however often the caller is cancelled; its result, and the cancellation if there was one."""
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled and (task.cancelled() or task.exception() is not None):
        raise cancelled
    return task.result(), cancelled


async def _to_the_end(step: Coroutine[Any, Any, None]) -> None:
    """Run a step to its end, so that the connection is never left half way; a cancellation is raised after it."""
    _, cancelled = await _through(step)
    if cancelled:
        raise cancelled
