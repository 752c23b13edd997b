"""A film opened for playback: its tracks, its facts, and its packets from any moment on.

Imported by the player worker only. Moments are seconds from the film's start, which is the earliest
start of its tracks.
"""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from typing import IO, Any, NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lvs.errors import Unreadable
from lvs.services.media.bare_streams import BARE, bare_duration_s
from lvs.services.media.containers import (
    BAD_DATA,
    MAX_PIXELS,
    PICTURE_DECODERS,
    SOUND_DECODERS,
    SUBTITLE_DECODERS,
    MeteredFile,
    despite_bad_data,
    open_container,
)
from lvs.services.media.frames import (
    TRANSFERS,
    fraction,
    main_picture,
    orientation,
    stretched_size,
)
from lvs.services.media.h264_reordering import declared_reordering
from lvs.services.playback.codec_strings import PictureFormat, picture_string, sound_string
from lvs.services.playback.planner import MAX_DURATION_S, Sound, VideoFacts

ALLOWANCE_BYTES = 512 << 20
DECODER_THREADS = max(1, min(4, os.cpu_count() or 1))
BUFFER_BYTES = 256 << 10
FIRST_FRAME_PACKETS = 400
DECODERS = PICTURE_DECODERS | SOUND_DECODERS | SUBTITLE_DECODERS
COPIED_SOUND_CONTAINERS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv"})
LAST_PICTURE_S = 10.0
MOV = "mov,mp4,m4a,3gp,3g2,mj2"
EBML = b"\x1a\x45\xdf\xa3"
MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})
HEAD_BYTES = 8
EARLIEST = -(1 << 62)
SAME_S = 0.001
MOST_FRAMES_PER_S = 300
# Seconds before a moment to seek to, where the container's seek is known to land late.
LATE_SEEKS = {"mpegts": 1.0, "mpeg": 1.0, "asf": 1.0}


class FirstFrames(NamedTuple):
    """The first frames of a film, and the packets that follow those they came from."""

    frames: list[VideoFrame]
    packets: "Iterator[Packet[Any]]"


