"""1080p films for the benchmarks, made with PyAV: some seconds of encoding, then as many films as
are wanted.

Each is 10 to 70 seconds long, of 4 Mbit/s with sound, and has a keyframe every 2 to 10 seconds.
"""

import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from PIL import Image

WIDTH, HEIGHT, RATE, SAMPLES = 1920, 1080, 25, 48_000
SCENES = (50, 75, 100, 125, 200, 250)  # frames of each, and from one keyframe to the next


def make_films(folder: Path, count: int) -> list[Path]:
    """So many films, each a row of scenes of its own.

    Those that lie there already are taken as they are.
    """
    films = [folder / f"Film {number:03}.mp4" for number in range(count)]
    if not all(film.exists() for film in films):
        chance = random.Random(1)
        scenes = [_scene(number, frames) for number, frames in enumerate(SCENES)]
        for film in films:
            row: list[int] = []
            wanted = chance.randint(10, 60) * RATE
            while sum(SCENES[number] for number in row) < wanted:
                row.append(chance.randrange(len(SCENES)))
            _join(film, [scenes[number] for number in row])
    return films


def _scene(number: int, frames: int) -> bytes:
    """A short film with one keyframe, at its start."""
    content = BytesIO()
    with av.open(content, "w", format="mp4") as film:
        video = film.add_stream(
            "libx264", rate=RATE, options={"preset": "veryfast", "profile": "high"}
        )
        video.width, video.height, video.pix_fmt, video.bit_rate = (
            WIDTH,
            HEIGHT,
            "yuv420p",
            4_000_000,
        )
        video.codec_context.gop_size = max(SCENES)
        sound = film.add_stream("aac", rate=SAMPLES, layout="stereo")
        for frame in _pictures(number, frames):
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        for place in range(frames * SAMPLES // RATE // 1024):
            wave = (
                np.sin(2 * np.pi * 440 * (np.arange(1024) + place * 1024) / SAMPLES).astype(
                    np.float32
                )
                * 0.1
            )
            tone = av.AudioFrame.from_ndarray(np.stack((wave, wave)), "fltp", "stereo")
            tone.sample_rate, tone.pts, tone.time_base = SAMPLES, place * 1024, Fraction(1, SAMPLES)
            film.mux(sound.encode(tone))
        film.mux(sound.encode(None))
    return content.getvalue()


def _pictures(number: int, frames: int) -> Iterator[av.VideoFrame]:
    """A camera that moves over a landscape of soft and fine shapes, with a little grain as every
    camera has it.
    """
    chance = np.random.default_rng(number)
    wide, tall = WIDTH + 4 * frames, HEIGHT + frames
    land = np.zeros((tall, wide), np.float32)
    for size in (4, 12, 40, 130, 400):
        coarse = Image.fromarray(
            chance.normal(0, 1, (max(2, size * tall // wide), size)).astype(np.float32)
        )
        land += np.asarray(coarse.resize((wide, tall), Image.Resampling.BICUBIC)) * (60 / size**0.3)
    luma = np.clip(land + 120, 16, 232).astype(np.uint8)
    colours = [
        np.clip(128 + part * 0.4, 16, 240).astype(np.uint8)
        for part in (land[::2, ::2], -land[::-2, ::2])
    ]
    grain = chance.integers(0, 3, (HEIGHT + 16, WIDTH), np.uint8)
    for at in range(frames):
        left, top = 4 * at, at & ~1
        picture = np.empty((HEIGHT * 3 // 2, WIDTH), np.uint8)
        picture[:HEIGHT] = (
            luma[top : top + HEIGHT, left : left + WIDTH] + grain[at % 16 : at % 16 + HEIGHT]
        )
        for place, plane in enumerate(colours):
            part = plane[top // 2 : top // 2 + HEIGHT // 2, left // 2 : left // 2 + WIDTH // 2]
            picture[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)[place] = part
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts, frame.time_base = at, Fraction(1, RATE)
        yield frame


def _join(path: Path, scenes: Sequence[bytes]) -> None:
    """One film of these scenes, one after the other, without encoding anything again."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as film:
        film.metadata["title"] = path.stem
        with av.open(BytesIO(scenes[0])) as first:
            streams = [film.add_stream_from_template(stream) for stream in first.streams]
        begin = Fraction(0)
        last = [-SAMPLES] * len(streams)
        for scene in scenes:
            with av.open(BytesIO(scene)) as part:
                for packet in part.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    later, place = round(begin / packet.time_base), packet.stream_index
                    packet.pts, packet.dts, packet.stream = (
                        packet.pts + later,
                        packet.dts + later,
                        streams[place],
                    )
                    if (
                        packet.dts > last[place]
                    ):  # the sound of a scene is a packet longer than its pictures
                        last[place] = packet.dts
                        film.mux(packet)
                begin += Fraction(part.streams.video[0].frames, RATE)
