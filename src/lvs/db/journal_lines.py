"""Lines of the journals of tags and of saved views, which are asked for in the same way."""

from collections.abc import Sequence
from typing import Any

from lvs.db.connection import Connection


async def latest(
    db: Connection,
    select: str,
    limit: int,
    before_id: int | None = None,
    client: str | None = None,
    after_ms: int | None = None,
    until_ms: int | None = None,
) -> Sequence[Any]:
    """The latest rows of a `select` whose lines are `c`, latest first: from before that id on, by
    that client, behind `after_ms` and up to `until_ms`.
    """
    conditions = {
        "c.id < :before_id": before_id,
        "c.client = :client": client,
        "c.at > :after_ms": after_ms,
        "c.at <= :until_ms": until_ms,
    }
    used = [condition for condition, value in conditions.items() if value is not None]
    where = f"WHERE {' AND '.join(used)}" if used else ""
    values = {"before_id": before_id, "client": client, "limit": limit}
    values |= {"after_ms": after_ms, "until_ms": until_ms}
    return await db.all(f"{select} {where} ORDER BY c.id DESC LIMIT :limit", values)
