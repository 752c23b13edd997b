"""The database file: what is answered is on disk, what is refused left nothing, whoever is
cancelled or fails beside it.
"""

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiosqlite
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.waiting import until

from lvs.db import backup, connection, migrate, writer
from lvs.db.database import Database, Transaction
from lvs.errors import Conflict, DatabaseDamaged, DiskFull, LvsError, Unavailable

pytestmark = pytest.mark.core

BLOCK_ENDS = ("keep", "keep", "keep", "fail", "cancelled", "full")


class OurOwnError(Exception):
    pass


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path / "lvs.db") as found:
        yield found


class opened:  # noqa: N801
    """An open database with a table to write into."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)

    async def __aenter__(self) -> Database:
        await self.database.open()
        async with self.database.transaction() as tx:
            await tx.run(
                "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text BLOB) STRICT"
            )
        return self.database

    async def __aexit__(self, *error: object) -> None:
        await self.database.close()


async def note(database: Database, number: int, text: bytes = b"") -> None:
    async with database.transaction() as tx:
        await tx.run("INSERT INTO notes VALUES (?, ?)", (number, text))


async def note_at_once(database: Database, number: int, text: bytes = b"") -> None:
    async def block(tx: Transaction) -> None:
        await tx.run("INSERT INTO notes VALUES (?, ?)", (number, text))

    await database.write(block)


async def note_on_the_loop(database: Database, number: int, text: bytes = b"") -> None:
    quicken(database)
    await note_at_once(database, number, text)


def quicken(database: Database) -> None:
    """Make the writer believe that the disk has just been quick."""
    for _ in range(writer.QUICK_IN_A_ROW):
        database._writer._pace.note(0)


Note = Callable[..., Awaitable[None]]
either_way = pytest.mark.parametrize("note", [note, note_at_once, note_on_the_loop])


def on_disk(path: Path) -> set[int]:
    """The notes that another connection sees, which are those that are committed."""
    with closing(sqlite3.connect(path)) as other:
        return {row[0] for row in other.execute("SELECT id FROM notes")}


def write_pages(path: Path, start: float = 0.3) -> None:
    """Write nonsense over the pages in the middle of a file."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(int(size * start) // 4096 * 4096)
        file.write(random.Random(1).randbytes(size // 2 // 4096 * 4096))


# --- Group commit ---


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ends=st.lists(
        st.lists(st.sampled_from(BLOCK_ENDS), min_size=1, max_size=6), min_size=2, max_size=8
    ),
    seed=st.integers(0, 2**32),
)
def test_answered_writes_are_on_disk_and_failed_ones_leave_nothing(
    tmp_path_factory: pytest.TempPathFactory, ends: list[list[str]], seed: int
) -> None:
    path = tmp_path_factory.mktemp("schedule") / "lvs.db"
    asyncio.run(_schedule(path, ends, random.Random(seed)))


async def _schedule(path: Path, ends: list[list[str]], chance: random.Random) -> None:
    """Each inner list is a client that writes one block after the other; each block writes two rows
    and ends as it is told.
    """
    answered: set[int] = set()
    refused: set[int] = set()
    numbers = iter(range(0, 10**6, 2))

    async with opened(path) as database:

        async def rows(tx: Transaction, number: int, end: str, waits: bool) -> None:
            await tx.run("INSERT INTO notes VALUES (?, ?)", (number, b""))
            if waits:
                await asyncio.sleep(chance.choice((0, 0, 0.001)))
            await tx.run("INSERT INTO notes VALUES (?, ?)", (number + 1, b""))
            if end == "fail":
                raise OurOwnError
            if end == "full":
                pages = await tx.value("PRAGMA page_count")
                await tx.one(f"PRAGMA max_page_count = {pages + 2}")
                await tx.run("UPDATE notes SET text = zeroblob(100000) WHERE id = ?", (number,))

        async def block(number: int, end: str) -> None:
            if chance.random() < 0.5:
                await database.write(lambda tx: rows(tx, number, end, waits=False))
            else:
                async with database.transaction() as tx:
                    await rows(tx, number, end, waits=True)
            answered.add(number)
            # At this very moment, and not some time later.
            assert {number, number + 1} <= on_disk(path)

        async def client(mine: list[str]) -> None:
            for end in mine:
                number = next(numbers)
                task = asyncio.ensure_future(block(number, end))
                if end == "cancelled":
                    for _ in range(chance.randrange(12)):
                        await asyncio.sleep(0)
                    await asyncio.sleep(chance.choice((0, 0, 0.001, 0.002)))
                    task.cancel()
                try:
                    await task
                except (OurOwnError, LvsError):
                    refused.add(number)
                except asyncio.CancelledError:
                    pass
                if end == "full":
                    await lift_limit(database)

        await asyncio.gather(*map(client, ends))
        await note(database, 10**6 + 1)
        assert 10**6 + 1 in on_disk(path)
    written = on_disk(path)
    assert answered <= written
    assert not refused & written
    assert all(
        (number in written) == (number + 1 in written) for number in range(0, next(numbers), 2)
    )
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def lift_limit(database: Database) -> None:
    """The disk has room again.

    A commit that is shared with one that still filled it fails with that one.
    """
    while True:
        with suppress(DiskFull):
            async with database.transaction() as tx:
                await tx.one("PRAGMA max_page_count = 1073741823")
            return


async def test_blocks_that_wait_share_one_commit(database: Database) -> None:
    before = database.usage.commits
    await asyncio.gather(*(note_at_once(database, number) for number in range(32)))
    assert on_disk(database.path) == set(range(32))
    assert database.usage.commits - before < 8


async def fill_the_disk(tx: Transaction) -> None:
    pages = await tx.value("PRAGMA page_count")
    await tx.one(f"PRAGMA max_page_count = {pages}")
    for number in range(2, 200):
        await tx.run("INSERT INTO notes VALUES (?, zeroblob(5000))", (number,))


async def test_a_full_disk_in_one_block_is_told_to_everyone_in_its_commit(
    database: Database,
) -> None:
    outcome = await asyncio.gather(
        note_at_once(database, 1),
        database.write(fill_the_disk),
        note_at_once(database, 500),
        return_exceptions=True,
    )
    assert isinstance(outcome[1], DiskFull)
    for number, answer in ((1, outcome[0]), (500, outcome[2])):
        assert (number in on_disk(database.path)) == (answer is None)
    assert on_disk(database.path) <= {1, 500}
    await lift_limit(database)
    await note(database, 300)
    assert 300 in on_disk(database.path)


async def test_a_full_disk_in_one_transaction_costs_no_other(database: Database) -> None:
    async def fill() -> None:
        async with database.transaction() as tx:
            await fill_the_disk(tx)

    outcome = await asyncio.gather(note(database, 1), fill(), return_exceptions=True)
    assert outcome[0] is None
    assert isinstance(outcome[1], DiskFull)
    assert on_disk(database.path) == {1}
    await lift_limit(database)
    await note(database, 300)
    assert on_disk(database.path) == {1, 300}


async def test_a_transaction_keeps_all_other_writers_out(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.run("INSERT INTO notes VALUES (1, x'')")
        others = [asyncio.ensure_future(write(database, 2)) for write in (note_at_once,)]
        others.append(asyncio.ensure_future(note(database, 3)))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not any(other.done() for other in others)
        assert on_disk(database.path) == set()
    await asyncio.gather(*others)
    assert on_disk(database.path) == {1, 2, 3}


@either_way
async def test_a_block_that_fails_takes_nothing_from_the_others(
    database: Database, note: Note
) -> None:
    async def block(tx: Transaction, number: int) -> None:
        await tx.run("INSERT INTO notes VALUES (?, x'')", (number,))
        raise OurOwnError

    async def failing(number: int) -> None:
        if note is note_at_once:
            await database.write(lambda tx: block(tx, number))
        async with database.transaction() as tx:
            await block(tx, number)

    tasks = [note(database, number) if number % 2 else failing(number) for number in range(20)]
    outcome = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, OurOwnError) for each in outcome] == [
        number % 2 == 0 for number in range(20)
    ]
    assert on_disk(database.path) == {number for number in range(20) if number % 2}


