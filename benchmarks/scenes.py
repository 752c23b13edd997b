"""Processor time of a strip of scenes for one hour of 1080p, beside FFmpeg decoding every keyframe.

python benchmarks/scenes.py
"""

import asyncio
import resource
import subprocess
import tempfile
from pathlib import Path

import psutil

from lvs.models import Projection
from lvs.services.media.probe_pool import ProbePool
from lvs.services.media.scene_request import MOST_SCENES, SceneRequest

MINUTES = 60
ALLOWED_S = 10.0


def make_hour(folder: Path) -> Path:
    """One hour of 1080p: ten seconds of about 6 Mbit/s, repeated without being encoded again."""
    part, hour = folder / "part.mp4", folder / "hour.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=25:d=10"]
    encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p"]
    ffmpeg(*source, *encoder, "-b:v", "6M", str(part))
    ffmpeg("-stream_loop", str(6 * MINUTES - 1), "-i", str(part), "-c", "copy", str(hour))
    return hour


def ffmpeg(*arguments: str) -> float:
    """Processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def strip(film: Path, folder: Path) -> tuple[float, int]:
    """Processor time in seconds, the worker's start included, and bytes of the sheet."""
    sheet = folder / "sheet.webp"
    wanted = SceneRequest(MOST_SCENES, Projection(), 16 / 9, sheet, folder / "partial")
    async with ProbePool(1) as pool:
        found = await pool.scenes(film, wanted)
        [process_id] = pool.process_ids
        times = psutil.Process(process_id).cpu_times()
    assert len(found.times) == MOST_SCENES, found
    return times.user + times.system, sheet.stat().st_size


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = make_hour(folder)
        ours_s, size_bytes = asyncio.run(strip(film, folder))
        scaled = ["-vf", "scale=192:108", "-f", "null", "-"]
        theirs_s = ffmpeg("-threads", "1", "-skip_frame", "nokey", "-i", str(film), "-an", *scaled)
    print(f"1 h of 1080p: {ours_s:.1f} s for {MOST_SCENES} scenes, {size_bytes / 1000:.0f} kB")
    print(f"ffmpeg -skip_frame nokey, every keyframe: {theirs_s:.1f} s")
    if ours_s > ALLOWED_S:
        raise SystemExit(f"a strip may cost {ALLOWED_S:g} s")


if __name__ == "__main__":
    main()
