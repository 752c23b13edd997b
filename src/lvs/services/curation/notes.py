"""A text about each video, which the search finds."""

import unicodedata

from lvs.db import changes, gallery, notes
from lvs.db.database import Transaction
from lvs.errors import Invalid
from lvs.services.curation.base import TURNS_TEXT, Curation

MAX_NOTES = 10_000


class Notes(Curation):
    """Reads and writes notes."""

    async def get(self, media_hash: str) -> str:
        """A video's notes; empty where there are none. Raises NotFound."""
        async with self._database.read() as db:
            return await notes.of_video(db, await self._id(db, media_hash))

    async def set(self, media_hash: str, text: str, client: str) -> str:
        """Write a video's notes; an empty text removes them. The text as it is kept.

        Raises Invalid, NotFound.
        """
        text = clean_notes(text)

        async def change(tx: Transaction) -> int | None:
            video_id = await self._id(tx, media_hash)
            old = await notes.of_video(tx, video_id)
            if old == text:
                return None
            at = self.now_ms()
            await notes.put(tx, video_id, text, at)
            await changes.add(tx, video_id, "notes", old or None, text or None, client, at)
            await gallery.refresh(tx, [video_id])
            return video_id

        self._edited(await self._database.write(change))
        return text


def clean_notes(text: str) -> str:
    """Notes as they are kept: NFC, trimmed, lines ended by a line feed. Raises Invalid."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    for character in text:
        if character in TURNS_TEXT or (
            unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"
        ):
            raise Invalid("Notes cannot hold control characters.")
    if len(text) > MAX_NOTES:
        raise Invalid(f"Notes have at most {MAX_NOTES:,} characters.")
    return text
