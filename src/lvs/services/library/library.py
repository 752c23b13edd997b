"""The library: which video files there are, where they lie, and which of them are the same video.

Identity is content. A file whose fingerprint is known belongs to the video that has, or once had,
that content, wherever it lies; so a rename, a move, a swap of two names and a second copy are all
the same case. A known place with unknown content is the same video, edited in place. A file that is
gone is noted as missing and nothing else.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import secrets
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from lvs.db import bulk_insert, files, gallery, missing, roots, videos
from lvs.db.bulk_insert import Arrival
from lvs.db.database import Database, Transaction
from lvs.errors import Invalid
from lvs.models import File, FoundFile, Progress, Root, State, UnreachableFolder
from lvs.services.events import Event, Events
from lvs.services.library.scan_reader import Reader, Reading, shown
from lvs.services.library.walk import WalkResult, below, has_format, is_hidden, legacy_alias
from lvs.services.media import stored_projection
from lvs.services.metrics import timed
from lvs.text import title_from_path

log = logging.getLogger(__name__)

BATCH_FIRST = 2000  # files
BATCH_LEAST, BATCH_MOST = (
    200,
    2000,
)  # a page takes in what a batch brought, so the larger, the longer one waits
TURN_SECONDS = 0.2  # that others who write may wait for a batch
PLACED_AT_ONCE = 200  # files that are not simply new: each takes a dozen queries
MISSING_AT_ONCE = 1000
ALIAS_BATCH = 5000
SHUFFLE_END = 2**31
REPLACED_WITHIN_MS = 7 * 24 * 3600 * 1000  # a new file where another lay so lately takes its place


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Taken:
    """The videos that one batch touched."""

    added: set[int]
    modified: set[int]
    removed: set[int]
    reshaped: set[int] = field(default_factory=set)

    @property
    def all(self) -> set[int]:
        return self.added | self.modified | self.removed


class Library:
    """Keeps the database true to what lies in the library folders."""

    def __init__(
        self,
        database: Database,
        events: Events,
        folders: Sequence[Path],
        formats: Iterable[str],
        settle_seconds: float,
    ) -> None:
        self._database = database
        self._events = events
        self._folders = tuple(folders)
        self._endings = frozenset(ending.encode() for ending in formats)
        self._reader = Reader(int(settle_seconds * 1e9))
        self._scan_lock = asyncio.Lock()
        self._version = time.time_ns() // 1_000_000
        self._scanning = False
        self._seen = 0
        self._added = 0
        self.roots: dict[int, Root] = {}
        self.away: list[UnreachableFolder] = []
        events.on(Event.CHANGED, self._note_change)

    def _note_change(self, _: Collection[int]) -> None:
        self._version += 1

    # --- Library folders ---

    async def open(self, keep_others: bool = False) -> None:
        """Make the configured folders known. Those no longer configured are hidden, what they hold
        kept, unless `keep_others`.

        Raises Invalid where a folder lies in one of the others that are kept.
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
                    await gallery.refresh_root(tx, root.id)
        await self._load_roots()

    async def _load_roots(self) -> None:
        async with self._database.read() as db:
            self.roots = {root.id: root for root in await roots.every(db)}
            self.away = await roots.away(db)

    @property
    def active_roots(self) -> list[Root]:
        return [root for root in self.roots.values() if root.active]

    def file_path(self, root_id: int, path: bytes) -> bytes:
        """Where a file lies on disk."""
        return os.path.join(self.roots[root_id].path, path)

    def places(self, path: bytes) -> list[tuple[int, bytes]]:
        """Where a path of an address may lie: with several folders the first segment names one,
        without it each is looked in.
        """
        name, _, rest = path.partition(b"/")
        ordered = sorted(self.roots.values(), key=lambda root: not root.active)
        named = [(root.id, rest) for root in ordered if rest and os.fsencode(root.name) == name]
        return named + [(root.id, path) for root in ordered]

    def progress(self, looking: int = 0) -> Progress:
        """How far the scan is, and what stands in its way."""
        return Progress(
            scanning=self._scanning,
            files_seen=self._seen,
            files_added=self._added,
            looking=looking,
            version=self._version,
            offline=tuple(self._offline_names()),
            errors=tuple(self._reader.problems.values()),
        )

    def _offline_names(self) -> Iterator[str]:
        for root in self.active_roots:
            if root.offline_since is not None:
                yield root.name
        for entry in self.away:
            if self.roots[entry.root_id].active:
                yield shown(self.roots[entry.root_id], entry.path)

    def is_away(self, root_id: int, path: bytes) -> bool:
        """Whether a file lies on a drive or in a folder that cannot be reached right now."""
        if self.roots[root_id].offline_since is not None:
            return True
        return any(entry.root_id == root_id and below(path, entry.path) for entry in self.away)

    async def hear_others(self) -> None:
        """Notice what other programs, such as `lvs scan` beside the server, wrote to the database."""
        if await self._database.changed_elsewhere():
            await self._load_roots()
            self._events.tell(Event.CHANGED_EXTERNALLY, ())
            self._events.tell(Event.CHANGED, ())

    # --- Scanning ---

    @timed("library.scan", memory=True)
    async def scan(self, only: Collection[int] | None = None) -> None:
        """Look at every file of every library folder (or of these, by id) once.

        A second scan waits for the first.
        """
        async with self._scan_lock:
            self._scanning, self._seen, self._added = True, 0, 0
            self._reader.problems.clear()
            try:
                for root in self.active_roots:
                    if only is None or root.id in only:
                        await self._scan_folder(root, b"")
            finally:
                self._scanning = False
                self._events.tell(Event.CHANGED, ())

    async def scan_quietly(self, root_id: int) -> None:
        """Look at every file of one library folder, without saying so on the pages."""
        async with self._scan_lock:
            await self._scan_folder(self.roots[root_id], b"")

    async def _scan_folder(self, root: Root, folder: bytes) -> None:
        """Take in what lies in a folder and below, and note what no longer does."""
        async with self._database.read() as db:
            known = await files.stamps(db, root.id, folder)
        known_count = len(known)
        reading = Reading(self._reader, root, folder, self._endings, known, self._count_seen)
        try:
            await self._take_in_all(root, reading)
        finally:
            reading.close()
        gone = set(reading.gone())
        if not folder and not await self._still_there(
            root, reading.seen, known_count, known_count - len(gone)
        ):
            return
        away = await self._away(root, folder, reading.seen, gone)
        await self._mark_missing(
            root, [path for path in gone if not any(below(path, unseen) for unseen in away)]
        )

    def _count_seen(self, files_seen: int) -> None:
        self._seen += files_seen

    async def _take_in_all(self, root: Root, reading: Reading) -> None:
        """While the database takes in some files, the next are read."""
        limit, unnamed = BATCH_FIRST, 0
        following = asyncio.ensure_future(asyncio.to_thread(reading.next_batch, BATCH_LEAST))
        try:
            while (batch := await following) is not None:
                following = asyncio.ensure_future(asyncio.to_thread(reading.next_batch, limit))
                if not batch:
                    continue
                started = time.monotonic()
                await self._take_in(root, batch)
                limit = _paced(len(batch), time.monotonic() - started)
                unnamed += len(batch)
                if unnamed >= ALIAS_BATCH:
                    unnamed = 0
                    await self._name_aliases()
        finally:
            following.cancel()
        await self._name_aliases()

    @property
    def settling(self) -> int:
        """How many files are still being written, and wait to be looked at again."""
        return len(self._reader.fresh)

    async def take_in_settled(self) -> None:
        """Look again at the files that were still being written a moment ago."""
        by_root: dict[int, list[bytes]] = {}
        for root_id, path in self._reader.settled():
            by_root.setdefault(root_id, []).append(path)
        for root_id, paths in by_root.items():
            await self.look_again(self.roots[root_id], paths)

    async def look_again(self, root: Root, paths: Iterable[bytes]) -> None:
        """Something happened at these places: take in what is there now, note what is not.

        Folders are looked through.
        """
        async with self._scan_lock:
            root = self.roots[
                root.id
            ]  # as it is now: the caller may have known it before its first scan
            present: list[FoundFile] = []
            gone: list[bytes] = []
            for path in sorted(set(paths)):
                if path and is_hidden(path):
                    continue
                try:
                    state = await asyncio.to_thread(_state, root.path, path)
                except (FileNotFoundError, NotADirectoryError):
                    gone.append(path)
                    continue
                except OSError:
                    continue
                if stat.S_ISDIR(state.st_mode):
                    await self._scan_folder(root, path)
                elif stat.S_ISREG(state.st_mode) and has_format(path, self._endings):
                    present.append(FoundFile(path, state.st_size, state.st_mtime_ns))
            await self._take_in_found(root, present)
            listable = await asyncio.to_thread(_is_listable, root.path)
            if gone and listable:
                await self._mark_missing(root, await self._known_at(root, gone))

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
                await self._take_in(root, batch)
        await self._name_aliases()

    async def _known_at(self, root: Root, places: Iterable[bytes]) -> list[bytes]:
        """The known files at these places, or below them where they were folders."""
        known: set[bytes] = set()
        async with self._database.read() as db:
            for place in places:
                if await files.stamp(db, root.id, place):
                    known.add(place)
                known.update(await files.below(db, root.id, place))
        return list(known)

    # --- Taking in ---

    async def _take_in(self, root: Root, batch: Sequence[Arrival]) -> None:
        """Give each file its video, in small transactions: others who write wait for none of them
        long.
        """
        async with self._database.transaction() as tx:
            new, others = await bulk_insert.add_new(tx, root.id, batch)
        self._added += len(new)
        self._tell(_Taken(set(new), set(), set()))
        for start in range(0, len(others), PLACED_AT_ONCE):
            taken = _Taken(set(), set(), set())
            async with self._database.transaction() as tx:
                for item in others[start : start + PLACED_AT_ONCE]:
                    await self._place(tx, root, item, taken)
                taken.reshaped |= await self._retitle(tx, taken.all)
                await gallery.refresh(tx, taken.all)
            self._added += len(taken.added)
            self._tell(taken)

    async def _name_aliases(self) -> None:
        """Let the names that the original gave the new files lead to their videos."""
        while True:
            async with self._database.read() as db:
                new = await bulk_insert.without_alias(db, ALIAS_BATCH)
            if not new:
                return
            aliases = await asyncio.to_thread(_aliases_of, new)
            async with self._database.transaction() as tx:
                await bulk_insert.add_aliases(tx, aliases, up_to_file=new[-1][0])

    async def _place(self, tx: Transaction, root: Root, item: Arrival, taken: _Taken) -> None:
        found, print_ = item.found, item.print
        here = await files.present(tx, root.id, found.path)
        if here is not None and here.fingerprint == print_.fingerprint:
            await files.update(tx, here.id, found, print_)  # touched, not changed
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
            shuffle = secrets.randbelow(SHUFFLE_END)
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
                        _state, self.roots[file.root_id].path, file.path
                    )
                    if (state.st_size, state.st_mtime_ns) == (file.size_bytes, file.mtime_ns):
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

    async def _mark_missing(self, root: Root, paths: Sequence[bytes]) -> None:
        """Note that these files are gone. What people gave their videos stays."""
        for start in range(0, len(paths), MISSING_AT_ONCE):
            taken = _Taken(set(), set(), set())
            async with self._database.transaction() as tx:
                taken.removed.update(
                    await files.mark_missing(
                        tx, root.id, paths[start : start + MISSING_AT_ONCE], now_ms()
                    )
                )
                taken.reshaped |= await self._retitle(tx, taken.removed)
                await gallery.refresh(tx, taken.removed)
            self._tell(taken)
        if not self._reader.fresh:  # what is still being written may be what seems gone
            await self._join_replaced()

    async def _join_replaced(self) -> None:
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
        self._tell(_Taken(set(), joined, set(), reshaped))

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

    def _tell(self, taken: _Taken) -> None:
        for event, ids in (
            (Event.ADDED, taken.added),
            (Event.MODIFIED, taken.modified),
            (Event.REMOVED, taken.removed),
            (Event.RESHAPED, taken.reshaped),
            (Event.CHANGED, taken.all),
        ):
            if ids:
                self._events.tell(event, ids)

    # --- Drives that come and go ---

    async def _still_there(
        self, root: Root, seen: WalkResult, known_count: int, found_count: int
    ) -> bool:
        """Whether the walk can be believed.

        A folder that is away, emptied, or another disk's says nothing of its files.
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
        if believable and current is not None:
            async with self._database.transaction() as tx:
                await roots.scanned(tx, root.id, current, now_ms())
            await self._load_roots()
        return believable

    async def _away(
        self, root: Root, folder: bytes, seen: WalkResult, gone: Collection[bytes]
    ) -> list[bytes]:
        """The folders of this walk that say nothing of their files: not readable, or a disk's whose
        place is empty now.
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
        await self._load_roots()
        self._events.tell(Event.CHANGED, ())
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
        await self._load_roots()
        self._events.tell(Event.CHANGED, ())

    async def check_drives(self) -> bool:
        """Notice folders that went away or came back since the last look; True where one came back
        and wants a scan.
        """
        back = False
        for root in self.active_roots:
            listable = await asyncio.to_thread(_is_listable, root.path)
            if not listable and root.offline_since is None:
                await self._set_offline(root, now_ms())
            elif (
                listable
                and root.offline_since is not None
                and not await asyncio.to_thread(_is_empty, root.path)
            ):
                back = True
        for entry in self.away:
            path = self.file_path(entry.root_id, entry.path)
            back = back or not await asyncio.to_thread(_is_empty, path)
        return back


