"""1080p films for the benchmarks, made with PyAV: some seconds of encoding, then as many films as
are wanted.

Each is 10 to 70 seconds long, of 4 Mbit/s with sound, and has a keyframe every 2 to 10 seconds.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
        scenes = [scene(number, frames) for number, frames in enumerate(SCENES)]
        for film in films:
            row: list[int] = []
            wanted = chance.randint(10, 60) * RATE
            while sum(SCENES[number] for number in row) < wanted:
                row.append(chance.randrange(len(SCENES)))
            join(film, [scenes[number] for number in row])
    return films


@dataclass(frozen=True)
class Format:
    """Picture and sound of a scene. `keyframe_every` counts frames, beginning with the first."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    sound: str = "aac"
    size: tuple[int, int] = (WIDTH, HEIGHT)
    keyframe_every: int = max(SCENES)
    bit_rate: int = 4_000_000
    container: str = "mp4"


USUAL = Format()
OPTIONS = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}
SOUND_FRAME = {"aac": 1024, "ac3": 1536}


def scene(number: int, frames: int, form: Format = USUAL) -> bytes:
    """A short film with a keyframe at its start."""
    content = BytesIO()
    with av.open(content, "w", format=form.container) as film:
        video = film.add_stream(form.codec, rate=RATE, options=OPTIONS.get(form.codec, {}))
        video.width, video.height = form.size
        video.pix_fmt, video.bit_rate = form.pixel_format, form.bit_rate
        video.codec_context.gop_size = form.keyframe_every
        sound = film.add_stream(form.sound, rate=SAMPLES, layout="stereo")
        for frame in _pictures(number, frames, *form.size):
            film.mux(video.encode(frame.reformat(format=form.pixel_format)))
        film.mux(video.encode(None))
        step = SOUND_FRAME[form.sound]
        for place in range(frames * SAMPLES // RATE // step):
            moments = (np.arange(step) + place * step) / SAMPLES
            wave = np.sin(2 * np.pi * 440 * moments).astype(np.float32) * 0.1
            tone = av.AudioFrame.from_ndarray(np.stack((wave, wave)), "fltp", "stereo")
            tone.sample_rate, tone.pts, tone.time_base = SAMPLES, place * step, Fraction(1, SAMPLES)
            film.mux(sound.encode(tone))
        film.mux(sound.encode(None))
    return content.getvalue()


def _pictures(number: int, frames: int, width: int, height: int) -> Iterator[av.VideoFrame]:
    """A camera that moves over a landscape of soft and fine shapes, with a little grain as every
    camera has it.
    """
    chance = np.random.default_rng(number)
    wide, tall = width + 4 * frames, height + frames
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
    grain = chance.integers(0, 3, (height + 16, width), np.uint8)
    for at in range(frames):
        left, top = 4 * at, at & ~1
        picture = np.empty((height * 3 // 2, width), np.uint8)
        picture[:height] = (
            luma[top : top + height, left : left + width] + grain[at % 16 : at % 16 + height]
        )
        for place, plane in enumerate(colours):
            part = plane[top // 2 : top // 2 + height // 2, left // 2 : left // 2 + width // 2]
            picture[height:].reshape(2, height // 2, width // 2)[place] = part
        frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
        frame.pts, frame.time_base = at, Fraction(1, RATE)
        yield frame


def join(path: Path, scenes: Sequence[bytes], faststart: bool = True) -> None:
    """One film of these scenes, one after the other, without encoding anything again.

    `faststart` writes the index of an MP4 file before its content.
    """
    options = {"movflags": "faststart"} if faststart and path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as film:
        film.metadata["title"] = path.stem
        with av.open(BytesIO(scenes[0])) as first:
            streams = [film.add_stream_from_template(stream) for stream in first.streams]
        begin = Fraction(0)
        last = [-SAMPLES] * len(streams)
        for content in scenes:
            with av.open(BytesIO(content)) as part:
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
