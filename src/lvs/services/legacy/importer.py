"""Takes over what people gave their videos in the original Local Video Server.

What was done in LVS since stays: an import adds what is missing, and says where it found something
else. Names whose file is not in the library are kept in the database, and what they have is
attached when the file appears. Every step is in the journal, as done by `import`.
"""

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import asdict

from lvs.clock import now_ms
from lvs.db import gallery, legacy, playlists, roots
from lvs.db.database import Connection, Database, Transaction
from lvs.models import tag_key
from lvs.services.events import Event, Events
from lvs.services.legacy.matcher import NO_FILE, Matcher, NameMatches
from lvs.services.legacy.reader import LegacyData, LegacyEntry, LegacyPlaylist
from lvs.services.library.library import Library
from lvs.services.library.walk import legacy_alias

log = logging.getLogger(__name__)

CLIENT = "import"
BATCH_NAMES = 500
RETRY_S = 60.0

Progress = Callable[[int, int], None]
"""Called with how many names are done, and of how many."""


class ImportItem(Struct, frozen=True):
    """One thing the original had: a rating, views, a tag, a favorite, the time a video was added, a
    place in a playlist.
    """

    name: str
    what: str
    value: int | str
    media_hash: str = ""
    here: int | str | None = None  # what LVS has in its place

    def to_json(self) -> dict[str, object]:
        item: dict[str, object] = {"name": self.name, "what": self.what, "value": self.value}
        if self.media_hash:
            item["media_hash"] = self.media_hash
        return item if self.here is None else item | {"here": self.here}


class PendingName(Struct, frozen=True):
    """A name without a file, why it has none, and what is kept for it."""

    name: str
    why: str
    entry: LegacyEntry
    is_new: bool


class ImportReport(Struct):
    """Result of an import."""

    original: LegacyData
    dry_run: bool
    library_known: bool = True
    taken: list[ImportItem] = field(default_factory=list)
    already: list[ImportItem] = field(default_factory=list)
    different: list[ImportItem] = field(default_factory=list)
    kept: list[PendingName] = field(default_factory=list)
    new_playlists: int = 0

    @property
    def changed(self) -> bool:
        """True if the import changed anything, or would without `dry_run`."""
        return bool(self.taken or self.new_playlists or any(kept.is_new for kept in self.kept))

    @property
    def not_understood(self) -> int:
        return len(self.original.issues) + self.original.issues_not_listed

    def to_json(self) -> dict[str, object]:
        """The whole report.

        A file name that is not UTF-8 has its bytes as U+DC80 to U+DCFF in it.
        """
        return {
            "dry_run": self.dry_run,
            "counts": {
                "taken": Counter(item.what for item in self.taken),
                "playlists": self.new_playlists,
                "already_there": Counter(item.what for item in self.already),
                "already_there_different": Counter(item.what for item in self.different),
                "no_such_file": len(self.kept),
                "not_understood": self.not_understood,
            },
            "files": [
                {"file": file.file, "holds": file.kind.value, "used": file.used, "note": file.why}
                for file in self.original.files
            ],
            "taken": [item.to_json() for item in self.taken],
            "already_there": [item.to_json() for item in self.already],
            "already_there_different": [item.to_json() for item in self.different],
            "no_such_file": [
                {"name": kept.name, "why": kept.why, "kept": json_of(kept.entry)}
                for kept in self.kept
            ],
            "not_understood": [
                {"file": issue.file, "line": issue.line, "row": issue.row, "why": issue.why}
                for issue in self.original.issues
            ],
            "left_out": self.original.left_out,
        }


def json_of(entry: LegacyEntry) -> dict[str, object]:
    """An entry as JSON text."""
    held: dict[str, object] = {
        "rating": entry.rating,
        "views": entry.views,
        "tags": [name for name, _ in entry.tags.values()],
        "favorite": entry.favorite,
        "added_at": entry.added_at,
    }
    return {name: value for name, value in held.items() if value}


