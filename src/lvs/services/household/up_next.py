"""Up next: the films that follow those watched last, in their folder or in a playlist."""

import time
from collections.abc import Hashable

from lvs.db import up_next as rows
from lvs.db.database import Database
from lvs.db.up_next import NextVideo
from lvs.services.household.progress import ProgressTracker
from lvs.services.lru import LRU
from lvs.viewer import person_or_viewer, viewer

__all__ = ["NextVideo", "UpNext"]

MOST = 12
KEPT_S = 30.0  # playlists may have changed since
PEOPLE_KEPT = 20


class UpNext:
    """Answers what comes next, from memory while nothing was watched since."""

    def __init__(self, database: Database, progress: ProgressTracker) -> None:
        self._database = database
        self._progress = progress
        self._kept: LRU[Hashable, tuple[tuple[int, int], float, list[NextVideo]]] = LRU(PEOPLE_KEPT)

    async def next_videos(self, edition: int, *, person: int | None = None) -> list[NextVideo]:
        """The next films. While `edition`, that of the gallery, stays the same, so do the films; -1
        is none.
        """
        person = person_or_viewer(person)
        if self._progress.nothing_yet:
            return []
        state = (edition, self._progress.revision)
        key = (person, viewer().allowed)  # what one may see can change between two looks
        kept = self._kept.get(key)
        if kept and edition >= 0 and kept[0] == state and time.monotonic() - kept[1] < KEPT_S:
            return kept[2]
        async with self._database.read() as db:
            found = await rows.following(db, person, MOST)
        self._kept.put(key, (state, time.monotonic(), found))
        return found
