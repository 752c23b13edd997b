"""One video file, read with FFmpeg's libraries: what it says of itself, and a picture worth
showing.

Imported by the worker process only (`probe_worker.py`): a hostile file may take down the process
that decodes it. What FFmpeg may open stands in `containers.py`.
"""

import math
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from functools import cached_property
from itertools import islice
from typing import IO, Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageStat

from lvs.errors import Unreadable
from lvs.models import FOR_THE_DEAF, FORCED, Probe, Track
from lvs.services.media.bare_streams import BARE, bare_duration_s
from lvs.services.media.containers import (
    BAD_DATA,
    MAX_PIXELS,
    PICTURE_DECODERS,
    MeteredFile,
    despite_bad_data,
    open_container,
    sound_decodes,
)
from lvs.services.media.eye import PLACES, Crop
from lvs.services.media.finish import on_field, without_borders
from lvs.services.media.frames import (
    STILLS,
    TRANSFERS,
    fraction,
    main_picture,
    orientation,
    stretched_size,
)
from lvs.services.media.shown_frame import shown_at
from lvs.services.media.time_stamps import measured_duration_s
from lvs.services.playback.codec_strings import PictureFormat, picture_string, sound_string

MAX_TRACKS = 64
MAX_CHAPTERS = 200
OPEN_BYTES = 256 << 20  # the index of a very long film takes tens of megabytes
ATTEMPT_BYTES = 32 << 20
ATTEMPT_PACKETS = 400
TAIL_BYTES = 16 << 20
LEAST_TRIED = 2
FORWARD_PACKETS = 600
FORWARD_PIXELS = 150 * 1280 * 720
DULL, GOOD = 0.15, 0.75
"""A picture worth less than the first makes it worth going on from the start; one worth the
second, that there is no need to try the others. See `poster_score`.
"""
WORTH_SIZE = (96, 54)
PLACE_BYTES, PLACE_PACKETS = 64 << 20, 1200
FULL_CONTRAST, FULL_DETAIL = 42.0, 9.0  # of 255
IMPLAUSIBLE_DURATION_S = 24 * 3600.0
MATROSKA_CLUSTER = b"\x1f\x43\xb6\x75"  # RFC 9559, section 5.1.3
VIDEO_CONTAINERS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mxf", "asf"})
"""Containers that say of a track that it is moving pictures and how long it lasts."""
NO_VIDEO = "No video could be found in it: it may be an unfinished download."
A_PICTURE = "It is a picture, not a video."
# A phone's pictures (HEIF, AVIF) share the container of its films, and have brands of their own.
PICTURE_BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif")
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
UNSAID_COLOURS = 2  # AVCOL_SPC_UNSPECIFIED
BT2020_TO_BT709 = (
    1.6605,
    -0.5876,
    -0.0728,
    0.0,
    -0.1246,
    1.1329,
    -0.0083,
    0.0,
    -0.0182,
    -0.1006,
    1.1187,
    0.0,
)


