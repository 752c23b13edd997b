"""A library of films with the names that households give, for screenshots.

`python docs/screenshots/library.py FOLDER` makes about seventy small films of drawn scenes; with
FFmpeg, in a minute.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageEnhance
from scenes import scene

FRAMES = 20
DRAWN = 640  # pixels across a drawn frame; FFmpeg scales it to the film's size
DAY_NS = 24 * 3600 * 10**9
NEWEST_NS = 1_795_900_000 * 10**9  # November 2026


@dataclass(frozen=True)
class Film:
    """One file: its place, scene, time of day, length, size in pixels, and black bars."""

    path: str
    scene: str
    time: str = "noon"
    seconds: int = 60
    size: tuple[int, int] = (1920, 1080)
    bars: float = 0.0


PORTRAIT, SMALL, FOUR_K, PANORAMA = (1080, 1920), (1280, 720), (3840, 2160), (3840, 1080)
FILMS = (
    Film("Films/The.Long.Way.North.2019.1080p.BluRay.x264.mkv", "aurora", "night", 5400, bars=0.12),
    Film("Films/Paper Lanterns (2021).mp4", "lights", "night", 6420, bars=0.12),
    Film("Films/Harbour Lights (1998).mp4", "city", "night", 5880, SMALL),
    Film("Films/A Winter by the Sea.mp4", "sea", "rain", 7020, FOUR_K),
    Film("Films/The Orchard Keepers and the very long summer in which nobody slept (2024).mp4", "meadow", "dusk", 6660),
    Film("Series/Hollow Hill/Hollow.Hill.S01E01.1080p.WEB.x264.mkv", "forest", "rain", 2640),
    Film("Series/Hollow Hill/Hollow.Hill.S01E02.1080p.WEB.x264.mkv", "mountains", "dusk", 2580),
    Film("Series/Hollow Hill/Hollow.Hill.S01E03.1080p.WEB.x264.mkv", "meadow", "rain", 2700),
    Film("Series/Hollow Hill/Hollow.Hill.S01E04.1080p.WEB.x264.mkv", "city", "night", 2610),
    Film("Series/Small Planets/Small Planets - S02E01 - Ice.mp4", "mountains", "night", 3180, FOUR_K),
    Film("Series/Small Planets/Small Planets - S02E02 - Salt.mp4", "sea", "dusk", 3240, FOUR_K),
    Film("2023-07-14 Learning to swim/IMG_4021.MOV", "sea", "noon", 48, PORTRAIT),
    Film("2023-07-14 Learning to swim/IMG_4022.MOV", "sea", "dawn", 95, PORTRAIT),
    Film("2023-07-14 Learning to swim/IMG_4025.MOV", "sea", "noon", 31),
    Film("2023-12-24 Christmas Eve/VID_20231224_183012.mp4", "lights", "night", 312),
    Film("2023-12-24 Christmas Eve/VID_20231224_190540.mp4", "lights", "night", 128, PORTRAIT),
    Film("2024-08 Dolomites/GX010231.MP4", "mountains", "dawn", 754, FOUR_K),
    Film("2024-08 Dolomites/GX010232.MP4", "mountains", "noon", 431, FOUR_K),
    Film("2024-08 Dolomites/GX010240.MP4", "meadow", "noon", 222, FOUR_K),
    Film("2024-08 Dolomites/Three Peaks from the hut.mp4", "mountains", "dusk", 186, PANORAMA),
    Film("2024-08 Dolomites/Via ferrata, last pitch.mp4", "mountains", "noon", 612, FOUR_K),
    Film("2025-02 Tromso/Northern lights over the fjord.mp4", "aurora", "night", 240, FOUR_K),
    Film("2025-02 Tromso/Ferry through the snow.mp4", "sea", "rain", 305),
    Film("2025-02 Tromso/PXL_20250218_201455.mp4", "aurora", "night", 64, PORTRAIT),
    Film("2025-06 Sailing/Round the lighthouse.mp4", "sea", "dawn", 522),
    Film("2025-06 Sailing/First reef.mp4", "sea", "noon", 371),
    Film("2025-06 Sailing/MVI_0098.MOV", "sea", "dusk", 77, SMALL),
    Film("2025-06 Sailing/Evening at anchor.mp4", "sea", "dusk", 164),
    Film("2026-05 Cappadocia/Balloons at sunrise.mp4", "balloons", "dawn", 428, FOUR_K),
    Film("2026-05 Cappadocia/Over the valley.mp4", "balloons", "noon", 733),
    Film("2026-05 Cappadocia/DJI_0042.MP4", "balloons", "dusk", 259, FOUR_K),
    Film("VR/Cliff walk_180_LR.mp4", "mountains", "noon", 610, FOUR_K),
    Film("VR/Coral garden_360_TB.mp4", "sea", "noon", 820, FOUR_K),
    Film("VR/Night market 360.mp4", "city", "night", 415, FOUR_K),
    Film("Garden/Poppies, time lapse.mp4", "meadow", "noon", 42, FOUR_K),
    Film("Garden/The old apple tree through one year.mp4", "meadow", "dawn", 365),
    Film("Garden/Lavender.mp4", "meadow", "dusk", 58),
    Film("Garden/Fog in the wood behind the house.mp4", "forest", "rain", 143),
    Film("Hikes/Ridge walk.mp4", "mountains", "dawn", 1260),
    Film("Hikes/Beech wood in May.mp4", "forest", "noon", 334),
    Film("Hikes/Autumn round the lake.mp4", "forest", "dusk", 488),
    Film("Hikes/Bell tower, church of St. Martin.mp4", "mountains", "rain", 21, SMALL),
    Film("Hikes/Łódź canal at night.mp4", "city", "night", 205),
    Film("Hikes/טיול בגליל.mp4", "meadow", "noon", 176),
    Film("Hikes/富士山の朝.mp4", "mountains", "dawn", 211, FOUR_K),
    Film("City/Tram 28.mp4", "city", "night", 92),
    Film("City/Rooftops.mp4", "city", "night", 260, FOUR_K),
    Film("City/Bridge of lights.mp4", "city", "night", 333),
    Film("City/Fireworks.mp4", "lights", "night", 540),
    Film("City/Christmas market.mp4", "lights", "night", 189, PORTRAIT),
    Film("Concerts/Open air, second encore.mp4", "lights", "night", 726),
    Film("Concerts/Brass band in the square.mp4", "lights", "night", 305, SMALL),
    Film("Old tapes/1994-08 Lake.mp4", "sea", "dusk", 1830, (640, 480)),
    Film("Old tapes/1996 First snow.mp4", "mountains", "rain", 2210, (640, 480)),
    Film("Old tapes/1999-12-31 Fireworks.mp4", "lights", "night", 903, (640, 480)),
)  # fmt: skip
BROKEN = "Garden/Hedgehog at the window.mp4"
TAGS = {
    "mountains": ("alps", "hiking", "travel"),
    "sea": ("sea", "sailing"),
    "city": ("city", "night"),
    "forest": ("forest", "hiking"),
    "meadow": ("garden", "summer"),
    "aurora": ("night", "travel", "winter"),
    "lights": ("family", "night", "music", "winter"),
    "balloons": ("travel", "morning", "balloons"),
}


def frames(film: Film, seed: int) -> list[Image.Image]:
    """A slow pan over one scene that fades in from black, with the black bars of a wide film."""
    width = DRAWN
    height = round(width * film.size[1] / film.size[0]) if film.size[0] > film.size[1] else 1138
    whole = scene(film.scene, seed, round(width * 1.3), height, film.time)
    found = []
    for number in range(FRAMES):
        left = round(number / (FRAMES - 1) * width * 0.3)
        frame = whole.crop((left, 0, left + width, height))
        frame = ImageEnhance.Brightness(frame).enhance(min(1.0, number / 5))
        if film.bars:
            bar = round(height * film.bars)
            frame.paste((0, 0, 0), (0, 0, width, bar))
            frame.paste((0, 0, 0), (0, height - bar, width, height))
        found.append(frame)
    return found


def make(folder: Path, film: Film, number: int) -> None:
    """Write one film, unless it is there."""
    path = folder / film.path
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = BytesIO()
    for frame in frames(film, number):
        frame.save(pictures, "BMP")
    size = "x".join(map(str, film.size))
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "image2pipe", "-c:v", "bmp", "-framerate",
         f"{FRAMES}/{film.seconds}", "-i", "-", "-s", size, "-c:v", "libx264", "-preset",
         "ultrafast", "-crf", "20", "-g", "1", "-pix_fmt", "yuv420p", "-movflags", "+faststart",
         path],
        input=pictures.getvalue(), check=True,
    )  # fmt: skip
    moment = NEWEST_NS - number * 9 * DAY_NS
    os.utime(path, ns=(moment, moment))


def make_all(folder: Path) -> None:
    """Write every film, and a file that cannot be read."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: make(folder, pair[1], pair[0]), enumerate(FILMS)))
    (folder / BROKEN).write_bytes(b"\0" * 200_000)


if __name__ == "__main__":
    make_all(Path(sys.argv[1]))
