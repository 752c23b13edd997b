"""Times of a first scan and a rescan, beside a bare walk that reads, or stats, the same
files.

Another line has the bare walk hash what it reads too, which identity asks for and which takes most
of the time: with two cores no first scan can take less than half of that.

`python benchmarks/scan.py --count 100000` makes that many small distinct videos in a temporary
folder (about 0.8 GB where holes stay holes) and removes them. Both sides run in turn; what counts
is the ratio.
"""

import argparse
import asyncio
import os
import random
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lvs.config import Config
from lvs.services import bundle
from lvs.services.library.fingerprint import fingerprint

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.home import OLD_NS, seed_video

BLOCK = 64 * 1024
PER_FOLDER = 400
ROUNDS = 5


def make_library(folder: Path, count: int) -> None:
    """`count` playable files of 8 to 108 KB: a film, and a `free` box with a hole in it and a
    number of its own at the end.
    """
    film = seed_video()
    draw = random.Random(1)
    for number in range(count):
        place = folder / f"shelf {number // PER_FOLDER:04}"
        if number % PER_FOLDER == 0:
            place.mkdir(parents=True)
        size = max(len(film) + 64, 8192) + draw.randrange(100_000)
        with (place / f"Film {number:06}.mp4").open("wb") as file:
            file.write(film + struct.pack(">I4s", size - len(film), b"free"))
            file.seek(size - 16)
            file.write(number.to_bytes(16, "big"))
        os.utime(place / f"Film {number:06}.mp4", ns=(OLD_NS, OLD_NS))


def bare(folder: Path, read: bool, hashed: bool = False) -> float:
    """Seconds of CPU-honest walking: every file looked at; with `read` also what a fingerprint
    needs, or `hashed`.
    """
    started = time.perf_counter()
    pending = [os.fsencode(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                size = entry.stat(follow_symlinks=False).st_size
                if hashed:
                    fingerprint(entry.path)
                elif read:
                    _read(entry.path, size)
    return time.perf_counter() - started


def _read(path: bytes, size: int) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if size <= 3 * BLOCK:
            os.pread(descriptor, size, 0)
        else:
            for offset in (0, (size - BLOCK) // 2, size - BLOCK):
                os.pread(descriptor, BLOCK, offset)
    finally:
        os.close(descriptor)


async def scans(library: Path, rescans: int) -> tuple[float, list[float]]:
    """Seconds of a first scan into an empty database, and of scans after it, with nothing looked
    into.
    """
    with tempfile.TemporaryDirectory() as data:
        services = bundle.build(Config(video_directory=(library,), data_directory=data))
        await services.database.open()
        await services.library.open()
        first = await _timed(services.library.scan)
        again = [await _timed(services.library.scan) for _ in range(rescans)]
        await services.database.close()
    return first, again


async def _timed(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    await step()  # type: ignore[misc]
    return time.perf_counter() - started


def show(what: str, ours: list[float], theirs: list[float], goal: str) -> None:
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    print(
        f"{what:<34} {statistics.median(ours):8.2f} s  {statistics.median(theirs):8.2f} s  "
        f"ratio {statistics.median(ratios):5.2f}  ({min(ratios):.2f} to {max(ratios):.2f})   {goal}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--count", type=int, default=20_000, metavar="N", help="files (default 20000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, metavar="N", help="first scans (default 3)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        make_library(library, arguments.count)
        bare(library, read=True)  # the files are in memory from here on, for both sides
        first, first_bare, first_hashed, again, again_bare = [], [], [], [], []
        for _ in range(arguments.rounds):
            first_bare.append(bare(library, read=True))
            first_hashed.append(bare(library, read=True, hashed=True))
            seconds, rescans = asyncio.run(scans(library, ROUNDS))
            first.append(seconds)
            again.append(statistics.median(rescans))
            again_bare.append(statistics.median(bare(library, read=False) for _ in range(ROUNDS)))
        print(f"{arguments.count} files, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
        show("first scan / walk and read", first, first_bare, "goal ≤ 2, at the least ≤ 3")
        show("first scan / walk, read and hash", first, first_hashed, "for information")
        show("rescan / walk and stat", again, again_bare, "goal ≤ 1.5, at the least ≤ 2")


if __name__ == "__main__":
    main()
