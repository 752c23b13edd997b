"""Placement: gives each file that a scan found its video, and notes which files are gone.

Identity is content. See `docs/data.md` for the rules.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lvs.clock import now_ms
from lvs.db import bulk_insert, files, gallery, missing, videos
from lvs.db.bulk_insert import Arrival
from lvs.db.database import Database, Transaction
from lvs.models import File, FoundFile, Root, State
from lvs.services.events import Event, Events
from lvs.services.library.drives import Drives
from lvs.services.library.walk import legacy_alias, storable
from lvs.services.media import stored_projection
from lvs.text import title_from_path

ALIAS_BATCH = 5000
PLACED_AT_ONCE = 200  # files that are not simply new: each takes a dozen queries
MISSING_AT_ONCE = 1000
UNREADY_MS = 7 * 24 * 3600 * 1000  # a file probed so lately may not have been complete then
REPLACED_WITHIN_MS = 7 * 24 * 3600 * 1000  # a new file where another lay so lately takes its place


@dataclass(slots=True)
class Touched:
    """The videos that one batch touched."""

    added: set[int] = field(default_factory=set)
    modified: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    reshaped: set[int] = field(default_factory=set)

    @property
    def all(self) -> set[int]:
        return self.added | self.modified | self.removed


class Placement:
    """Writes what a scan found into the database, in small transactions: other writers never wait
    long.
    """

    def __init__(self, database: Database, events: Events, drives: Drives) -> None:
        self._database = database
        self._events = events
        self._drives = drives
        self._unnamed = 0
        self.added = 0

    async def take_in(self, root: Root, batch: Sequence[Arrival]) -> None:
        """Give each file its video, in small transactions."""
        self._unnamed += len(batch)
        async with self._database.transaction() as tx:
            new, others = await bulk_insert.add_new(tx, root.id, batch)
        self.added += len(new)
        self._publish(Touched(set(new), set(), set()))
        for start in range(0, len(others), PLACED_AT_ONCE):
            taken = Touched()
            async with self._database.transaction() as tx:
                for item in others[start : start + PLACED_AT_ONCE]:
                    await self._place(tx, root, item, taken)
                taken.reshaped |= await self._retitle(tx, taken.all)
                await gallery.refresh(tx, taken.all)
            self.added += len(taken.added)
            self._publish(taken)

    async def name_aliases(self, at_least: int = 1) -> None:
        """Let the names that the original gave the new files lead to their videos, once `at_least`
        so many files wait for theirs.
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

    async def _place(self, tx: Transaction, root: Root, item: Arrival, taken: Touched) -> None:
        found, print_ = item.found, item.print
        here = await files.present(tx, root.id, found.path)
        if here is not None and here.fingerprint == print_.fingerprint:
            await files.update(tx, here.id, found, print_)
            # Touched, and as far as the samples say not changed. A download may have been completed
            # between them, though.
            if await videos.may_have_been_unready(tx, here.video_id, now_ms() - UNREADY_MS):
                await videos.reprobe(tx, [here.video_id])
                taken.modified.add(here.video_id)
            return
        owner = await videos.by_fingerprint(tx, print_.fingerprint)
        own = owner in (None, here.video_id if here else None) or await self._lies_elsewhere(
            tx, owner, root, found.path
        )
        if here is not None and own and not await self._is_unready_copy(tx, here):
            await files.update(tx, here.id, found, print_)
            await videos.remember_content(tx, here.video_id, print_.fingerprint)
            taken.modified.add(here.video_id)
            return
        if here is not None:  # another video lies here now: this one is elsewhere or gone
            taken.removed.update(await files.mark_missing(tx, root.id, [found.path], now_ms()))
        if owner is None:
            owner = await self._successor_of(tx, root, found) if here is None else None
        if owner is None:
            shuffle = secrets.randbelow(videos.SHUFFLE_END)
            owner = await videos.add(tx, print_.fingerprint, item.title, item.added_at, shuffle)
            taken.added.add(owner)
        else:
            taken.modified.add(owner)
        await videos.remember_content(tx, owner, print_.fingerprint)
        await files.add(tx, owner, root.id, found, print_)

    async def _lies_elsewhere(
        self, tx: Transaction, video_id: int | None, root: Root, path: bytes
    ) -> bool:
        """Whether a video's content is untouched at another place: what lies here then was copied
        over, not moved here.
        """
        for file in await files.of_video(tx, video_id) if video_id is not None else []:
            if file.missing_since is None and (file.root_id, file.path) != (root.id, path):
                with contextlib.suppress(OSError):
                    state = await asyncio.to_thread(
                        file_state, self._drives.roots[file.root_id].path, file.path
                    )
                    if (state.st_size, storable(state.st_mtime_ns)) == (
                        file.size_bytes,
                        file.mtime_ns,
                    ):
                        return True
        return False

    async def _is_unready_copy(self, tx: Transaction, here: File) -> bool:
        """Whether this place shares a video with others only because none of them was a film yet,
        as empty files do.
        """
        if await videos.state_of(tx, here.video_id) is not State.UNREADABLE:
            return False
        return (
            sum(place.missing_since is None for place in await files.of_video(tx, here.video_id))
            > 1
        )

    async def _successor_of(self, tx: Transaction, root: Root, found: FoundFile) -> int | None:
        """The video that lay at this place until lately and lies nowhere now: the new file is a
        better one under its name.
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
        """Note that these files are gone. What people gave their videos stays."""
        for start in range(0, len(paths), MISSING_AT_ONCE):
            taken = Touched()
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
        """A file that was known elsewhere now lies where a curated video lay, and that video is
        gone: it was replaced.
        """
        async with self._database.transaction() as tx:
            joined: set[int] = set()
            for old_id, new_id in await files.replaced(tx, now_ms() - REPLACED_WITHIN_MS):
                if await videos.curated(tx, old_id) and not await videos.curated(tx, new_id):
                    await videos.absorb(tx, old_id, new_id)
                    joined.add(old_id)
            if not joined:
                return
            reshaped = await self._retitle(tx, joined)
            await gallery.refresh(tx, joined)
        self._publish(Touched(set(), joined, set(), reshaped))

    async def _retitle(self, tx: Transaction, video_ids: Iterable[int]) -> set[int]:
        """A title made from a file name follows the file when it is renamed, and so does a
        projection; the videos of which that is another one now.
        """
        reshaped = set()
        for video_id in video_ids:
            places = await files.of_video(tx, video_id)
            if places:
                await videos.title_from_name(tx, video_id, title_from_path(places[0].path))
                if await stored_projection.settle(tx, video_id):
                    reshaped.add(video_id)
        return reshaped

    def _publish(self, taken: Touched) -> None:
        for event, ids in (
            (Event.ADDED, taken.added),
            (Event.MODIFIED, taken.modified),
            (Event.REMOVED, taken.removed),
            (Event.RESHAPED, taken.reshaped),
            (Event.CHANGED, taken.all),
        ):
            if ids:
                self._events.publish(event, ids)


def _aliases(path: bytes) -> set[str]:
    """What the original called a video at this path: it knew bare names, and paths where somebody
    rated one below a folder.
    """
    return {legacy_alias(os.fsdecode(path)), legacy_alias(os.fsdecode(path.rpartition(b"/")[2]))}


def _aliases_of(new: Iterable[tuple[int, int, bytes]]) -> list[tuple[str, int]]:
    return [(alias, video_id) for _, video_id, path in new for alias in _aliases(path)]


def file_state(root: bytes, path: bytes) -> os.stat_result:
    """The state of what lies there.

    Raises NotADirectoryError where a link leads there: the walk does not follow them.
    """
    folder = root
    for part in path.split(b"/")[:-1]:
        folder = os.path.join(folder, part)
        if os.path.islink(folder):
            raise NotADirectoryError(folder)
    return os.lstat(os.path.join(root, path))
