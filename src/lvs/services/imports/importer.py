"""Gives the videos of this library what another program had for them.

Stars, views, hearts and tags take the way of an import from the original server: what was done in
LVS stays, every step is in the journal, and a second time changes nothing.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from lvs.clock import now_ms
from lvs.db import changes, gallery, imports, markers, progress, videos
from lvs.db.database import Connection, Database, Transaction
from lvs.errors import Invalid
from lvs.models import HOUSEHOLD, WatchState
from lvs.services.curation.base import clean_line
from lvs.services.curation.markers import markers_text
from lvs.services.curation.titles import MAX_TITLE_LENGTH
from lvs.services.events import Event, Events
from lvs.services.household import personal_values
from lvs.services.imports.foreign_library import ForeignLibrary, ForeignVideo
from lvs.services.imports.matcher import VideoMatcher, VideoMatches
from lvs.services.legacy.importer import ImportItem, ImportReport, open_step
from lvs.services.legacy.reader import LegacyData, LegacyPlaylist

BATCH_VIDEOS = 500

Progress = Callable[[int, int], None]
"""Called with how many films are done, and of how many."""


class UnmatchedVideo(Struct, frozen=True):
    """A film that is no video of this library, as far as can be told."""

    name: str
    path: str
    why: str

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "path": self.path, "why": self.why}


class ForeignReport(Struct):
    """Result of an import from another program."""

    library: ForeignLibrary
    given: ImportReport
    matched: Counter[str] = field(default_factory=Counter)
    unmatched: list[UnmatchedVideo] = field(default_factory=list)
    nothing: int = 0
    """Films that people gave nothing, which are passed over."""

    @property
    def not_understood(self) -> int:
        return len(self.library.not_understood) + self.library.more_not_understood

    def to_json(self) -> dict[str, object]:
        """The whole report."""
        given = self.given
        return {
            "program": self.library.program,
            "version": self.library.version,
            "dry_run": given.dry_run,
            "counts": {
                "matched": dict(self.matched),
                "unmatched": len(self.unmatched),
                "without_anything": self.nothing,
                "taken": Counter(item.what for item in given.taken),
                "playlists": given.new_playlists,
                "already_there": Counter(item.what for item in given.already),
                "already_there_different": Counter(item.what for item in given.different),
                "not_understood": self.not_understood,
            },
            "taken": [item.to_json() for item in given.taken],
            "already_there": [item.to_json() for item in given.already],
            "already_there_different": [item.to_json() for item in given.different],
            "unmatched": [foreign.to_json() for foreign in self.unmatched],
            "not_understood": self.library.not_understood,
            "left_out": self.library.left_out,
        }


class ForeignImport:
    """Matches films of another program with the videos of this library, and applies what they
    have.
    """

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    async def take(
        self,
        library: ForeignLibrary,
        dry_run: bool = False,
        tell: Progress = lambda done, total: None,
    ) -> ForeignReport:
        """Give the videos what the program had; with `dry_run` say only what would be.

        It is done in batches that are whole each. Raises DiskFull, Unavailable.
        """
        report = ForeignReport(library, ImportReport(LegacyData(), dry_run))
        foreign_videos = [
            foreign
            for foreign in library.videos
            if not foreign.empty or _is_listed(library, foreign)
        ]
        report.nothing = len(library.videos) - len(foreign_videos)
        found = await self._match(foreign_videos)
        self._note_matches(report, foreign_videos, found)
        client = f"import {library.program.lower()}"
        numbers = sorted(found.video_ids)
        for start in range(0, len(numbers), BATCH_VIDEOS):
            batch = numbers[start : start + BATCH_VIDEOS]
            await self._give(
                report, client, [(foreign_videos[n], found.video_ids[n]) for n in batch]
            )
            tell(start + len(batch), len(numbers))
        by_foreign = {
            id(foreign_videos[number]): video_id for number, video_id in found.video_ids.items()
        }
        for name, wanted in library.playlists.items():
            ids = [by_foreign[id(foreign)] for foreign in wanted if id(foreign) in by_foreign]
            await self._list(report, client, name, ids)
        return report

    async def _match(self, foreign_videos: Sequence[ForeignVideo]) -> VideoMatches:
        matcher = VideoMatcher(foreign_videos)
        async with self._database.read() as db:
            last = 0
            while places := await imports.places(db, last):
                matcher.add(places)
                last = places[-1].file_id
        return matcher.matches()

    @staticmethod
    def _note_matches(
        report: ForeignReport, foreign_videos: Sequence[ForeignVideo], found: VideoMatches
    ) -> None:
        report.matched.update(way.name.lower() for way in found.ways.values())
        report.unmatched = [
            UnmatchedVideo(
                foreign_videos[number].name,
                foreign_videos[number].files[0].path if foreign_videos[number].files else "",
                why,
            )
            for number, why in sorted(found.unmatched.items())
        ]

    async def _give(
        self, report: ForeignReport, client: str, foreign_videos: Sequence[tuple[ForeignVideo, int]]
    ) -> None:
        """One batch: one transaction, after which the pages know."""
        video_ids = [video_id for _, video_id in foreign_videos]
        if report.given.dry_run:
            async with self._database.read() as db:
                step = await open_step(db, None, report.given, video_ids, client)
                for foreign, video_id in foreign_videos:
                    step.give(os.fsencode(foreign.name), video_id, foreign.entry, True)
                    await _Personal(db, None, report.given, client).give(foreign, video_id)
            return
        async with self._database.transaction() as tx:
            step = await open_step(tx, tx, report.given, video_ids, client)
            personal = _Personal(tx, tx, report.given, client)
            for foreign, video_id in foreign_videos:
                step.give(os.fsencode(foreign.name), video_id, foreign.entry, True)
                await personal.give(foreign, video_id)
            changed = await step.write(tx) | personal.changed
            await gallery.refresh(tx, personal.changed)
        if changed:
            self._events.publish(Event.CHANGED, changed)

    async def _list(
        self, report: ForeignReport, client: str, name: str, video_ids: Sequence[int]
    ) -> None:
        """Put videos into the playlist of this name, as an import from the original does."""
        if not video_ids:
            return
        names = [b"%d" % video_id for video_id in video_ids]
        given = dict(zip(names, video_ids, strict=True))
        playlist = LegacyPlaylist(name, None, None, names)
        if report.given.dry_run:
            async with self._database.read() as db:
                step = await open_step(db, None, report.given, (), client)
                await step.list_videos(playlist, given)
            return
        async with self._database.transaction() as tx:
            step = await open_step(tx, tx, report.given, (), client)
            await step.list_videos(playlist, given)


def _is_listed(library: ForeignLibrary, foreign: ForeignVideo) -> bool:
    return any(
        foreign is each for foreign_videos in library.playlists.values() for each in foreign_videos
    )


class _Personal:
    """Positions, what was watched, titles and markers: only where LVS has nothing of its own."""

    def __init__(
        self, db: Connection, tx: Transaction | None, report: ImportReport, client: str
    ) -> None:
        self._db, self._tx = db, tx
        self._report, self._client = report, client
        self.changed: set[int] = set()

    async def give(self, foreign: ForeignVideo, video_id: int) -> None:
        """Give a video the position, the mark of a watched one, and the title."""
        if foreign.watched or foreign.position_s:
            await self._progress(foreign, video_id)
        if foreign.title:
            await self._title(foreign, video_id)
        if foreign.markers:
            await self._markers(foreign, video_id)

    async def _progress(self, foreign: ForeignVideo, video_id: int) -> None:
        state = await progress.of_video(self._db, HOUSEHOLD, video_id)
        what, value = ("watched", 1) if foreign.watched else ("position", round(foreign.position_s))
        here = int(state.watched) if foreign.watched else round(state.position_s)
        if not state.updated_at:
            self._note(self._report.taken, foreign, what, value)
            if self._tx is not None:
                await self._put_progress(self._tx, foreign, video_id)
        elif here == value:
            self._note(self._report.already, foreign, what, value)
        else:
            self._note(self._report.different, foreign, what, value, here)

    async def _put_progress(self, tx: Transaction, foreign: ForeignVideo, video_id: int) -> None:
        at = foreign.entry.last_viewed_at or now_ms()
        if foreign.watched:
            old = await personal_values.watched_value(tx, HOUSEHOLD, video_id)
            await progress.mark(tx, HOUSEHOLD, video_id, True, at)
            new = await personal_values.watched_value(tx, HOUSEHOLD, video_id)
            await changes.add(tx, video_id, "watched", old, new, self._client, now_ms())
        else:
            state = WatchState(foreign.position_s, False, at)
            await progress.restore(tx, HOUSEHOLD, video_id, state)
            await gallery.refresh_progress(tx, [video_id])
        self.changed.add(video_id)

    async def _markers(self, foreign: ForeignVideo, video_id: int) -> None:
        durations = [file.duration_s for file in foreign.files if file.duration_s]
        text = markers_text(foreign.markers, max(durations, default=None))
        there = await markers.of_video(self._db, video_id)
        number = len(foreign.markers)
        if not text or there == text:
            self._note(self._report.already, foreign, "markers", number)
        elif there or await changes.giving(self._db, video_id, "markers", text, 2**62):
            self._note(self._report.different, foreign, "markers", number, "others")
        else:
            self._note(self._report.taken, foreign, "markers", number)
            if self._tx is not None:
                await markers.put(self._tx, video_id, text)
                await changes.add(self._tx, video_id, "markers", None, text, self._client, now_ms())
                self.changed.add(video_id)

    async def _title(self, foreign: ForeignVideo, video_id: int) -> None:
        try:
            title = clean_line(foreign.title, "title", MAX_TITLE_LENGTH)
        except Invalid:
            return
        known = await imports.title_of(self._db, video_id)
        if known is None or not title:
            return
        there, edited = known
        if there == title:
            self._note(self._report.already, foreign, "title", title)
            return
        if edited or await changes.giving(self._db, video_id, "title", title, 2**62):
            self._note(self._report.different, foreign, "title", title, there)
            return
        self._note(self._report.taken, foreign, "title", title)
        if self._tx is not None:
            await videos.set_title(self._tx, video_id, title, edited=True)
            await changes.add(self._tx, video_id, "title", None, title, self._client, now_ms())
            self.changed.add(video_id)

    @staticmethod
    def _note(
        to: list[ImportItem],
        foreign: ForeignVideo,
        what: str,
        value: int | str,
        here: int | str | None = None,
    ) -> None:
        to.append(ImportItem(foreign.name, what, value, "", here))
