"""Videos out of sight: in no list unless it asks for them, and with all they were given."""

from lvs.db import changes, gallery, hidden
from lvs.db.database import Transaction
from lvs.services.curation.base import Curation, journal_text


class HiddenVideos(Curation):
    """Hides videos and shows them again."""

    async def set(self, media_hash: str, wanted: bool, client: str) -> bool:
        """Hide a video or show it again; True where it is hidden now. Raises NotFound."""

        async def change(tx: Transaction) -> int | None:
            video_id = await self._id(tx, media_hash)
            was = await hidden.has(tx, video_id)
            if was == wanted:
                return None
            at = self.now_ms()
            await (hidden.put(tx, video_id, at) if wanted else hidden.remove(tx, video_id))
            old, new = journal_text(int(was)), journal_text(int(wanted))
            await changes.add(tx, video_id, "hidden", old, new, client, at)
            await gallery.refresh_number(tx, video_id, "hidden")
            return video_id

        self._edited(await self._database.write(change))
        return wanted

    async def get(self, media_hash: str) -> bool:
        """True for a hidden video. Raises NotFound."""
        async with self._database.read() as db:
            return await hidden.has(db, await self._id(db, media_hash))
