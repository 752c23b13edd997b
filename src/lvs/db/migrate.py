"""Brings a database to the format this LVS knows: the numbered files in `migrations/`, all in one
transaction.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiosqlite

from lvs.errors import Conflict

MIGRATIONS = Path(__file__).parent / "migrations"


def steps(folder: Path = MIGRATIONS) -> list[Path]:
    """The files that lead from an empty database to the present format, in order."""
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))


async def format_of(raw: aiosqlite.Connection) -> int:
    """The number of migrations applied to a database."""
    [row] = await raw.execute_fetchall("PRAGMA user_version")
    return int(row[0])


async def migrate(raw: aiosqlite.Connection, path: Path, wanted: Sequence[Path]) -> None:
    """Take every one of these steps that is missing, or none.

    Raises Conflict where a newer LVS wrote the file, sqlite3.Error.
    """
    await check_known(raw, path, len(wanted))
    if await format_of(raw) == len(wanted):
        return
    # A table is rebuilt by dropping the old one, which must not take along the rows that refer to
    # it.
    await raw.execute("PRAGMA foreign_keys = OFF")
    await raw.execute("BEGIN IMMEDIATE")
    try:
        for step in wanted[
            await format_of(raw) :
        ]:  # asked again: another process may have done it meanwhile
            for statement in statements(step.read_text(encoding="utf-8")):
                await raw.execute(statement)
        await _check_references(raw)
        await raw.execute(f"PRAGMA user_version = {len(wanted)}")
        await raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:
            await raw.execute("ROLLBACK")
        raise
    await raw.execute("PRAGMA foreign_keys = ON")


async def _check_references(raw: aiosqlite.Connection) -> None:
    if list(await raw.execute_fetchall("PRAGMA foreign_key_check")):
        raise sqlite3.IntegrityError("the new format would leave rows that refer to nothing")


async def check_known(raw: aiosqlite.Connection, path: Path, known: int) -> None:
    """Raise Conflict if a newer LVS wrote the file: its format is above the newest known one."""
    found = await format_of(raw)
    if found > known:
        raise Conflict(
            f"The database {path} was written by a newer LVS: its format is {found}, this LVS knows"
            f" {known}. Update LVS."
        )


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one. `executescript` would commit before it begins."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
