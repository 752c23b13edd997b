"""Sizes of the library's folders, and its largest files."""

from lvs.db import folders as rows
from lvs.db.database import Database
from lvs.db.folders import FolderSize, LargeFile

LARGEST = 30


async def within(database: Database, root_id: int, folder: bytes) -> list[FolderSize]:
    """Direct contents of a folder in a library folder (empty: its top), largest first."""
    async with database.read() as db:
        return await rows.within(db, root_id, folder)


async def largest(database: Database) -> list[LargeFile]:
    """The largest files of the library."""
    async with database.read() as db:
        return await rows.largest(db, LARGEST)
