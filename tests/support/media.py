"""Small real videos for the tests, made with PyAV while the tests run: a tenth of a second each, a
few kilobytes.
"""

import colorsys
import math
import os
from array import array
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

Picture = Callable[[float], Image.Image]
"""What a film shows at a time in seconds: an RGB image of the film's coded size."""

CODECS = {
    ".webm": ("libvpx", "libopus"),
    ".mkv": ("libx264", "aac"),
    ".avi": ("mpeg4", "libmp3lame"),
    ".ts": ("mpeg2video", "mp2"),
}


def stripes(width: int, height: int, seed: int = 0) -> Picture:
    """Coloured stripes with a block that moves: never blank, and another film for every `seed`."""
    colours = [
        tuple(
            round(255 * part)
            for part in colorsys.hsv_to_rgb(((seed * 0.137) + place / 5) % 1, 0.8, 0.5 + place / 10)
        )
        for place in range(5)
    ]

    def picture(at_s: float) -> Image.Image:
        image = Image.new("RGB", (width, height))
        draw = ImageDraw.Draw(image)
        for place, colour in enumerate(colours):
            draw.rectangle((place * width // 5, 0, (place + 1) * width // 5, height), fill=colour)
        # The seed is drawn in black and white squares too, so that two seeds never encode to the
        # same bytes.
        for bit in range(24):
            shade = (255, 255, 255) if seed >> bit & 1 else (0, 0, 0)
            left = bit * width // 24
            draw.rectangle(
                (left, 0, max(left, (bit + 1) * width // 24 - 1), height // 6), fill=shade
            )
        left = round(at_s * 20) % max(1, width - width // 8)
        draw.rectangle(
            (left, height // 2, left + width // 8, height // 2 + height // 6), fill=(250, 250, 250)
        )
        return image

    return picture


def plain(width: int, height: int, colour: tuple[int, int, int]) -> Picture:
    """One colour from the first frame to the last."""
    image = Image.new("RGB", (width, height), colour)
    return lambda at_s: image


def quarters(width: int, height: int) -> Picture:
    """Red top left, green top right, blue bottom left, yellow bottom right: shows how a picture was
    turned.
    """
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for left, top, colour in (
        (0, 0, "#e01010"),
        (1, 0, "#10c010"),
        (0, 1, "#1010e0"),
        (1, 1, "#e0e010"),
    ):
        corner = (left * width // 2, top * height // 2)
        draw.rectangle((*corner, corner[0] + width // 2, corner[1] + height // 2), fill=colour)
    return lambda at_s: image


def make_video(
    path: str | bytes | os.PathLike[str],
    *,
    seconds: float = 1.0,
    size: tuple[int, int] = (64, 36),
    frames_per_second: int = 10,
    picture: Picture | None = None,
    seed: int = 0,
    sound: bool = False,
    sound_languages: Sequence[str] = (),
    video_codec: str | None = None,
    audio_codec: str | None = None,
    pixel_format: str | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    pixel_aspect: Fraction | None = None,
    keyframe_every: int = 10,
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    title: str | None = None,
) -> Path:
    """Makes a playable film and returns its path; the extension says the container (`.mp4`,
    `.webm`, `.mkv`, `.ts` …).

    `sound_languages` makes a track of sound for each. `seed` gives another film; `rotation` is how
    many degrees clockwise a player must turn it (0, 90, 180, 270). A name given as bytes may be no
    UTF-8; give `container` where the extension does not say it.
    """
    name = os.fsdecode(path)
    default_video, default_audio = CODECS.get(Path(name).suffix.lower(), ("libx264", "aac"))
    video_codec = video_codec or default_video
    show = picture or stripes(*size, seed=seed)
    # FFmpeg encodes names as UTF-8 by itself; an open file lets any bytes be a name.
    with (
        open(name, "wb+") as file,
        av.open(
            file,
            "w",
            format=container or _container(name),
            container_options=container_options or {},
        ) as film,
    ):
        film.metadata.update(metadata or {})
        if title is not None:
            film.metadata["title"] = title
        options = (
            {"preset": "ultrafast", "threads": "1"}
            if video_codec.startswith("libx26")
            else {"threads": "1"}
        )
        if video_codec.startswith("libvpx"):
            options |= {"deadline": "realtime", "cpu-used": "8"}
        video = cast(
            "VideoStream", film.add_stream(video_codec, rate=frames_per_second, options=options)
        )
        video.width, video.height = size
        video.pix_fmt = pixel_format or ("yuvj420p" if video_codec == "mjpeg" else "yuv420p")
        video.codec_context.gop_size = keyframe_every
        if pixel_aspect is not None:
            cast("Any", video).sample_aspect_ratio = pixel_aspect
        if rotation or mirrored:
            video.set_display_rotation(-rotation, hflip=mirrored)
        tones = [
            cast("AudioStream", film.add_stream(audio_codec or default_audio, rate=48_000))
            for _ in sound_languages or range(sound)
        ]
        for tone, language in zip(tones, sound_languages, strict=False):
            tone.metadata["language"] = language
        for number in range(max(1, round(seconds * frames_per_second))):
            frame = av.VideoFrame.from_image(show(number / frames_per_second))
            time_base: Any = Fraction(1, frames_per_second)  # PyAV 19 names a type of its own
            frame.pts, frame.time_base = number, time_base
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        for tone in tones:
            _add_tone(film, tone, seconds)
    return Path(name)


def name_chapters(source: Path, target: Path, chapters: Iterable[tuple[int, int, str]]) -> None:
    """Copies the picture of a film and names its parts: start and end in milliseconds, title."""
    time_base: Any = Fraction(1, 1000)
    with av.open(os.fspath(source)) as film, av.open(os.fspath(target), "w") as copy:
        stream = copy.add_stream_from_template(film.streams.video[0])
        copy.set_chapters(
            [
                {
                    "id": start + 1,
                    "start": start,
                    "end": end,
                    "time_base": time_base,
                    "metadata": {"title": title} if title else {},
                }
                for start, end, title in chapters
            ]
        )
        for packet in film.demux(film.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)


def make_sound(path: str | os.PathLike[str], seconds: float = 1.0) -> Path:
    """Makes a file that holds sound and no picture."""
    with av.open(os.fspath(path), "w") as film:
        _add_tone(film, film.add_stream("aac", rate=48_000), seconds)
    return Path(path)


def _container(name: str) -> str:
    names = {
        ".mkv": "matroska",
        ".ts": "mpegts",
        ".m4v": "mp4",
        ".mpg": "mpeg",
        ".wmv": "asf",
        ".ogv": "ogg",
    }
    suffix = Path(name).suffix.lower()
    return names.get(suffix, suffix.removeprefix(".") or "mp4")


def _add_tone(film: av.container.OutputContainer, audio: av.AudioStream, seconds: float) -> None:
    """A quiet tone of 440 Hz: eleven waves in 1,200 samples."""
    resampler = av.AudioResampler(
        format=audio.format,
        layout=audio.layout,
        rate=audio.rate,
        frame_size=audio.codec_context.frame_size or 1152,
    )
    samples = round(seconds * 48_000)
    turn = 2 * math.pi * 11 / 1200
    period = array("h", (round(2000 * math.sin(turn * place)) for place in range(1200)))
    wave = (period * (samples // 1200 + 1))[:samples].tobytes()
    frame = av.AudioFrame(format="s16", layout="mono", samples=samples)
    frame.planes[0].update(wave.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.time_base, frame.pts = 48_000, Fraction(1, 48_000), 0
    for ready in (*resampler.resample(frame), *resampler.resample(None)):
        film.mux(audio.encode(ready))
    film.mux(audio.encode(None))
