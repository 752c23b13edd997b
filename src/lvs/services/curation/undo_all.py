"""Taking back all that a client changed since a moment: of videos, of tags themselves, and of saved
views.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from lvs.db.saved_views import ViewJournalLine
from lvs.db.tag_changes import TagJournalLine
from lvs.errors import Conflict, NotFound
from lvs.services.curation.saved_views import SavedViews
from lvs.services.curation.tag_management import TagManagement
from lvs.services.curation.undo import Journal, UndoPreview, UndoTally

MOST_LINES = 2000
Line = TypeVar("Line", TagJournalLine, ViewJournalLine)


class FullUndoPreview(Struct, frozen=True):
    """Preview of undoing all changes of a client: those of videos, and the numbers of those of tags
    and saved views.
    """

    of_videos: UndoPreview
    tags: int
    views: int

    @property
    def changes(self) -> int:
        """The number of changes that would be undone."""
        return self.of_videos.changes + self.tags + self.views


class UndoAll:
    """Shows and does it. Changes of tags and views are taken back first, the latest first."""

    def __init__(self, journal: Journal, tags: TagManagement, views: SavedViews) -> None:
        self._journal = journal
        self._tags = tags
        self._views = views

    async def preview(self, client: str, since: int, until: int) -> FullUndoPreview:
        """Preview of what the client changed between two moments (Unix ms)."""
        tags, views = await self._others(client, since, until)
        of_videos = await self._journal.preview(client, since)
        return FullUndoPreview(of_videos, len(tags), len(views))

    async def run(
        self,
        client: str,
        since: int,
        until: int,
        up_to_id: int,
        by: str,
        tell: Callable[[UndoTally], None],
    ) -> UndoTally:
        """Take it back, of videos up to and with that change; `tell` hears how far it is."""
        tags, views = await self._others(client, since, until)
        first = UndoTally(total=len(tags) + len(views))
        for undo, lines in ((self._views.undo, views), (self._tags.undo, tags)):
            for line in lines:
                await _revert(undo, line.id, by, first)
                tell(first)

        def tell_both(tally: UndoTally) -> None:
            tell(_sum(first, tally))

        done = await self._journal.undo_all(client, since, up_to_id, by, tell_both)
        return _sum(first, done)

    async def _others(
        self, client: str, since: int, until: int
    ) -> tuple[list[TagJournalLine], list[ViewJournalLine]]:
        tags = await self._tags.between(client, since - 1, until, MOST_LINES)
        views = await self._views.between(client, since - 1, until, MOST_LINES)
        return _effective_lines(tags), _effective_lines(views)


def _effective_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines among these to be taken back so that none of them has an effect: without
    those that were undone, and undos of what is among them.
    """
    ids, undoing = {line.id for line in lines}, set()
    for line in sorted(lines, key=lambda each: each.id):
        if line.undoes in ids and line.undoes not in undoing:
            undoing.add(line.id)
    return [line for line in lines if line.undone_by is None and line.id not in undoing]


async def _revert(
    undo: Callable[[int, str], Awaitable[Any]], line_id: int, by: str, tally: UndoTally
) -> None:
    try:
        await undo(line_id, by)
        tally.done += 1
    except (Conflict, NotFound) as error:
        tally.skipped[error.message] += 1


def _sum(one: UndoTally, other: UndoTally) -> UndoTally:
    return UndoTally(one.total + other.total, one.done + other.done, one.skipped + other.skipped)
