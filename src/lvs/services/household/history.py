"""History: what was played on which day, for each person. What is removed is gone for good."""

import re
from collections.abc import Sequence

from msgspec import Struct

from lvs.db import history as rows
from lvs.db.database import Database, Transaction
from lvs.db.history import HistoryLine
from lvs.errors import Invalid, NotFound
from lvs.services.household.progress import ProgressTracker
from lvs.viewer import person_or_viewer

__all__ = ["History", "HistoryDay", "HistoryLine"]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class HistoryDay(Struct, frozen=True):
    """The films of one day, the one played last first."""

    day: str
    lines: list[HistoryLine]


class History:
    """Reads a person's history and removes lines of it. The tracker of positions writes it."""

    def __init__(self, database: Database, progress: ProgressTracker) -> None:
        self._database = database
        self._progress = progress

    async def lines(
        self,
        limit: int,
        before: tuple[int, int] | None = None,
        *,
        hidden: bool = False,
        person: int | None = None,
    ) -> list[HistoryLine]:
        """Lines of the history, latest first, behind a line (its time and id); hidden videos only
        with `hidden`.
        """
        person = person_or_viewer(person)
        async with self._database.read() as db:
            return await rows.lines(db, person, limit, before, hidden)

    async def count_hidden(self, *, person: int | None = None) -> int:
        """The number of lines of hidden videos."""
        person = person_or_viewer(person)
        async with self._database.read() as db:
            return await rows.count_hidden(db, person)

    async def is_on(self, *, person: int | None = None) -> bool:
        """True while what this person plays is noted."""
        person = person_or_viewer(person)
        async with self._database.read() as db:
            return not await rows.is_off(db, person)

    async def switch(self, on: bool, *, person: int | None = None) -> None:
        """Note what this person plays from now on, or no more. What stands there stays."""
        person = person_or_viewer(person)
        await self._progress.flush()  # what was played until now
        await self._database.write(lambda tx: rows.switch(tx, person, on))

    async def remove(self, line_id: int, *, person: int | None = None) -> None:
        """Remove one line. Raises NotFound."""
        person = person_or_viewer(person)
        await self._progress.flush()  # a position of before must not bring the line back

        async def change(tx: Transaction) -> None:
            if not await rows.remove(tx, person, line_id):
                raise NotFound("This line of the history is gone already.")

        await self._database.write(change)

    async def remove_day(self, day: str, *, person: int | None = None) -> int:
        """Remove all lines of a day; how many there were. Raises Invalid."""
        person = person_or_viewer(person)
        if not _DAY.fullmatch(day):
            raise Invalid("The day is a date such as 2026-11-22.")
        await self._progress.flush()
        return await self._database.write(lambda tx: rows.remove_day(tx, person, day))

    async def remove_all(self, *, person: int | None = None) -> int:
        """Remove all lines; how many there were."""
        person = person_or_viewer(person)
        await self._progress.flush()
        return await self._database.write(lambda tx: rows.remove_all(tx, person))


def by_day(lines: Sequence[HistoryLine]) -> list[HistoryDay]:
    """The lines in groups of one day."""
    days: list[HistoryDay] = []
    for line in lines:
        if not days or days[-1].day != line.day:
            days.append(HistoryDay(line.day, []))
        days[-1].lines.append(line)
    return days
