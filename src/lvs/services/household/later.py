"""Later: the list that is always there. A film leaves it when it is watched."""

from lvs.clock import now_ms
from lvs.db import changes, later, videos
from lvs.db.database import Connection, Database, Transaction
from lvs.db.later import LaterItem
from lvs.errors import Conflict, NotFound
from lvs.services.household.personal_values import later_value
from lvs.viewer import person_or_viewer

MAX_LATER = 5000


class Later:
    """Reads and changes the list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def items(
        self, limit: int = MAX_LATER, skip: int = 0, *, person: int | None = None
    ) -> list[LaterItem]:
        """The videos to watch later, latest first."""
        person = person_or_viewer(person)
        async with self._database.read() as db:
            return await later.items(db, person, limit, skip)

    async def count(self, *, person: int | None = None) -> int:
        """The number of videos that the list shows."""
        person = person_or_viewer(person)
        async with self._database.read() as db:
            return await later.count_shown(db, person)

    async def has(self, media_hash: str, *, person: int | None = None) -> bool:
        """True where a video is to be watched later. Raises NotFound."""
        person = person_or_viewer(person)
        async with self._database.read() as db:
            return await later.has(db, person, await _id(db, media_hash))

    async def set(
        self, media_hash: str, wanted: bool, client: str = "", *, person: int | None = None
    ) -> None:
        """Add a video or take it out. Raises NotFound, Conflict where the list is full."""
        person = person_or_viewer(person)

        async def change(tx: Transaction) -> None:
            video_id = await _id(tx, media_hash)
            before, now = await later.added_at(tx, person, video_id), now_ms()
            if (before is not None) == wanted:
                return
            if not wanted:
                await later.remove(tx, person, video_id)
            elif await later.count(tx, person) < MAX_LATER:
                await later.put(tx, person, video_id, now)
            else:
                raise Conflict(f"Later holds at most {MAX_LATER:,} videos. Remove some first.")
            old, new = later_value(person, before), later_value(person, now if wanted else None)
            await changes.add(tx, video_id, "later", old, new, client, now)

        await self._database.write(change)


async def _id(db: Connection, media_hash: str) -> int:
    video_id = await videos.id_of(db, media_hash)
    if video_id is None:
        raise NotFound("There is no such video.")
    return video_id
