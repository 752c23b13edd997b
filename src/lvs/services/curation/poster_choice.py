"""Posters that people choose: pictures from eight places of a film, drawn when somebody asks."""

import asyncio
from contextlib import suppress

from msgspec import Struct

from lvs.db import changes, gallery, projections, videos
from lvs.db.database import Database, Transaction
from lvs.db.videos import WaitingVideo
from lvs.errors import Conflict, Invalid, LvsError
from lvs.models import State, Video
from lvs.services.cache import Cache
from lvs.services.curation.base import Curation, journal_text
from lvs.services.events import Event, Events
from lvs.services.library.library import Library
from lvs.services.media.eye import PLACES, drawing_key, eye_of, poster_key
from lvs.services.media.poster_candidates import PosterCandidateStore
from lvs.services.media.posters import PosterStore
from lvs.services.media.probe_queue import ProbeQueue
from lvs.services.media.stored_projection import apply_projection
from lvs.services.media.worker_hosts import SharedProbes

PATIENCE_S = 4.0  # for which a page waits for its pictures
AT_ONCE = 20  # films whose pictures are being drawn
FAILURES_KEPT = 50
SWITCHED_OFF = "Posters are switched off (enable_thumbnails), so there is none to choose."
AWAY = "The drive with this video is not connected. Connect it to choose a poster."
NONE_READABLE = "No picture of this video can be read, so there is none to choose."
BUSY = "LVS is drawing the pictures of many videos. Try again in a minute."


class PosterCandidate(Struct, frozen=True):
    """A picture that may become the poster: its place, its time in the film, the key to show it."""

    place: int
    at_s: float
    key: str


class PosterCandidates(Struct, frozen=True):
    """Candidates in the order of the film, and the chosen place; None for the best picture.

    None of them while they are `waiting` to be drawn, and where there is a `problem`.
    """

    chosen: int | None
    found: tuple[PosterCandidate, ...] = ()
    waiting: bool = False
    problem: str = ""


