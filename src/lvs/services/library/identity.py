"""Identity: which content a file holds, and which contents are one video.

Samples tell videos apart, except for those that are black or silent where the samples are taken: of
these more is read. Before two files are called the same, both are read completely. Contents that
lie side by side are different videos, even if they lay under one name one after the other.
"""

import asyncio
import os
import time

from msgspec import Struct

from lvs.db import division, extended, files, videos
from lvs.db.bulk_insert import NewFile
from lvs.db.database import Connection, Database, Transaction
from lvs.models import File, Root
from lvs.services.library.drives import Drives, file_state
from lvs.services.library.fingerprint import WholeFingerprint, extended_fingerprint
from lvs.services.library.walk import storable


class Content(Struct, frozen=True):
    """The content of a file: the key by which its video is known, and what was read beyond samples.

    `extended` is the file's own extended fingerprint, `rival` that of the video `rival_id` with the
    same samples; each is empty where nothing more was read.
    """

    key: str
    fingerprint: str
    extended: str = ""
    rival: str = ""
    rival_id: int = 0


async def whole_fingerprint(path: bytes, rest: float = 0) -> str:
    """A hash (16 hex digits) of a whole file; empty if it cannot be read. `rest` is the pause after
    each piece, as a multiple of the time it took.
    """
    reader = WholeFingerprint(path)
    while True:
        started = time.monotonic()
        try:
            more = await asyncio.to_thread(reader.read_some)
        except OSError:
            return ""
        if not more:
            return reader.hexdigest()
        await asyncio.sleep(rest * (time.monotonic() - started))


class Identity:
    """Tells contents apart."""

    def __init__(self, database: Database, drives: Drives) -> None:
        self._database = database
        self._drives = drives

    async def content_of(self, root: Root, item: NewFile) -> Content:
        """The content of a file, of which more is read if its samples are not enough."""
        async with self._database.read() as db:
            owner = await videos.by_fingerprint(db, item.fingerprint)
            known = await extended.of_fingerprint(db, item.fingerprint)
            places = await files.of_video(db, owner) if owner is not None else []
        plain = Content(item.fingerprint, item.fingerprint, item.extended)
        if owner is None or not (item.extended or known):
            return plain
        path = os.path.join(root.path, item.path)
        if wholly := extended.wholly_read(known):
            mine = await whole_fingerprint(path)
            if not mine or wholly.get(mine) == owner:
                return plain
            return Content(mine, item.fingerprint, extended.WHOLE + mine)
        mine = item.extended or await asyncio.to_thread(extended_fingerprint, path)
        if not mine or known.get(mine) == owner:
            return plain
        if mine in known or owner in known.values():
            return Content(mine, item.fingerprint, mine)
        theirs = await self._read_elsewhere(places, item, (root.id, item.path))
        if not theirs or theirs == mine:
            return Content(item.fingerprint, item.fingerprint, mine)
        return Content(mine, item.fingerprint, mine, theirs, owner)

    async def _read_elsewhere(
        self, places: list[File], item: NewFile, own: tuple[int, bytes]
    ) -> str:
        """The extended fingerprint of another file with these samples; empty if there is none."""
        for file in places:
            if (
                file.missing_since is None
                and file.fingerprint == item.fingerprint
                and (file.root_id, file.path) != own
                and await self._is_untouched(file)
            ):
                path = os.path.join(self._drives.roots[file.root_id].path, file.path)
                if found := await asyncio.to_thread(extended_fingerprint, path):
                    return found
        return ""

    async def there(self, db: Connection, video_id: int) -> list[File]:
        """The places where a video still lies: unchanged files, and those on a drive that is
        offline.
        """
        return [
            file
            for file in await files.of_video(db, video_id)
            if file.missing_since is None
            and (
                not self._drives.roots[file.root_id].active
                or self._drives.is_away(file.root_id, file.path)
                or await self._is_untouched(file)
            )
        ]

    async def _is_untouched(self, file: File) -> bool:
        try:
            state = await asyncio.to_thread(
                file_state, self._drives.roots[file.root_id].path, file.path
            )
        except OSError:
            return False
        return (state.st_size, storable(state.st_mtime_ns)) == (file.size_bytes, file.mtime_ns)

    async def separate(self, tx: Transaction, video_id: int, at: int) -> set[int]:
        """Turn contents that lie side by side under one video into videos of their own; their ids.

        Each takes along what it was given while it was the content of the video.
        """
        places = await self.there(tx, video_id)
        if len({file.fingerprint for file in places}) < 2:
            return set()
        eras = await division.owned_since(tx, video_id)
        present = {file.fingerprint for file in places}
        stays = min(present, key=lambda content: (eras.get(content, (at, at)), content))
        made: set[int] = set()
        for content in sorted(present - {stays}):
            made.add(await division.divide(tx, video_id, content, eras.get(content), at))
        return made


async def record(tx: Transaction, video_id: int, content: Content) -> None:
    """Store what was read beyond samples."""
    if content.extended:
        await extended.add(tx, content.fingerprint, content.extended, video_id)
    if content.rival:
        await extended.add(tx, content.fingerprint, content.rival, content.rival_id)
