"""Plays of a video."""

from lvs.db import changes, gallery, views
from lvs.db.database import Transaction
from lvs.services.curation.base import Curation


class Views(Curation):
    """Plays of a video."""

    async def count(self, media_hash: str, client: str) -> int:
        """Note that somebody plays it; how often it was played now. Raises NotFound."""

        async def change(tx: Transaction) -> int:
            video_id = await self._id(tx, media_hash)
            at = self.now_ms()
            seen = await views.add(tx, video_id, at)
            await changes.add(tx, video_id, "view", str(seen - 1), str(seen), client, at)
            await gallery.refresh_number(tx, video_id, "views")
            return seen

        seen = await self._database.write(change)
        self._cache.invalidate()
        return seen

    async def get(self, media_hash: str) -> int:
        """Plays of a video. Raises NotFound."""
        async with self._database.read() as db:
            return await views.count(db, await self._id(db, media_hash))
