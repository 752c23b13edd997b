"""The time that a player's lists and films take: python benchmarks/headset.py [VIDEOS]

Bounds: the index of 10,000 films within 150 ms, the scan within 1 s, one film within 10 ms; lists
that did not change come from memory. And what boxes of MP4 files cost that were made to cost much:
at most 5 ms and 64 KiB that are read.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from quart.testing import TestApp

from lvs.app import create_app
from lvs.clock import now_ms
from lvs.config import Config
from lvs.db import bulk_insert, gallery
from lvs.models import Fingerprint, FoundFile
from lvs.services.bundle import Services
from lvs.services.media import mp4_boxes

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from services.media.test_mp4_boxes import HOSTILE, CountingFile

VIDEOS = 10_000
BATCH = 1_000
REPEATS = 20
BOXES_MS, BOXES_KIB = 5, 64
BOUNDS_MS = {"index": 150, "scan": 1000, "deovr": 1000, "item": 10}


async def fill(services: Services, library: Path, videos: int) -> None:
    """Put so many videos into the database, as a scan would, without files."""
    [root] = services.library.active_roots
    for start in range(0, videos, BATCH):
        batch = []
        for number in range(start, min(start + BATCH, videos)):
            found = FoundFile(f"folder {number % 50}/film {number}_180_LR.mp4".encode(), 10**9, 1)
            hashed = Fingerprint(f"{number + 1:016x}", f"{number + 1:016x}")
            batch.append(bulk_insert.new_file(found, hashed, f"Film {number}", now_ms() + number))
        async with services.database.transaction() as tx:
            ids, _ = await bulk_insert.add_new(tx, root.id, batch)
            for video_id in ids:
                await tx.run(
                    "INSERT INTO ratings VALUES (?, ?, 1, 1)", (video_id, video_id % 5 + 1)
                )
            await gallery.refresh(tx, list(ids))
            await tx.run("UPDATE videos SET attempts = 99")  # there are no files to probe


async def measured(ask: Callable[[], Awaitable[bytes]]) -> tuple[float, int]:
    """Milliseconds of the processor for one answer, and its size in bytes.

    Not of the clock: a busy machine is no slow program.
    """
    started = time.process_time()
    body = await ask()
    return (time.process_time() - started) * 1000, len(body)


def boxes() -> bool:
    """Print what the worst of the hostile structures costs; True where that is beyond its bound."""
    costs = []
    for name, content in HOSTILE.items():
        times = []
        for _ in range(REPEATS):
            file = CountingFile(content)
            started = time.thread_time()
            mp4_boxes.read(file, len(content))
            times.append((time.thread_time() - started) * 1000)
        costs.append((statistics.median(times), file.bytes_read / 1024, name))
    worst_ms, _, name = max(costs)
    most_kib = max(kib for _, kib, _ in costs)
    print(
        f"boxes  {worst_ms:8.1f} ms (at most {BOXES_MS} ms) in the worst of {len(costs)} structures"
        f" ({name}), {most_kib:.0f} KiB read at most (at most {BOXES_KIB} KiB)"
    )
    return worst_ms > BOXES_MS or most_kib > BOXES_KIB


async def main(videos: int) -> int:
    """Print each figure beside its bound; 1 where one is beyond it."""
    with TemporaryDirectory() as folder:
        library = Path(folder) / "Videos"
        library.mkdir()
        (Path(folder) / "data").mkdir()
        config = Config(
            video_directory=(library,), data_directory=Path(folder) / "data", watch="off"
        )
        app = create_app(config)
        async with TestApp(app, 60, 60):
            services: Services = app.extensions["lvs"]
            await fill(services, library, videos)
            client = app.test_client()

            async def get(path: str) -> bytes:
                answer = await client.post(path)
                body: bytes = await answer.get_data()
                assert answer.status_code == 200, body
                return body

            found = json.loads(await get("/heresphere"))
            film = found["library"][0]["list"][0].rpartition("/")[2]
            paths = {
                "index": "/heresphere",
                "scan": "/heresphere/scan",
                "deovr": "/deovr",
                "item": f"/heresphere/{film}",
            }
            late = boxes()
            for name, path in paths.items():
                times, again = [], []
                for number in range(5 if name != "item" else REPEATS):
                    await services.ratings.rate(film, number % 5 + 1, "benchmark")
                    took, size = await measured(lambda path=path: get(path))
                    times.append(took)
                    again.append((await measured(lambda path=path: get(path)))[0])
                median = statistics.median(times)
                late |= median > BOUNDS_MS[name]
                print(
                    f"{name:6} {median:8.1f} ms (at most {BOUNDS_MS[name]} ms), asked again"
                    f" {statistics.median(again):6.1f} ms, {size / 1e6:.2f} MB"
                )
            return int(late)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=int, nargs="?", default=VIDEOS, help=f"default {VIDEOS}")
    sys.exit(asyncio.run(main(parser.parse_args().videos)))
