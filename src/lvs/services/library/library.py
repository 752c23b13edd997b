"""The library: finds the video files, and keeps the database in step with them.

`scan_reader` reads the files, `placement` decides which video each is, `drives` notices folders
that cannot be reached.
"""

import asyncio
import itertools
import logging
import os
import stat
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from lvs.clock import now_ms
from lvs.db import files, gallery, roots
from lvs.db.database import Database
from lvs.errors import Invalid
from lvs.models import FoundFile, Progress, Root
from lvs.services.events import Event, Events
from lvs.services.library.drives import Drives, file_state, is_empty_or_gone
from lvs.services.library.ignored import IGNORE_FILE, IgnoredPaths
from lvs.services.library.placement import Placement
from lvs.services.library.scan_reader import FolderScan, ScanReader
from lvs.services.library.walk import (
    WalkResult,
    below,
    below_any,
    has_extension,
    is_hidden,
    is_odd_time,
    storable,
)
from lvs.services.metrics import timed

log = logging.getLogger(__name__)

ODD_KEPT = 5
BATCH_FIRST = 2000  # files in a batch
# pages wait while a batch is stored: the larger, the longer
BATCH_LEAST, BATCH_MOST = 200, 2000
ALIAS_BATCH = 5000
TURN_SECONDS = 0.2  # the longest that other writers wait for a batch


class SkippedFiles(Struct, frozen=True):
    """Files and links that a scan of a library folder skipped, and files with an odd modification
    time.
    """

    links: int = 0
    hidden: int = 0
    odd_times: tuple[bytes, ...] = ()  # some of them
    odd_times_count: int = 0


