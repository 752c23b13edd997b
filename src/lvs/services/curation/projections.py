"""A person's word on a film's projection, and what is known of it without."""

from lvs.db import changes, chapters, gallery, projections
from lvs.db.database import Transaction
from lvs.models import Chapter, Projection, Video, display_path
from lvs.services.curation.base import Curation
from lvs.services.events import Event
from lvs.services.media.projection import DEFAULT
from lvs.services.media.projection_json import chosen_text
from lvs.services.media.stored_projection import apply_projection, offered


class Projections(Curation):
    """The shape of each film. A choice is journaled and can be undone like stars and tags."""

    def offered(self, video: Video) -> Projection | None:
        """A stereo layout that the picture suggests; None mostly."""
        probe, name = video.probe, display_path(video.file.path.rpartition(b"/")[2])
        if probe is None or video.projection_evidence is None:
            return None
        return offered(video, name, probe.width, probe.height)

    async def chapters(self, video: Video) -> list[Chapter]:
        """The parts of a film that its file names."""
        async with self._database.read() as db:
            return await chapters.of_video(db, video.id)

    async def choose(self, media_hash: str, chosen: Projection | None, client: str) -> Projection:
        """Have a film be of this projection, or with None as found; the one in force then.

        Raises NotFound.
        """
        text = chosen_text(chosen)

        async def change(tx: Transaction) -> tuple[int, Projection]:
            video_id = await self._id(tx, media_hash)
            stored = await projections.of_video(tx, video_id)
            old = stored.chosen if stored else None
            if old != text:
                await projections.choose(tx, video_id, text)
                await apply_projection(tx, video_id)
                await changes.add(tx, video_id, "projection", old, text, client, self.now_ms())
                await gallery.refresh_card(tx, video_id)
                stored = await projections.of_video(tx, video_id)
            return video_id, stored.projection if stored else DEFAULT

        video_id, found = await self._database.write(change)
        self._cache.invalidate()
        self._events.publish(Event.RESHAPED, [video_id])
        return found
