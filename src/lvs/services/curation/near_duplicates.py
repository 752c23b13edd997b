"""Films that look the same: which one is kept, or that they are two.

The kept one gets what both were given, and the other is hidden. No file is touched. It is a change
to both videos: one line of the journal, one undo.
"""

from lvs.clock import now_ms
from lvs.db import bulk_changes, bulk_edits, changes, near_pairs, tags, videos
from lvs.db.bulk_edits import ChangeOrigin
from lvs.db.changes import Change
from lvs.db.database import Database, Transaction
from lvs.db.near_pairs import NearPair, NearVideo
from lvs.errors import Invalid, NotFound
from lvs.services.cache import Cache
from lvs.services.curation.change_status import OTHERWISE
from lvs.services.curation.notes import MAX_NOTES
from lvs.services.curation.tags import MAX_TAGS
from lvs.services.events import Event, Events
from lvs.services.household.progress import ProgressTracker

__all__ = ["NearDuplicates", "NearPair", "NearVideo", "revert"]

PAIRS_PER_PAGE = 20
GONE = "This pair is decided already, or one of the films is gone."


class NearDuplicates:
    """Lists pairs of films that look the same, and decides about them."""

    def __init__(
        self, database: Database, cache: Cache, events: Events, progress: ProgressTracker
    ) -> None:
        self._database = database
        self._cache = cache
        self._events = events
        self._progress = progress

    async def page(
        self, after_id: int = 0, limit: int = PAIRS_PER_PAGE
    ) -> tuple[list[NearPair], int | None]:
        """Pairs to decide about, by id, and the id to go on with."""
        async with self._database.read() as db:
            found = await near_pairs.listed(db, limit + 1, after_id)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def count(self) -> int:
        """The number of pairs to decide about."""
        async with self._database.read() as db:
            return await near_pairs.count(db)

    async def keep(self, pair_id: int, media_hash: str, client: str) -> int:
        """Keep one film of a pair and hide the other; the change in the journal.

        Raises NotFound where the pair is decided, Invalid for a film that is none of the two.
        """
        await self._progress.flush()
        async with self._database.transaction() as tx:
            pair = await _pair(tx, pair_id)
            kept = next((f.card for f in pair.films if f.card.media_hash == media_hash), None)
            other = next((f.card for f in pair.films if f.card.media_hash != media_hash), None)
            if kept is None or other is None:
                raise Invalid("Keep one of the two films of this pair.")
            origin = ChangeOrigin(await bulk_changes.reserve(tx), client, now_ms())
            await _join(tx, origin, kept.id, other.id)
            words = f"“{kept.title}” kept instead of “{other.title}”, which is hidden"
            await bulk_changes.add(tx, origin.bulk or 0, words, 2, client, origin.at)
        self._cache.clear()
        self._progress.note_changes()
        for event in (Event.CHANGED, Event.RATED):
            self._events.publish(event, [kept.id, other.id])
        return origin.bulk or 0

    async def part(self, pair_id: int, client: str) -> int:
        """Say that the films of a pair are not the same, for good; the change in the journal.

        Raises NotFound where the pair is decided.
        """
        at = now_ms()
        async with self._database.transaction() as tx:
            one, other = (video.card for video in (await _pair(tx, pair_id)).films)
            await near_pairs.dismiss(tx, one.id, other.id, at)
            return await changes.add(tx, one.id, "different", None, other.media_hash, client, at)


async def _pair(tx: Transaction, pair_id: int) -> NearPair:
    pair = await near_pairs.one(tx, pair_id)
    if pair is None:
        raise NotFound(GONE)
    return pair


async def _join(tx: Transaction, origin: ChangeOrigin, kept_id: int, other_id: int) -> None:
    kinds = await near_pairs.join_values(tx, origin, kept_id, other_id, MAX_NOTES)
    for name in await tags.of_video(tx, other_id):
        if await bulk_edits.add_tag(tx, origin, [kept_id], name, MAX_TAGS):
            kinds.add("tag")
    await near_pairs.join_playlists(tx, origin, kept_id, other_id)
    await bulk_edits.set_value(tx, origin, [other_id], "hidden", "1")
    await bulk_edits.refresh(tx, [kept_id, other_id], frozenset({*kinds, "hidden"}))


async def revert(tx: Transaction, change: Change, client: str) -> str:
    """Take back that two films are not the same, or the undo of it; why not, or nothing where it
    was done.
    """
    other = await videos.id_of(tx, change.new or change.old or "")
    state = None if other is None else await near_pairs.dismissed(tx, change.video_id, other)
    if other is None or state is None:
        return "They do not look the same any more."
    if state != (change.new is not None):
        return OTHERWISE
    at = now_ms()
    await near_pairs.dismiss(tx, change.video_id, other, None if state else at)
    await changes.add(
        tx, change.video_id, "different", change.new, change.old, client, at, undoes=change.id
    )
    return ""