class Library:
    """Keeps the database in step with the files in the library folders."""

    def __init__(
        self,
        database: Database,
        events: Events,
        folders: Sequence[Path],
        formats: Iterable[str],
        settle_seconds: float,
        ignored_folders: Iterable[str] = (),
    ) -> None:
        self._database = database
        self._events = events
        self._folders = tuple(folders)
        self._endings = frozenset(ending.encode() for ending in formats)
        self._reader = ScanReader(int(settle_seconds * 1e9))
        self.ignored = IgnoredPaths(ignored_folders)
        self.passed_over: dict[int, SkippedFiles] = {}  # by library folder, at its last whole scan
        self._scan_lock = asyncio.Lock()
        self._version = now_ms()
        self._scanning = False
        self._scans_ended = 0
        self._seen = 0
        self.drives = Drives(database, events)
        self._placement = Placement(database, events, self.drives)
        events.on(Event.CHANGED, self._note_change)

    def _note_change(self, _: Collection[int]) -> None:
        self._version += 1

    # --- Library folders ---

    async def open(self, keep_others: bool = False) -> None:
        """Register the configured folders. Those no longer configured are hidden and keep their
        content, unless `keep_others`.

        Raises Invalid if a folder lies in one of the others that are kept.
        """
        wanted = await asyncio.to_thread(_named, self._folders)
        async with self._database.transaction() as tx:
            known = {root.path: root for root in await roots.every(tx)}
            if keep_others:
                shown = {path: root.name for path, root in known.items() if root.active}
                _refuse_nested(wanted, shown)
                wanted = _named(
                    (Path(os.fsdecode(path)) for path in wanted if path not in shown), shown
                )
            for path, name in wanted.items():
                await roots.put(tx, path, name)
            for path, root in known.items():
                if path not in wanted and root.active:
                    await roots.deactivate(tx, root.id)
            for root in await roots.every(tx):
                before = known.get(root.path)
                if before is None or before.active != root.active:
                    if before is not None:  # progress for people who wait for a large library
                        log.info(
                            "library folder %s is served %s; its videos are %s the gallery",
                            os.fsdecode(root.path),
                            "again" if root.active else "no more",
                            "put into" if root.active else "taken out of",
                        )
                    await gallery.refresh_root(tx, root.id)
        await self.drives.load()

    @property
    def roots(self) -> dict[int, Root]:
        """Every library folder that was ever known, by id."""
        return self.drives.roots

    @property
    def active_roots(self) -> list[Root]:
        """The library folders that are configured now."""
        return self.drives.active_roots

    def file_path(self, root_id: int, path: bytes) -> bytes:
        """The path of a file on disk."""
        return os.path.join(self.roots[root_id].path, path)

    def places(self, path: bytes) -> list[tuple[int, bytes]]:
        """The places that a path of an address may mean, the likeliest first.

        First as addresses are built today: with several library folders the first segment is the
        name of one, with a single one it is not. Then as an address may have been built with
        another number of folders, and last in library folders that are no longer configured.
        """
        name, _, rest = path.partition(b"/")
        active = self.active_roots
        named = [(root.id, rest) for root in active if rest and os.fsencode(root.name) == name]
        plain = [(root.id, path) for root in active]
        places = [*plain, *named] if len(active) == 1 else [*named, *plain]
        for root in self.roots.values():
            if not root.active:
                if rest and os.fsencode(root.name) == name:
                    places.append((root.id, rest))
                places.append((root.id, path))
        return places

    def folder_place(self, path: bytes) -> tuple[int, bytes] | None:
        """The library folder, and the folder in it, that a path of an address means; None if no
        library folder has that name.
        """
        active = self.active_roots
        if len(active) == 1:
            return active[0].id, path
        name, _, rest = path.partition(b"/")
        found = (root.id for root in active if os.fsencode(root.name) == name)
        root_id = next(found, None)
        return None if root_id is None else (root_id, rest)

    def is_away(self, root_id: int, path: bytes) -> bool:
        """True if a file lies on a drive or in a folder that cannot be reached right now."""
        return self.drives.is_away(root_id, path)

    def progress(self, to_probe: int = 0) -> Progress:
        """The state of scans: progress, and problems. `to_probe` is the number of videos to be
        probed.
        """
        return Progress(
            scanning=self._scanning,
            scans_ended=self._scans_ended,
            files_seen=self._seen,
            files_added=self._placement.added,
            to_probe=to_probe,
            version=self._version,
            offline=tuple(self.drives.offline_names()),
            errors=(*self._reader.problems.values(), *self.ignored.problems()),
        )

    async def poll_database(self) -> None:
        """Notice what other programs, such as `lvs scan`, wrote to the database."""
        if await self._database.changed_elsewhere():
            await self.drives.load()
            self._events.publish(Event.CHANGED_EXTERNALLY, ())
            self._events.publish(Event.CHANGED, ())

    # --- Scanning ---

    @timed("library.scan", memory=True)
    async def scan(self, only: Collection[int] | None = None) -> None:
        """Check every file of every library folder (or of these, by id) once.

        A second scan waits for the first.
        """
        async with self._scan_lock:
            self._scanning, self._seen, self._placement.added = True, 0, 0
            self._reader.problems.clear()
            try:
                for root in self.active_roots:
                    if only is None or root.id in only:
                        await self._scan_folder(root, b"")
                await self._believe_emptied()
                await self._placement.separate_mixed()
            finally:
                self._scanning = False
                self._scans_ended += 1
                self._events.publish(Event.CHANGED, ())

    async def scan_quietly(self, root_id: int) -> None:
        """Check every file of one library folder without showing progress on pages."""
        async with self._scan_lock:
            await self._scan_folder(self.roots[root_id], b"")

    async def _scan_folder(self, root: Root, folder: bytes) -> None:
        """Add what lies in a folder and below, and note missing files."""
        async with self._database.read() as db:
            known = await files.stamps(db, root.id, folder)
        known_count = len(known)
        started_at = await self.drives.identity(root)
        self._reader.forget_problems(root, folder)
        reading = FolderScan(
            self._reader, root, folder, self._endings, known, self._count_seen, self.ignored
        )
        try:
            await self._take_in_all(root, reading)
        finally:
            reading.close()
        gone = set(reading.gone())
        self._note_silent(root, reading.seen)
        if not folder:
            self._note_passed_over(root, reading.seen)
        if not folder and not await self.drives.is_believable(
            root,
            started_at,
            reading.seen,
            known_count,
            known_count - len(gone),
            quiet=not self._scanning,
        ):
            return
        if folder and await self.drives.is_replaced(root):
            return
        away = await self.drives.note_away(root, folder, reading.seen, gone)
        unseen = {*away, *reading.seen.silent}
        await self._mark_missing(root, [path for path in gone if not below_any(path, unseen)])

    async def _believe_emptied(self) -> None:
        """Take a library folder that was moved into another one for empty, not for offline."""
        for root in self.active_roots:
            if root.offline_since is not None and await self.drives.is_emptied(root):
                async with self._database.read() as db:
                    moved = await files.lying_elsewhere(db, root.id)
                await self._placement.mark_missing(root, moved)
                async with self._database.read() as db:
                    left = await files.stamps(db, root.id)
                if not left:
                    await self.drives.set_offline(root, None)

    def _note_silent(self, root: Root, seen: WalkResult) -> None:
        for path, words in seen.silent.items():
            if has_extension(path, self._endings):
                self._reader.note_problem(root, path, words)

    def _note_passed_over(self, root: Root, seen: WalkResult) -> None:
        """Remember what the walk skipped, and log it once."""
        now = SkippedFiles(
            seen.links, seen.hidden, tuple(seen.odd_times[:ODD_KEPT]), len(seen.odd_times)
        )
        if (now.links or now.hidden) and root.id not in self.passed_over:
            log.info(
                "library folder %s: skipped %d links and %d video files whose names begin with a"
                " dot",
                os.fsdecode(root.path),
                now.links,
                now.hidden,
            )
        self.passed_over[root.id] = now

    def _note_time(self, root: Root, path: bytes, mtime_ns: int) -> None:
        """Update, between two scans, if a file has an odd modification time."""
        now = self.passed_over.get(root.id)
        is_odd = is_odd_time(mtime_ns)
        if now is None or is_odd == (path in now.odd_times):
            return
        others = tuple(other for other in now.odd_times if other != path)
        self.passed_over[root.id] = replace(
            now,
            odd_times=(path, *others)[:ODD_KEPT] if is_odd else others,
            odd_times_count=now.odd_times_count + (1 if is_odd else -1),
        )

    def _count_seen(self, files_seen: int) -> None:
        self._seen += files_seen

    async def _take_in_all(self, root: Root, reading: FolderScan) -> None:
        """Add files; the next ones are read while the database stores some."""
        limit = BATCH_FIRST
        following = asyncio.ensure_future(asyncio.to_thread(reading.next_batch, BATCH_LEAST))
        try:
            while (batch := await following) is not None:
                following = asyncio.ensure_future(asyncio.to_thread(reading.next_batch, limit))
                if not batch:
                    continue
                started = time.monotonic()
                await self._placement.take_in(root, batch)
                limit = _paced(len(batch), time.monotonic() - started)
                await self._placement.name_aliases(at_least=ALIAS_BATCH)
        finally:
            following.cancel()
        await self._placement.name_aliases()

    @property
    def settling(self) -> int:
        """The number of files that are still being written and will be checked again."""
        return len(self._reader.fresh)

    async def take_in_settled(self) -> None:
        """Check files again that were still being written a moment ago."""
        by_root: dict[int, list[bytes]] = {}
        for root_id, path in self._reader.settled():
            by_root.setdefault(root_id, []).append(path)
        for root_id, paths in by_root.items():
            await self.check(self.roots[root_id], paths)

    async def check(self, root: Root, paths: Iterable[bytes]) -> None:
        """Add what lies at these places now, and note what no longer does.

        Folders are scanned.
        """
        async with self._scan_lock:
            root = self.roots[root.id]  # the caller may have read it before its first scan
            present: list[FoundFile] = []
            gone: list[bytes] = []
            for path in sorted(set(paths)):
                folder, _, name = path.rpartition(b"/")
                if name == IGNORE_FILE and not is_hidden(folder):
                    await self._scan_folder(root, folder)
                    continue
                if path and is_hidden(path):
                    continue
                try:
                    state = await asyncio.to_thread(self._state, root.path, path)
                except (FileNotFoundError, NotADirectoryError):
                    gone.append(path)
                    continue
                except OSError:
                    continue
                if state is None:
                    continue
                if stat.S_ISDIR(state.st_mode):
                    await self._scan_folder(root, path)
                elif stat.S_ISREG(state.st_mode) and has_extension(path, self._endings):
                    present.append(FoundFile(path, state.st_size, storable(state.st_mtime_ns)))
                    self._note_time(root, path, state.st_mtime_ns)
                else:  # a link or a pipe, say: what lay there before is gone
                    gone.append(path)
            await self._take_in_found(root, present)
            known = await self._known_at(root, gone, [file.path for file in present])
            await self._note_gone(root, known)

    def _state(self, root: bytes, path: bytes) -> os.stat_result | None:
        """The state of the file at a path; None if the path is ignored."""
        state = file_state(root, path)
        is_folder = stat.S_ISDIR(state.st_mode)
        return None if self.ignored.is_ignored(root, path, is_folder) else state

    async def _take_in_found(self, root: Root, present: list[FoundFile]) -> None:
        async with self._database.read() as db:
            changed = [
                file
                for file in present
                if await files.stamp(db, root.id, file.path) != (file.size_bytes, file.mtime_ns)
            ]
        for start in range(0, len(changed), BATCH_FIRST):
            some = changed[start : start + BATCH_FIRST]
            if batch := await asyncio.to_thread(self._reader.read, root, some):
                await self._placement.take_in(root, batch)
        await self._placement.name_aliases()

    async def _note_gone(self, root: Root, paths: list[bytes]) -> None:
        """Note that files are missing, unless their whole folder is."""
        if not paths:
            return
        if await asyncio.to_thread(is_empty_or_gone, root.path):
            await self.drives.note_emptied(root)
        elif not await self.drives.is_replaced(root):
            await self._mark_missing(root, paths)

    async def _known_at(
        self, root: Root, left: Collection[bytes], taken: Collection[bytes]
    ) -> list[bytes]:
        """The known files that are gone: those at places where nothing lies, and those below such
        places or below places where a file has replaced a folder.
        """
        known: set[bytes] = set()
        async with self._database.read() as db:
            for place in left:
                if await files.stamp(db, root.id, place):
                    known.add(place)
            for place in itertools.chain(left, taken):
                known.update(await files.below(db, root.id, place))
        return list(known)

    async def _mark_missing(self, root: Root, paths: Sequence[bytes]) -> None:
        await self._placement.mark_missing(root, paths)
        if not self._reader.fresh:  # a file still being written may be the one that seems gone
            await self._placement.join_replaced()


