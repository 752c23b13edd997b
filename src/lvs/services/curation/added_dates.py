"""Sets dates of addition right that a wrong clock gave."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from lvs.clock import LVS_BEGAN_MS, now_ms
from lvs.db import added_dates, changes, gallery, videos
from lvs.db.added_dates import AddedDateRange, DateRepair
from lvs.db.database import Database
from lvs.errors import Conflict
from lvs.services.events import Event, Events

__all__ = ["AddedDateRange", "AddedDates"]

EXAMPLES = 30
BATCH = 200


class RepairPreview(Struct, frozen=True):
    """The number of dates that would become others, and some of them."""

    total: int
    examples: list[DateRepair]


class AddedDates:
    """Finds such dates, and sets them to the earliest time at which the film is known to have been
    there. Each is a line of the journal, so that it can be taken back.
    """

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    async def preview(self, span: AddedDateRange) -> RepairPreview:
        """Dates that would become others. Raises Conflict while the clock is wrong."""
        now = _now()
        async with self._database.read() as db:
            total = await added_dates.count(db, span, now)
            return RepairPreview(total, await added_dates.page(db, span, now, EXAMPLES))

    async def repair(
        self, span: AddedDateRange, client: str, tell: Callable[[int, int], None]
    ) -> int:
        """Set them right, in steps of which each is whole; the number of dates. `tell` hears how
        many of how many are done. Raises Conflict while the clock is wrong.
        """
        now = _now()
        async with self._database.read() as db:
            total = await added_dates.count(db, span, now)
        done, behind = 0, 0
        while True:
            async with self._database.transaction() as tx:
                step = await added_dates.page(tx, span, now, BATCH, behind)
                for each in step:
                    await videos.set_added(tx, each.video_id, each.after)
                    old, new = str(each.before), str(each.after)
                    await changes.add(tx, each.video_id, "added", old, new, client, now_ms())
                await gallery.refresh(tx, [each.video_id for each in step])
            if not step:
                return done
            done, behind = done + len(step), step[-1].video_id
            self._events.publish(Event.CHANGED, [each.video_id for each in step])
            tell(done, total)
            await asyncio.sleep(0)


def _now() -> int:
    now = now_ms()
    if now < LVS_BEGAN_MS:
        raise Conflict("The clock of this machine is wrong. Set it first.")
    return now
