"""Drives: which library folders, and which folders in them, can be reached."""

import asyncio
import errno
import logging
import os
import time
from collections.abc import Collection, Iterator

from msgspec import Struct

from lvs.clock import now_ms
from lvs.db import files, gallery, roots
from lvs.db.database import Database
from lvs.models import Root, UnreachableFolder
from lvs.services.events import Event, Events
from lvs.services.library.scan_reader import display_location
from lvs.services.library.walk import WalkResult, below

log = logging.getLogger(__name__)

CHECK_S = 4.0  # time limit for an answer; a drive may be hanging
REFUSED_S = 60.0
Identity = tuple[int, int]  # device and inode of a folder
LEFT_TOGETHER_MS = 60_000  # files noted as missing this shortly before their folder was found empty


class Drives:
    """Knows the library folders, and notices those that go away and come back."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events
        self.roots: dict[int, Root] = {}
        self.away: list[UnreachableFolder] = []
        self._mounts: dict[int, set[bytes]] = {}
        self._mount_devices: dict[tuple[int, bytes], int] = {}  # at the last check
        self._identities: dict[int, Identity] = {}  # of folders that a scan found well
        # Of folders in which a scan found nothing that is known: which, and when.
        self._refused: dict[int, tuple[Identity | None, float]] = {}
        self._asking: dict[int, asyncio.Task[bool]] = {}

    async def load(self) -> None:
        """Read the library folders and the unreachable folders from the database."""
        async with self._database.read() as db:
            self.roots = {root.id: root for root in await roots.every(db)}
            self.away = await roots.away(db)
            self._mounts = {root_id: await roots.mounts(db, root_id) for root_id in self.roots}

    @property
    def active_roots(self) -> list[Root]:
        """The library folders that are configured now."""
        return [root for root in self.roots.values() if root.active]

    def is_away(self, root_id: int, path: bytes) -> bool:
        """True if a file lies on a drive or in a folder that cannot be reached right now."""
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
                yield display_location(self.roots[entry.root_id], entry.path)

    async def is_believable(
        self,
        root: Root,
        started_at: Identity | None,
        seen: WalkResult,
        known_count: int,
        found_count: int,
        quiet: bool,
    ) -> bool:
        """Decide if a walk can be believed of a folder that was there when it began, and mark the
        folder offline if not.

        A folder that is away, emptied, or on another disk says nothing about its files. A `quiet`
        scan comes every few seconds: one that found nothing new writes nothing, so that disks may
        sleep.
        """
        async with self._database.read() as db:
            before = await roots.filesystem(db, root.id)
        current = await asyncio.to_thread(_filesystem, root.path)
        identity = await self.identity(root)
        if started_at is not None and identity is not None and started_at != identity:
            # Exchanged during the walk: the next check finds another folder than was seen here.
            self._identities.setdefault(root.id, started_at)
            return False
        emptied = bool(known_count) and seen.empty
        is_other = self._identities.get(root.id, identity) != identity or (
            before is not None and current != before
        )
        replaced = bool(known_count) and not found_count and is_other
        believable = current is not None and b"" not in seen.unread and not emptied and not replaced
        if believable and identity is not None:
            self._identities[root.id] = identity
        if emptied:
            await self.note_emptied(root)
        else:
            if not believable:
                self._refused[root.id] = (identity, time.monotonic())
            await self.set_offline(root, None if believable else root.offline_since or now_ms())
        noted = quiet and root.scanned_at is not None and current == before
        if believable and current is not None and not noted:
            async with self._database.transaction() as tx:
                await roots.scanned(tx, root.id, current, now_ms())
            await self.load()
        return believable

    async def note_away(
        self, root: Root, folder: bytes, seen: WalkResult, gone: Collection[bytes]
    ) -> list[bytes]:
        """Note and return the folders of this walk that say nothing about their files: unreadable
        ones, and empty mount points of disks that are gone.
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
                await gallery.refresh_offline(tx, root.id, path)
        await self.load()
        self._events.publish(Event.CHANGED, ())
        return away

    async def _all_gone(self, root: Root, folder: bytes, gone: Collection[bytes]) -> bool:
        """True if files were known below a folder and none of them was found."""
        async with self._database.read() as db:
            known = await files.below(db, root.id, folder)
        return bool(known) and all(path in gone for path in known)

    async def is_emptied(self, root: Root) -> bool:
        """True if a library folder is there, empty, and on the same disk as before."""
        async with self._database.read() as db:
            before = await roots.filesystem(db, root.id)
        current = await asyncio.to_thread(_filesystem, root.path)
        return (
            current is not None
            and current == before
            and not await self.is_replaced(root)
            and await asyncio.to_thread(is_empty_or_gone, root.path)
        )

    async def set_offline(self, root: Root, since: int | None) -> None:
        """Mark a library folder as offline since then (Unix ms), or as back."""
        if since == self.roots[root.id].offline_since:
            return
        log.warning(
            "library folder %s is %s", os.fsdecode(root.path), "offline" if since else "back"
        )
        async with self._database.transaction() as tx:
            await roots.set_offline(tx, root.id, since)
            await gallery.refresh_offline(tx, root.id)
        await self.load()
        self._events.publish(Event.CHANGED, ())

    async def check(self) -> set[int]:
        """Notice folders that went away or came back since the last check; the library folders (by
        id) that need a scan.

        A drive that does not answer delays nobody: it is asked again once it has answered.
        """
        for root in self.active_roots:
            if root.id not in self._asking:
                self._asking[root.id] = asyncio.create_task(self._check_root(root.id))
        asking = dict(self._asking)
        if asking:
            await asyncio.wait(asking.values(), timeout=CHECK_S)
        wanting = set()
        for root_id, task in asking.items():
            if task.done():
                if self._asking.get(root_id) is task:  # a check beside this one saw it end, too
                    del self._asking[root_id]
                if task.result():
                    wanting.add(root_id)
        return wanting

    async def _check_root(self, root_id: int) -> bool:
        """Notice if a library folder, or a disk in it, went away; True if it needs a scan."""
        root = self.roots[root_id]
        now = await asyncio.to_thread(_place_at, root.path)
        if now is None or (now.is_empty and await self._holds_files(root)):
            if root.offline_since is None:
                await self.note_emptied(root)
            self._refused.pop(root.id, None)
            return False
        if root.offline_since is not None:
            # A folder in which a scan found nothing that is known needs no second scan at once.
            refused, at = self._refused.get(root.id, (None, 0.0))
            return now.identity != refused or time.monotonic() - at > REFUSED_S
        if self._identities.get(root.id, now.identity) != now.identity:
            log.warning("another folder has taken the place of %s", os.fsdecode(root.path))
            await self.set_offline(root, now_ms())  # until a scan has found what is known
            return True
        return await self._have_mounts_changed(root)

    async def _holds_files(self, root: Root) -> bool:
        async with self._database.read() as db:
            return await files.any_present(db, root.id)

    async def _have_mounts_changed(self, root: Root) -> bool:
        """True if a disk inside a library folder was unmounted, replaced by another one, or came
        back.
        """
        away = {entry.path for entry in self.away if entry.root_id == root.id}
        for path in self._mounts.get(root.id, set()) - away:
            device = await asyncio.to_thread(_mounted_device, os.path.join(root.path, path))
            before = self._mount_devices.pop((root.id, path), device)
            if device is None or device != before:
                return True
            self._mount_devices[root.id, path] = device
        for path in away:
            if not await asyncio.to_thread(is_empty_or_gone, os.path.join(root.path, path)):
                return True
        return False

    async def identity(self, root: Root) -> Identity | None:
        """The folder now at the path of a library folder; None if none can be read."""
        place = await asyncio.to_thread(_place_at, root.path)
        return place.identity if place else None

    async def is_replaced(self, root: Root) -> bool:
        """True if the folder at the path is another one than was scanned."""
        identity = await self.identity(root)
        return identity is None or self._identities.get(root.id, identity) != identity

    async def note_emptied(self, root: Root) -> None:
        """Mark a folder offline that is gone or empty. Files noted as missing a moment ago left
        together with it, and whatever lies there later was not seen yet.
        """
        self._refused.pop(root.id, None)
        async with self._database.transaction() as tx:
            back = await files.restore_missing(tx, root.id, now_ms() - LEFT_TOGETHER_MS)
            await gallery.refresh(tx, back)
        if back:
            self._events.publish(Event.MODIFIED, back)
        await self.set_offline(root, root.offline_since or now_ms())


