"""Probing 1080p films and making their posters: LVS's workers against the ffprobe and ffmpeg
programs, two films at a time each.

    python benchmarks/media.py [--count 24] [--rounds 3] [--keep FOLDER]

Needs ffmpeg and ffprobe on the path (Debian: `apt install ffmpeg`), which LVS itself does not. The
films are those of films.py: 10 to 70 seconds long, 4 Mbit/s with sound, a keyframe every 2 to 10
seconds. Both sides read what the container says, take the keyframe at a tenth of the film, and
write it in two widths as JPEG and WebP, with equal niceness.
"""

import argparse
import asyncio
import json
import os
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from films import HEIGHT, WIDTH, make_films
from PIL import Image

from lvs.services.media.posters import FORMATS, WIDTHS, PosterStore
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.video_file import PLACES

WORKERS = 2
NICE = "10"  # what a worker of LVS gives itself
ENCODERS = {  # ours at equal quality: 4 of mjpeg gives about as many bytes as 80 of libjpeg
    "jpg": ("-c:v", "mjpeg", "-q:v", "4"),
    "webp": ("-c:v", "libwebp", "-quality", "75", "-compression_level", "4"),
}


@dataclass
class Side:
    """One way of looking into films, and what it took so far."""

    name: str
    look: Callable[[Path, str], Awaitable[None]]
    seconds: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0

    async def look_into(self, films: Sequence[Path], number: int) -> None:
        """Every film once, two at a time."""
        waiting = iter(enumerate(films))

        async def worker() -> None:
            for place, film in waiting:
                began = time.perf_counter()
                await self.look(film, f"{number:04x}{place:012x}")
                self.seconds.append(time.perf_counter() - began)

        before, began = cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(WORKERS)))
        self.wall_s.append(time.perf_counter() - began)
        self.cpu_s += cpu_seconds() - before


def cpu_seconds() -> float:
    """Of this process and all it started, those that have ended included."""
    mine = psutil.Process()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = sum(sum(child.cpu_times()[:2]) for child in mine.children())
    return time.process_time() + ended.ru_utime + ended.ru_stime + float(alive)


def lvs(probe_pool: ProbePool, store: PosterStore) -> Side:
    """LVS's workers, as the server runs them."""

    async def look(film: Path, key: str) -> None:
        found = await probe_pool.probe(film, store.target(key))
        if not found.has_poster or (found.probe.width, found.probe.height) != (WIDTH, HEIGHT):
            raise SystemExit(f"{film}: {found}")

    return Side("LVS", look)


def programs(store: PosterStore) -> Side:
    """One ffprobe and one ffmpeg for each film."""

    async def look(film: Path, key: str) -> None:
        described = json.loads(
            await _run("ffprobe", "-of", "json", "-show_format", "-show_streams", str(film))
        )
        at = PLACES[0] * float(described["format"]["duration"])
        # Both widths from one frame, each encoded twice. One thread: the films are looked into side
        # by side already.
        parts = "".join(
            f"[w{width}]scale={width}:-2:flags=area,split[a{width}][b{width}];" for width in WIDTHS
        )
        graph = (
            f"[0:v]split={len(WIDTHS)}{''.join(f'[w{width}]' for width in WIDTHS)};{parts}".rstrip(
                ";"
            )
        )
        command = [
            "-y",
            "-threads",
            "1",
            "-skip_frame",
            "nokey",
            "-noaccurate_seek",
            "-ss",
            f"{at:.3f}",
            "-i",
            str(film),
        ]
        command += [
            "-filter_threads",
            "1",
            "-filter_complex_threads",
            "1",
            "-filter_complex",
            graph,
        ]
        for width in WIDTHS:
            for letter, form in zip("ab", FORMATS, strict=True):
                path = store.path(key, width, form)
                path.parent.mkdir(parents=True, exist_ok=True)
                command += [
                    "-map",
                    f"[{letter}{width}]",
                    "-frames:v",
                    "1",
                    *ENCODERS[form],
                    str(path),
                ]
        await _run("ffmpeg", "-nostdin", *command)

    return Side("ffprobe and ffmpeg", look)


