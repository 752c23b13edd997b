"""Offers to give what a film was given that is gone to a listed one that may be the same film."""

from lvs.clock import now_ms
from lvs.db import changes, files, gallery, handover, handover_undo, videos
from lvs.db.changes import Change
from lvs.db.database import Transaction
from lvs.db.handover import Candidate
from lvs.errors import Conflict
from lvs.models import Video
from lvs.services.curation.base import Curation
from lvs.services.events import Event
from lvs.titles import title_from_path

OFFERED = 5


class Handover(Curation):
    """Finds what may be the same film, and hands over in one step."""

    async def candidates(self, video: Video) -> list[Candidate]:
        """Listed films that may be this one, the likeliest first."""
        async with self._database.read() as db:
            return await handover.candidates(db, video.id, OFFERED)

    async def former(self, video: Video) -> Video | None:
        """The video for which this one was taken at first, by its name, if that is still gone."""
        if video.parted_from is None:
            return None
        async with self._database.read() as db:
            if await gallery.one(db, video.parted_from) is not None:
                return None
            return await videos.one(db, video.parted_from)

    async def hand_over(self, gone_hash: str, to_hash: str, client: str) -> Video:
        """Give all that a film was given that is gone to another, which answers to the names of
        both from then on.

        Raises NotFound, Conflict where the first is not gone or the other not listed.
        """
        async with self._database.transaction() as tx:
            gone, to = await self._id(tx, gone_hash), await self._id(tx, to_hash)
            await self._check(tx, gone, to)
            await join(tx, gone, to, client)
            video = await videos.one(tx, gone)
        self._cache.clear()
        self._events.publish(Event.REMOVED, [to])
        self._events.publish(Event.MODIFIED, [gone])
        self._events.publish(Event.CHANGED, [gone, to])
        if video is None:
            raise Conflict("The video is gone.")
        return video

    async def _check(self, tx: Transaction, gone: int, to: int) -> None:
        if gone == to or await gallery.one(tx, gone) is not None:
            raise Conflict("This video is in the library folders. It keeps what it was given.")
        if await gallery.one(tx, to) is None:
            raise Conflict("The other video is no longer in the library folders.")


async def join(
    tx: Transaction, gone: int, to: int, client: str, undone: Change | None = None
) -> None:
    """Hand over what a film has that is gone, with a line of the journal by which it can be taken
    back. `undone` is the undo of a handover that this one takes back.
    """
    at = now_ms()
    before, listed = [await handover_undo.snapshot(tx, each) for each in (gone, to)]
    await handover.hand_over(tx, gone, to, at)
    name = listed["videos"]["media_hash"]
    undoes = undone.id if undone else None
    line = await changes.add(tx, gone, "handover", None, name, client, at, undoes=undoes)
    kept = handover_undo.HandoverState(line, at, before, listed)
    await handover_undo.keep(tx, (undone.undoes if undone else None) or line, gone, kept)
    [place, *_] = await files.of_video(tx, gone)
    await videos.title_from_name(tx, gone, title_from_path(place.path))
    await gallery.refresh(tx, [gone])


async def revert(tx: Transaction, change: Change, client: str) -> str:
    """Take a handover back, or the undo of one; why not, or nothing where it was done."""
    if change.new is None:
        to = await videos.id_of(tx, change.old or "")
        listed = to is not None and await gallery.one(tx, to) is not None
        if to is None or to == change.video_id or not listed:
            return "The other video is no longer in the library folders."
        if await gallery.one(tx, change.video_id) is not None:
            return "Its file is there again."
        await join(tx, change.video_id, to, client, undone=change)
        return ""
    kept = await handover_undo.get(tx, change.id)
    if kept is None or await handover_undo.split_joined(tx, change.video_id, kept) is None:
        return "They are two videos already."
    await changes.add(
        tx, change.video_id, "handover", change.new, None, client, now_ms(), undoes=change.id
    )
    return ""