class VideoFile:
    """An opened video.

    Raises Unreadable, with a message for people, where there is none in the file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._raw = file
        self._size_bytes = os.fstat(file.fileno()).st_size
        self._file = MeteredFile(file, self._size_bytes, OPEN_BYTES)
        if not self._size_bytes:
            raise Unreadable("The file is empty.")
        start = file.read(12)
        if start[4:] in PICTURE_BRANDS:
            raise Unreadable(A_PICTURE)
        self._is_picture = start.startswith(PICTURES) or start[8:] == b"WEBP"
        self._container = self._opened(self._file)
        self._stream = self._first_picture_stream()

    def close(self) -> None:
        self._container.close()

    def picture(self, choosy: bool) -> VideoFrame | None:
        """A frame of the film: any that can be decoded, or when `choosy` one that is not black or
        blank, if there is one.

        None where LVS has no decoder for films of its kind, such as those of archives. Raises
        Unreadable if not a single frame can be decoded.
        """
        if not self._decodable:
            return None
        best: VideoFrame | None = None
        best_worth = 0.0
        for frames in (self._keyframes(), self._frames_from_start()):
            for tried, frame in enumerate(frames, 1):
                if not choosy:
                    return frame
                found = poster_score(frame)
                if best is None or found > best_worth:
                    best, best_worth = frame, found
                if best_worth >= GOOD and tried >= LEAST_TRIED:
                    break
            if best_worth >= DULL:
                break
        if best is None:
            self._raise_disk_error()
            self._raise_memory_error()
            raise Unreadable(f"Its pictures cannot be decoded ({self._codec}).")
        return best

    def picture_at(self, place: int) -> VideoFrame | None:
        """The keyframe at one of `PLACES`; None where none can be decoded there."""
        if not self._decodable:
            return None
        return next(self._keyframes(PLACES[place : place + 1]), None)

    def probe(self, frame: VideoFrame | None) -> Probe:
        """Facts from the container, its streams and a decoded frame."""
        context: Any = self._stream.codec_context
        turned, _ = orientation(frame) if frame else (0, False)
        sized = frame or context  # neither, where FFmpeg does not know the codec
        coded_width, coded_height = (sized.width, sized.height) if sized else (0, 0)
        width, height = (
            stretched_size(coded_width, coded_height, self._pixel_aspect) if sized else (0, 0)
        )
        if turned in (90, 270):
            width, height = height, width
        form = sized.format if sized else None
        depth = (
            max((component.bits for component in form.components), default=None) if form else None
        )
        streams = list(self._container.streams)
        return Probe(
            container=self._container.format.name,
            video_codec=self._codec,
            duration_s=self._duration_s,
            width=width,
            height=height,
            coded_width=coded_width,
            coded_height=coded_height,
            rotation=turned,
            frame_rate=self._frame_rate(),
            bit_depth=depth,
            pixel_format=form.name if form else None,
            audio_tracks=_tracks(streams, "audio"),
            subtitle_tracks=_tracks(streams, "subtitle"),
            recorded_at=_recorded_at(self._container.metadata)
            or _recorded_at(self._stream.metadata),
            codec_string=self._codec_string(coded_width, coded_height, depth or 8),
            interlaced=bool(frame and frame.interlaced_frame)
            or (context is not None and int(context.field_order) > 1),
            transfer=TRANSFERS.get(int(frame.color_trc)) if frame else None,
        )

    def _codec_string(self, width: int, height: int, bit_depth: int) -> str:
        context: Any = self._stream.codec_context
        if context is None:
            return self._codec
        extradata, rate = context.extradata or b"", self._frame_rate() or 30.0
        profile = str(context.profile or "")
        return picture_string(
            PictureFormat(self._codec, extradata, bit_depth, width, height, rate, profile)
        )

    def image(self, frame: VideoFrame, width: int, crop: Crop | None = None) -> Image.Image:
        """The frame as people should see it: turned, in its aspect, at most `width` wide, never
        larger than it is. With `crop` only that part of it, stretched to the aspect it says.
        """
        turned, mirrored = orientation(frame)
        full = stretched_size(frame.width, frame.height, self._pixel_aspect)
        shown = (full[1], full[0]) if turned in (90, 270) else full
        part = crop.right - crop.left if crop else 1.0
        # A very tall picture must not become a poster of megabytes.
        scale = min(1.0, width / (shown[0] * part), 3 * width / shown[1])
        image = _rgb(frame, max(1, round(full[0] * scale)), max(1, round(full[1] * scale)))
        if mirrored:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        turn = {
            90: Image.Transpose.ROTATE_270,
            180: Image.Transpose.ROTATE_180,
            270: Image.Transpose.ROTATE_90,
        }.get(turned)
        image = image if turn is None else image.transpose(turn)
        return image if crop is None else _cropped(image, crop, width)

    def poster(self, frame: VideoFrame, width: int, crop: Crop | None = None) -> Image.Image:
        """The frame as a poster: without black borders, 16:9 where it is narrow or very wide."""
        image = self.image(frame, width, crop)
        return on_field(without_borders(image), width)

    def scenes(self, count: int) -> Iterator[tuple[float, VideoFrame]]:
        """Keyframes from all along the film with their times in seconds, at most `count`, each
        once. A file without an index gives the few that are found soon.
        """
        if not self._decodable or not self._duration_s:
            return
        seen: set[int | None] = set()
        for number in range(count):
            self._file.allowance_bytes = ATTEMPT_BYTES
            place_s = self._duration_s * number / count
            try:
                self._container.seek(round(self._start_us + place_s * 1e6))
            except (av.FFmpegError, OSError):
                continue
            for frame in self._next_keyframe(seen):
                if frame.time is not None:
                    yield max(0.0, frame.time - self._start_us / 1e6), frame
            if not self._file.allowance_bytes:
                self._raise_disk_error()
                return

    @property
    def picture_s(self) -> float:
        """The length of the pictures in seconds; 0 where it is unknown."""
        whole_s = self._duration_s or 0.0
        own = self._stream.duration
        own_s = float(own * self._stream.time_base) if own and self._stream.time_base else 0.0
        return own_s if 0 < own_s <= whole_s else whole_s

    def frames_at(
        self, times: Sequence[float], most_pixels: int
    ) -> Iterator[tuple[int, VideoFrame]]:
        """The frame that is shown at each of these times (seconds), with the number of the time.

        Times for which none can be decoded are left out, and those behind which too much would have
        to be decoded.
        """
        left = most_pixels if self._decodable else 0
        for number, at_s in enumerate(times):
            if left <= 0:
                return
            self._file.allowance_bytes = PLACE_BYTES
            try:
                self._container.seek(round(self._start_us + at_s * 1e6))
            except (av.FFmpegError, OSError):
                continue
            packets = self._packets(PLACE_PACKETS)
            shown, used = shown_at(self._stream, packets, self._start_us / 1e6 + at_s, left)
            left -= used
            if shown is not None:
                yield number, shown
            elif not self._file.allowance_bytes:
                self._raise_disk_error()
                return

    def chapters(self) -> list[list[Any]]:
        """Name, start and end in milliseconds of each part that the file names."""
        parts = islice(self._container.chapters(), MAX_CHAPTERS)
        return [part for part in map(_chapter, parts) if part is not None]

    def _opened(self, file: MeteredFile) -> InputContainer:
        try:
            return open_container(file)
        except MemoryError:
            raise
        except BAD_DATA:
            self._raise_disk_error()
            raise Unreadable(A_PICTURE if self._is_picture else NO_VIDEO) from None

    def _first_picture_stream(self) -> VideoStream:
        streams = self._container.streams
        stream = main_picture(streams.video)
        if stream is None:
            raise Unreadable("It holds sound but no picture." if streams.audio else NO_VIDEO)
        context: VideoCodecContext | None = stream.codec_context
        if context is None:  # FFmpeg has no decoder for it, and may not even have a name
            if not self._is_video(stream):
                raise Unreadable("Its pictures are in a format that LVS does not know.")
            self._codec, self._decodable, self._pixel_aspect = "unknown", False, None
            return stream
        self._codec = context.codec.canonical_name
        self._pixel_aspect = fraction(stream.sample_aspect_ratio)
        self._decodable = context.codec.name in PICTURE_DECODERS
        is_still = context.codec.name in STILLS and stream.frames <= 1
        if not self._decodable and (is_still or not context.width):
            raise Unreadable(f"Its pictures cannot be decoded ({self._codec}).")
        if context.width * context.height > MAX_PIXELS:
            raise Unreadable(
                f"Its picture is too large: {context.width} by {context.height} points."
            )
        # One thread: the workers are parallel already, and a frame comes out as soon as it went in.
        context.thread_count = 1
        context.options = {
            "max_pixels": str(MAX_PIXELS),
            "codec_whitelist": ",".join(sorted(PICTURE_DECODERS)),
        }
        for other in streams:
            if other.index != stream.index:
                other.discard = Discard.all
        return stream

    def _is_video(self, stream: VideoStream) -> bool:
        """True if the container holds a video, whatever its pictures are made of."""
        lasts = (self._container.duration or 0) > 0
        return self._container.format.name in VIDEO_CONTAINERS and lasts and stream.frames != 1

    def _keyframes(self, places: tuple[float, ...] = PLACES) -> Iterator[VideoFrame]:
        """Keyframes from all over the film, each once."""
        seen: set[int | None] = set()
        for place in places:
            self._file.allowance_bytes = ATTEMPT_BYTES
            try:
                self._container.seek(round(self._start_us + place * (self._duration_s or 0) * 1e6))
            except (av.FFmpegError, OSError):
                continue
            yield from self._next_keyframe(seen)
            if not self._file.allowance_bytes:
                return  # without an index, every seek reads the film from its start

    def _next_keyframe(self, seen: set[int | None]) -> Iterator[VideoFrame]:
        """The keyframe that the container comes to next, unless it was seen before or cannot be
        decoded.
        """
        context = self._stream.codec_context
        context.flush_buffers()
        packets = self._packets(ATTEMPT_PACKETS)
        for packet in packets:
            if not packet.is_keyframe or packet.is_discard:
                continue
            if packet.pts in seen:
                return
            seen.add(packet.pts)
            frames: list[VideoFrame] = []
            with despite_bad_data():
                # Interlaced film may have the keyframe's other half in a packet of its own. The
                # decoder then holds frames back until it knows more of them; `None` says that there
                # are none.
                for part in (packet, next(packets, None), None):
                    frames += context.decode(part)
            context.flush_buffers()
            # Frames before the keyframe lean on others that were not decoded.
            found = [
                frame
                for frame in frames
                if packet.pts is None or frame.pts is None or frame.pts >= packet.pts
            ]
            if found:
                yield found[0]
                return

    def _frames_from_start(self) -> Iterator[VideoFrame]:
        """Every tenth frame of the film's first seconds: for a film with few keyframes, or none
        that says it is one.
        """
        self._file.seek(0)
        self._file.allowance_bytes = OPEN_BYTES
        self._container.close()
        self._container = self._opened(self._file)
        self._stream = self._first_picture_stream()
        self._file.allowance_bytes = ATTEMPT_BYTES
        number = pixels = 0
        for packet in self._packets(FORWARD_PACKETS):
            with despite_bad_data():
                for frame in self._stream.codec_context.decode(packet):
                    if number % 10 == 0:
                        yield frame
                    number += 1
                    pixels += frame.width * frame.height
            if pixels > FORWARD_PIXELS:
                return

    def _packets(self, limit: int) -> "Iterator[Packet[VideoStream]]":
        with despite_bad_data():
            yield from islice(self._container.demux(self._stream), limit)

    @property
    def _start_us(self) -> int:
        return self._container.start_time or 0

    @cached_property
    def _duration_s(self) -> float | None:
        claimed_s = (self._container.duration or 0) / 1e6
        rate = self._frame_rate()
        if self._container.format.name == BARE and rate:
            found_s = bare_duration_s(self._raw, self._size_bytes, rate)
            return found_s if 0 < found_s <= IMPLAUSIBLE_DURATION_S else None
        if claimed_s > 0 and self._container.format.name in ("mpegts", "mpeg"):
            return measured_duration_s(self._raw, self._size_bytes, claimed_s)
        if 0 < claimed_s <= IMPLAUSIBLE_DURATION_S:
            return claimed_s
        return self._measured_duration_s() or claimed_s or None

    def _measured_duration_s(self, tail_bytes: int = TAIL_BYTES) -> float | None:
        """The end of the last packets, for a Matroska file that does not say how long it is.

        Such a file has no index either. Its headers and the clusters in its last megabytes are read
        as if they were one short file. Other formats do say it, or FFmpeg reads their end for it.
        """
        if self._container.format.name != "matroska,webm":
            return None
        end_s: dict[int, float] = {}
        with suppress(Unreadable), despite_bad_data():
            gap = self._between_headers_and_tail(tail_bytes)
            with self._opened(
                MeteredFile(self._raw, self._size_bytes, 2 * tail_bytes, gap)
            ) as spliced:
                for packet in spliced.demux():
                    if packet.pts is not None and packet.stream.type in ("video", "audio"):
                        end_s[packet.stream.index] = float(
                            (packet.pts + (packet.duration or 0)) * packet.time_base
                        )
        return max(end_s.values(), default=0.0) - self._start_us / 1e6 or None

    def _between_headers_and_tail(self, tail_bytes: int) -> range:
        """The bytes from the first cluster to the first one of the last megabytes."""
        self._raw.seek(0)
        first = self._raw.read(tail_bytes).find(MATROSKA_CLUSTER)
        tail = max(0, self._size_bytes - tail_bytes)
        self._raw.seek(tail)
        last = tail + self._raw.read(tail_bytes).find(MATROSKA_CLUSTER)
        return range(first, last) if 0 <= first < last else range(0)

    def _frame_rate(self) -> float | None:
        # Containers with coarse clocks claim 1000 frames a second.
        for rate, limit in (
            (fraction(self._stream.average_rate), 300),
            (fraction(self._stream.guessed_rate), 100),
        ):
            if rate and 0 < rate <= limit:
                return float(rate)
        return None

    def _raise_disk_error(self) -> None:
        if self._file.error is not None:
            raise self._file.error

    def _raise_memory_error(self) -> None:
        """Raise MemoryError if there is no room for a few frames: some decoders call that bad data,
        too.
        """
        context = self._stream.codec_context
        try:
            mmap.mmap(-1, max(1, 4 * 3 * context.width * context.height)).close()
        except OSError:
            raise MemoryError from None


def _cropped(image: Image.Image, crop: Crop, width: int) -> Image.Image:
    box = (
        crop.left * image.width,
        crop.top * image.height,
        crop.right * image.width,
        crop.bottom * image.height,
    )
    across = max(1, min(width, round(box[2] - box[0])))
    size = across, max(1, min(3 * width, round(across / crop.aspect)))
    return image.resize(size, Image.Resampling.LANCZOS, box)


def _chapter(found: Any) -> list[Any] | None:
    """A chapter as JSON holds it; None where its times make no sense."""
    try:
        step = Fraction(found["time_base"]) * 1000
        start, end = (round(found[name] * step) for name in ("start", "end"))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if not 0 <= start <= end <= IMPLAUSIBLE_DURATION_S * 1000:
        return None
    return [_text(found.get("metadata", {}).get("title"), 120) or "Chapter", start, end]


def _rgb(frame: VideoFrame, width: int, height: int) -> Image.Image:
    # Where a film does not say how its colours are coded, small ones follow BT.601 and large ones
    # BT.709.
    unsaid = frame.colorspace == UNSAID_COLOURS and frame.height >= 720
    scaled = frame.reformat(
        width,
        height,
        "rgb24",
        src_colorspace=Colorspace.ITU709 if unsaid and not frame.format.is_rgb else None,
        interpolation=Interpolation.AREA,
        threads=1,
    )
    image: Image.Image = scaled.to_image()  # type: ignore[no-untyped-call]
    if frame.color_trc == ColorTrc.SMPTE2084:
        image = image.point(_PQ_TO_SRGB * 3)
    if frame.color_primaries == ColorPrimaries.BT2020:
        image = image.convert("RGB", BT2020_TO_BT709)
    return image


def _pq_to_srgb(code: int) -> int:
    """An 8-bit PQ value (SMPTE ST 2084) as sRGB: 203 cd/m² is white paper, brighter is bent down,
    1000 is the end.
    """
    root = math.pow(code / 255, 32 / 2523)
    light = 10_000 * math.pow(
        max(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root), 16384 / 2610
    )
    peak = 1000 / 203
    part = min(light / 203, peak)
    part = min(1.0, part * (1 + part / peak**2) / (1 + part))
    return round(
        255 * (12.92 * part if part <= 0.0031308 else 1.055 * math.pow(part, 1 / 2.4) - 0.055)
    )


_PQ_TO_SRGB = [_pq_to_srgb(code) for code in range(256)]


def poster_score(frame: VideoFrame) -> float:
    """Worth of a picture as a poster, from 0 for one even colour, darkness or glare to 1 for rich
    contrast and fine detail.
    """
    small = frame.reformat(*WORTH_SIZE, "gray", interpolation=Interpolation.AREA, threads=1)
    plane = small.planes[0]
    image = Image.frombytes("L", WORTH_SIZE, bytes(plane), "raw", "L", plane.line_size)
    found = ImageStat.Stat(image)
    mean, spread = found.mean[0], found.stddev[0]
    light = min(1.0, mean / 30, max(0.0, (255 - mean) / 35))
    edges = ImageChops.difference(image, ImageChops.offset(image, 1, 1))
    detail = min(1.0, ImageStat.Stat(edges).mean[0] / FULL_DETAIL)
    richness = min(1.0, spread / FULL_CONTRAST) * detail
    even = min(1.0, spread / 14)
    return even * light * (0.5 + 0.5 * richness) * (0.5 if frame.is_corrupt else 1.0)


def _tracks(streams: list[Stream], kind: str) -> tuple[Track, ...]:
    return tuple(islice((_track(one) for one in streams if one.type == kind), MAX_TRACKS))


def _track(stream: Stream) -> Track:
    context: Any = stream.codec_context  # None for a codec FFmpeg has no decoder for
    codec = context.codec.canonical_name if context is not None else "unknown"
    is_sound = stream.type == "audio"
    return Track(
        codec=codec,
        language=_text(stream.metadata.get("language"), 16, without=("und",)),
        title=_text(stream.metadata.get("title"), 120),
        channels=(getattr(context, "channels", None) or None) if is_sound else None,
        codec_string=sound_string(codec, getattr(context, "extradata", None) or b"")
        if is_sound
        else None,
        mark=None if is_sound else _mark(stream),
        decodable=sound_decodes(stream) if isinstance(stream, AudioStream) else True,
    )


def _mark(stream: Stream) -> str | None:
    marks = {Disposition.forced: FORCED, Disposition.hearing_impaired: FOR_THE_DEAF}
    return next((mark for flag, mark in marks.items() if stream.disposition & flag), None)


def _text(value: str | None, length: int, without: tuple[str, ...] = ()) -> str | None:
    whole = (value or "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = "".join(letter for letter in whole if letter.isprintable()).strip()[:length]
    return None if not text or text in without else text


def _recorded_at(metadata: dict[str, str]) -> int | None:
    """Unix milliseconds of the container's creation time.

    Years before 1971 and after 2100 are clocks that were never set.
    """
    try:
        moment = datetime.fromisoformat(metadata.get("creation_time", ""))
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return round(moment.timestamp() * 1000) if 1971 <= moment.year <= 2100 else None
