"""The heart."""

from collections.abc import Callable

from lvs.db import changes, favorites, gallery
from lvs.db.database import Transaction
from lvs.services.curation.base import Curation, journal_text


class Favorites(Curation):
    """The heart."""

    async def set(self, media_hash: str, favorite: bool, client: str) -> bool:
        """Mark a video as favorite, or no longer; whether it is one now. Raises NotFound."""
        return await self._change(media_hash, lambda _: favorite, client)

    async def toggle(self, media_hash: str, client: str) -> bool:
        """Turn the heart over; whether the video is a favorite now. Raises NotFound."""
        return await self._change(media_hash, lambda was: not was, client)

    async def _change(self, media_hash: str, wanted: Callable[[bool], bool], client: str) -> bool:
        async def change(tx: Transaction) -> tuple[bool, int | None]:
            video_id = await self._id(tx, media_hash)
            was = await favorites.has(tx, video_id)
            now = wanted(was)
            if now != was:
                at = self.now_ms()  # an undo takes the date of the heart from the change
                await (favorites.put(tx, video_id, at) if now else favorites.remove(tx, video_id))
                old, new = journal_text(int(was)), journal_text(int(now))
                await changes.add(tx, video_id, "favorite", old, new, client, at)
                await gallery.refresh_number(tx, video_id, "favorite")
            return now, video_id if now != was else None

        now, edited = await self._database.write(change)
        self._edited(edited)
        return now

    async def get(self, media_hash: str) -> bool:
        """True if a video is a favorite. Raises NotFound."""
        async with self._database.read() as db:
            return await favorites.has(db, await self._id(db, media_hash))
