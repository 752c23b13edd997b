"""Whole videos by name, and their titles."""

from collections.abc import Sequence

from lvs.db import changes, files, gallery, videos
from lvs.db.database import Transaction
from lvs.errors import NotFound
from lvs.models import Card, File, PlayableFile, Video
from lvs.services.curation.base import Curation, clean_line
from lvs.titles import title_from_path

MAX_TITLE_LENGTH = 300


class VideoTitles(Curation):
    """Whole videos by name, and their titles."""

    async def get(self, media_hash: str) -> Video:
        """The video of this name or alias. Raises NotFound."""
        async with self._database.read() as db:
            video = await videos.one(db, await self._id(db, media_hash))
        if video is None:
            raise NotFound("There is no such video.")
        return video

    async def id_of(self, media_hash: str) -> int | None:
        """The id of the video of this name or alias; None where there is none."""
        async with self._database.read() as db:
            return await videos.id_of(db, media_hash)

    async def at(
        self, places: Sequence[tuple[int, bytes]]
    ) -> tuple[Video, File, Card | None] | None:
        """The video that an address means which may lead to these places (library folder, path),
        its file of that place, and its card where it is listed: one query.
        """
        async with self._database.read() as db:
            return await videos.at(db, places)

    async def playable_at(self, places: Sequence[tuple[int, bytes]]) -> PlayableFile | None:
        """The file to send for the first of these places (library folder, path), by one query."""
        async with self._database.read() as db:
            return await files.playable_at(db, places)

    async def retitle(self, media_hash: str, title: str, client: str) -> Video:
        """Give a video a title; an empty one goes back to what its file is called.

        Raises Invalid, NotFound.
        """
        title = clean_line(title, "title", MAX_TITLE_LENGTH)

        async def change(tx: Transaction) -> tuple[str, int | None]:
            video = await videos.one(tx, await self._id(tx, media_hash))
            if video is None:
                raise NotFound("There is no such video.")
            old = (
                video.title if video.title_edited else None
            )  # None: what its file is called, whatever that will be then
            edited = (title or None) != old
            if edited:
                await videos.set_title(
                    tx, video.id, title or title_from_path(video.file.path), edited=bool(title)
                )
                await changes.add(tx, video.id, "title", old, title or None, client, self.now_ms())
                await gallery.refresh(tx, [video.id])
            return video.media_hash, video.id if edited else None

        name, edited_id = await self._database.write(change)
        self._edited(edited_id)
        return await self.get(name)