class VideoSource:
    """One film, opened as often as there are tracks to read: each reader has a place of its own in
    the file.
    """

    def __init__(self, file: IO[bytes], duration_s: float | None = None) -> None:
        self._raw = file
        self._size_bytes = os.fstat(file.fileno()).st_size
        self._hinted_duration_s = duration_s
        self._meters: list[MeteredFile] = []
        self.first_frame: VideoFrame | None = None
        self._begun: FirstFrames | None = None
        quick = self._opened_quickly()
        if quick is None or not self._starts_at_beginning(quick):
            self._begin(self.open())
        self.facts = self._facts()

    def _opened_quickly(self) -> InputContainer | None:
        """The container without decoders of pictures, where it and its picture say what is needed.

        With them FFmpeg decodes pictures to learn how far H.264 reorders them; most films say so.
        """
        self._raw.seek(0)
        head = self._raw.read(HEAD_BYTES)
        if not (head.startswith(EBML) or head[4:8] in MP4_BOXES):
            return None
        container = self.open(decoders=DECODERS - PICTURE_DECODERS)
        picture = main_picture(container.streams.video)
        if picture is not None and _declares_reordering(picture) and _is_rate(picture.average_rate):
            return container
        container.close()
        return None

    def _starts_at_beginning(self, container: InputContainer) -> bool:
        """Begin with a container that was opened quickly; True if its first picture is where the
        video begins.

        Otherwise the quick opening may have guessed wrong.
        """
        with suppress(Unreadable):
            self._begin(container)
            first = self.frame_moment(self.first_frame) if self.first_frame else None
            return first is not None and abs(first) < SAME_S
        return False

    def _begin(self, container: InputContainer) -> None:
        """Take this container for the film's, and decode its first picture. Raises Unreadable."""
        picture = main_picture(container.streams.video)
        context: Any = picture.codec_context if picture is not None else None
        if picture is None or context is None or context.codec.name not in PICTURE_DECODERS:
            raise Unreadable("There is no picture in it that LVS can decode.")
        if context.width * context.height > MAX_PIXELS:
            raise Unreadable(
                f"Its picture is too large: {context.width} by {context.height} points."
            )
        self.container = container
        self.picture: VideoStream = picture
        self.start_s = (container.start_time or 0) / 1e6
        self._keys = self._keyframes()
        self.first_frame = self._decode_first()

    def open(self, whole: bool = False, decoders: frozenset[str] = DECODERS) -> InputContainer:
        """Another container of the same file, for a reader that needs a place of its own.

        `whole` lets it read all of the file; without decoders of pictures it opens in a fraction of
        the time, because FFmpeg decodes none to learn what they are like.

        Raises Unreadable.
        """
        allowance_bytes = 2 * self._size_bytes + ALLOWANCE_BYTES if whole else ALLOWANCE_BYTES
        meter = MeteredFile(self._raw, self._size_bytes, allowance_bytes)
        self._meters.append(meter)
        try:
            return open_container(meter, decoders, BUFFER_BYTES)
        except MemoryError:
            raise
        except BAD_DATA:
            raise Unreadable("It cannot be opened as a video.") from None

    def allow(self) -> None:
        """Give every reader its full allowance of bytes again, for one more piece of work."""
        for meter in self._meters:
            meter.allowance_bytes = ALLOWANCE_BYTES

    def raise_disk_error(self) -> None:
        """Raise the error of the disk that FFmpeg swallowed since the last call, if any."""
        for meter in self._meters:
            if meter.error is not None:
                error, meter.error = meter.error, None
                raise error

    def moment(self, packet: "Packet[Any]") -> float | None:
        """Presentation time of a packet, its decode time where it has none."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        return (
            None
            if stamp is None or packet.time_base is None
            else float(stamp * packet.time_base) - self.start_s
        )

    def frame_moment(self, frame: VideoFrame) -> float | None:
        """Presentation time of a decoded picture."""
        stamp = frame.pts if frame.pts is not None else frame.dts
        base = self.picture.time_base
        return None if stamp is None or base is None else float(stamp * base) - self.start_s

    # --- Facts ---

    def _facts(self) -> VideoFacts:
        stream, context = self.picture, self.picture.codec_context
        keyframes, frame = self._keys, self.first_frame
        assert frame is not None  # noqa: S101  it has begun
        turned, _ = orientation(frame)
        aspect = fraction(stream.sample_aspect_ratio) or fraction(context.sample_aspect_ratio)
        width, height = stretched_size(frame.width, frame.height, aspect)
        if turned in (90, 270):
            width, height = height, width
        depth = max((component.bits for component in frame.format.components), default=8)
        rate = self._frame_rate()
        described = PictureFormat(
            context.codec.canonical_name,
            context.extradata or b"",
            depth,
            frame.width,
            frame.height,
            rate,
            str(context.profile or ""),
        )
        duration_s = self._duration_s(keyframes, rate)
        return VideoFacts(
            container=self.container.format.name,
            codec=described.codec,
            string=picture_string(described),
            duration_s=duration_s,
            width=width,
            height=height,
            pixel_format=frame.format.name,
            bit_depth=depth,
            interlaced=bool(frame.interlaced_frame) or int(context.field_order) > 1,
            transfer=TRANSFERS.get(int(frame.color_trc), ""),
            rotation=turned,
            frame_rate=rate,
            bit_rate=round(self._size_bytes * 8 / max(1.0, duration_s)),
            sounds=tuple(self._sound(one) for one in self.sound_streams(self.container)),
            subtitles=tuple(_codec_name(one) for one in self.container.streams.subtitles),
            keyframes=keyframes,
            timed=frame.pts is not None,
        )

    def sound_streams(self, container: InputContainer) -> list[AudioStream]:
        """The sound tracks, in the order in which they are numbered."""
        return list(container.streams.audio)

    def _sound(self, stream: AudioStream) -> Sound:
        context: Any = stream.codec_context
        codec = context.codec.canonical_name if context is not None else "unknown"
        extradata = (context.extradata or b"") if context is not None else b""
        simple = codec == "aac" and len(extradata) >= 2 and extradata[0] >> 3 in (2, 5, 29)
        copied = simple and self.container.format.name in COPIED_SOUND_CONTAINERS
        language = stream.metadata.get("language")
        return Sound(
            codec,
            sound_string(codec, extradata),
            copied,
            language,
            bool(stream.disposition & Disposition.default),
        )

    def _frame_rate(self) -> float:
        for rate in (self.picture.average_rate, self.picture.guessed_rate):
            if _is_rate(rate):
                return float(rate)
        return 25.0

    def _duration_s(self, keyframes: tuple[float, ...] | None, rate: float) -> float:
        """The film's length.

        What a header claims counts only where nothing in the file contradicts it.
        """
        claimed_s = (self.container.duration or 0) / 1e6
        if self.container.format.name == MOV and len(self.picture.index_entries):
            last = self.picture.index_entries[-1]
            base = self.picture.time_base or Fraction(1, 90_000)
            end_s = float(last.timestamp * base) - self.start_s + 1 / rate
            sounds = [
                float(one.duration * one.time_base)
                for one in self.container.streams.audio
                if one.duration and one.time_base
            ]
            shown_s = float((self.picture.duration or 0) * base)
            end_s = shown_s if end_s < shown_s < end_s + LAST_PICTURE_S else end_s
            claimed_s = min(claimed_s or math.inf, max(end_s, *sounds, 0.04))
        elif self.container.format.name == BARE:
            claimed_s = self._hinted_duration_s or bare_duration_s(
                self._raw, self._size_bytes, rate
            )
        elif not 0 < claimed_s <= MAX_DURATION_S:
            claimed_s = self._hinted_duration_s or (keyframes[-1] + 1 if keyframes else 0.0)
        elif self._hinted_duration_s and claimed_s > 1.5 * self._hinted_duration_s:
            claimed_s = self._hinted_duration_s  # time stamps that jump; the probe measured them
        return min(MAX_DURATION_S, max(0.04, claimed_s))

    def _keyframes(self) -> tuple[float, ...] | None:
        """Presentation times of all keyframes, None where the file holds no whole index of them."""
        stream, name = self.picture, self.container.format.name
        if name not in (MOV, "matroska,webm"):
            return None
        if name != MOV:
            with suppress(*BAD_DATA):
                self.container.seek(1_000_000)  # only then are its cues read
                self.container.seek(0)
        base = stream.time_base or Fraction(1, 1000)
        stamps = list(_keyframe_stamps(stream))
        ticks, second = (
            base.numerator,
            base.denominator,
        )  # a Fraction for each takes ten times as long
        times = sorted(stamp * ticks / second - self.start_s for stamp in stamps)
        claimed_s = (self.container.duration or 0) / 1e6
        whole = name == MOV or (times and times[-1] >= min(claimed_s, MAX_DURATION_S) - 30)
        if not times or not whole:
            return None
        # MP4's index holds decode times; the pictures come later by what the first keyframe shows.
        self.decode_delay_s = self._decode_delay_s() if name == MOV else 0.0
        return tuple(max(0.0, time + self.decode_delay_s) for time in times)

    decode_delay_s = 0.0

    def _decode_delay_s(self) -> float:
        for packet in self.packets(self.container, self.picture, 10):
            if (
                packet.is_keyframe
                and packet.pts is not None
                and packet.dts is not None
                and packet.time_base
            ):
                self.seek(self.container, self.picture, 0.0)
                return float((packet.pts - packet.dts) * packet.time_base)
        return 0.0

    def _decode_first(self) -> VideoFrame:
        context = self.picture.codec_context
        context.thread_count = DECODER_THREADS
        context.thread_type = "AUTO"
        context.options = {"max_pixels": str(MAX_PIXELS)}
        packets = self.packets(self.container, self.picture)
        begins_with_key = False
        for number, packet in enumerate(islice(packets, FIRST_FRAME_PACKETS)):
            begins_with_key = packet.is_keyframe if number == 0 else begins_with_key
            frames: list[VideoFrame] = []
            with despite_bad_data():
                frames = context.decode(packet)
            if frames:
                self._begun = FirstFrames(frames, packets) if begins_with_key else None
                return frames[0]
        with despite_bad_data():
            for frame in context.decode(None):
                return frame
        self.raise_disk_error()
        raise Unreadable("Its pictures cannot be decoded.")

    def take_begun(self) -> "FirstFrames | None":
        """The film's first frames as they were decoded when it was opened, to go on with.

        None where they were taken, or the container has been elsewhere since.
        """
        begun, self._begun = self._begun, None
        return begun

    # --- Reading ---

    def packets(
        self, container: InputContainer, stream: Stream, limit: int | None = None
    ) -> "Iterator[Packet[Any]]":
        """Packets of one track, in the order of the file, until its end or what cannot be read; at
        most `limit`.
        """
        number = 0
        with despite_bad_data():
            for packet in container.demux(stream):
                if packet.pts is None and packet.dts is None and not packet.size:
                    return
                yield packet
                number += 1
                if limit is not None and number >= limit:
                    return

    def seek(self, container: InputContainer, stream: Stream, moment_s: float) -> bool:
        """Go to the last keyframe at or before that moment, or to the first where there is none.

        False where the container refuses; it is then anywhere.
        """
        if container is self.container:
            self._begun = None
        base = stream.time_base or Fraction(1, 1000)
        early_s = LATE_SEEKS.get(container.format.name, 0.0)
        stamp = round((max(0.0, moment_s) - early_s + self.start_s) / float(base))
        if stream is self.picture and container.format.name == MOV:
            stamp -= round(self.decode_delay_s / float(base))
        # Some find no keyframe where the first one lies behind the film's beginning.
        for backward in (True, False):
            try:
                container.seek(stamp, stream=stream, backward=backward)
            except MemoryError:
                raise
            except BAD_DATA:
                continue
            return True
        return False


def _is_rate(rate: Any) -> bool:
    """True if that may be a film's frame rate."""
    return bool(rate) and 1 <= rate <= MOST_FRAMES_PER_S


def _declares_reordering(picture: VideoStream) -> bool:
    """True if a picture track says how far it reorders its pictures, or the decoder knows."""
    context: Any = picture.codec_context
    codec = context.codec.name if context is not None else ""
    if codec != "h264":
        return codec == "hevc"
    said = declared_reordering(context.extradata or b"")
    return said is not None and said >= context.reorder_depth


def _keyframe_stamps(stream: VideoStream) -> Iterator[int]:
    """Times of the keyframes in the index, found by FFmpeg: reading each entry takes ten times
    as long.
    """
    entries, place, stamp = stream.index_entries, -1, EARLIEST
    while (following := entries.search_timestamp(stamp, backward=False)) > place:
        place = following
        stamp = entries[place].timestamp
        yield stamp
        stamp += 1


def _codec_name(stream: Any) -> str:
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else "unknown"


def only(container: InputContainer, stream: Stream) -> None:
    """Have the container skip every other track."""
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
