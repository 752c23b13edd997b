"""Words people put on videos."""

from lvs.db import changes, files, gallery, tags, watch_page
from lvs.db.database import Connection, Transaction
from lvs.errors import Invalid
from lvs.models import tag_key
from lvs.services.curation.base import Curation, clean_line

MAX_TAG_LENGTH = 64
LONGEST_TAG = 200  # what an import may bring; people type shorter ones
MAX_TAGS = 200


class Tags(Curation):
    """Words people put on videos."""

    async def get(self, media_hash: str) -> tuple[str, ...]:
        """A video's tags, in alphabetical order. Raises NotFound."""
        async with self._database.read() as db:
            return await tags.of_video(db, await self._id(db, media_hash))

    async def add(self, media_hash: str, name: str, client: str) -> tuple[str, ...]:
        """Put a tag on a video; all its tags then.

        A tag it has already changes nothing. Raises Invalid, NotFound.
        """
        name = clean_tag(name)

        async def change(tx: Transaction) -> tuple[tuple[str, ...], int | None]:
            video_id = await self._id(tx, media_hash)
            edited: int | None = None
            if len(await tags.of_video(tx, video_id)) >= MAX_TAGS:
                raise Invalid(f"A video can carry {MAX_TAGS} tags. Remove one first.")
            at = self.now_ms()
            if await tags.add(tx, video_id, name, tag_key(name), at):
                given = await _name_of(tx, name)
                await changes.add(tx, video_id, "tag", None, given, client, at)
                await gallery.refresh(tx, [video_id])
                edited = video_id
            return await tags.of_video(tx, video_id), edited

        names, edited = await self._database.write(change)
        self._edited(edited)
        return names

    async def remove(self, media_hash: str, name: str, client: str) -> tuple[str, ...]:
        """Take a tag off a video; the tags that remain. Raises NotFound."""

        async def change(tx: Transaction) -> tuple[tuple[str, ...], int | None]:
            video_id = await self._id(tx, media_hash)
            removed = await tags.remove(tx, video_id, tag_key(name))
            if removed is not None:
                await changes.add(tx, video_id, "tag", removed, None, client, self.now_ms())
                await gallery.refresh(tx, [video_id])
            edited = video_id if removed is not None else None
            return await tags.of_video(tx, video_id), edited

        names, edited = await self._database.write(change)
        self._edited(edited)
        return names

    async def last_used(self, limit: int) -> list[str]:
        """The tags that were given last, the latest first."""
        async with self._database.read() as db:
            return await tags.last_used(db, limit)

    async def suggest(self, media_hash: str, limit: int) -> list[str]:
        """Tags that this video may get: those of films like it, then those given last. Raises
        NotFound.
        """
        async with self._database.read() as db:
            video_id = await self._id(db, media_hash)
            [place, *_] = await files.of_video(db, video_id)
            folder = place.path.rpartition(b"/")[0]
            return await watch_page.suggested_tags(db, video_id, place.root_id, folder, limit)


async def _name_of(db: Connection, name: str) -> str:
    """The name as it was typed, or that of the tag which it is an alias of."""
    known = await tags.find(db, tag_key(name))
    return known[1] if known and tag_key(known[1]) != tag_key(name) else name


def clean_tag(name: str, longest: int = MAX_TAG_LENGTH) -> str:
    """A tag as it is kept: NFC, trimmed, single spaces, without leading `#`.

    Raises Invalid with what is wrong.
    """
    name = clean_line(name.strip().lstrip("#"), "tag", longest)
    if not name:
        raise Invalid("Type a word for the tag.")
    return name
