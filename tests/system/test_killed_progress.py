"""A server that is killed keeps the positions that it wrote, and every mark that was answered."""

import json
import signal
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

from support.home import distinct_video
from support.processes import serving, until


def call(address: str, method: str = "GET", body: object = None) -> Any:
    request = urllib.request.Request(
        address,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def written(database: Path) -> list[float]:
    """The positions that are in the file."""
    with closing(sqlite3.connect(database)) as raw:
        return [row[0] for row in raw.execute("SELECT position_s FROM progress WHERE position_s")]


def test_positions_are_written_by_themselves_and_outlast_a_kill(tmp_path: Path) -> None:
    library = tmp_path / "Videos"
    library.mkdir()
    for name in ("one.mp4", "two.mp4"):
        (library / name).write_bytes(distinct_video())
    with serving(library, tmp_path) as server:
        until(lambda: len(call(f"{server.address}/api/videos")["videos"]) == 2)
        videos = {each["title"]: each for each in call(f"{server.address}/api/videos")["videos"]}
        one, two = videos["one"]["media_hash"], videos["two"]["media_hash"]
        call(f"{server.address}/api/videos/{one}/progress", "PUT", {"position_s": 0.25})
        until(lambda: written(tmp_path / "data" / "lvs.db") == [0.25])
        call(f"{server.address}/api/videos/{two}/watched", "PUT", {"watched": True})
        server.stop(signal.SIGKILL)
    with serving(library, tmp_path) as server:
        assert call(f"{server.address}/api/videos/{one}")["position_s"] == 0.25
        assert call(f"{server.address}/api/videos/{two}")["watched"] is True
