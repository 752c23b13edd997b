"""Placement: finds the video of each file that a scan found, and notes missing files.

Identity is content. See `docs/data.md` for the rules.
"""

import asyncio
import os
import secrets
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from lvs.clock import now_ms
from lvs.db import bulk_insert, division, files, gallery, handover, missing, videos
from lvs.db.bulk_insert import NewFile
from lvs.db.database import Database, Transaction
from lvs.models import File, Fingerprint, FoundFile, Root, State
from lvs.services.events import Event, Events
from lvs.services.library import identity
from lvs.services.library.drives import Drives
from lvs.services.library.identity import Content, Identity
from lvs.services.library.walk import legacy_alias
from lvs.services.media import stored_projection
from lvs.titles import title_from_path

ALIAS_BATCH = 5000
PLACED_AT_ONCE = 200  # files that are not simply new; each takes a dozen queries
MISSING_AT_ONCE = 1000
UNREADY_MS = 7 * 24 * 3600 * 1000  # a file probed this recently may have been incomplete then
GROWING_NS = 6 * 3600 * 10**9  # the longest pause of a recording or a download
REPLACED_WITHIN_MS = (
    7 * 24 * 3600 * 1000
)  # a new file replaces another one that lay there this recently


class BatchResult(Struct):
    """The videos that one batch touched."""

    added: set[int] = field(default_factory=set)
    modified: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    reassigned: set[int] = field(default_factory=set)
    reshaped: set[int] = field(default_factory=set)

    @property
    def all(self) -> set[int]:
        return self.added | self.modified | self.removed


