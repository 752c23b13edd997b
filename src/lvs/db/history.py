"""The `history` table: what was played on which day."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from lvs.clock import local_date
from lvs.db import gallery, preferences
from lvs.db.database import Connection, Transaction
from lvs.db.sight import visible_condition
from lvs.models import Card


class HistoryLine(Struct, frozen=True):
    """A film that was played on a day; without a card where it is missing. `at` is when it was
    played last on that day (Unix milliseconds).
    """

    id: int
    day: str
    at: int
    media_hash: str
    title: str
    card: Card | None


_OFF = "SELECT 1 FROM preferences WHERE person_id = :person AND name = 'history' AND value = 'off'"


async def is_off(db: Connection, person_id: int) -> bool:
    """True where what this person plays is not noted."""
    return bool(await db.value(f"SELECT EXISTS ({_OFF})", {"person": person_id}))


async def switch(tx: Transaction, person_id: int, on: bool) -> None:
    """Write a person's history from now on, or no more."""
    await preferences.put(tx, person_id, "history", "" if on else "off")


async def note(tx: Transaction, person_id: int, video_id: int, at: int) -> None:
    """Note that a film was played, unless the person's history is switched off or the film gone."""
    await put(tx, person_id, video_id, local_date(at).isoformat(), at, only_where_on=True)


async def put(
    tx: Transaction, person_id: int, video_id: int, day: str, at: int, only_where_on: bool = False
) -> bool:
    """Note that a film was played on a day; False where that is known."""
    sql = f"""
        INSERT INTO history (person_id, day, video_id, at)
        SELECT :person, :day, :video, :at
        WHERE EXISTS (SELECT 1 FROM videos WHERE id = :video)
            AND NOT (:only_on AND EXISTS ({_OFF}))
        ON CONFLICT (person_id, day, video_id) DO UPDATE SET at = excluded.at
        WHERE excluded.at > at
    """
    values = {"person": person_id, "day": day, "video": video_id, "at": at}
    return await tx.run(sql, values | {"only_on": only_where_on}) > 0


_IN_SIGHT = "h.video_id NOT IN (SELECT video_id FROM hidden)"


async def lines(
    db: Connection,
    person_id: int,
    limit: int,
    before: tuple[int, int] | None,
    hidden: bool = False,
) -> list[HistoryLine]:
    """A person's history, latest first, behind a line (its time and id); lines of hidden videos
    only with `hidden`.
    """
    seen, shown = visible_condition("h.video_id")
    seen += "" if hidden else f" AND {_IN_SIGHT}"
    behind = "AND (h.at, h.id) < (:at, :id)" if before else ""
    sql = f"""
        SELECT h.id, h.day, h.at, v.media_hash, v.title, {gallery.COLUMNS}
        FROM history h JOIN videos v ON v.id = h.video_id
            LEFT JOIN gallery g ON g.video_id = v.id
        WHERE h.person_id = :person {behind}{seen}
        ORDER BY h.at DESC, h.id DESC LIMIT :limit
    """
    values: dict[str, int | str] = {"person": person_id, "limit": limit, **shown}
    if before:
        values |= {"at": before[0], "id": before[1]}
    return [_line(row) for row in await db.tuples(sql, values)]


async def count_hidden(db: Connection, person_id: int) -> int:
    """The number of lines of hidden videos in a person's history."""
    seen, shown = visible_condition("h.video_id")
    sql = f"SELECT count(*) FROM history h WHERE h.person_id = :person AND NOT {_IN_SIGHT}{seen}"
    return int(await db.value(sql, {"person": person_id, **shown}))


def _line(row: Sequence[Any]) -> HistoryLine:
    card = gallery.card_of(row[5:]) if row[5] else None
    return HistoryLine(row[0], row[1], row[2], row[3], row[4], card)


async def remove(tx: Transaction, person_id: int, line_id: int) -> bool:
    """Remove one line for good; False where there is none."""
    sql = "DELETE FROM history WHERE id = ? AND person_id = ?"
    return await tx.run(sql, (line_id, person_id)) > 0


async def remove_day(tx: Transaction, person_id: int, day: str) -> int:
    """Remove all lines of a day for good; how many there were."""
    return await tx.run("DELETE FROM history WHERE person_id = ? AND day = ?", (person_id, day))


async def remove_all(tx: Transaction, person_id: int) -> int:
    """Remove all lines of a person for good; how many there were."""
    return await tx.run("DELETE FROM history WHERE person_id = ?", (person_id,))
