"""Later: the list that is always there. A film leaves it when it is watched."""

from lvs.clock import now_ms
from lvs.db import later, videos
from lvs.db.database import Connection, Database, Transaction
from lvs.db.later import LaterItem
from lvs.errors import Conflict, NotFound
from lvs.models import HOUSEHOLD

MAX_LATER = 5000


class Later:
    """Reads and changes the list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def items(
        self, limit: int = MAX_LATER, skip: int = 0, *, person: int = HOUSEHOLD
    ) -> list[LaterItem]:
        """The videos to watch later, latest first."""
        async with self._database.read() as db:
            return await later.items(db, person, limit, skip)

    async def count(self, *, person: int = HOUSEHOLD) -> int:
        """The number of videos that the list shows."""
        async with self._database.read() as db:
            return await later.count_shown(db, person)

    async def has(self, media_hash: str, *, person: int = HOUSEHOLD) -> bool:
        """True where a video is to be watched later. Raises NotFound."""
        async with self._database.read() as db:
            return await later.has(db, person, await _id(db, media_hash))

    async def set(self, media_hash: str, wanted: bool, *, person: int = HOUSEHOLD) -> None:
        """Add a video or take it out. Raises NotFound, Conflict where the list is full."""

        async def change(tx: Transaction) -> None:
            video_id = await _id(tx, media_hash)
            if not wanted:
                await later.remove(tx, person, video_id)
            elif await later.count(tx, person) < MAX_LATER:
                await later.put(tx, person, video_id, now_ms())
            elif not await later.has(tx, person, video_id):
                raise Conflict(f"Later holds at most {MAX_LATER:,} videos. Remove some first.")

        await self._database.write(change)


async def _id(db: Connection, media_hash: str) -> int:
    video_id = await videos.id_of(db, media_hash)
    if video_id is None:
        raise NotFound("There is no such video.")
    return video_id