class Placement:
    """Writes the findings of a scan into the database, in transactions so small that other writers
    never wait long.
    """

    def __init__(self, database: Database, events: Events, drives: Drives) -> None:
        self._database = database
        self._events = events
        self._drives = drives
        self._identity = Identity(database, drives)
        self._unnamed = 0
        self.added = 0

    async def take_in(self, root: Root, batch: Sequence[NewFile]) -> None:
        """Assign each file to its video, in small transactions."""
        self._unnamed += len(batch)
        async with self._database.transaction() as tx:
            new, others = await bulk_insert.add_new(tx, root.id, batch)
            await handover.note_former(tx, new)
        self.added += len(new)
        self._publish(BatchResult(added=set(new)))
        for start in range(0, len(others), PLACED_AT_ONCE):
            some = others[start : start + PLACED_AT_ONCE]
            # before the transaction: it reads files
            contents = [await self._identity.content_of(root, item) for item in some]
            taken = BatchResult()
            async with self._database.transaction() as tx:
                for item, content in zip(some, contents, strict=True):
                    await self._place(tx, root, item, content, taken)
                taken.reshaped |= await self._retitle(tx, taken.all)
                await gallery.refresh(tx, taken.all)
            self.added += len(taken.added)
            self._publish(taken)

    async def name_aliases(self, at_least: int = 1) -> None:
        """Add the original server's names for new files as aliases of their videos, once at least
        `at_least` files wait for it.
        """
        if self._unnamed < at_least:
            return
        self._unnamed = 0
        while True:
            async with self._database.read() as db:
                new = await bulk_insert.without_alias(db, ALIAS_BATCH)
            if not new:
                return
            aliases = await asyncio.to_thread(_aliases_of, new)
            async with self._database.transaction() as tx:
                await bulk_insert.add_aliases(tx, aliases, up_to_file=new[-1][0])

    async def _place(
        self, tx: Transaction, root: Root, item: NewFile, content: Content, taken: BatchResult
    ) -> None:
        found, hashed = item.found, Fingerprint(content.key, item.oshash)
        here = await files.present(tx, root.id, found.path)
        if here is not None and here.fingerprint == content.key:
            await files.update(tx, here.id, found, hashed)
            # Touched, and as far as the samples say not changed. A download may have been completed
            # between them, though.
            if await videos.may_have_been_unready(tx, here.video_id, now_ms() - UNREADY_MS):
                await videos.reprobe(tx, [here.video_id])
                taken.modified.add(here.video_id)
            return
        owner = await videos.by_fingerprint(tx, content.key)
        if here is not None and await self._goes_on(tx, here, owner, content.key):
            await files.update(tx, here.id, found, hashed)
            await videos.remember_content(
                tx, here.video_id, content.key, now_ms(), assumed=not _is_growing(here, found)
            )
            await identity.record(tx, here.video_id, content)
            taken.modified.add(here.video_id)
            return
        if here is not None:  # another video lies here now: this one is elsewhere or gone
            taken.removed.update(await files.mark_missing(tx, root.id, [found.path], now_ms()))
        successor = None
        if owner is None and here is None:
            owner = successor = await self._successor_of(tx, root, found)
        if owner is None:
            shuffle = secrets.randbelow(videos.SHUFFLE_END)
            owner = await videos.add(tx, content.key, item.title, item.added_at, shuffle)
            taken.added.add(owner)
        else:
            taken.modified.add(owner)
        await videos.remember_content(
            tx, owner, content.key, now_ms(), assumed=successor is not None
        )
        await identity.record(tx, owner, content)
        await files.add(tx, owner, root.id, found, hashed)
        if owner in taken.added:
            await self._note_former(tx, owner, here)
        made = await self._identity.separate(tx, owner, now_ms())
        taken.added |= made
        taken.reassigned |= made

    async def _note_former(self, tx: Transaction, video_id: int, here: File | None) -> None:
        """Note for a new video the one that lay at its place and still exists only where nobody
        sees it, such as in a library folder no longer configured. It may have been edited here, and
        its page says so.
        """
        if here is not None and await handover.is_out_of_sight(tx, here.video_id):
            await handover.set_former(tx, video_id, here.video_id)
        elif here is None:
            await handover.note_former(tx, [video_id])

    async def _goes_on(self, tx: Transaction, here: File, owner: int | None, key: str) -> bool:
        """True if the video at a place is still the same one with its new content: edited in place,
        or overwritten by a better copy.

        It is another one if the former content exists at another place, or the new one came from
        another place.
        """
        if await self._is_unready_copy(tx, here):
            return False
        others = [
            file for file in await self._identity.there(tx, here.video_id) if file.id != here.id
        ]
        if owner is None:
            return not others
        if owner == here.video_id:
            return all(file.fingerprint == key for file in others)
        # a copy put over a film that somebody gave something to: what it was given stays in sight
        return (
            not others
            and any(file.fingerprint == key for file in await self._identity.there(tx, owner))
            and await videos.has_curation(tx, here.video_id)
        )

    async def _is_unready_copy(self, tx: Transaction, here: File) -> bool:
        """True if this place shares a video with others only because none of them was playable yet,
        such as empty files.
        """
        if await videos.state_of(tx, here.video_id) is not State.UNREADABLE:
            return False
        return (
            sum(place.missing_since is None for place in await files.of_video(tx, here.video_id))
            > 1
        )

    async def _successor_of(self, tx: Transaction, root: Root, found: FoundFile) -> int | None:
        """The video that lay at this place until recently and lies nowhere now: the new file is a
        better version under the same name.
        """
        past = await files.last_at(tx, root.id, found.path)
        if (
            past is None
            or past.missing_since is None
            or now_ms() - past.missing_since > REPLACED_WITHIN_MS
        ):
            return None
        if await files.has_present(tx, past.video_id) or await missing.is_forgotten(
            tx, past.video_id
        ):
            return None
        return past.video_id

    async def mark_missing(self, root: Root, paths: Sequence[bytes]) -> None:
        """Note that these files are missing. What people gave their videos stays."""
        for start in range(0, len(paths), MISSING_AT_ONCE):
            taken = BatchResult()
            async with self._database.transaction() as tx:
                taken.removed.update(
                    await files.mark_missing(
                        tx, root.id, paths[start : start + MISSING_AT_ONCE], now_ms()
                    )
                )
                taken.reshaped |= await self._retitle(tx, taken.removed)
                await gallery.refresh(tx, taken.removed)
            self._publish(taken)

    async def join_replaced(self) -> None:
        """Join videos of which one was replaced by the other: a file known elsewhere now lies where
        a curated video lay, and that video is gone.
        """
        async with self._database.transaction() as tx:
            joined: set[int] = set()
            for old_id, new_id in await files.replaced(tx, now_ms() - REPLACED_WITHIN_MS):
                # one that also lies elsewhere was copied here, and is a film of its own
                if (
                    await videos.has_curation(tx, old_id)
                    and not await videos.has_curation(tx, new_id)
                    and len(await self._identity.there(tx, new_id)) == 1
                    and not await division.differ_in_length(tx, old_id, new_id)
                ):
                    await videos.merge_uncurated(tx, old_id, new_id, now_ms())
                    joined.add(old_id)
            if not joined:
                return
            reshaped = await self._retitle(tx, joined)
            await gallery.refresh(tx, joined)
        self._publish(BatchResult(modified=joined, reshaped=reshaped, reassigned=joined))

    async def separate_mixed(self) -> None:
        """Separate different contents that earlier versions of LVS left as one video."""
        async with self._database.read() as db:
            mixed = await files.of_several_contents(db)
        for start in range(0, len(mixed), PLACED_AT_ONCE):
            taken = BatchResult()
            async with self._database.transaction() as tx:
                for video_id in mixed[start : start + PLACED_AT_ONCE]:
                    if made := await self._identity.separate(tx, video_id, now_ms()):
                        taken.added |= made
                        taken.reassigned |= made
                        taken.modified.add(video_id)
                taken.reshaped |= await self._retitle(tx, taken.all)
                await gallery.refresh(tx, taken.all)
            self._publish(taken)

    async def _retitle(self, tx: Transaction, video_ids: Iterable[int]) -> set[int]:
        """Update titles and projections that come from the name of a renamed file; the videos whose
        projection changed.
        """
        reshaped = set()
        for video_id in video_ids:
            places = await files.of_video(tx, video_id)
            if places:
                await videos.title_from_name(tx, video_id, title_from_path(places[0].path))
                if await stored_projection.apply_projection(tx, video_id):
                    reshaped.add(video_id)
        return reshaped

    def _publish(self, taken: BatchResult) -> None:
        for event, ids in (
            (Event.ADDED, taken.added),
            (Event.MODIFIED, taken.modified),
            (Event.REMOVED, taken.removed),
            (Event.REASSIGNED, taken.reassigned),
            (Event.RESHAPED, taken.reshaped),
            (Event.CHANGED, taken.all),
        ):
            if ids:
                self._events.publish(event, ids)


def _is_growing(before: File, now: FoundFile) -> bool:
    """True if a file grows the way a recording or a download does."""
    passed_ns = now.mtime_ns - before.mtime_ns
    return now.size_bytes > before.size_bytes and 0 < passed_ns < GROWING_NS


def _aliases(path: bytes) -> set[str]:
    """The names the original server had for a video at this path: it knew bare names, and paths for
    videos rated below a folder.
    """
    return {legacy_alias(os.fsdecode(path)), legacy_alias(os.fsdecode(path.rpartition(b"/")[2]))}


def _aliases_of(new: Iterable[tuple[int, int, bytes]]) -> list[tuple[str, int]]:
    return [(alias, video_id) for _, video_id, path in new for alias in _aliases(path)]