class LegacyImport:
    """Gives the videos of this library what the original had for them."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events
        self._wake = asyncio.Event()
        self._stale = True  # files may have come meanwhile
        for event in (Event.ADDED, Event.MODIFIED, Event.REMOVED):
            events.on(event, self._library_changed)
        events.on(Event.CHANGED, self._library_settled)

    async def libraries(self) -> list[bytes]:
        """Paths of the known library folders."""
        async with self._database.read() as db:
            return [root.path for root in await roots.every(db)]

    async def take(
        self,
        original: LegacyData,
        dry_run: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> ImportReport:
        """Give the videos what the original had for them; with `dry_run` say only what would be.

        It is done in batches that are whole each. A second time, also after a first that was broken
        off, changes nothing that was done before. Raises DiskFull, Unavailable.
        """
        entries = original.entries
        async with self._database.read() as db:
            known = await legacy.names(db)
            report = ImportReport(original, dry_run, library_known=await legacy.any_place(db))
        for name in entries.keys() & known.keys():
            entries[name].fill(_kept(known[name]))
        bound = {name: was.video_id for name, was in known.items() if was.video_id is not None}
        found = await self._match(entries.keys() - bound.keys(), set(bound.values()))
        video_ids = found.video_ids | {name: bound[name] for name in entries.keys() & bound.keys()}
        given: dict[bytes, int] = {}
        done = 0
        for batch in _batches(sorted(entries)):
            async with self._step(
                report, [video_ids[name] for name in batch if name in video_ids]
            ) as step:
                for name in batch:
                    video_id = video_ids.get(name)
                    if video_id is not None and step.give(
                        name, video_id, entries[name], is_bound=name in bound
                    ):
                        given[name] = video_id
                    else:
                        step.keep(
                            name, entries[name], found.unmatched.get(name, NO_FILE), known.get(name)
                        )
            done += len(batch)
            progress(done, len(entries))
        for playlist in original.playlists:
            async with self._step(report, ()) as step:
                await step.list_videos(playlist, given)
        return report

    async def attach(self) -> int:
        """Give what is kept to the videos whose files have appeared since; to how many names it
        was.
        """
        async with self._database.read() as db:
            if not await legacy.has_waiting(db):
                return 0
            known = await legacy.names(db)
        waiting = [name for name, was in known.items() if was.video_id is None]
        found = await self._match(
            waiting, {was.video_id for was in known.values() if was.video_id is not None}
        )
        report = ImportReport(LegacyData(), dry_run=False)
        for batch in _batches(sorted(found.video_ids)):
            async with self._step(report, [found.video_ids[name] for name in batch]) as step:
                for name in batch:
                    step.give(name, found.video_ids[name], _kept(known[name]), is_bound=False)
        if found.video_ids:
            log.info(
                "curation kept for %d names of the original was attached to their videos",
                len(found.video_ids),
            )
        return len(found.video_ids)

    async def _match(self, names: Collection[bytes], claimed: Collection[int]) -> NameMatches:
        matcher = Matcher(names)
        if names:
            async with self._database.read() as db:
                last = 0
                while places := await legacy.places(db, last):
                    matcher.add(places)
                    last = places[-1].file_id
        return matcher.matches(claimed)

    @contextlib.asynccontextmanager
    async def _step(
        self, report: ImportReport, video_ids: Collection[int]
    ) -> AsyncIterator["ImportStep"]:
        """A batch about these videos: one transaction, after which the pages know."""
        if report.dry_run:
            async with self._database.read() as db:
                yield await open_step(db, None, report, video_ids)
            return
        async with self._database.transaction() as tx:
            step = await open_step(tx, tx, report, video_ids)
            yield step
            changed = await step.write(tx)
        if changed:
            self._events.publish(Event.CURATED, changed)
            self._events.publish(Event.CHANGED, changed)

    # --- Files that appear later ---

    def _library_changed(self, _: Collection[int]) -> None:
        self._stale = True

    def _library_settled(self, _: Collection[int]) -> None:
        if self._stale:
            self._wake.set()

    async def attaching(self, library: Library) -> None:
        """Check after every change to the library whether a file has appeared for which something
        is kept.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            if library.progress().scanning:
                # until it is over, a name that seems to be the only one of its kind need not be
                continue
            self._stale = False
            try:
                await self.attach()
            except Exception:
                log.exception("curation kept from the original could not be attached; trying again")
                self._stale = True
                await asyncio.sleep(RETRY_S)
                self._wake.set()


