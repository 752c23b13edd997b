"""How large the folders of the library are, and which files are the largest."""

from lvs.db import folders as rows
from lvs.db.database import Database
from lvs.db.folders import FolderSize, LargeFile

LARGEST = 30


async def within(database: Database, root_id: int, folder: bytes) -> list[FolderSize]:
    """What lies right in a folder of a library folder (empty: at its top), the largest first."""
    async with database.read() as db:
        return await rows.within(db, root_id, folder)


async def largest(database: Database) -> list[LargeFile]:
    """The largest files of the library."""
    async with database.read() as db:
        return await rows.largest(db, LARGEST)
