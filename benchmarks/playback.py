"""Playback in segments against the ffmpeg program that does the same.

    python benchmarks/playback.py [FILM ...]

Without films, it makes some: 1080p H.264 in 10 bit, 1080p HEVC, and H.264 with AC-3 that is only
copied. Every figure is the best of three runs; process start is included in both columns. Ratios
are what counts: CPU seconds and wall clock of LVS divided by ffmpeg's.
"""

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import psutil

from lvs.services.playback import planner
from lvs.services.playback.planner import Delivery, FilmFacts, Variant
from lvs.services.playback.player import FilmFile, start_player

ROUNDS = 3
SECONDS = 12
MEMORY_BYTES = 2 << 30


@dataclass(frozen=True)
class Figure:
    """CPU and wall-clock seconds of one piece of work."""

    processor_s: float
    wall_s: float


def children_s() -> float:
    """CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def film(path: Path, codec: str, pixel_format: str, audio: str = "aac") -> Path:
    """A film of moving noise in 1080p."""
    import numpy as np  # noqa: PLC0415

    noise = np.random.default_rng(1).integers(0, 255, (1080 // 8, 1920 // 8, 3), np.uint8)
    with av.open(str(path), "w") as output:
        options = {"preset": "veryfast", "crf": "23"}
        video = output.add_stream(codec, rate=24, options=options)
        video.width, video.height, video.pix_fmt = 1920, 1080, pixel_format
        video.codec_context.gop_size = 48
        sound = output.add_stream(audio, rate=48_000, layout="stereo")
        for number in range(SECONDS * 24):
            small = np.roll(noise, number, 1)
            frame = av.VideoFrame.from_ndarray(small.repeat(8, 0).repeat(8, 1), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        samples = 1536 if audio == "ac3" else 1024
        for number in range(SECONDS * 48_000 // samples):
            silent = av.AudioFrame("fltp", "stereo", samples)
            silent.sample_rate, silent.pts = 48_000, number * samples
            output.mux(sound.encode(silent))
        output.mux(sound.encode(None))
    return path


async def by_lvs(path: Path, at_s: float) -> tuple[Figure, int, FilmFacts, Variant]:
    """Start a worker, open the film, and make the segment at that moment; its memory, too."""
    status = path.stat()  # noqa: ASYNC240
    version = (status.st_size, status.st_mtime_ns)
    before, begun = children_s(), time.monotonic()
    player = await start_player(MEMORY_BYTES)
    facts = await player.open(FilmFile("0" * 16, "0" * 8, os.fsencode(path), version))
    variant = planner.variants(facts, converted=Delivery.COPY not in planner.ways(facts))[0]
    cuts = planner.cut_list(facts, variant.way)
    number = max(n for n, cut in enumerate(cuts) if cut <= at_s)
    await player.make("segment", variant=str(variant), number=number)
    wall_s = time.monotonic() - begun
    memory_bytes = psutil.Process(player.process_id).memory_info().rss
    player.kill()
    await player.wait()
    return Figure(children_s() - before, wall_s), memory_bytes, facts, variant


def lvs_figure(path: Path, at_s: float) -> Figure:
    """As `by_lvs`, the figure alone."""
    return asyncio.run(by_lvs(path, at_s))[0]


def by_ffmpeg(
    path: Path, variant: Variant, facts: FilmFacts, at_s: float, length_s: float
) -> Figure:
    """The same segment by the ffmpeg program."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-ss",
        str(at_s),
        "-i",
        str(path),
        "-t",
        str(length_s),
    ]
    if variant.way is Delivery.CONVERT:
        width, height = planner.converted_size(facts, variant.height)
        command += ["-vf", f"scale={width}:{height},format=yuv420p", "-c:v", "libx264"]
        command += ["-preset", "ultrafast", "-crf", "23", "-bf", "0"]
    else:
        command += ["-c:v", "copy"]
    command += ["-c:a", "aac", "-ac", "2", "-movflags", "empty_moov", "-f", "mp4", os.devnull]
    before, begun = children_s(), time.monotonic()
    subprocess.run(command, check=True)
    return Figure(children_s() - before, time.monotonic() - begun)


def best(run: Callable[[], Figure]) -> Figure:
    """The least of several runs."""
    found = [run() for _ in range(ROUNDS)]
    return Figure(min(f.processor_s for f in found), min(f.wall_s for f in found))


def measure(path: Path) -> None:
    """Print a row for the start and one for the middle of the film."""
    for place in (0.0, 0.5):
        _, memory_bytes, facts, variant = asyncio.run(by_lvs(path, 0.0))
        cuts = planner.cut_list(facts, variant.way)
        number = max(n for n, cut in enumerate(cuts) if cut <= place * facts.duration_s)
        start_s, end_s = cuts[number], [*cuts[1:], facts.duration_s][number]
        mine = best(partial(lvs_figure, path, start_s))
        print(
            f"| {path.name} {variant} at {start_s:.0f} s | {mine.processor_s:.2f} "
            f"| {mine.wall_s:.2f} | {memory_bytes >> 20} MiB ",
            end="",
            flush=True,
        )
        if shutil.which("ffmpeg"):
            args = (path, variant, facts, start_s, end_s - start_s)
            other = best(partial(by_ffmpeg, *args))
            print(
                f"| {other.processor_s:.2f} | {other.wall_s:.2f}"
                f" | {mine.processor_s / other.processor_s:.2f}"
                f" | {mine.wall_s / other.wall_s:.2f} |"
            )
        else:
            print("| | | | |")


def main() -> None:
    """Print the table."""
    print("| segment | CPU s | wall s | memory | ffmpeg CPU s | wall s | CPU ratio | wall ratio |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        films = [Path(name) for name in sys.argv[1:]] or [
            film(Path(folder) / "h264-10bit.mkv", "libx264", "yuv420p10le"),
            film(Path(folder) / "hevc.mkv", "libx265", "yuv420p"),
            film(Path(folder) / "h264-ac3.mkv", "libx264", "yuv420p", "ac3"),
        ]
        for path in films:
            measure(path)


if __name__ == "__main__":
    main()