class _CurrentState(Struct):
    """Present curation of a video, with the last client to change it; kept true while a batch adds
    to it.
    """

    video_id: int
    media_hash: str
    added_at: int
    rating: int
    rated_at: int
    views: int
    last_viewed_at: int
    favorited_at: int
    tag_keys: set[str]
    rated_by: str | None = None
    favorite_was_changed: bool = False
    handled_tags: set[str] = field(default_factory=set)

    def learn(self, change: legacy.LegacyChange) -> None:
        """Take in a line of the journal; the latest comes last."""
        if change.what == "rating":
            self.rated_by = change.client
        elif change.what == "favorite":
            self.favorite_was_changed = True
        else:
            self.handled_tags.update(tag_key(name) for name in (change.old, change.new) if name)


async def open_step(
    db: Connection,
    tx: Transaction | None,
    report: ImportReport,
    video_ids: Collection[int],
    client: str = CLIENT,
) -> "ImportStep":
    """A batch about these videos; without a transaction it only says what would be."""
    here = {
        known.video_id: _CurrentState(**{**asdict(known), "tag_keys": set(known.tag_keys)})
        for known in await legacy.known(db, video_ids)
    }
    for change in await legacy.journal(db, video_ids):
        here[change.video_id].learn(change)
    return ImportStep(db, tx, report, here, client)


class ImportStep:
    """One batch of an import: gathers what is to be written.

    Without a transaction it only says what would be.
    """

    def __init__(
        self,
        db: Connection,
        tx: Transaction | None,
        report: ImportReport,
        here: dict[int, _CurrentState],
        client: str,
    ) -> None:
        self.client = client
        self._db = db
        self._tx = tx
        self._report = report
        self._here = here
        self._bound: list[tuple[bytes, int]] = []
        self._kept: list[tuple[bytes, str]] = []
        self.gifts = legacy.ImportRows()
        self.now = now_ms()

    def give(self, name: bytes, video_id: int, entry: LegacyEntry, is_bound: bool) -> bool:
        """Give a video what the original had under this name; False where there is no such video
        any more.
        """
        here = self._here.get(video_id)
        if here is None:
            return False
        grant = _Grant(self, os.fsdecode(name), here)
        grant.rating(entry)
        grant.views(entry)
        grant.favorite(entry)
        grant.tags(entry)
        grant.added(entry)
        if not is_bound:
            self._bound.append((name, video_id))
            self.gifts.aliases.append((video_id, legacy_alias(os.fsdecode(name))))
        return True

    def keep(
        self, name: bytes, entry: LegacyEntry, why: str, known: legacy.ImportedName | None
    ) -> None:
        """Keep it until its file appears."""
        text = entry.to_json()
        is_new = known is None or known.waiting != text
        self._report.kept.append(PendingName(os.fsdecode(name), why, entry, is_new))
        if is_new:
            self._kept.append((name, text))

    async def write(self, tx: Transaction) -> set[int]:
        """Write what was gathered; the ids of the videos whose cards change."""
        await legacy.give(tx, self.gifts, self.client, self.now)
        await legacy.bind(tx, self._bound)
        await legacy.keep(tx, self._kept)
        if self._bound and await playlists.has_held(tx):
            for name, video_id in self._bound:
                await playlists.attach(tx, name, video_id)
        changed = {change[0] for change in self.gifts.changes} | {
            added[0] for added in self.gifts.added
        }
        await gallery.refresh(tx, changed)
        return changed

    async def list_videos(self, playlist: LegacyPlaylist, given: Mapping[bytes, int]) -> None:
        """Put the videos of a playlist that ours of that name lacks at its end; hold places for
        those without a file.
        """
        ours = await playlists.of_name(self._db, playlist.name)
        here: Counter[int | bytes] = Counter()
        if ours:
            here.update(await playlists.items(self._db, ours.id))
            here.update(given.get(name, name) for name in await playlists.held(self._db, ours.id))
        missing: list[int | bytes] = []
        for name in playlist.items:
            item = given.get(name, name)
            there = here[item] > 0
            here[item] -= 1
            (self._report.already if there else self._report.taken).append(
                ImportItem(os.fsdecode(name), "playlist", playlist.name)
            )
            if not there:
                missing.append(item)
        self._report.new_playlists += ours is None
        if self._tx is None:
            return
        if ours is None:
            playlist_id = await playlists.add(
                self._tx, playlist.name, playlist.description, playlist.created_at or self.now
            )
        else:
            playlist_id = ours.id
            if playlist.description and not ours.description:
                await playlists.describe(self._tx, playlist_id, playlist.description)
        await playlists.append(self._tx, playlist_id, missing)

    def note(self, taken: bool | None, item: ImportItem) -> None:
        """Report an item: taken, already there (False), or there in another way (None)."""
        report = self._report
        (report.taken if taken else report.different if taken is None else report.already).append(
            item
        )

    def change(self, video_id: int, what: str, old: int | str | None, new: int | str) -> None:
        """Note a line for the journal."""
        self.gifts.changes.append((video_id, what, None if old is None else str(old), str(new)))


