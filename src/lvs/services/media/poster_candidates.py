"""Candidates of posters on disk: noted when they are drawn, and removed with the choice of one of
them, or a day later. What a film shows stays.
"""

import asyncio
import time

from lvs.db import projections
from lvs.db.database import Database
from lvs.services.media.eye import EYES, PLACES, drawing_key, poster_key
from lvs.services.media.posters import PosterStore

KEPT_S = 24 * 3600.0
CHECK_S = 3600.0
FIRST_CHECK_S = 120.0  # behind the start


class PosterCandidateStore:
    """Removes candidates that nobody chose. Without a store there are none."""

    def __init__(self, database: Database, store: PosterStore | None) -> None:
        self._database = database
        self._store = store

    async def run(self) -> None:
        """Remove those a day old, for as long as the server runs. Raises OSError, LvsError."""
        await asyncio.sleep(FIRST_CHECK_S)
        while True:
            await self.tidy(time.time() - KEPT_S)
            await asyncio.sleep(CHECK_S)

    async def tidy(self, before_s: float) -> None:
        """Remove those drawn before this time (seconds since 1970). Raises OSError, LvsError."""
        if self._store is not None:
            noted = await asyncio.to_thread(self._store.noted, before_s)
            for video_id, fingerprint in noted:
                await self.remove(video_id, fingerprint)

    async def remove(self, video_id: int, fingerprint: str) -> None:
        """Remove the candidates of this content of a film. Raises OSError, LvsError."""
        if self._store is None:
            return
        async with self._database.read() as db:
            posters, chosen = await projections.posters_in_use(db, video_id, fingerprint)
        keys = {
            poster_key(drawing_key(fingerprint, place), eye)
            for place in range(len(PLACES))
            for eye in ("", *EYES)
            if place not in chosen
        }
        await asyncio.to_thread(self._store.remove, video_id, fingerprint, keys - posters)