class PosterChoice(Curation):
    """Draws candidates and keeps the choice, which is journaled and can be undone."""

    def __init__(
        self,
        database: Database,
        cache: Cache,
        events: Events,
        library: Library,
        probes: SharedProbes,
        queue: ProbeQueue,
        store: PosterStore | None,
        candidates_store: PosterCandidateStore,
    ) -> None:
        super().__init__(database, cache, events)
        self._library = library
        self._probes = probes
        self._queue = queue
        self._store = store
        self._candidates_store = candidates_store
        self._drawing: dict[int, asyncio.Future[None]] = {}
        self._failures: dict[int, str] = {}  # by video, until it is asked for again

    async def candidates(self, video: Video) -> PosterCandidates:
        """The pictures of a video, once they are drawn."""
        async with self._database.read() as db:
            item = await videos.waiting_one(db, video.id)
        place = item.place if item else None
        if self._store is None:
            return PosterCandidates(place, problem=SWITCHED_OFF)
        if item is None or self._library.is_away(item.root_id, item.path):
            return PosterCandidates(place, problem=AWAY)
        if video.state is State.UNREADABLE:
            return PosterCandidates(place, problem=NONE_READABLE)
        found = await asyncio.to_thread(_drawn, self._store, video, item)
        if found:
            return PosterCandidates(place, found)
        if problem := self._failures.pop(video.id, ""):
            return PosterCandidates(place, problem=problem)
        if not self._draw(self._store, item):
            return PosterCandidates(place, problem=BUSY)
        await asyncio.wait([self._drawing[video.id]], timeout=PATIENCE_S)
        found = await asyncio.to_thread(_drawn, self._store, video, item)
        problem = "" if found else self._failures.pop(video.id, "")
        return PosterCandidates(place, found, not (found or problem), problem)

    def _draw(self, store: PosterStore, item: WaitingVideo) -> bool:
        """Have the pictures drawn, before what nobody waits for. False where too many are."""
        if item.video_id in self._drawing:
            return True
        if len(self._drawing) >= AT_ONCE:
            return False
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def job() -> None:
            try:
                await self._make(store, item)
            finally:
                self._drawing.pop(item.video_id, None)
                if not done.done():
                    done.set_result(None)

        if not self._queue.put_job(job, urgent=True):
            return False
        self._drawing[item.video_id] = done
        return True

    async def _make(self, store: PosterStore, item: WaitingVideo) -> None:
        async with self._database.read() as db:
            facts = await projections.facts_of(db, item.video_id)
        targets = tuple(
            file
            for place in range(len(PLACES))
            for file in store.target(drawing_key(item.fingerprint, place), place)
        )
        problem = ""
        try:
            await asyncio.to_thread(store.note, item.video_id, item.fingerprint)
            path = self._library.file_path(item.root_id, item.path)
            name = facts.name if facts else ""
            result = await self._probes.probe(path, targets, name, item.chosen, item.fingerprint)
            problem = "" if result.has_poster else NONE_READABLE
        except LvsError as error:
            problem = error.message
        except OSError as error:
            problem = f"The pictures cannot be kept: {error.strerror or error}."
        if problem:
            self._failures[item.video_id] = problem
            while len(self._failures) > FAILURES_KEPT:
                del self._failures[next(iter(self._failures))]

    async def choose(self, media_hash: str, place: int | None, client: str) -> int | None:
        """Have a video show the picture of this place, or with None the best; the place before.

        Raises NotFound, Invalid, Conflict where posters are switched off.
        """
        if place is not None and not 0 <= place < len(PLACES):
            raise Invalid(f"A poster is one of the pictures 0 to {len(PLACES) - 1}.")
        if self._store is None:
            raise Conflict(SWITCHED_OFF)
        store = self._store

        async def change(tx: Transaction) -> tuple[int, int | None, WaitingVideo | None]:
            video_id = await self._id(tx, media_hash)
            stored = await projections.of_video(tx, video_id)
            old = stored.place if stored else None
            if old != place:
                await projections.choose_place(tx, video_id, place)
                await apply_projection(tx, video_id)
                before, after = journal_text(old), journal_text(place)
                await changes.add(tx, video_id, "poster", before, after, client, self.now_ms())
                await _show(tx, store, video_id)
            return video_id, old, await videos.waiting_one(tx, video_id)

        video_id, old, item = await self._database.write(change)
        if old != place:
            self._cache.invalidate()
            self._queue.visible([video_id])
            self._events.publish(Event.RESHAPED, [video_id])
            self._events.publish(Event.CHANGED, [video_id])
            if item is not None and video_id not in self._drawing:
                with suppress(OSError):  # else it is done a day later
                    await self._candidates_store.remove(video_id, item.fingerprint)
        return old


def _drawn(store: PosterStore, video: Video, item: WaitingVideo) -> tuple[PosterCandidate, ...]:
    """The pictures on disk, each once: where a film has few, several places show the same."""
    eye = eye_of(video.projection)
    length_s = (video.probe.duration_s if video.probe else None) or 0.0
    found: dict[bytes, PosterCandidate] = {}
    for place in sorted(range(len(PLACES)), key=PLACES.__getitem__):
        key = poster_key(drawing_key(item.fingerprint, place), eye)
        try:
            if not store.has(key):
                return ()
            content = store.path(key, 320, "webp").read_bytes()
        except OSError:
            return ()
        if content not in found or place == item.place:
            found[content] = PosterCandidate(place, PLACES[place] * length_s, key)
    return tuple(sorted(found.values(), key=lambda each: each.at_s))


async def _show(tx: Transaction, store: PosterStore, video_id: int) -> None:
    """Show the wanted poster at once where it is drawn already; else the queue draws it."""
    item = await videos.waiting_one(tx, video_id)
    stored = await projections.of_video(tx, video_id)
    if item is None or stored is None:
        return
    key = poster_key(drawing_key(item.fingerprint, item.place), eye_of(stored.projection))
    if store.has(key):
        await projections.show_drawn(tx, video_id, key)
        await gallery.refresh_card(tx, video_id)
