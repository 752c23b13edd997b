"""The one connection that writes. Writers take turns, and whoever waits while another writes joins
its commit.

"Group commit": sixteen clients cost one `fsync` and not sixteen; a lone writer commits at once.
Each block is a savepoint, so that one that fails takes back what it did itself and nothing of the
others in its turn. Whoever leaves the writer and finds nobody in line commits; `_turn` is None
exactly when no transaction is open.

There are two ways to write. `transaction` is for blocks that wait for other things meanwhile: each
of their statements costs a way to the connection's thread and back. `write` is for the others: all
that are waiting run on that thread one after the other, with their commit, for one way there and
back. One that is alone does not even go there while the disk is quick: the way takes as long as its
commit.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import aiosqlite

from lvs.db.connection import (
    BUSY_SECONDS,
    DirectTransaction,
    Transaction,
    close,
    in_words,
    is_busy,
    is_worn,
    on_thread,
    to_the_end,
)
from lvs.db.query_stats import QueryStats
from lvs.errors import Unavailable

T = TypeVar("T")

MAX_JOINED = 64  # blocks in one commit
MAX_TURN_SECONDS = 0.1  # nobody waits longer than this for others to join
IDLE_TURNS = 30  # of the event loop, each some microseconds long when there is nothing else to do
BUSY_PAUSE_SECONDS = 0.02
QUICK_SECONDS = 0.002
QUICK_IN_A_ROW = 8
AWAKE_SECONDS = 1.0
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
        self._done.set_exception(
            error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error))
        )
        self._done.exception()  # every member of the turn may have gone: no complaint then

    async def settled(self) -> None:
        """Come back when the commit is on disk. Raises what kept it from getting there."""
        await asyncio.shield(self._done)


@dataclass(slots=True, eq=False)
class _Block:
    """What a caller of `write` wants done, and what came of it: a value or an error."""

    function: Callable[[Transaction], Coroutine[Any, Any, Any]]
    done: "asyncio.Future[Any]"
    value: Any = None
    error: BaseException | None = None
    began: float = 0.0
    ended: float = 0.0
    asked: list[tuple[str, float]] = field(default_factory=list)

    def run(self, raw: aiosqlite.Connection) -> None:
        """Do it, or nothing of it. Raises sqlite3.Error where the whole turn is lost."""
        execute = raw._conn.execute
        transaction = DirectTransaction(raw)
        self.began = time.monotonic()
        execute("SAVEPOINT block")
        try:
            self.value = to_the_end(self.function(transaction))
        except Exception as error:
            if (
                not raw.in_transaction
            ):  # SQLite itself rolled all of it back, on a full disk for example
                raise (
                    error
                    if isinstance(error, sqlite3.Error)
                    else sqlite3.OperationalError(str(error))
                ) from error
            execute("ROLLBACK TO block")
            self.error = error
        execute("RELEASE block")
        transaction.end()
        self.asked, self.ended = transaction.asked, time.monotonic()

    @property
    def kept(self) -> bool:
        """Whether there is something to commit."""
        return self.ended > 0 and self.error is None

    def tell(self) -> None:
        """Let the caller know what came of it, if there still is one."""
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(self.value)
        else:
            self.done.set_exception(self.error)


class _Pace:
    """How quick the disk is. The event loop may wait for it only where it has just been quick
    several times in a row.

    A disk that sleeps takes seconds to wake, and one that is busy or slow would stop every stream
    at each commit.
    """

    def __init__(self) -> None:
        self._in_a_row = 0
        self._at = 0.0

    @property
    def is_quick(self) -> bool:
        """Whether a commit will most likely take no longer than what else is done in one turn of
        the loop.
        """
        return self._in_a_row >= QUICK_IN_A_ROW and time.monotonic() - self._at < AWAKE_SECONDS

    def note(self, seconds: float) -> None:
        """Remember how long a commit took, with what was written for it."""
        self._in_a_row = self._in_a_row + 1 if seconds <= QUICK_SECONDS else 0
        self._at = time.monotonic()


class Writer:
    """Gives one block after the other the writing connection, and opens a new one when the old is
    worn.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[aiosqlite.Connection]],
        in_place: Callable[[], bool],
        usage: QueryStats,
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
        self._blocks: deque[_Block] = deque()
        self._pending_write: asyncio.Task[None] | None = None
        self._met = 1
        self._pace = _Pace()

    async def open(self, raw: aiosqlite.Connection) -> None:
        """Take this connection. Raises sqlite3.Error."""
        await raw.execute(
            "PRAGMA busy_timeout = 0"
        )  # who waits for another program waits here, where others go on
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

    async def write(self, function: Callable[[Transaction], Coroutine[Any, Any, T]]) -> T:
        """See Database.write."""
        asked = time.monotonic()
        block = _Block(function, asyncio.get_running_loop().create_future())
        self._blocks.append(block)
        if self._pending_write is None:
            self._pending_write = asyncio.ensure_future(self._write_blocks())
        try:
            result: T = await block.done
        except sqlite3.Error as error:
            raise in_words(error) from error
        finally:
            if block.ended:
                self._usage.waited(block.began - asked)
                for sql, seconds in block.asked:
                    self._usage.asked(sql, seconds)
                self._usage.committed(time.monotonic() - block.ended)
        return result

    async def _write_blocks(self) -> None:
        """Write whatever waits, until nothing does."""
        try:
            while self._blocks:
                await self._wait_in_line()
                try:
                    await self._meet()
                    blocks = [
                        self._blocks.popleft() for _ in range(min(len(self._blocks), MAX_JOINED))
                    ]
                    await self._write_together(blocks)
                finally:
                    self._lock.release()
        finally:
            self._pending_write = None

    async def _meet(self) -> None:
        """Where several came together last time, wait until nobody has come for a while: a commit
        for each would cost them more.

        Who comes alone never waits.
        """
        there, idle_turns = len(self._blocks), 0
        while self._met > 1 and idle_turns < IDLE_TURNS and there < MAX_JOINED:
            await asyncio.sleep(0)
            idle_turns = idle_turns + 1 if len(self._blocks) == there else 0
            there = len(self._blocks)
        self._met = there

    async def _write_together(self, blocks: Sequence[_Block]) -> None:
        try:
            turn, failure = await self._run(blocks, time.monotonic() + BUSY_SECONDS)
            if failure is None:
                self._committed(turn)
            elif is_busy(failure) and turn.raw.in_transaction:
                await self._commit(turn)
            else:
                await self._abandon(turn, failure)
            await turn.settled()
        except Exception as error:  # noqa: BLE001 - whatever it was, each of those who wait must hear of it
            for block in blocks:
                block.error = error
        for block in blocks:
            self._worn = self._worn or (block.error is not None and is_worn(block.error))
            block.tell()

    async def _run(
        self, blocks: Sequence[_Block], deadline: float
    ) -> tuple[_Turn, sqlite3.Error | None]:
        """Run the blocks and commit; the turn, and what kept it from being committed."""
        while True:
            alone = (
                self._turn is None and self._met == 1
            )  # a turn that others left open may hold much to commit
            raw = self._turn.raw if self._turn else await self._usable()
            run, began = (
                partial(_run_all, raw, blocks, keep=self._turn is not None),
                time.monotonic(),
            )
            try:
                failure = run() if alone and self._pace.is_quick else await on_thread(raw, run)
            except sqlite3.Error as error:
                self._worn = raw.in_transaction or is_worn(error)
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(BUSY_PAUSE_SECONDS)
                continue
            self._pace.note(time.monotonic() - began)
            self._usage.transactions += len(blocks)
            self._turn = self._turn or _Turn(raw)
            self._turn.joined += sum(block.kept for block in blocks)
            return self._turn, failure

    async def _wait_in_line(self) -> None:
        self._waiting += 1
        try:
            await self._lock.acquire()
        except BaseException:
            if self._turn is not None and self._waiting == 1:
                # Somebody may have left the commit to us, and we are leaving: it must not wait for
                # the next who comes.
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
        except (
            sqlite3.Error,
            ValueError,
        ) as also:  # SQLite itself rolled all of it back, on a full disk for example
            await self._abandon(turn, error if isinstance(error, sqlite3.Error) else also)
            return
        if turn.full or not self._waiting:
            await self._commit(turn)

    async def _keep(self, turn: _Turn) -> None:
        """Leave what this block did to the next in line to commit, or commit it where there is
        none.
        """
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
        self._committed(turn)

    def _committed(self, turn: _Turn) -> None:
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


def _run_all(
    raw: aiosqlite.Connection, blocks: Sequence[_Block], keep: bool
) -> sqlite3.Error | None:
    """Run the blocks and commit; what kept them from being committed. Raises sqlite3.Error where
    nothing could be begun.

    `keep` says that something is to be committed even if every block fails.
    """
    if not raw.in_transaction:
        raw._conn.execute("BEGIN IMMEDIATE")
    try:
        for block in blocks:
            if not block.done.done():  # its caller may have left
                block.run(raw)
        keep = keep or any(block.kept for block in blocks)
        raw._conn.execute("COMMIT" if keep else "ROLLBACK")
    except sqlite3.Error as error:
        return error
    return None


async def _commit_patiently(raw: aiosqlite.Connection) -> None:
    # Where the file system allows no WAL, another program that reads can stand in the way of a
    # commit for a moment.
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
    """Run a step to its end however often the caller is cancelled; its result, and the cancellation
    if there was one.
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
    """Run a step to its end, so that the connection is never left half way; a cancellation is
    raised after it.
    """
    _, cancelled = await _through(step)
    if cancelled:
        raise cancelled