def _refuse_nested(folders: Iterable[bytes], others: Iterable[bytes]) -> None:
    """Raise Invalid if one of the folders lies in one of the others, or around it: its files would
    be known twice.
    """
    for folder, other in itertools.product(folders, tuple(others)):
        if folder != other and (below(folder, other) or below(other, folder)):
            inner, outer = sorted((folder, other), key=len, reverse=True)
            raise Invalid(
                f"The library folder {os.fsdecode(inner)} lies in the library folder"
                f" {os.fsdecode(outer)}."
            )


def _named(
    folders: Iterable[Path], others: Mapping[bytes, str] = MappingProxyType({})
) -> dict[bytes, str]:
    """The others, and the real path of each folder with a unique name: that of the folder, with a
    number if two share one.
    """
    named = dict(others)
    for path in map(os.path.realpath, folders):
        name = os.path.basename(path) or "library"
        base, number = name.encode("utf-8", "replace").decode("utf-8"), 2
        name = base
        while name in named.values():
            name, number = f"{base}-{number}", number + 1
        named.setdefault(os.fsencode(path), name)
    return named


def _paced(count: int, took: float) -> int:
    """The size of the next batch, where `count` files took so many seconds."""
    return min(BATCH_MOST, max(BATCH_LEAST, int(count * TURN_SECONDS / took)))
