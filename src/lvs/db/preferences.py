"""The `preferences` table: what a person chose for themselves."""

from lvs.db.database import Connection, Transaction


async def of_person(db: Connection, person_id: int) -> dict[str, str]:
    """Every preference of a person by name."""
    sql = "SELECT name, value FROM preferences WHERE person_id = ?"
    return {row[0]: row[1] for row in await db.all(sql, (person_id,))}


async def put(tx: Transaction, person_id: int, name: str, value: str) -> None:
    """Keep a preference; an empty one is forgotten."""
    if not value:
        sql = "DELETE FROM preferences WHERE person_id = ? AND name = ?"
        await tx.run(sql, (person_id, name))
        return
    sql = """
        INSERT INTO preferences (person_id, name, value) VALUES (?, ?, ?)
        ON CONFLICT (person_id, name) DO UPDATE SET value = excluded.value
    """
    await tx.run(sql, (person_id, name, value))