class _FolderState(Struct, frozen=True):
    """The folder found at the path of a library folder."""

    identity: Identity
    is_empty: bool


def _place_at(path: bytes) -> _FolderState | None:
    """The folder at a path; None if there is none, or neither it nor its content can be read."""
    try:
        state = os.stat(os.path.join(path, b"."))
        with os.scandir(path) as entries:
            return _FolderState((state.st_dev, state.st_ino), next(iter(entries), None) is None)
    except OSError:
        return None


def is_empty_or_gone(path: bytes) -> bool:
    """True if there is no folder at a path, or nothing in it."""
    place = _place_at(path)
    return place is None or place.is_empty


def _mounted_device(path: bytes) -> int | None:
    """The device of the disk mounted at a folder; None if there is none."""
    try:
        device = os.lstat(path).st_dev
        return device if device != os.stat(os.path.dirname(path)).st_dev else None
    except OSError:
        return None


def _filesystem(path: bytes) -> str | None:
    """The id of the file system of a folder; None if the folder cannot be read."""
    try:
        return f"{os.stat(path).st_dev:x}"
    except OSError:
        return None


def file_state(root: bytes, path: bytes) -> os.stat_result:
    """The state of the file at a path.

    Raises NotADirectoryError if the path goes through a link, which the walk does not follow, and
    FileNotFoundError also if the file's name differs in letter case.
    """
    folder = root
    *folders, name = path.split(b"/")
    for part in folders:
        if os.path.islink(os.path.join(folder, part)):
            raise NotADirectoryError(os.path.join(folder, part))
        _check_spelling(folder, part)
        folder = os.path.join(folder, part)
    state = os.lstat(os.path.join(root, path))
    _check_spelling(folder, name)
    return state


def _check_spelling(folder: bytes, name: bytes) -> None:
    """Raise FileNotFoundError if the name is spelled differently on disk: some file systems ignore
    letter case.
    """
    other = name.swapcase()
    if other == name:
        return
    try:
        found = os.lstat(os.path.join(folder, other))
    except OSError:
        return
    path = os.path.join(folder, name)
    if found.st_ino == os.lstat(path).st_ino and name not in os.listdir(folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
