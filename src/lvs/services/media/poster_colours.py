"""Colours of posters that were drawn before colours were kept, or chosen by a person: found out in
the background, by a worker, because a poster holds what a stranger's film was made into.
"""

import asyncio
import logging
from collections.abc import Collection

from lvs.db import poster_colours
from lvs.db.database import Database
from lvs.errors import LvsError
from lvs.services.events import Event, Events
from lvs.services.media.posters import PosterStore
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.probe_queue import ProbeQueue

log = logging.getLogger(__name__)

DELAY_S = 10.0  # whoever starts the server wants its processors first
POLL_S = 2.0
AT_ONCE = 50


class PosterColours:
    """Tells the colours that are missing. Without posters there are none."""

    def __init__(
        self,
        database: Database,
        events: Events,
        pool: ProbePool,
        queue: ProbeQueue,
        store: PosterStore | None,
        delay_s: float = DELAY_S,
    ) -> None:
        self._database = database
        self._pool = pool
        self._queue = queue
        self._store = store
        self._delay_s = delay_s
        self._news = asyncio.Event()
        events.on(Event.CHANGED, self._note)

    def _note(self, _: Collection[int]) -> None:
        self._news.set()

    async def run(self) -> None:
        """Compute missing colours, for as long as the server runs."""
        if self._store is None:
            return
        await asyncio.sleep(self._delay_s)
        while True:
            self._news.clear()
            while await self._some(self._store):
                pass
            await self._news.wait()
            await asyncio.sleep(POLL_S)

    async def _some(self, store: PosterStore) -> bool:
        """Compute the colours of some posters. False if none is left or can be computed now."""
        async with self._database.read() as db:
            posters = await poster_colours.missing(db, AT_ONCE)
        if not posters:
            return False
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def job() -> None:
            told = False
            try:
                told = await self._tell(store, posters)
            finally:
                if not done.done():
                    done.set_result(told)

        return self._queue.put_job(job) and await done

    async def _tell(self, store: PosterStore, posters: list[str]) -> bool:
        try:
            found = await self._pool.colours([store.path(key, 320, "jpg") for key in posters])
        except LvsError as error:
            log.info("the colours of posters could not be computed: %s", error.message)
            return False
        async with self._database.transaction() as tx:
            await poster_colours.fill(tx, dict(zip(posters, found, strict=True)))
        return True