@pytest.mark.newest_only
@either_way
@pytest.mark.parametrize("after_steps", range(0, 40, 2))
async def test_a_caller_who_leaves_at_any_moment_leaves_a_writer_that_works(
    database: Database, after_steps: int, note: Note
) -> None:
    for number in range(6):
        tasks = [asyncio.ensure_future(note(database, number * 100 + each)) for each in range(4)]
        for _ in range(after_steps):
            await asyncio.sleep(0)
        tasks[number % 4].cancel()
        outcome = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        stayed = {number * 100 + each for each in range(4) if outcome[each] is None}
        assert len(stayed) >= 3
        assert stayed <= on_disk(database.path)
    await note(database, 1000)
    assert not database._writer._lock.locked()


@either_way
async def test_a_caller_may_be_cancelled_twice(database: Database, note: Note) -> None:
    for wait_s in (0, 0.0005, 0.001, 0.002):
        task: asyncio.Future[None] = asyncio.ensure_future(
            note(database, int(wait_s * 10_000), bytes(200_000))
        )
        await asyncio.sleep(wait_s)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await asyncio.wait_for(note(database, 1000), 10)
    assert 1000 in on_disk(database.path)


async def test_nothing_is_written_behind_the_back_of_a_transaction_that_is_over(
    database: Database,
) -> None:
    kept: list[Transaction] = []

    async def stubborn() -> None:
        async with database.transaction() as tx:
            kept.append(tx)
            pages = await tx.value("PRAGMA page_count")
            await tx.one(f"PRAGMA max_page_count = {pages}")
            for number in range(300):
                with suppress(sqlite3.Error):  # a block that thinks it knows better
                    await tx.run("INSERT INTO notes VALUES (?, zeroblob(5000))", (number,))

    with pytest.raises(LvsError):
        await stubborn()
    await lift_limit(database)
    assert on_disk(database.path) == set()
    with pytest.raises(sqlite3.OperationalError):
        await kept[0].run("INSERT INTO notes VALUES (1, x'')")


