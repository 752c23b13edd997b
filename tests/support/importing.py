"""Imports data of the original Local Video Server."""

from pathlib import Path

from support.home import Home

from lvs.config import VIDEO_FORMATS
from lvs.services.legacy.importer import ImportReport
from lvs.services.legacy.reader import read
from lvs.services.legacy.sources import find


async def take(home: Home, *paths: Path, dry_run: bool = False) -> ImportReport:
    """Import these paths, as the command does."""
    service = home.services.legacy
    search = find(paths, VIDEO_FORMATS, await service.libraries())
    return await service.take(read(search), dry_run)
