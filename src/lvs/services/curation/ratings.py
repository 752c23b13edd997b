"""One to five stars."""

from lvs.db import changes, gallery, ratings
from lvs.db.database import Transaction
from lvs.errors import Invalid, NotFound
from lvs.models import MediaHash, Rating
from lvs.services.curation.base import Curation, journal_text
from lvs.services.events import Event


class Ratings(Curation):
    """One to five stars."""

    async def get(self, media_hash: str) -> Rating:
        """A video's rating. Raises NotFound."""

        async def load_id() -> int:
            async with self._database.read() as db:
                return await self._id(db, media_hash)

        video_id = await self._cache.get(("id", media_hash), load_id, counted=False)

        async def load() -> int | None:
            async with self._database.read() as db:
                return await ratings.value(db, video_id)

        return Rating(MediaHash(media_hash), await self._cache.get(("rating", video_id), load))

    async def rate(self, media_hash: str, stars: int, client: str) -> Rating:
        """Give a video stars. Raises Invalid unless they are 1 to 5, NotFound."""
        if isinstance(stars, bool) or stars not in range(1, 6):
            raise Invalid("Pick one to five stars.")
        return await self._change(media_hash, stars, client)

    async def clear(self, media_hash: str, client: str) -> Rating:
        """Take a video's stars away. Raises NotFound."""
        return await self._change(media_hash, None, client)

    async def _change(self, media_hash: str, stars: int | None, client: str) -> Rating:
        async def change(tx: Transaction) -> tuple[int, int | None]:
            found = await ratings.named(tx, media_hash)
            if found is None:
                raise NotFound("There is no such video.")
            video_id, old = found
            if old != stars:
                at = self.now_ms()
                await (
                    ratings.remove(tx, video_id)
                    if stars is None
                    else ratings.put(tx, video_id, stars, at)
                )
                await changes.add(
                    tx, video_id, "rating", journal_text(old), journal_text(stars), client, at
                )
                await gallery.refresh_number(tx, video_id, "rating")
            return video_id, old

        video_id, old = await self._database.write(change)
        self._cache.invalidate()
        # By the id, because a video answers to several names.
        self._cache.put(("rating", video_id), stars)
        if old != stars:
            self._events.publish(Event.RATED, (video_id,))
        return Rating(MediaHash(media_hash), stars, created=old is None and stars is not None)