async def test_a_block_that_overlooks_a_full_disk_is_not_answered(database: Database) -> None:
    async def stubborn(tx: Transaction) -> None:
        pages = await tx.value("PRAGMA page_count")
        await tx.one(f"PRAGMA max_page_count = {pages}")
        for number in range(300):
            with suppress(sqlite3.Error):
                await tx.run("INSERT INTO notes VALUES (?, zeroblob(5000))", (number,))

    with pytest.raises(LvsError):
        await database.write(stubborn)
    await lift_limit(database)
    assert on_disk(database.path) == set()


async def test_the_loop_waits_only_for_a_disk_that_was_quick_and_for_one_alone(
    database: Database,
) -> None:
    pace = database._writer._pace

    async def thread(tx: Transaction) -> int:
        return threading.get_ident()

    here = threading.get_ident()
    assert await database.write(thread) != here  # nothing is known of the disk
    quicken(database)
    pace.quick_seconds = 60.0
    assert await database.write(thread) == here
    together = await asyncio.gather(*(database.write(thread) for _ in range(5)))
    assert here not in together
    assert await database.write(thread) == here
    pace.quick_seconds = 0.0  # now every disk is slow
    quicken(database)
    await database.write(thread)
    assert await database.write(thread) != here
    quicken(database)
    pace.awake_seconds = 0.0  # it may have gone to sleep
    assert await database.write(thread) != here


async def test_others_go_on_while_another_program_holds_the_database(database: Database) -> None:
    quicken(database)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(note_at_once(database, 1))
        for _ in range(20):
            await asyncio.sleep(0.01)
            assert not writing.done()
        other.execute("COMMIT")
    await writing
    assert on_disk(database.path) == {1}


