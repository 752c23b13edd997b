"""The one connection that writes; writers take turns.

`transaction` is exclusive: BEGIN IMMEDIATE, the block, COMMIT. Each of its statements costs a round
trip to the connection's thread, so it is for blocks that wait for other things meanwhile.

`write` is for everything else: all waiting blocks run on that thread one after the other, in one
transaction, with one round trip and one `fsync` ("group commit"). Each block is a savepoint: one
that fails undoes its own changes and no others. A lone block runs on the event loop while the disk
is fast, because the round trip takes as long as the commit.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

import aiosqlite
from msgspec import Struct, field

from lvs.db.connection import (
    BUSY_SECONDS,
    DirectTransaction,
    Transaction,
    close,
    direct,
    is_busy,
    is_stale,
    on_thread,
    readable_error,
    run_to_completion,
)
from lvs.db.query_stats import QueryStats
from lvs.errors import Unavailable

T = TypeVar("T")

MAX_JOINED = 64  # blocks in one commit
IDLE_TURNS = 30  # turns of the event loop; an idle one takes some microseconds
BUSY_PAUSE_SECONDS = 0.02
QUICK_SECONDS = 0.002
QUICK_IN_A_ROW = 8
AWAKE_SECONDS = 1.0
CLOSE_SECONDS = 1.0


class _PendingWrite(Struct, eq=False):
    """A block handed to `write`, and its result: a value or an error."""

    function: Callable[[Transaction], Coroutine[Any, Any, Any]]
    done: "asyncio.Future[Any]"
    value: Any = None
    error: BaseException | None = None
    began: float = 0.0
    ended: float = 0.0
    asked: list[tuple[str, float]] = field(default_factory=list)

    def run(self, raw: aiosqlite.Connection) -> None:
        """Run the block in a savepoint. Raises sqlite3.Error if all blocks of the transaction are
        lost.
        """
        execute = direct(raw).execute
        transaction = DirectTransaction(raw)
        self.began = time.monotonic()
        execute("SAVEPOINT block")
        try:
            self.value = run_to_completion(self.function(transaction))
        except Exception as error:
            if not raw.in_transaction:  # SQLite rolled all of it back, as on a full disk
                raise as_sqlite_error(error) from error
            execute("ROLLBACK TO block")
            self.error = error
        execute("RELEASE block")
        transaction.end()
        self.asked, self.ended = transaction.asked, time.monotonic()

    @property
    def kept(self) -> bool:
        """True if there is something to commit."""
        return self.ended > 0 and self.error is None

    def answer(self) -> None:
        """Give the result to the caller, if it is still waiting."""
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(self.value)
        else:
            self.done.set_exception(self.error)


class _DiskSpeed:
    """The disk's recent speed. The event loop may wait for a commit only if the last few were fast.

    A sleeping disk takes seconds to wake up, and a busy or slow one would stop every stream at each
    commit.
    """

    def __init__(
        self, quick_seconds: float = QUICK_SECONDS, awake_seconds: float = AWAKE_SECONDS
    ) -> None:
        self.quick_seconds = quick_seconds
        self.awake_seconds = awake_seconds
        self._in_a_row = 0
        self._at = 0.0

    @property
    def is_quick(self) -> bool:
        """True if a commit will most likely take no longer than one turn of the event loop."""
        awake = time.monotonic() - self._at < self.awake_seconds
        return awake and self._in_a_row >= QUICK_IN_A_ROW

    def note(self, seconds: float) -> None:
        """Record how long a commit took, including its writes."""
        self._in_a_row = self._in_a_row + 1 if seconds <= self.quick_seconds else 0
        self._at = time.monotonic()


class Writer:
    """Runs one block after the other on the write connection, and reopens it when it is stale."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[aiosqlite.Connection]],
        in_place: Callable[[], bool],
        usage: QueryStats,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.busy_seconds = busy_seconds  # the longest wait for another program
        self._connect = connect
        self._in_place = in_place
        self._usage = usage
        self._raw: aiosqlite.Connection | None = None
        self._stale = False
        self._lock = asyncio.Lock()
        self._blocks: deque[_PendingWrite] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._gathered = 1
        self._pace = _DiskSpeed()

    async def open(self, raw: aiosqlite.Connection) -> None:
        """Use this connection. Raises sqlite3.Error."""
        # the wait for another program happens in this class, so that it does not block the thread
        await raw.execute("PRAGMA busy_timeout = 0")
        self._raw = raw

    async def close(self) -> None:
        """Let the running block end, then close. Every write that returned is on disk already."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._lock.acquire(), CLOSE_SECONDS)
            self._lock.release()
        raw, self._raw = self._raw, None
        if raw is not None:
            await close(raw)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """See Database.transaction."""
        asked = time.monotonic()
        try:
            async with self._lock:
                try:
                    raw = await self._begin(asked + self.busy_seconds)
                finally:
                    self._usage.waited(time.monotonic() - asked)
                transaction = Transaction(raw, self._usage)
                try:
                    yield transaction
                except BaseException as error:
                    transaction.end()
                    await _to_the_end(self._rollback(raw, error))
                    raise
                transaction.end()
                ended = time.monotonic()
                try:
                    await _to_the_end(self._commit(raw))
                finally:
                    self._usage.committed(time.monotonic() - ended)
        except sqlite3.Error as error:
            raise readable_error(error) from error

    async def write(self, function: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """See Database.write."""
        asked = time.monotonic()
        block = _PendingWrite(function, asyncio.get_running_loop().create_future())
        self._blocks.append(block)
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write_blocks())
        try:
            result: T = await block.done
        except sqlite3.Error as error:
            raise readable_error(error) from error
        finally:
            if block.ended:
                self._usage.waited(block.began - asked)
                for sql, seconds in block.asked:
                    self._usage.asked(sql, seconds)
                self._usage.committed(time.monotonic() - block.ended)
        return result

    async def _write_blocks(self) -> None:
        """Write waiting blocks until none is left."""
        try:
            while self._blocks:
                async with self._lock:
                    await self._gather()
                    count = min(len(self._blocks), MAX_JOINED)
                    await self._write_together([self._blocks.popleft() for _ in range(count)])
        finally:
            self._writing = None

    async def _gather(self) -> None:
        """Wait for further writers if several came together last time: one commit for each of them
        would cost more.

        A lone writer never waits.
        """
        there, idle_turns = len(self._blocks), 0
        while self._gathered > 1 and idle_turns < IDLE_TURNS and there < MAX_JOINED:
            await asyncio.sleep(0)
            idle_turns = idle_turns + 1 if len(self._blocks) == there else 0
            there = len(self._blocks)
        self._gathered = there

    async def _write_together(self, blocks: Sequence[_PendingWrite]) -> None:
        try:
            await self._run(blocks, time.monotonic() + self.busy_seconds)
        except Exception as error:  # noqa: BLE001 - each of those who wait must hear of it
            for block in blocks:
                block.error = error
        for block in blocks:
            self._stale = self._stale or (block.error is not None and is_stale(block.error))
            block.answer()

    async def _run(self, blocks: Sequence[_PendingWrite], deadline: float) -> None:
        """Run the blocks and commit. Raises the error that prevented the commit of all of them."""
        while True:
            raw = await self._usable()
            run, began = partial(_run_all, raw, blocks), time.monotonic()
            on_loop = self._gathered == 1 and self._pace.is_quick
            try:
                failure = run() if on_loop else await on_thread(raw, run)
                break
            except sqlite3.Error as error:
                await self._wait_if_busy(raw, error, deadline)
        self._pace.note(time.monotonic() - began)
        self._usage.transactions += len(blocks)
        if failure is None:
            self._usage.commits += any(block.kept for block in blocks)
        elif is_busy(failure) and raw.in_transaction:
            await self._commit(raw)
        else:
            await self._rollback(raw, failure)
            raise failure

    async def _begin(self, deadline: float) -> aiosqlite.Connection:
        """The connection, with a transaction begun. Waits for other programs that write."""
        while True:
            raw, cancelled = await _through(self._usable())
            if cancelled:
                raise cancelled
            try:
                _, cancelled = await _through(raw.execute("BEGIN IMMEDIATE"))
            except sqlite3.Error as error:
                await self._wait_if_busy(raw, error, deadline)
                continue
            if cancelled:
                await _to_the_end(self._rollback(raw, cancelled))
                raise cancelled
            self._usage.transactions += 1
            return raw

    async def _wait_if_busy(
        self, raw: aiosqlite.Connection, error: sqlite3.Error, deadline: float
    ) -> None:
        """Wait a moment if another program holds the database. Otherwise, or past the deadline,
        raise the error that kept a transaction from beginning.
        """
        self._stale = raw.in_transaction or is_stale(error)
        if not is_busy(error) or time.monotonic() >= deadline:
            raise error
        await asyncio.sleep(BUSY_PAUSE_SECONDS)

    async def _usable(self) -> aiosqlite.Connection:
        """The connection, or a new one if it is stale or the file was replaced."""
        if self._raw is None:
            raise Unavailable("The database is not open.")
        if not self._in_place() or self._stale:
            old, new = self._raw, await self._connect()
            await self.open(new)
            self._stale = False
            await close(old)
        return self._raw

    async def _commit(self, raw: aiosqlite.Connection) -> None:
        # Where the file system allows no WAL, another program that reads can stand in the way of a
        # commit for a moment.
        deadline = time.monotonic() + self.busy_seconds
        while True:
            try:
                await raw.execute("COMMIT")
            except (sqlite3.Error, ValueError) as error:
                failure = as_sqlite_error(error)
            else:
                self._usage.commits += 1
                return
            if not (is_busy(failure) and raw.in_transaction) or time.monotonic() >= deadline:
                await self._rollback(raw, failure)
                raise failure
            await asyncio.sleep(BUSY_PAUSE_SECONDS)

    async def _rollback(self, raw: aiosqlite.Connection, error: BaseException) -> None:
        """Roll back what was not committed because of this error."""
        self._stale = self._stale or is_stale(error)
        try:
            if raw.in_transaction:
                await raw.execute("ROLLBACK")
        except (sqlite3.Error, ValueError):
            self._stale = True


def _run_all(raw: aiosqlite.Connection, blocks: Sequence[_PendingWrite]) -> sqlite3.Error | None:
    """Run the blocks and commit; the error that prevented the commit, or None. Raises sqlite3.Error
    if no transaction could begin.
    """
    direct(raw).execute("BEGIN IMMEDIATE")
    try:
        for block in blocks:
            if not block.done.done():  # its caller may have left
                block.run(raw)
        direct(raw).execute("COMMIT" if any(block.kept for block in blocks) else "ROLLBACK")
    except sqlite3.Error as error:
        return error
    return None


def as_sqlite_error(error: Exception) -> sqlite3.Error:
    """The error as SQLite's own: aiosqlite raises ValueError where a connection is closed."""
    return error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error))


async def _through(step: Coroutine[Any, Any, T]) -> tuple[T, asyncio.CancelledError | None]:
    """Run a step to its end even if the caller is cancelled; its result, and the cancellation if
    there was one.
    """
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
    """Run a step to its end, so that the connection is never left in between; a cancellation is
    raised afterwards.
    """
    _, cancelled = await _through(step)
    if cancelled:
        raise cancelled
