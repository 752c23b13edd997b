"""The write-ahead log of a database that Litestream copies.

Litestream goes on where it stopped as long as it finds its last frame in the log. Where SQLite has
begun the log anew since, over its own beginning, that frame still lies behind the new ones, and
what was written after it is in no frame any more: the copy would lack it, and be damaged. So while
LVS replicates nobody but Litestream moves the log into the database. Who has to otherwise cuts the
file, whereupon Litestream copies the whole database.
"""

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

from lvs.errors import Unavailable

PATIENCE_S = 0.2  # writers wait as long while others read


def pragmas(path: Path, checkpoints: bool) -> list[str]:
    """Settings of a connection for that; none for a database that Litestream never copied."""
    if not checkpoints:
        return ["wal_autocheckpoint = 0", "journal_size_limit = 0"]
    return ["journal_size_limit = 0"] if metadata(path).is_dir() else []


def metadata(path: Path) -> Path:
    """Litestream's own folder beside a database."""
    return path.with_name(f".{path.name}-litestream")


def size(path: Path) -> int:
    """Bytes of the log; 0 where there is none."""
    with contextlib.suppress(OSError):
        return path.with_name(f"{path.name}-wal").stat().st_size
    return 0


def empty(path: Path) -> bool:
    """Move the whole log into the database and cut its file; False where somebody who reads, such
    as Litestream, is in the way. Blocking. Raises Unavailable.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)) as database:
            database.execute("PRAGMA journal_size_limit = 0").fetchone()
            [busy, _, _] = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
    except sqlite3.Error as error:
        raise Unavailable(f"The write-ahead log cannot be emptied: {error}.") from error
