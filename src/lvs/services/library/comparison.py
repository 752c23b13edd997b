"""Comparison: reads all copies of a video completely, before a page says that they are identical.
Copies that differ after all become videos of their own.
"""

import asyncio
import logging
import os
import time

from lvs.clock import now_ms
from lvs.db import division, extended, files, gallery, videos
from lvs.db.database import Database
from lvs.errors import LvsError
from lvs.models import File
from lvs.services.events import Event, Events
from lvs.services.library.drives import Drives
from lvs.services.library.fingerprint import EXTENDED_WHOLE_BYTES, extended_fingerprint
from lvs.services.library.identity import whole_fingerprint
from lvs.titles import title_from_path

log = logging.getLogger(__name__)

FIRST_S = 30.0
POLL_S = 60.0
AT_ONCE = 50
REST = 4  # pause, as a multiple of the time spent reading


class Comparison:
    """Compares copies one after the other, using at most a fifth of the time of a disk."""

    def __init__(self, database: Database, events: Events, drives: Drives) -> None:
        self._database = database
        self._events = events
        self._drives = drives
        self._unread: set[int] = set()

    async def run(self) -> None:
        """Compare whatever there is to compare, for as long as the server runs."""
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                while await self.compare_some(REST):
                    pass
            except LvsError as error:
                log.warning("copies could not be compared: %s", error.message)
            await asyncio.sleep(POLL_S)

    async def compare_some(self, rest: float = 0) -> bool:
        """Read some copies; True if there may be more. `rest` is the pause after a copy, as a
        multiple of the time it took.
        """
        async with self._database.read() as db:
            waiting = await files.uncompared(db, AT_ONCE, self._unread)
        for file in waiting:
            started = time.monotonic()
            await self._read(file, rest)
            if file.size_bytes <= EXTENDED_WHOLE_BYTES:  # a larger one rested between its pieces
                await asyncio.sleep(rest * (time.monotonic() - started))
        for video_id in {file.video_id for file in waiting}:
            await self._separate_differing(video_id)
        return bool(waiting)

    async def _read(self, file: File, rest: float) -> None:
        path = os.path.join(self._drives.roots[file.root_id].path, file.path)
        away = self._drives.is_away(file.root_id, file.path)
        if away:
            read = ""
        elif file.size_bytes > EXTENDED_WHOLE_BYTES:
            read = await whole_fingerprint(path, rest)
        else:
            read = await asyncio.to_thread(extended_fingerprint, path)
        if not read:
            self._unread.add(file.id)  # until the server starts anew
            return
        async with self._database.transaction() as tx:
            await files.set_compared(tx, file, read)

    async def _separate_differing(self, video_id: int) -> None:
        """Make copies that differ, although their samples are the same, videos of their own."""
        async with self._database.transaction() as tx:
            differing = await files.differing_copies(tx, video_id)
            made = []
            for fingerprint, read, size_bytes, first in differing:
                kept = extended.WHOLE + read if size_bytes > EXTENDED_WHOLE_BYTES else read
                await extended.add(tx, fingerprint, kept, video_id)
                if not first:
                    await files.give_fingerprint(tx, video_id, fingerprint, read)
                    made.append(await division.divide(tx, video_id, read, None, now_ms()))
            for touched in [video_id, *made] if made else []:
                [place, *_] = await files.of_video(tx, touched)
                await videos.title_from_name(tx, touched, title_from_path(place.path))
            await gallery.refresh(tx, [video_id, *made] if made else [])
        if made:
            self._events.publish(Event.ADDED, made)
            self._events.publish(Event.REASSIGNED, made)
            self._events.publish(Event.CHANGED, [video_id, *made])
