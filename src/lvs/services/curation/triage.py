"""One film after the other: what a selection has left to decide.

The place in the selection is a cursor: what stands before it was decided, or was skipped. So the
address alone says where one is, and nothing is kept about it here.
"""

from msgspec import Struct
from msgspec.structs import replace

from lvs.clock import now_ms
from lvs.db.changes import ChangeFilter
from lvs.errors import Invalid, NotFound
from lvs.models import Card, Cursor, Query, Video, tag_key
from lvs.services.curation.change_status import UndoStatus
from lvs.services.curation.tags import Tags
from lvs.services.curation.titles import VideoTitles
from lvs.services.curation.undo import Journal
from lvs.services.gallery.gallery import Gallery
from lvs.services.household.later import Later
from lvs.viewer import viewer

LEFT = ("unrated", "all")
LAST_USED, OFFERED = 6, 12
UNDOABLE_MS = 24 * 3_600_000


class TriageVideo(Struct, frozen=True):
    """The film to decide on, and the place behind it (None at the end).

    `tags` are those to offer with one tap each: those used last, its own, those of films like it.
    """

    card: Card
    video: Video
    behind: Cursor | None
    tags: tuple[str, ...]
    later: bool


class TriageStep(Struct, frozen=True):
    """The next film, None where nothing is left behind the place; how many are left, this one
    among them.
    """

    video: TriageVideo | None
    left: int


class Triage:
    """Finds what is left to decide, and takes decisions back."""

    def __init__(
        self, gallery: Gallery, videos: VideoTitles, tags: Tags, later: Later, journal: Journal
    ) -> None:
        self._gallery = gallery
        self._videos = videos
        self._tags = tags
        self._later = later
        self._journal = journal

    async def next(self, query: Query, after: Cursor | None) -> TriageStep:
        """The first film behind a place."""
        page = await self._gallery.browse(query, 1, after)
        if not page.cards:
            return await self.left(query)
        found = await self._video(page.cards[0], page.next)
        return TriageStep(found, max(1, await self._gallery.count_behind(query, after)))

    async def left(self, query: Query) -> TriageStep:
        """The end: how many films a query has that were passed."""
        return TriageStep(None, await self._gallery.count(query))

    async def again(
        self, query: Query, media_hash: str, behind: Cursor | None, last: bool = False
    ) -> TriageStep:
        """A film that was met before; `behind` is the place behind it, unless it was the `last` of
        all. Raises NotFound.
        """
        video = await self.seen(media_hash)
        card = await self._gallery.card(video.id)
        if card is None:
            raise NotFound("This video is gone from the library folders.")
        following = 0 if last else await self._gallery.count_behind(query, behind)
        if behind is None and not last:  # a film of the address alone: all are yet to come
            return TriageStep(await self._video(card, behind), max(1, following))
        return TriageStep(await self._video(card, behind), 1 + following)

    async def seen(self, media_hash: str) -> Video:
        """A video that the person who watches may see. Raises NotFound."""
        video = await self._videos.get(media_hash)
        if not viewer().sees(video.id):
            raise NotFound("There is no such video.")
        return video

    async def revert(self, media_hash: str, what: str, client: str) -> bool:
        """Take back the stars (`rating`) or the hiding (`hidden`) that a client gave a film last;
        False where there is nothing to take back, or it was changed since. Raises NotFound.
        """
        video = await self.seen(media_hash)
        since = now_ms() - UNDOABLE_MS
        chosen = ChangeFilter(client=client, what=what, video_id=video.id, since=since)
        entries, _ = await self._journal.page(chosen, limit=1)
        if not entries or entries[0].status is not UndoStatus.OPEN or entries[0].change.undoes:
            return False
        return not (await self._journal.undo(entries[0].change.id, client)).reason

    async def _video(self, card: Card, behind: Cursor | None) -> TriageVideo:
        video = await self._videos.get(card.media_hash)
        later = await self._later.has(card.media_hash)
        return TriageVideo(card, video, behind, await self._offered(video), later)

    async def _offered(self, video: Video) -> tuple[str, ...]:
        if viewer().limits is not None:  # what others were given is not for them to know
            return video.tags
        names = [
            *await self._tags.last_used(LAST_USED),
            *video.tags,
            *await self._tags.suggest(video.media_hash, OFFERED),
        ]
        by_key = {tag_key(name): name for name in reversed(names)}
        offered = dict.fromkeys(tag_key(name) for name in names)
        own = {tag_key(name) for name in video.tags}
        kept = [key for place, key in enumerate(offered) if place < OFFERED or key in own]
        return tuple(by_key[key] for key in kept)


def left_of(query: Query, left: str) -> Query:
    """The part of a selection that is left to decide. Raises Invalid."""
    if left not in LEFT:
        raise Invalid(f"left is one of {', '.join(LEFT)}.")
    return replace(query, unrated=True) if left == "unrated" else query
