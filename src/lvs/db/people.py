"""The `people` table, and all that is personal."""

import json
import os

from msgspec import Struct

from lvs.db.database import Connection, Transaction
from lvs.viewer import Limits

_COLUMNS = "id, name, secret, pin, limits, start_page, created_at, removed_at"
PERSONAL = ("progress", "later", "history", "preferences")


class Person(Struct, frozen=True):
    """One who watches. `pin` is a hash, empty without one; times are Unix milliseconds."""

    id: int
    name: str
    secret: str
    pin: str
    limits: Limits | None
    start_page: str
    created_at: int
    removed_at: int | None

    @property
    def initial(self) -> str:
        """The letter in the round sign of this person."""
        return self.name[:1].upper()


async def every(db: Connection) -> list[Person]:
    """Everybody by name, those who were removed too."""
    rows = await db.all(f"SELECT {_COLUMNS} FROM people ORDER BY name COLLATE NOCASE, id")
    return [
        Person(row[0], row[1], row[2], row[3], limits_of(row[4]), row[5], row[6], row[7])
        for row in rows
    ]


async def of_key(db: Connection, key: str) -> int | None:
    """The id of the person with this key."""
    found = await db.value("SELECT id FROM people WHERE key = ?", (key,))
    return int(found) if found is not None else None


async def add(tx: Transaction, name: str, key: str, secret: str, at: int) -> int:
    """A new person; the id."""
    sql = "INSERT INTO people (name, key, secret, created_at) VALUES (?, ?, ?, ?) RETURNING id"
    return int(await tx.value(sql, (name, key, secret, at)))


async def change(tx: Transaction, person: Person, key: str) -> None:
    """Write a person as given."""
    sql = """
        UPDATE people SET name = :name, key = :key, secret = :secret, pin = :pin, limits = :limits,
            start_page = :start WHERE id = :id
    """
    values = {
        "id": person.id,
        "name": person.name,
        "key": key,
        "secret": person.secret,
        "pin": person.pin,
        "limits": limits_text(person.limits),
        "start": person.start_page,
    }
    await tx.run(sql, values)


async def remove(tx: Transaction, person_id: int, at: int) -> None:
    """Remove a person so that they can be brought back; their name is free for another one."""
    sql = "UPDATE people SET removed_at = ?, key = char(1) || id WHERE id = ?"
    await tx.run(sql, (at, person_id))


async def bring_back(tx: Transaction, person_id: int, name: str, key: str) -> None:
    """Bring a removed person back under this name."""
    sql = "UPDATE people SET removed_at = NULL, name = ?, key = ? WHERE id = ?"
    await tx.run(sql, (name, key, person_id))


async def purge(tx: Transaction, before: int) -> int:
    """Remove for good, with all that is theirs, who was removed before that time; how many."""
    rows = await tx.all("SELECT id FROM people WHERE removed_at < ?", (before,))
    for row in rows:
        for table in PERSONAL:
            await tx.run(f"DELETE FROM {table} WHERE person_id = ?", (row[0],))
        await tx.run("DELETE FROM people WHERE id = ?", (row[0],))
    return len(rows)


async def remove_orphaned_rows(tx: Transaction) -> None:
    """Remove what is personal of people who are not there."""
    for table in PERSONAL:
        await tx.run(
            f"DELETE FROM {table} WHERE person_id > 0 AND person_id NOT IN (SELECT id FROM people)"
        )


def limits_text(limits: Limits | None) -> str | None:
    """Limits as the table keeps them."""
    if limits is None:
        return None
    folders = [os.fsdecode(folder) for folder in limits.folders]
    return json.dumps({"tags": list(limits.tags), "folders": folders})


def limits_of(text: str | None) -> Limits | None:
    """Limits out of the table. What cannot be understood allows nothing."""
    if text is None:
        return None
    try:
        found = json.loads(text)
        folders = tuple(os.fsencode(folder) for folder in found.get("folders", ()))
        return Limits(tuple(map(str, found.get("tags", ()))), folders)
    except (ValueError, AttributeError, TypeError):
        return Limits()
