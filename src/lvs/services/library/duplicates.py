"""Lists videos that lie in several places, and keeps which copy is played.

Nothing is ever deleted here.
"""

from lvs.db import duplicates as rows
from lvs.db import files, gallery, videos
from lvs.db.database import Database
from lvs.db.duplicates import Duplicate
from lvs.errors import NotFound
from lvs.services.events import Event, Events
from lvs.titles import title_from_path

__all__ = ["Duplicate", "Duplicates"]

PAGE_SIZE = 50


class Duplicates:
    """Lists duplicates, and keeps the preferred copy of each."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    async def page(
        self, after_id: int = 0, limit: int = PAGE_SIZE
    ) -> tuple[list[Duplicate], int | None]:
        """Videos in several places, by id, and the id after which the next page starts."""
        async with self._database.read() as db:
            found = await rows.listed(db, limit + 1, after_id)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def prefer(self, video_id: int, file_id: int) -> None:
        """Play the video from this place whenever it can be reached.

        Raises NotFound if the video does not lie there.
        """
        async with self._database.transaction() as tx:
            if not await files.prefer(tx, video_id, file_id):
                raise NotFound("The video does not lie there any more.")
            [first, *_] = await files.of_video(tx, video_id)
            await videos.title_from_name(tx, video_id, title_from_path(first.path))
            await gallery.refresh(tx, [video_id])
        self._events.publish(Event.CHANGED, [video_id])
