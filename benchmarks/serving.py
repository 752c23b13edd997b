"""Serves a database of `household.py` as `lvs serve` does, except that nothing is scanned, because
there are no files, and that no backup is made, which would be due at once and not at night.

`python benchmarks/serving.py DATA PORT`
"""

import asyncio
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart

    from lvs.config import Config
    from lvs.db.database import Database


def undisturbed(config: "Config", database: "Database") -> "Quart":
    """The application, whose watcher and nightly backup wait for ever."""
    app = application(config, database)
    services = app.extensions["lvs"]
    services.watcher.scans = services.watcher.drives = services.backups.nightly = (
        asyncio.Event().wait
    )
    return app


if __name__ == "__main__":
    gc.disable()  # as the command does
    from lvs.config_sources import load

    data = Path(sys.argv[1])
    flags = {
        "video_directory": [str(data / "Videos")],
        "data_directory": str(data),
        "host": "127.0.0.1",
        "port": int(sys.argv[2]),
        "watch": "off",
        "ratings_limit": "0",
    }
    loaded = load(flags, working_folder=data)
    from lvs.server import application, serve

    serve(loaded, undisturbed, print)
