"""Drives: which library folders, and which folders in them, can be reached."""

import asyncio
import logging
import os
from collections.abc import Collection, Iterator

from lvs.clock import now_ms
from lvs.db import files, gallery, roots
from lvs.db.database import Database
from lvs.models import Root, UnreachableFolder
from lvs.services.events import Event, Events
from lvs.services.library.scan_reader import display_path
from lvs.services.library.walk import WalkResult, below

log = logging.getLogger(__name__)


class Drives:
    """Knows the library folders, and notices those that go away and come back."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events
        self.roots: dict[int, Root] = {}
        self.away: list[UnreachableFolder] = []

    async def load(self) -> None:
        """Read the library folders, and what of them cannot be reached, from the database."""
        async with self._database.read() as db:
            self.roots = {root.id: root for root in await roots.every(db)}
            self.away = await roots.away(db)

    @property
    def active_roots(self) -> list[Root]:
        """The library folders that are configured now."""
        return [root for root in self.roots.values() if root.active]

    def is_away(self, root_id: int, path: bytes) -> bool:
        """Whether a file lies on a drive or in a folder that cannot be reached right now."""
        if self.roots[root_id].offline_since is not None:
            return True
        return any(entry.root_id == root_id and below(path, entry.path) for entry in self.away)

    def offline_names(self) -> Iterator[str]:
        """Names of the library folders, and paths of the folders in them, that are offline."""
        for root in self.active_roots:
            if root.offline_since is not None:
                yield root.name
        for entry in self.away:
            if self.roots[entry.root_id].active:
                yield display_path(self.roots[entry.root_id], entry.path)

    async def is_believable(
        self, root: Root, seen: WalkResult, known_count: int, found_count: int, quiet: bool
    ) -> bool:
        """Decide if the walk can be believed, and mark the folder offline where not.

        A folder that is away, emptied, or another disk's says nothing of its files. A `quiet` scan
        comes every few seconds: one that found nothing new writes nothing, so that disks may sleep.
        """
        async with self._database.read() as db:
            before = await roots.filesystem(db, root.id)
        current = await asyncio.to_thread(_filesystem, root.path)
        emptied = bool(known_count) and seen.empty
        replaced = (
            bool(known_count) and not found_count and before is not None and current != before
        )
        believable = current is not None and b"" not in seen.unread and not emptied and not replaced
        await self._set_offline(root, None if believable else root.offline_since or now_ms())
        noted = quiet and root.scanned_at is not None and current == before
        if believable and current is not None and not noted:
            async with self._database.transaction() as tx:
                await roots.scanned(tx, root.id, current, now_ms())
            await self.load()
        return believable

    async def note_away(
        self, root: Root, folder: bytes, seen: WalkResult, gone: Collection[bytes]
    ) -> list[bytes]:
        """Note and return the folders of this walk that say nothing of their files: not readable, or
        a disk's whose place is empty now.
        """
        async with self._database.read() as db:
            mounts = await roots.mounts(db, root.id)
            before = [entry.path for entry in await roots.away(db) if entry.root_id == root.id]
            lost = [
                path
                for path in mounts - seen.mounts
                if below(path, folder) and await self._all_gone(root, path, gone)
            ]
        away = list(
            dict.fromkeys(
                [*seen.unread, *lost, *(path for path in before if not below(path, folder))]
            )
        )
        kept = {path for path in mounts if path in lost or not below(path, folder)} | seen.mounts
        if sorted(away) == sorted(before) and kept == mounts:
            return away
        async with self._database.transaction() as tx:
            await roots.set_mounts(tx, root.id, kept)
            await roots.set_away(tx, root.id, away, now_ms())
            for path in {*away, *before}:
                await gallery.refresh(tx, await files.videos_below(tx, root.id, path))
        await self.load()
        self._events.publish(Event.CHANGED, ())
        return away

    async def _all_gone(self, root: Root, folder: bytes, gone: Collection[bytes]) -> bool:
        """Whether files were known below a folder and none of them was found."""
        async with self._database.read() as db:
            known = await files.below(db, root.id, folder)
        return bool(known) and all(path in gone for path in known)

    async def _set_offline(self, root: Root, since: int | None) -> None:
        if since == root.offline_since:
            return
        log.warning(
            "library folder %s is %s", os.fsdecode(root.path), "offline" if since else "back"
        )
        async with self._database.transaction() as tx:
            await roots.set_offline(tx, root.id, since)
            await gallery.refresh_root(tx, root.id)
        await self.load()
        self._events.publish(Event.CHANGED, ())

    async def check(self) -> bool:
        """Notice folders that went away or came back since the last check; True where one came back
        and needs a scan.
        """
        back = False
        for root in self.active_roots:
            listable = await asyncio.to_thread(is_listable, root.path)
            if not listable and root.offline_since is None:
                await self._set_offline(root, now_ms())
            elif (
                listable
                and root.offline_since is not None
                and not await asyncio.to_thread(_is_empty, root.path)
            ):
                back = True
        for entry in self.away:
            path = os.path.join(self.roots[entry.root_id].path, entry.path)
            back = back or not await asyncio.to_thread(_is_empty, path)
        return back


def _filesystem(path: bytes) -> str | None:
    """The id of the disk under a folder; None where the folder cannot be read."""
    try:
        return f"{os.stat(path).st_dev:x}"
    except OSError:
        return None


def is_listable(path: bytes) -> bool:
    """Whether the folder is there and may be read."""
    try:
        with os.scandir(path):
            return True
    except OSError:
        return False


def _is_empty(path: bytes) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(iter(entries), None) is None
    except OSError:
        return True
