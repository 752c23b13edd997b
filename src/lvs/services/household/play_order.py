"""Playing on: the films before and behind one in the list from which it was opened."""

from msgspec import Struct

from lvs.db import list_order, playlist_pages
from lvs.db.database import Connection, Database
from lvs.db.list_order import VideoInList
from lvs.errors import NotFound
from lvs.viewer import person_or_viewer

__all__ = ["ListPlace", "PlayOrder", "VideoInList"]


class ListPlace(Struct, frozen=True):
    """A place in a playlist, or in Later where `playlist_id` is 0.

    `at` is the position in a playlist, the time of adding (Unix milliseconds) in Later, and None
    before the first film. A `seed` shuffles the list.
    """

    playlist_id: int
    at: int | None
    seed: int = 0

    @property
    def query(self) -> str:
        """The place as in an address, with its question mark."""
        name = f"playlist={self.playlist_id}&position=" if self.playlist_id else "later="
        shuffled = f"&shuffle={self.seed}" if self.seed else ""
        return f"?{name}{self.at or 0}{shuffled}"


class PlayOrder:
    """Answers what is played before and behind a film of a list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first(self, place: ListPlace, *, person: int | None = None) -> VideoInList:
        """The first film of a list. Raises NotFound where there is no such list, or nothing in it
        can be played.
        """
        person = person_or_viewer(person)
        async with self._database.read() as db:
            if place.playlist_id and not await playlist_pages.summary(db, place.playlist_id):
                raise NotFound("There is no such playlist.")
            found = await _beside(db, place, 0, person, backwards=False)
        if found is None:
            raise NotFound("Nothing in this list can be played now.")
        return found

    async def neighbours(
        self, place: ListPlace, video_id: int, *, person: int | None = None
    ) -> tuple[VideoInList | None, VideoInList | None]:
        """The films before and behind this one; none where the place is not known."""
        person = person_or_viewer(person)
        if place.at is None:
            return None, None
        async with self._database.read() as db:
            return (
                await _beside(db, place, video_id, person, backwards=True),
                await _beside(db, place, video_id, person, backwards=False),
            )


async def _beside(
    db: Connection, place: ListPlace, video_id: int, person: int, *, backwards: bool
) -> VideoInList | None:
    if place.playlist_id:
        return await list_order.in_playlist(
            db, place.playlist_id, place.at, place.seed, backwards=backwards
        )
    return await list_order.in_later(
        db, person, place.at, video_id, place.seed, backwards=backwards
    )
