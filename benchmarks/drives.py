"""A drive that goes and comes back: the transaction that marks its videos, for which whoever rates
has to wait, beside one that derives all of them anew. `python benchmarks/drives.py`
"""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sides import arguments, data_folders, header, row

from lvs.db import gallery, roots
from lvs.db.connection import Transaction
from lvs.db.database import Database

SIZES = (1_000, 100_000)


def main() -> None:
    """Make databases, let the drive go and come back, print."""
    options = arguments(__doc__)
    header("videos", "the drive", "marked, s", "derived anew, s", "ratio")
    with data_folders(SIZES, options.keep) as folders, TemporaryDirectory() as name:
        for size, folder in zip(SIZES, folders, strict=True):
            for refresh in (gallery.refresh_offline, gallery.refresh_root):
                shutil.copy(folder / "lvs.db", Path(name) / f"{size} {refresh.__name__}.db")
            asyncio.run(_compare(size, Path(name)))


async def _compare(size: int, folder: Path) -> None:
    marked = await _timed(folder / f"{size} refresh_offline.db", gallery.refresh_offline)
    anew = await _timed(folder / f"{size} refresh_root.db", gallery.refresh_root)
    for words, ours, other in zip(("goes", "comes back"), marked, anew, strict=True):
        row(f"{size:,}", words, f"{ours:.2f}", f"{other:.2f}", f"{ours / other:.2f}×")


async def _timed(
    path: Path, refresh: Callable[[Transaction, int], Awaitable[None]]
) -> tuple[float, float]:
    """Seconds of both transactions."""
    database = Database(path)
    await database.open()
    seconds = []
    for since in (1, None):
        started = time.perf_counter()
        async with database.transaction() as tx:
            for root in await roots.every(tx):
                await roots.set_offline(tx, root.id, since)
                await refresh(tx, root.id)
        seconds.append(time.perf_counter() - started)
    await database.close()
    return seconds[0], seconds[1]


if __name__ == "__main__":
    main()
