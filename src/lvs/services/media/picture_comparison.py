"""Signatures of every film, made when all is idle, and the pairs of films that look the same."""

import asyncio
import logging
from collections.abc import Collection

from lvs.db import picture_signatures as rows
from lvs.db.database import Database
from lvs.db.picture_signatures import SignatureRow, UnsignedVideo
from lvs.errors import LvsError
from lvs.services.events import Event, Events
from lvs.services.library.library import Library
from lvs.services.media.picture_signature import SIGNATURE_VERSION, PictureSignature
from lvs.services.media.probe_queue import ProbeQueue
from lvs.services.media.worker_hosts import SharedProbes

log = logging.getLogger(__name__)

IDLE_DELAY_S = 90.0  # behind the start, and the first scenes
POLL_S = 15.0
VIDEOS_AT_ONCE = 50
COMPARED_AT_ONCE = 200
READ_AT_ONCE = 5000
REST_S = 0.2  # between two films: nobody waits for this


class PictureComparison:
    """Keeps the signatures and the pairs as new as the library."""

    def __init__(
        self,
        database: Database,
        library: Library,
        events: Events,
        probes: SharedProbes,
        queue: ProbeQueue,
    ) -> None:
        self._database = database
        self._library = library
        self._probes = probes
        self._queue = queue
        self._news = asyncio.Event()
        self.rest_s = REST_S
        events.on(Event.CHANGED, self._note)

    def _note(self, _video_ids: Collection[int]) -> None:
        self._news.set()

    async def run(self) -> None:
        """Sign and compare what there is, while nothing else is to be done."""
        await asyncio.sleep(IDLE_DELAY_S)
        while True:
            self._news.clear()
            await self.catch_up()
            await self._news.wait()
            await asyncio.sleep(POLL_S)

    async def catch_up(self) -> None:
        """Sign the films without a signature, some at a time, and compare them."""
        last = 0
        while True:
            async with self._database.read() as db:
                videos = await rows.unsigned(db, SIGNATURE_VERSION, last, VIDEOS_AT_ONCE)
            for video in videos:
                if not await self._sign_behind_others(video):
                    self._news.set()  # so many probes wait that the queue is full: later
                    return
                await asyncio.sleep(self.rest_s)
            await self._compare()
            if len(videos) < VIDEOS_AT_ONCE:
                return
            last = videos[-1].video_id

    async def _sign_behind_others(self, video: UnsignedVideo) -> bool:
        """Sign a film in the turn of the workers' queue, behind every probe; False where the queue
        is full.
        """
        done = asyncio.get_running_loop().create_future()

        async def job() -> None:
            try:
                await self._sign(video)
            finally:
                if not done.done():
                    done.set_result(None)

        if not self._queue.put_job(job):
            return False
        await done
        return True

    async def _sign(self, video: UnsignedVideo) -> None:
        try:
            path = self._library.file_path(video.root_id, video.path)
            found = await self._probes.signature(path, video.content)
        except LvsError as error:
            if self._library.is_away(video.root_id, video.path):
                return
            log.info("no signature of video %d: %s", video.video_id, error.message)
            found = PictureSignature(0.0, {})  # not tried again before the film is another
        row = SignatureRow(video.video_id, found.duration_s, found.packed())
        async with self._database.transaction() as tx:
            await rows.put(tx, video, SIGNATURE_VERSION, row)

    async def _compare(self) -> None:
        """Compare the signatures that are new with all."""
        async with self._database.read() as db:
            new = await rows.uncompared(db, SIGNATURE_VERSION, COMPARED_AT_ONCE)
        if not new:
            return
        # Numpy costs memory and a moment of the start, and many a start compares nothing.
        from lvs.services.media.signature_index import SignatureIndex  # noqa: PLC0415

        index = await asyncio.to_thread(SignatureIndex, await self._every())
        while new:
            pairs = await asyncio.to_thread(index.pairs, new)
            async with self._database.transaction() as tx:
                await rows.put_pairs(tx, new, pairs)
            async with self._database.read() as db:
                new = await rows.uncompared(db, SIGNATURE_VERSION, COMPARED_AT_ONCE)

    async def _every(self) -> list[SignatureRow]:
        found: list[SignatureRow] = []
        while True:
            last = found[-1].video_id if found else 0
            async with self._database.read() as db:
                some = await rows.signatures(db, SIGNATURE_VERSION, last, READ_AT_ONCE)
            found += some
            if len(some) < READ_AT_ONCE:
                return found
