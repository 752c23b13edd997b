"""Looks through a database file before it is opened, while the rest of the program is still being
imported.
"""

import sqlite3
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from threading import Thread

CHECKED_BYTES = (
    256 << 20
)  # a larger database is looked through with its nightly backup only: starting must not take minutes


def looking(path: Path) -> Future[bool]:
    """Whether a thread that begins now finds the database sound.

    False says nothing but that somebody has to look again.
    """
    sound: Future[bool] = Future()
    sound.set_running_or_notify_cancel()  # whoever waits may stop waiting; the thread goes on
    Thread(target=lambda: sound.set_result(_is_sound(path)), name="lvs-look", daemon=True).start()
    return sound


def _is_sound(path: Path) -> bool:
    try:
        if path.stat().st_size > CHECKED_BYTES:
            return False
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except (OSError, ValueError, sqlite3.Error):
        return False