def _refuse_nested(folders: Iterable[bytes], others: Iterable[bytes]) -> None:
    """Raises Invalid where one of the folders lies in one of the others, or around it: its files
    would be known twice.
    """
    for folder, other in itertools.product(folders, tuple(others)):
        if folder != other and (below(folder, other) or below(other, folder)):
            inner, outer = sorted((folder, other), key=len, reverse=True)
            raise Invalid(
                f"The library folder {os.fsdecode(inner)} lies in the library folder {os.fsdecode(outer)}."
            )


def _named(
    folders: Iterable[Path], others: Mapping[bytes, str] = MappingProxyType({})
) -> dict[bytes, str]:
    """The others, and each folder's real path with a name of its own: that of the folder, with a
    number where two share one.
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
    """How many files the next batch may have, where so many took so many seconds."""
    return min(BATCH_MOST, max(BATCH_LEAST, int(count * TURN_SECONDS / took)))


def _aliases(path: bytes) -> set[str]:
    """What the original called a video at this path: it knew bare names, and paths where somebody
    rated one below a folder.
    """
    return {legacy_alias(os.fsdecode(path)), legacy_alias(os.fsdecode(path.rpartition(b"/")[2]))}


def _aliases_of(new: Iterable[tuple[int, int, bytes]]) -> list[tuple[str, int]]:
    return [(alias, video_id) for _, video_id, path in new for alias in _aliases(path)]


def _filesystem(path: bytes) -> str | None:
    """What the disk under a folder calls itself; None where the folder cannot be looked at."""
    try:
        return f"{os.stat(path).st_dev:x}"
    except OSError:
        return None


def _state(root: bytes, path: bytes) -> os.stat_result:
    """The state of what lies there.

    Raises NotADirectoryError where a link leads there: the walk does not follow them.
    """
    folder = root
    for part in path.split(b"/")[:-1]:
        folder = os.path.join(folder, part)
        if os.path.islink(folder):
            raise NotADirectoryError(folder)
    return os.lstat(os.path.join(root, path))


def _is_listable(path: bytes) -> bool:
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
