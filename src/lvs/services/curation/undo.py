"""The journal of every change, and how a change is taken back.

Taking back is a change like any other: it stands in the journal and can be taken back itself. A
value that somebody changed again since is left as it is.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection

from msgspec import Struct, field
from msgspec.structs import replace

from lvs.clock import now_ms
from lvs.db import (
    bulk_changes,
    bulk_edits,
    changes,
    favorites,
    gallery,
    hidden,
    markers,
    missing,
    notes,
    overview,
    projections,
    ratings,
    tag_details,
    tags,
    videos,
    views,
)
from lvs.db.bulk_changes import BulkChange
from lvs.db.bulk_edits import ChangeOrigin
from lvs.db.changes import Change, ChangeFilter
from lvs.db.database import Database, Transaction
from lvs.errors import NotFound
from lvs.models import tag_key
from lvs.services.cache import Cache
from lvs.services.curation import handover, near_duplicates
from lvs.services.curation.base import journal_text
from lvs.services.curation.bulk_undo import revert, status_of_bulk
from lvs.services.curation.change_status import OTHERWISE, REASONS, UndoStatus, statuses
from lvs.services.curation.tags import MAX_TAGS
from lvs.services.events import Event, Events
from lvs.services.household import personal_values
from lvs.services.media.stored_projection import apply_projection
from lvs.text import plural
from lvs.titles import title_from_path

__all__ = [
    "KINDS",
    "PAGE_SIZE",
    "ChangeFilter",
    "Journal",
    "JournalEntry",
    "UndoPreview",
    "UndoTally",
]

PAGE_SIZE = 100
MOST_AT_ONCE = 20_000
BATCH = 100
CLIENTS = 200
EXAMPLES = 30
KINDS = (
    *("rating", "favorite", "tag", "title", "view", "projection", "poster"),
    *("hidden", "notes", "markers", "different"),
    *("later", "watched", "playlist", "bulk", "forgotten", "handover", "added"),
)


class JournalEntry(Struct, frozen=True):
    """A line of the journal as it is shown."""

    change: Change
    media_hash: str
    title: str
    status: UndoStatus
    videos: int = 1
    """How many videos it is about."""


class UndoResult(Struct, frozen=True):
    """Result of undoing a change: `reason` says why it was left as it is, and is empty where
    it was done.

    Of a change to many videos at once, `skipped` says how many values were left as they are.
    """

    entry: JournalEntry
    reason: str
    change_id: int | None = None
    """The change that the undo is; None where nothing was done."""
    skipped: int = 0
    videos: int = 1
    """Of how many videos something was taken back."""


class UndoPreview(Struct):
    """Preview of undoing all changes of one client.

    `up_to_id` is the latest change that it is about. `more` where there are older ones than fit
    into one go.
    """

    up_to_id: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    videos: int = 0
    entries: list[JournalEntry] = field(default_factory=list)
    more: bool = False

    @property
    def changes(self) -> int:
        """The number of changes that would be undone."""
        return self.kinds.total()


class UndoTally(Struct):
    """Counts of undone changes, and of others with their reasons."""

    total: int = 0
    done: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class Journal:
    """Lists changes and takes them back."""

    def __init__(self, database: Database, cache: Cache, events: Events) -> None:
        self._database = database
        self._cache = cache
        self._events = events

    async def page(
        self, chosen: ChangeFilter, before_id: int | None = None, limit: int = PAGE_SIZE
    ) -> tuple[list[JournalEntry], int | None]:
        """Changes, the latest first, from before that id on; and the id to go on with, None at the
        end. Of a change to many videos at once there is one line, unless one video is asked for.
        """
        together = chosen.video_id is None
        async with self._database.read() as db:
            found: list[Change] = []
            if chosen.what != "bulk":
                alone = replace(chosen, alone=together)
                found = await changes.latest(db, alone, limit + 1, before_id)
            bulks: list[BulkChange] = []
            if together and chosen.what in ("", "bulk"):
                bulks = await bulk_changes.latest(db, chosen, limit + 1, before_id)
            ids = sorted([*(each.id for each in found), *(each.id for each in bulks)])[::-1]
            following = ids[limit - 1] if len(ids) > limit else None
            found = [each for each in found if following is None or each.id >= following]
            entries = [
                _of_bulk(each) for each in bulks if following is None or each.id >= following
            ]
            if found:
                video_ids = {change.video_id for change in found}
                later = await changes.of_videos(db, video_ids, found[-1].id)
                titles = await overview.titles(db, list(video_ids))
                status = statuses(later, found)
                entries += [_entry(change, titles, status[change.id]) for change in found]
        return sorted(entries, key=lambda entry: -entry.change.id), following

    async def moment(self, change_id: int) -> int | None:
        """The time of a change (Unix ms); None without such a change."""
        async with self._database.read() as db:
            one = await changes.one(db, change_id) or await bulk_changes.one(db, change_id)
        return one.at if one else None

    async def clients(self) -> list[str]:
        """Clients that changed anything."""
        async with self._database.read() as db:
            return await changes.clients(db, CLIENTS)

    async def undo(self, change_id: int, client: str) -> UndoResult:
        """Take one change back, or a change to many videos at once. Raises NotFound where there is
        no such change.
        """
        async with self._database.read() as db:
            bulk = await bulk_changes.one(db, change_id)
        if bulk is not None:
            return await self._undo_bulk(bulk, client)
        async with self._database.transaction() as tx:
            change = await changes.one(tx, change_id)
            if change is None:
                raise NotFound("There is no such change.")
            reason = await _undo(tx, change, client)
            titles = await overview.titles(tx, [change.video_id])
            if not reason:
                await gallery.refresh(tx, [change.video_id])
            later = await changes.of_videos(tx, [change.video_id], change.id)
        if not reason:
            self._tell([change])
        entry = _entry(change, titles, statuses(later, [change])[change.id])
        undo_id = next((each.id for each in later if each.undoes == change.id), None)
        return UndoResult(entry, reason, None if reason else undo_id)

    async def _undo_bulk(self, bulk: BulkChange, client: str) -> UndoResult:
        async with self._database.transaction() as tx:
            result = await revert(tx, bulk.id, client)
            after = await bulk_changes.one(tx, bulk.id) or bulk
        self._cache.clear()
        if result.video_ids:
            self._events.publish(Event.CHANGED, result.video_ids)
            self._events.publish(Event.RATED, result.video_ids)  # stars may be among it
        return UndoResult(
            _of_bulk(after),
            result.reason,
            result.undone_by,
            result.skipped,
            len(result.video_ids),
        )

    async def preview(self, client: str, since: int) -> UndoPreview:
        """Preview of undoing every change of this client since then (Unix ms)."""
        planned, found = await self._plan(ChangeFilter(client=client, since=since))
        if not found.up_to_id:
            return found
        async with self._database.read() as db:
            titles = await overview.titles(
                db, list({change.video_id for change in planned[:EXAMPLES]})
            )
        found.entries = [_entry(change, titles, UndoStatus.OPEN) for change in planned[:EXAMPLES]]
        return found

    async def undo_all(
        self, client: str, since: int, up_to_id: int, by: str, tell: Callable[[UndoTally], None]
    ) -> UndoTally:
        """Take back every change of this client since then, up to and with that one; `tell` hears
        how far it is.

        It is done in steps, the latest change first; each step is whole. Others go on writing
        meanwhile.
        """
        planned, preview = await self._plan(
            ChangeFilter(client=client, since=since, up_to_id=up_to_id)
        )
        tally = UndoTally(total=len(planned), skipped=preview.skipped)
        for start in range(0, len(planned), BATCH):
            step = planned[start : start + BATCH]
            reasons: list[str] = []
            async with self._database.transaction() as tx:
                for change in step:
                    reasons.append(await _undo(tx, change, by))
                touched = {
                    change.video_id
                    for change, reason in zip(step, reasons, strict=True)
                    if not reason
                }
                await gallery.refresh(tx, touched)
            tally.done += sum(not reason for reason in reasons)
            tally.skipped.update(reason for reason in reasons if reason)
            self._tell([c for c in step if c.video_id in touched])
            tell(tally)
            await asyncio.sleep(0)
        return tally

    async def _plan(self, chosen: ChangeFilter) -> tuple[list[Change], UndoPreview]:
        """The changes that would be taken back, in the order in which that can be done; and what is
        to be said of them.
        """
        async with self._database.read() as db:
            found = await changes.latest(db, chosen, MOST_AT_ONCE + 1)
            more = len(found) > MOST_AT_ONCE
            found = found[:MOST_AT_ONCE]
            later = (
                await changes.of_videos(db, {change.video_id for change in found}, found[-1].id)
                if found
                else []
            )
        status = await asyncio.to_thread(statuses, later, found, together=True)
        planned = [change for change in found if status[change.id] is UndoStatus.OPEN]
        preview = UndoPreview(
            up_to_id=found[0].id if found else 0,
            kinds=Counter(change.what for change in planned),
            skipped=Counter(
                REASONS[status[change.id]]
                for change in found
                if status[change.id] is not UndoStatus.OPEN
            ),
            videos=len({change.video_id for change in planned}),
            more=more,
        )
        return planned, preview

    def _tell(self, undone: Collection[Change]) -> None:
        self._cache.clear()  # a rating stands there under each of a video's names
        reshaped = {c.video_id for c in undone if c.what in ("projection", "poster")}
        parted = {change.video_id for change in undone if change.what == "handover"}
        for event, video_ids in (
            (Event.CHANGED, {change.video_id for change in undone}),
            (Event.RATED, {change.video_id for change in undone if change.what == "rating"}),
            (Event.RESHAPED, reshaped),
            (Event.REASSIGNED, parted),
            (Event.MODIFIED, parted),
        ):
            if video_ids:
                self._events.publish(event, video_ids)


def _entry(change: Change, titles: dict[int, tuple[str, str]], status: UndoStatus) -> JournalEntry:
    media_hash, title = titles.get(change.video_id, ("", ""))
    return JournalEntry(change, media_hash, title, status)


def _of_bulk(bulk: BulkChange) -> JournalEntry:
    change = Change(
        bulk.id, bulk.at, 0, "bulk", None, bulk.summary, bulk.client, bulk.undoes, bulk.is_redo
    )
    title = plural(bulk.videos, "video")
    return JournalEntry(change, "", title, status_of_bulk(bulk), bulk.videos)


async def _undo(tx: Transaction, change: Change, client: str) -> str:
    """Take a change back; why not, or nothing where it was done.

    The gallery is left to the caller.
    """
    later = await changes.of_videos(tx, [change.video_id], change.id)
    status = statuses(later, [change])[change.id]
    if status is not UndoStatus.OPEN:
        return REASONS[status]
    return await _TAKE_BACK[change.what](tx, change, client)


async def _note(tx: Transaction, change: Change, client: str) -> None:
    """Write down that the change was taken back."""
    await changes.add(
        tx, change.video_id, change.what, change.new, change.old, client, now_ms(), undoes=change.id
    )


async def _rating(tx: Transaction, change: Change, client: str) -> str:
    stars = await ratings.value(tx, change.video_id)
    if (None if stars is None else str(stars)) != change.new:
        return OTHERWISE
    if change.old is None:
        await ratings.remove(tx, change.video_id)
    else:
        await ratings.put(tx, change.video_id, int(change.old), now_ms())
    await _note(tx, change, client)
    return ""


async def _favorite(tx: Transaction, change: Change, client: str) -> str:
    if str(int(await favorites.has(tx, change.video_id))) != change.new:
        return OTHERWISE
    if change.old == "1":
        await favorites.put(tx, change.video_id, await _favorite_since(tx, change))
    else:
        await favorites.remove(tx, change.video_id)
    await _note(tx, change, client)
    return ""


async def _favorite_since(tx: Transaction, change: Change) -> int:
    """Since when it had been a favorite before this change: galleries are sorted by it."""
    found: Change | None = change
    while found is not None and found.undoes is not None:
        found = await changes.one(tx, found.undoes)
    if found is not None and found.new == "0":
        found = await changes.giving(tx, change.video_id, "favorite", "1", found.id)
        if found is not None and found.undoes is not None:
            return await _favorite_since(tx, found)
    return found.at if found is not None else now_ms()


async def _projection(tx: Transaction, change: Change, client: str) -> str:
    stored = await projections.of_video(tx, change.video_id)
    if (stored.chosen if stored else None) != change.new:
        return OTHERWISE
    await projections.choose(tx, change.video_id, change.old)
    await apply_projection(tx, change.video_id)
    await _note(tx, change, client)
    return ""


async def _poster(tx: Transaction, change: Change, client: str) -> str:
    stored = await projections.of_video(tx, change.video_id)
    if journal_text(stored.place if stored else None) != change.new:
        return OTHERWISE
    place = None if change.old is None else int(change.old)
    await projections.choose_place(tx, change.video_id, place)
    await apply_projection(tx, change.video_id)
    await _note(tx, change, client)
    return ""


async def _hidden(tx: Transaction, change: Change, client: str) -> str:
    if str(int(await hidden.has(tx, change.video_id))) != change.new:
        return OTHERWISE
    if change.old == "1":
        await hidden.put(tx, change.video_id, now_ms())
    else:
        await hidden.remove(tx, change.video_id)
    await _note(tx, change, client)
    return ""


async def _notes(tx: Transaction, change: Change, client: str) -> str:
    if await notes.of_video(tx, change.video_id) != (change.new or ""):
        return OTHERWISE
    await notes.put(tx, change.video_id, change.old or "", now_ms())
    await _note(tx, change, client)
    return ""


async def _markers(tx: Transaction, change: Change, client: str) -> str:
    if await markers.of_video(tx, change.video_id) != (change.new or ""):
        return OTHERWISE
    await markers.put(tx, change.video_id, change.old or "")
    await _note(tx, change, client)
    return ""


async def _tag(tx: Transaction, change: Change, client: str) -> str:
    full = change.new is None and len(await tags.of_video(tx, change.video_id)) >= MAX_TAGS
    if full:
        return f"The video carries {MAX_TAGS} tags, and no more fit."
    taken = await bulk_edits.revert(tx, ChangeOrigin(None, client, now_ms()), [change])
    await tag_details.remove_unused(tx, {tag_key(change.new or change.old or "")})
    return "" if taken else OTHERWISE


async def _title(tx: Transaction, change: Change, client: str) -> str:
    video = await videos.one(tx, change.video_id)
    if video is None:
        return "Nobody knows where the video lies."
    of_file = title_from_path(video.file.path)
    if not (video.title == change.new or (change.new is None and not video.title_edited)):
        return OTHERWISE
    title = of_file if change.old is None else change.old
    await videos.set_title(tx, change.video_id, title, edited=title != of_file)
    await _note(tx, change, client)
    return ""


async def _view(tx: Transaction, change: Change, client: str) -> str:
    """Views are counted, so one can be taken away whatever came after it."""
    count = await views.count(tx, change.video_id)
    step = int(change.new or 0) - int(change.old or 0)
    if count - step < 0:
        return OTHERWISE
    await _note(tx, replace(change, new=str(count), old=str(count - step)), client)
    await views.put(tx, change.video_id, count - step, await changes.last_view(tx, change.video_id))
    return ""


async def _added(tx: Transaction, change: Change, client: str) -> str:
    video = await videos.one(tx, change.video_id)
    if video is None or str(video.added_at) != change.new or change.old is None:
        return OTHERWISE
    await videos.set_added(tx, change.video_id, int(change.old))
    await _note(tx, change, client)
    return ""


async def _forgotten(tx: Transaction, change: Change, client: str) -> str:
    ids = [change.video_id]
    if change.new is not None:
        done = await missing.restore(tx, ids)
    else:
        done = await missing.forget(tx, ids, missing.EVER, now_ms())
    if not done:
        return (
            "Its file is there again."
            if not await missing.is_forgotten(tx, change.video_id)
            else OTHERWISE
        )
    await _note(tx, change, client)
    return ""


async def _playlist(tx: Transaction, change: Change, client: str) -> str:
    """Undo a change of playlists, which the journal knows for many videos at once only."""
    taken = await bulk_edits.revert(tx, ChangeOrigin(None, client, now_ms()), [change])
    return "" if taken else OTHERWISE


async def _watched(tx: Transaction, change: Change, client: str) -> str:
    if not await personal_values.put_watched_back(tx, change):
        return OTHERWISE
    await _note(tx, change, client)
    return ""


async def _later(tx: Transaction, change: Change, client: str) -> str:
    if not await personal_values.put_later_back(tx, change):
        return OTHERWISE
    await _note(tx, change, client)
    return ""


_TAKE_BACK = {
    "watched": _watched,
    "later": _later,
    "playlist": _playlist,
    "rating": _rating,
    "favorite": _favorite,
    "tag": _tag,
    "title": _title,
    "view": _view,
    "projection": _projection,
    "poster": _poster,
    "hidden": _hidden,
    "notes": _notes,
    "markers": _markers,
    "forgotten": _forgotten,
    "handover": handover.revert,
    "added": _added,
    "different": near_duplicates.revert,
}