class _Grant:
    """Curation that one name of the original brings to one video.

    What people did to the video in LVS stands, also what they took away.
    """

    def __init__(self, step: ImportStep, name: str, here: _CurrentState) -> None:
        self._step = step
        self._name = name
        self._here = here

    def _note(
        self, taken: bool | None, what: str, value: int | str, here: int | str | None = None
    ) -> None:
        self._step.note(taken, ImportItem(self._name, what, value, self._here.media_hash, here))

    def rating(self, entry: LegacyEntry) -> None:
        """The stars; those an earlier import gave give way to newer ones."""
        here, stars = self._here, entry.rating
        if stars is None:
            return
        if here.rating == stars:
            self._note(False, "rating", stars)
            return
        outdated = (
            here.rating
            and here.rated_by == self._step.client
            and (entry.rated_at or 0) > here.rated_at
        )
        if not outdated and (here.rating or here.rated_by):
            self._note(None, "rating", stars, here.rating)
            return
        self._note(True, "rating", stars)
        self._step.change(here.video_id, "rating", here.rating or None, stars)
        here.rating, here.rated_at, here.rated_by = (
            stars,
            entry.rated_at or self._step.now,
            self._step.client,
        )
        self._step.gifts.ratings.append((here.video_id, stars, here.rated_at))

    def views(self, entry: LegacyEntry) -> None:
        """The larger count and the later time: both sides may have counted the same plays."""
        here = self._here
        count, last = (
            max(here.views, entry.views or 0),
            max(here.last_viewed_at, entry.last_viewed_at or 0),
        )
        if not entry.views and not entry.last_viewed_at:
            return
        if (count, last) == (here.views, here.last_viewed_at):
            self._note(False, "views", entry.views or 0)
            return
        self._note(True, "views", entry.views or 0)
        self._step.change(here.video_id, "view", here.views, count)
        here.views, here.last_viewed_at = count, last
        self._step.gifts.views.append((here.video_id, count, last or None))

    def favorite(self, entry: LegacyEntry) -> None:
        """The heart."""
        here = self._here
        if not entry.favorite:
            return
        if here.favorited_at:
            self._note(False, "favorite", 1)
        elif here.favorite_was_changed:
            self._note(None, "favorite", 1, 0)
        else:
            self._note(True, "favorite", 1)
            self._step.change(here.video_id, "favorite", 0, 1)
            here.favorited_at = entry.favorited_at or self._step.now
            self._step.gifts.favorites.append((here.video_id, here.favorited_at))

    def tags(self, entry: LegacyEntry) -> None:
        """The tags that are not there; one that somebody took off stays off."""
        here = self._here
        for key, (name, given_at) in entry.tags.items():
            if key in here.tag_keys:
                self._note(False, "tag", name)
            elif key in here.handled_tags:
                self._note(None, "tag", name, "taken off")
            else:
                self._note(True, "tag", name)
                self._step.change(here.video_id, "tag", None, name)
                here.tag_keys.add(key)
                self._step.gifts.tags.append((here.video_id, name, key, given_at or self._step.now))

    def added(self, entry: LegacyEntry) -> None:
        """The time it was added, where the original has known it for longer."""
        here = self._here
        if entry.added_at and entry.added_at < here.added_at:
            self._note(True, "added_at", entry.added_at)
            here.added_at = entry.added_at
            self._step.gifts.added.append((here.video_id, entry.added_at))


def _kept(name: legacy.ImportedName) -> LegacyEntry:
    return LegacyEntry.from_json(name.waiting) if name.waiting else LegacyEntry()


def _batches(names: Iterable[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(names)
    while batch := list(islice(remaining, BATCH_NAMES)):
        yield batch