async def test_a_block_written_at_once_can_wait_for_nothing_else(database: Database) -> None:
    async def block(tx: Transaction) -> None:
        await tx.run("INSERT INTO notes VALUES (1, x'')")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="wait"):
        await database.write(block)
    await note_at_once(database, 2)
    assert on_disk(database.path) == {2}


async def test_queries_and_commits_are_counted(database: Database) -> None:
    before = (database.usage.queries, database.usage.transactions, database.usage.commits)
    await note_at_once(database, 1)
    assert (database.usage.queries, database.usage.transactions, database.usage.commits) == tuple(
        n + 1 for n in before
    )


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(LvsError):
        async with database.read() as db:
            await db.all("INSERT INTO notes VALUES (1, x'')")
    assert on_disk(database.path) == set()


@either_way
async def test_another_program_that_writes_is_waited_for(database: Database, note: Note) -> None:
    with closing(
        sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.ensure_future(note(database, 1))
        await asyncio.sleep(0.6)  # longer than SQLite is told to wait in one go
        assert not writing.done()
        async with database.read() as db:  # nobody who reads is held up
            assert await db.value("SELECT count(*) FROM notes") == 0
        other.execute("COMMIT")
        await writing
    assert on_disk(database.path) == {1}


@either_way
async def test_a_write_waiting_for_another_program_can_be_cancelled(
    database: Database, note: Note
) -> None:
    with closing(
        sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        tasks = [asyncio.ensure_future(note(database, number)) for number in range(5)]
        await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(asyncio.wait(tasks), 3)
        other.execute("COMMIT")
    await note(database, 10)
    assert on_disk(database.path) == {10}


# --- The file ---


async def test_an_aiosqlite_that_is_built_in_another_way_is_named(database: Database) -> None:
    async with aiosqlite.connect(database.path) as raw:
        connection.check_private_parts(raw)
        for missing in ("_conn", "_execute"):
            parts = {name: getattr(raw, name) for name in {"_conn", "_execute"} - {missing}}
            other: Any = SimpleNamespace(**parts)
            with pytest.raises(Unavailable, match="version of aiosqlite"):
                connection.check_private_parts(other)


async def test_a_file_that_is_gone_takes_no_change_that_would_be_lost(database: Database) -> None:
    await note(database, 1)
    away = database.path.with_name("elsewhere.db")
    database.path.rename(away)
    with pytest.raises(Unavailable, match="database file is missing"):
        await note(database, 2)
    away.rename(database.path)
    await note(database, 3)
    assert on_disk(database.path) == {1, 3}


async def test_a_file_put_in_the_place_of_another_is_used_from_then_on(
    database: Database, tmp_path: Path
) -> None:
    await note(database, 1)
    await asyncio.to_thread(backup.copy, database.path, tmp_path / "copy.db")
    await note(database, 2)
    for name in ("lvs.db", "lvs.db-wal", "lvs.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(database.path)
    await note(database, 3)
    async with database.read() as db:
        assert {row[0] for row in await db.all("SELECT id FROM notes")} == {1, 3}
    assert on_disk(database.path) == {1, 3}


@pytest.mark.parametrize("damage", ["nonsense", "cut", "not a database", "a page"])
async def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "lvs.db"
    async with opened(path) as database:
        for number in range(200):
            await note(database, number, bytes(3000))
    if damage == "nonsense":
        write_pages(path)
    elif damage == "cut":
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
    elif damage == "not a database":
        path.write_bytes(b"This is a shopping list. " * 1000)
    else:
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 4096 // 2 * 4096)
            file.write(b"\xff" * 4096)
    before = path.read_bytes()
    with pytest.raises(DatabaseDamaged, match="is damaged"):
        await Database(path).open()
    assert path.read_bytes() == before
    with pytest.raises(DatabaseDamaged, match="is damaged"):
        await Database(path).open()
    assert path.read_bytes() == before


async def test_an_opening_that_was_begun_is_waited_for(tmp_path: Path) -> None:
    database = Database(tmp_path / "lvs.db")
    begun = database.begin_opening()
    await database.open()
    assert begun.done()
    async with database.read() as db:
        assert await db.value("SELECT count(*) FROM videos") == 0
    await database.close()


async def test_every_caller_hears_of_a_failed_opening(tmp_path: Path) -> None:
    path = tmp_path / "lvs.db"
    path.write_bytes(b"This is a shopping list. " * 1000)
    database = Database(path)
    await asyncio.wait([database.begin_opening()])
    for _ in range(2):
        with pytest.raises(DatabaseDamaged, match="is damaged"):
            await database.open()
    await database.close()


async def test_an_opening_ends_with_the_database(tmp_path: Path) -> None:
    path = tmp_path / "lvs.db"
    threads = _threads_of_connections()
    for turns in range(12):
        database = Database(path)
        begun = database.begin_opening()
        for _ in range(turns):
            await asyncio.sleep(0.002)
        await database.close()
        assert begun.done()
    async with opened(path) as database:
        await note(database, 1)
    # A connection's thread ends a moment after it was closed.
    await until(lambda: _threads_of_connections() <= threads)


def _threads_of_connections() -> int:
    """Threads of this process but for those of the loop's pool, which stay."""
    return sum(not each.name.startswith("asyncio_") for each in threading.enumerate())


async def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lvs.db"
    async with opened(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 9999")
    with pytest.raises(Conflict, match="newer LVS"):
        await Database(path).open()


# --- Migrations ---


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A folder of migrations that has those there are; what is put beside them is part of the next
    version.
    """
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, folder)
    return folder


def add_step(folder: Path, script: str) -> int:
    """Put one more step into the folder; how many there are then."""
    number = len(list(folder.glob("*.sql"))) + 1
    (folder / f"{number:04}_more.sql").write_text(script)
    return number


async def filled(path: Path, videos: int = 3, migrations: Path = migrate.MIGRATIONS) -> None:
    database = Database(path, migrations=migrations)
    await database.open()
    async with database.transaction() as tx:
        for number in range(videos):
            sql = (
                "INSERT INTO videos (id, media_hash, title, added_at, shuffle) VALUES (?, ?,"
                " 'film', 0, 0)"
            )
            await tx.run(sql, (number + 1, f"{number:016x}"))
            await tx.run("INSERT INTO ratings VALUES (?, 4, 0, 0)", (number + 1,))
    await database.close()


def value(path: Path, sql: str) -> object:
    with closing(sqlite3.connect(path)) as other:
        return other.execute(sql).fetchone()[0]


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path, later: Path) -> None:
    path = tmp_path / "lvs.db"
    await filled(path)
    before = value(path, "PRAGMA user_version")
    add_step(later, "CREATE TABLE more (id INTEGER PRIMARY KEY);\nUPDATE ratings SET value = 1;\n")
    add_step(
        later,
        "CREATE TABLE still_more (id INTEGER PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);\n",
    )
    with pytest.raises(Unavailable, match="cannot be opened"):
        await Database(path, migrations=later).open()
    assert value(path, "PRAGMA user_version") == before
    assert value(path, "SELECT min(value) FROM ratings") == 4
    assert value(path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%more'") == 0


async def test_a_backup_is_made_before_a_migration(tmp_path: Path, later: Path) -> None:
    path = tmp_path / "lvs.db"
    await filled(path)
    before = value(path, "PRAGMA user_version")
    add_step(later, "DELETE FROM ratings;\n")
    database = Database(path, migrations=later)
    await database.open()
    await database.close()
    assert value(path, "SELECT count(*) FROM ratings") == 0
    [made] = backup.listed(tmp_path / "backups")
    assert made.good
    assert made.kind == f"before-format-{before}"
    assert (made.counts.videos, made.counts.ratings) == (3, 3)
    assert made.examined is not None
    assert made.examined.format == before


async def test_a_migration_for_whose_backup_there_is_no_place_waits(
    tmp_path: Path, later: Path
) -> None:
    path = tmp_path / "lvs.db"
    await filled(path)
    add_step(later, "DELETE FROM ratings;\n")
    (tmp_path / "backups").write_text("a file where the folder should be")
    with pytest.raises(LvsError, match="backup"):
        await Database(path, migrations=later).open()
    assert value(path, "SELECT count(*) FROM ratings") == 3


async def test_a_table_can_be_rebuilt_without_losing_what_refers_to_it(
    tmp_path: Path, later: Path
) -> None:
    path = tmp_path / "lvs.db"
    add_step(
        later,
        """
        CREATE TABLE shelves (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE on_shelf (shelf_id INTEGER REFERENCES shelves (id) ON DELETE CASCADE,
            video_id INTEGER);
        INSERT INTO shelves VALUES (1, 'top');
        INSERT INTO on_shelf VALUES (1, 1);
        """,
    )
    await filled(path, migrations=later)
    add_step(
        later,
        """
        CREATE TABLE shelves_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
        INSERT INTO shelves_new SELECT id, name FROM shelves;
        DROP TABLE shelves;
        ALTER TABLE shelves_new RENAME TO shelves;
        """,
    )
    database = Database(path, migrations=later)
    await database.open()
    async with database.read() as db:
        assert await db.value("PRAGMA foreign_keys") == 1
    async with database.transaction() as tx:
        assert await tx.value("PRAGMA foreign_keys") == 1
    await database.close()
    assert value(path, "SELECT count(*) FROM on_shelf") == 1


async def test_a_migration_that_would_leave_loose_ends_is_refused(
    tmp_path: Path, later: Path
) -> None:
    path = tmp_path / "lvs.db"
    await filled(path)
    add_step(later, "DELETE FROM videos WHERE id = 1;\n")
    with pytest.raises(Unavailable):
        await Database(path, migrations=later).open()
    assert value(path, "SELECT count(*) FROM videos") == 3


OPEN = """
import asyncio, sys
from pathlib import Path
from lvs.db.database import Database, Transaction
async def main():
    database = Database(Path(sys.argv[1]), migrations=Path(sys.argv[2]))
    await database.open()
    await database.close()
asyncio.run(main())
"""


async def test_two_processes_may_open_an_old_database_at_once(tmp_path: Path, later: Path) -> None:
    path = tmp_path / "lvs.db"
    await filled(path)
    number = add_step(
        later, "CREATE TABLE more (id INTEGER PRIMARY KEY);\nINSERT INTO more VALUES (1);\n"
    )
    command = [sys.executable, "-c", OPEN, str(path), str(later)]
    both = [
        await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE) for _ in range(2)
    ]
    said = [(await process.communicate())[1] for process in both]  # a warning is no failure
    assert [process.returncode for process in both] == [0, 0], said
    assert value(path, "PRAGMA user_version") == number
    assert value(path, "SELECT count(*) FROM more") == 1


@pytest.mark.newest_only
@pytest.mark.parametrize("kill_after_s", [0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
async def test_a_migration_that_is_killed_happened_wholly_or_not_at_all(
    tmp_path: Path, later: Path, kill_after_s: float
) -> None:
    path = tmp_path / "lvs.db"
    await filled(path)
    before = value(path, "PRAGMA user_version")
    number = add_step(
        later,
        """
        CREATE TABLE more (id INTEGER PRIMARY KEY, twice INTEGER);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
            WHERE i < 300000) INSERT INTO more SELECT i, i FROM n;
        UPDATE more SET twice = twice * 2;
        """,
    )
    command = [sys.executable, "-c", OPEN, str(path), str(later)]
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
    for _ in range(2000):
        if process.returncode is not None or path.with_name("lvs.db-wal").exists():  # it has begun
            break
        await asyncio.sleep(0.005)
    await asyncio.sleep(kill_after_s)
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    version = value(path, "PRAGMA user_version")
    assert version in (before, number)
    assert value(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'") == (
        version == number
    )
    if version == number:
        assert value(path, "SELECT count(*) FROM more WHERE twice = 2 * id") == 300_000
    assert value(path, "PRAGMA integrity_check") == "ok"
    assert value(path, "SELECT count(*) FROM ratings") == 3
    database = Database(path, migrations=later)
    await database.open()
    await database.close()
    assert value(path, "PRAGMA user_version") == number