async def _run(program: str, *arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", NICE, program, "-v", "error", *arguments, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{program} failed with {process.returncode}")
    return answer


# --- The comparison ---


async def compare(films: Sequence[Path], folder: Path, rounds: int) -> None:
    """Both sides look into every film in each round."""
    stores = [PosterStore(folder / name) for name in ("lvs", "programs")]
    for store in stores:
        store.prepare()
    async with ProbePool(WORKERS) as probe_pool:
        began = time.perf_counter()
        await asyncio.gather(
            *(
                probe_pool.probe(films[0], stores[0].target(f"{place:016x}"))
                for place in range(WORKERS)
            )
        )
        started_s = time.perf_counter() - began
        ours, theirs = lvs(probe_pool, stores[0]), programs(stores[1])
        await theirs.look_into(films[:WORKERS], 0)
        same_pictures(stores)
        theirs = programs(stores[1])
        for number in range(1, rounds + 1):
            for side in (ours, theirs) if number % 2 else (theirs, ours):
                await side.look_into(films, number)
        same_pictures(stores)
    show(ours, theirs, len(films), started_s)
    for store in stores:
        sizes = {f"{width}.{form}": 0 for width in WIDTHS for form in FORMATS}
        for path in store.folder.glob("??/*.*"):
            sizes[path.name.partition(".")[2]] += path.stat().st_size
        shown = ", ".join(
            f"{name} {size / 1024 / len(films) / rounds:.1f}" for name, size in sizes.items()
        )
        print(f"KiB per poster, {store.folder.name}: {shown}")


def same_pictures(stores: Sequence[PosterStore]) -> None:
    """Ends the benchmark unless both sides wrote pictures of the same sizes and formats under the
    keys that both have.
    """
    ours, theirs = (
        {path.relative_to(store.folder): path for path in store.folder.glob("??/*.*")}
        for store in stores
    )
    both = ours.keys() & theirs.keys()
    if not both:
        raise SystemExit("there are no pictures to compare")
    for name in both:
        with Image.open(ours[name]) as one, Image.open(theirs[name]) as other:
            if (one.size, one.format) != (other.size, other.format):
                raise SystemExit(
                    f"{name}: {one.format} of {one.size} here, {other.format} of {other.size} there"
                )


def show(ours: Side, theirs: Side, count: int, started_s: float) -> None:
    """The table."""
    rates = {side.name: [count / wall for wall in side.wall_s] for side in (ours, theirs)}
    ratios = [one / other for one, other in zip(rates[ours.name], rates[theirs.name], strict=True)]
    print(f"{count} films, {len(ratios)} rounds, {WORKERS} at a time, {os.cpu_count()} cores")
    print("| side | films/s | median s | p95 s | CPU s per film | films/s ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for side, ratio in (
        (ours, f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"),
        (theirs, ""),
    ):
        seconds = sorted(side.seconds)
        cells = (
            f"{statistics.median(rates[side.name]):.2f}",
            f"{statistics.median(seconds):.3f}",
            f"{seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]:.3f}",
            f"{side.cpu_s / len(seconds):.3f}",
        )
        print(f"| {side.name} | {' | '.join(cells)} | {ratio} |")
    print(
        f"Both of our workers started and looked into their first film within {started_s:.2f} s,"
        " which is not in the table."
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=24, metavar="N", help="films (default 24)")
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        metavar="N",
        help="how often both look into all of them (default 3)",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="leave the films here and use them the next time",
    )
    arguments = parser.parse_args()
    for program in ("ffprobe", "ffmpeg"):
        if shutil.which(program) is None:
            raise SystemExit(
                f"{program} is not installed; it is what LVS is compared with (Debian: apt install"
                " ffmpeg)"
            )
    with TemporaryDirectory(prefix="lvs-benchmark-") as name:
        films = arguments.keep or Path(name) / "films"
        films.mkdir(parents=True, exist_ok=True)
        print("making films …", file=sys.stderr)
        made = make_films(films, arguments.count)
        for film in made:
            film.read_bytes()  # in memory from here on, for both sides
        asyncio.run(compare(made, Path(name), arguments.rounds))


if __name__ == "__main__":
    main()
