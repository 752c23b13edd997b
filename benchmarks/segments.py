"""Segments against the ffmpeg program that makes the same: process start, processor and clock."""

import asyncio
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinds import KINDS

from lvs.services.playback import planner
from lvs.services.playback.planner import Delivery, Variant, VideoFacts
from lvs.services.playback.player import PlayedVideo, start_player

MEMORY_BYTES = 2 << 30
GOAL, LEAST = "≤ 0.8×", "≤ 1.1×"
PLACES = {"the first segment": 0.0, "a segment in the middle": 0.5}


@dataclass(frozen=True)
class Figure:
    """CPU and wall-clock seconds of one piece of work."""

    processor_s: float
    wall_s: float


def children_s() -> float:
    """CPU seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def by_lvs(path: Path, at_s: float) -> tuple[Figure, VideoFacts, Variant]:
    """Start a worker, open the film, and make the segment at that moment."""
    status = path.stat()  # noqa: ASYNC240
    version = (status.st_size, status.st_mtime_ns)
    before, begun = children_s(), time.monotonic()
    player = await start_player(MEMORY_BYTES)
    facts = await player.open(PlayedVideo("0" * 16, "0" * 8, os.fsencode(path), version))
    variant = planner.variants(facts, converted=Delivery.COPY not in planner.deliveries(facts))[0]
    cuts = planner.cut_list(facts, variant.way)
    number = max(n for n, cut in enumerate(cuts) if cut <= at_s)
    await player.make("segment", variant=str(variant), number=number)
    wall_s = time.monotonic() - begun
    player.kill()
    await player.wait()
    return Figure(children_s() - before, wall_s), facts, variant


def by_ffmpeg(
    path: Path, variant: Variant, facts: VideoFacts, at_s: float, length_s: float
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


def segments(films: Path, place: Path, rounds: int) -> Iterator[tuple[str, str, str, str]]:
    """Rows of the table; both sides take turns."""
    del place
    for name in list(KINDS)[1:]:
        kind = name.partition(".")[0]
        path = films / "kinds" / kind / f"0 {name}"
        for words, share in PLACES.items():
            yield from _compared(f"{words}, {kind}", path, share, rounds)


def _compared(
    words: str, path: Path, share: float, rounds: int
) -> Iterator[tuple[str, str, str, str]]:
    _, facts, variant = asyncio.run(by_lvs(path, 0.0))
    cuts = planner.cut_list(facts, variant.way)
    number = max(n for n, cut in enumerate(cuts) if cut <= share * facts.duration_s)
    start_s, end_s = cuts[number], [*cuts[1:], facts.duration_s][number]
    mine, other = [], []
    for _ in range(rounds):
        mine.append(asyncio.run(by_lvs(path, start_s))[0])
        other.append(by_ffmpeg(path, variant, facts, start_s, end_s - start_s))
    for what in ("processor_s", "wall_s"):
        ours, theirs = (
            statistics.median(getattr(one, what) for one in side) for side in (mine, other)
        )
        unit = "CPU" if what == "processor_s" else "wall clock"
        said = f"{ours / theirs:.2f}× ({ours:.2f} s, ffmpeg {theirs:.2f} s)"
        bounds = (GOAL, LEAST) if variant.way is Delivery.CONVERT else ("", "")
        yield f"{words}, {unit}", *bounds, said
