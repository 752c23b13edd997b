"""The times of what Litestream copied into a folder: those of its files."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path


def copied_an_hour_ago(folder: Path) -> datetime:
    """Have all that was copied until now be an hour old; a moment between that and what follows."""
    for path in folder.rglob("*.ltx"):
        copied_at = path.stat().st_mtime - 3600
        os.utime(path, (copied_at, copied_at))
    return datetime.now(UTC) - timedelta(minutes=30)
