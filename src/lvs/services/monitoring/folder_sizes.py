"""Sizes of the library's folders, and its largest files."""

from lvs.db import folders as rows
from lvs.db.database import Database
from lvs.db.folders import FolderSize, LargeFile

LARGEST = 30


class FolderSizes:
    """Sizes of the library's folders and files, as the last scan saw them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def within(self, root_id: int, folder: bytes) -> list[FolderSize]:
        """Direct contents of a folder in a library folder (empty: its top), largest first."""
        async with self._database.read() as db:
            return await rows.within(db, root_id, folder)

    async def largest(self) -> list[LargeFile]:
        """The largest files of the library."""
        async with self._database.read() as db:
            return await rows.largest(db, LARGEST)
