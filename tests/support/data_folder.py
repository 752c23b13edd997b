"""Data folders for tests to begin with, as a first start leaves them: making the database and
compiling the templates takes a third of the start of a server.
"""

import asyncio
import atexit
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from lvs.db.database import Database

_kept = ExitStack()
atexit.register(_kept.close)


def begin(data: Path) -> None:
    """Have a data folder there; a new one has a database without content, and templates that all
    tests of this process compile together.
    """
    data.mkdir(exist_ok=True)
    if not any(data.iterdir()):
        shutil.copyfile(_new_database(), data / "lvs.db")
    if not (data / "templates").exists():
        (data / "templates").symlink_to(_compiled_templates())


@cache
def _compiled_templates() -> str:
    return _kept.enter_context(TemporaryDirectory())


@cache
def _new_database() -> Path:
    path = Path(_kept.enter_context(TemporaryDirectory())) / "lvs.db"

    async def make() -> None:
        database = Database(path)
        await database.open()
        await database.close()

    with ThreadPoolExecutor(1) as thread:  # the caller's may have a loop that runs
        thread.submit(asyncio.run, make()).result()
    return path
