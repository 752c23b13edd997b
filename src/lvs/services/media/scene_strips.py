"""Strips of small pictures along each film: made when somebody opens it, or when all is idle."""

import asyncio
import contextlib
import logging
from collections.abc import Collection

from lvs.db import gallery, scenes
from lvs.db.database import Database
from lvs.errors import LvsError
from lvs.models import SHAPES, STEREOS, Card, Projection, State
from lvs.services.events import Event, Events
from lvs.services.library.library import Library
from lvs.services.media.probe_queue import ProbeQueue
from lvs.services.media.scene_request import MOST_SCENES, SceneRequest, SceneTimes
from lvs.services.media.scene_store import SceneStore, SceneStrip
from lvs.services.media.worker_hosts import SharedProbes

log = logging.getLogger(__name__)

SECONDS_PER_SCENE = 2.0  # a shorter film has fewer pictures
IDLE_DELAY_S = 60.0  # whoever starts the server wants its processors first
POLL_S = 5.0
VIDEOS_AT_ONCE = 100
WAITING_AT_MOST = 50
CHANGED_AT_MOST = 10_000


class SceneStrips:
    """Makes and gives strips. Without room for them (`preview_space` is 0) there are none."""

    def __init__(
        self,
        database: Database,
        library: Library,
        events: Events,
        probes: SharedProbes,
        queue: ProbeQueue,
        store: SceneStore | None,
        idle_delay_s: float = IDLE_DELAY_S,
    ) -> None:
        self._database = database
        self._library = library
        self._probes = probes
        self._queue = queue
        self.store = store
        self._idle_delay_s = idle_delay_s
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._changed: set[int] | None = None  # None: check every video
        self._news = asyncio.Event()
        events.on(Event.CHANGED, self._note)

    @property
    def enabled(self) -> bool:
        return self.store is not None

    async def of_card(self, card: Card | None) -> SceneStrip | None:
        """The strip of a film as it is kept; None where none was made yet."""
        return await self.get(card.poster) if card and card.poster else None

    async def get(self, key: str) -> SceneStrip | None:
        """The strip kept under this key."""
        return await asyncio.to_thread(self.store.get, key) if self.store else None

    async def sheet(self, key: str) -> bytes | None:
        """The sheet kept under this key, as WebP."""
        return await asyncio.to_thread(self.store.sheet, key) if self.store else None

    def request(self, card: Card) -> bool:
        """Somebody opened this film: have its strip made soon. False where it cannot be."""
        if self.store is None or not _drawable(card):
            return False
        return self._put(card, urgent=True) is not None

    def _put(self, card: Card, urgent: bool) -> asyncio.Future[None] | None:
        key = card.poster or ""
        if key in self._waiting and not urgent:
            return self._waiting[key]
        if key not in self._waiting and len(self._waiting) >= WAITING_AT_MOST:
            return None
        done = self._waiting.setdefault(key, asyncio.get_running_loop().create_future())

        async def job() -> None:
            if done.done():
                return  # it was wanted a second time, more urgently
            try:
                await self._make(card, key)
            finally:
                self._waiting.pop(key, None)
                if not done.done():
                    done.set_result(None)

        if not self._queue.put_job(job, urgent):
            self._waiting.pop(key, None)
            return None
        return done

    async def _make(self, card: Card, key: str) -> None:
        if self.store is None or await self.get(key) is not None:
            return
        path, partial = self.store.paths(key)
        shape, stereo = divmod(card.projection, len(STEREOS))
        wanted = SceneRequest(
            max(2, min(MOST_SCENES, int(card.duration_s / SECONDS_PER_SCENE))),
            Projection(SHAPES[shape], STEREOS[stereo]),
            card.width / card.height,
            path,
            partial,
        )
        video = self._library.file_path(card.root_id, card.path)
        async with self._database.read() as db:
            content = await scenes.content(db, card.id)
        try:
            found = await self._probes.scenes(video, wanted, content)
        except LvsError as error:
            log.info("no scenes of video %d: %s", card.id, error.message)
            found = SceneTimes((), 0, 0)  # not tried again before the film is another
            if self._library.is_away(card.root_id, card.path):
                return
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self.store.put, key, found)

    # --- Idle hours ---

    def _note(self, video_ids: Collection[int]) -> None:
        if self._changed is not None:
            self._changed.update(video_ids)
            if len(self._changed) > CHANGED_AT_MOST:
                self._changed = None
        self._news.set()

    async def run(self) -> None:
        """Make the strips that are missing while nothing else is to be done."""
        if self.store is None:
            return
        await asyncio.sleep(self._idle_delay_s)
        while True:
            self._news.clear()
            changed, self._changed = self._changed, set()
            if changed is None:
                await self._check_all()
            else:
                async with self._database.read() as db:
                    cards = list((await gallery.some(db, list(changed))).values())
                await self._make_missing(cards)
            await self._news.wait()
            await asyncio.sleep(POLL_S)

    async def _check_all(self) -> None:
        last = 0
        while True:
            async with self._database.read() as db:
                cards = await scenes.videos(db, last, VIDEOS_AT_ONCE)
            if not cards:
                return
            await self._make_missing(cards)
            last = cards[-1].id

    async def _make_missing(self, cards: Collection[Card]) -> None:
        for card in cards:
            if self.store is None or not self.store.has_room:
                return
            if not _drawable(card) or await self.of_card(card) is not None:
                continue
            if done := self._put(card, urgent=False):
                await done


def _drawable(card: Card) -> bool:
    return bool(
        card.poster
        and card.state is State.READY
        and not card.offline
        and card.duration_s > 0
        and card.width
        and card.height
    )
