"""Serves a database of `household.py` with LVS as it is, except that nothing is scanned: there are no files.

`python benchmarks/serving.py DATA PORT`
"""

import asyncio
import sys
from pathlib import Path

from quart import Quart

from lvs.app import create_app
from lvs.config import Config, load
from lvs.server import serve


def without_scans(config: Config) -> Quart:
    """The application, whose watcher waits for ever."""
    app = create_app(config)
    watcher = app.extensions["lvs"].watcher
    watcher.scans = watcher.drives = asyncio.Event().wait
    return app


if __name__ == "__main__":
    data = Path(sys.argv[1])
    flags = {
        "video_directory": [str(data / "Videos")],
        "data_directory": str(data),
        "host": "127.0.0.1",
        "port": int(sys.argv[2]),
        "watch": "off",
        "ratings_limit": "0",
    }
    serve(load(flags, working_folder=data), without_scans, print)
