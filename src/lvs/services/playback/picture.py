"""The picture of one segment: packets as they are in the file, or frames decoded, filtered and
encoded again.

Imported by the player worker only.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from lvs.errors import Unreadable
from lvs.services.media.containers import despite_bad_data
from lvs.services.playback.filters import PictureFilter
from lvs.services.playback.planner import THINNED
from lvs.services.playback.video_source import FirstFrames, VideoSource

if TYPE_CHECKING:
    from lvs.services.playback.picture_subtitles import PictureSubtitles

CLOCK = 90_000
TICK = Fraction(1, CLOCK)
CLOSE_S = 0.002
"""Two moments this close are the same: containers round to milliseconds."""
MAX_SEGMENT_BYTES = 64 << 20
SKIP_UNREFERENCED_S = 1.0
MOST_UNKEYED = 600
"""Packets to wait for a keyframe after a seek; some films say of none that it is one."""
EARLIER_S = (0.0, 5.0, 20.0)

Checkpoint = Callable[[], None]
"""Called between frames. Raises what ends the work, where nobody waits for it any more."""


def _never() -> None:
    """The checkpoint of work that nobody interrupts."""


class CopiedPicture:
    """Takes the packets of a film's picture as they are, segment by segment."""

    def __init__(self, source: VideoSource, cuts: tuple[float, ...]) -> None:
        self._source = source
        self._cuts = cuts
        self._next = -1
        self._packets: Iterator[Packet[Any]] = iter(())
        self._pending: Packet[Any] | None = None

    def packets(self, number: int, checkpoint: Checkpoint) -> "list[Packet[Any]]":
        """Packets of this segment in decoding order: from its keyframe up to the next one's."""
        last = number + 1 == len(self._cuts)
        start_s = self._cuts[number] if number else float("-inf")
        end_s = float("inf") if last else self._cuts[number + 1]
        if self._next != number:
            self._go_to(number)
        found: list[Packet[Any]] = []
        size_bytes = 0
        for packet in self._following():
            checkpoint()
            moment = self._source.moment(packet)
            if packet.is_keyframe and moment is not None and moment >= end_s - CLOSE_S:
                self._pending = packet
                break
            if not found and not (
                packet.is_keyframe and (moment is None or moment >= start_s - CLOSE_S)
            ):
                continue
            found.append(packet)
            size_bytes += packet.size
            if size_bytes > MAX_SEGMENT_BYTES:
                break
        self._next = number + 1
        self._source.raise_disk_error()
        return timed(found, self._source, first=number == 0)

    def _go_to(self, number: int) -> None:
        source = self._source
        self._pending = None
        source.seek(source.container, source.picture, self._cuts[number])
        self._packets = source.packets(source.container, source.picture)

    def _following(self) -> "Iterator[Packet[Any]]":
        if self._pending is not None:
            pending, self._pending = self._pending, None
            yield pending
        while (
            packet := next(self._packets, None)
        ) is not None:  # `yield from` would end them where a segment ends
            yield packet


def timed(packets: "list[Packet[Any]]", source: VideoSource, first: bool) -> "list[Packet[Any]]":
    """The packets with times on the segment's clock. Decode times are made anew: Matroska has none
    after a seek.

    They are the presentation times in order, moved back as far as the reordering of pictures takes.
    Below zero they are squeezed together, because moving the presentation would part picture and
    sound. In a film's first segment pictures that lean on what came before it are left out.
    """
    moments: list[int] = []
    for packet in packets:
        moment = source.moment(packet)
        moments.append(
            round(moment * CLOCK) if moment is not None else (moments[-1] + 1 if moments else 0)
        )
    if first:
        least = max(0, moments[0]) if moments else 0
        keep = [index for index, moment in enumerate(moments) if moment >= least]
        packets, moments = [packets[index] for index in keep], [moments[index] for index in keep]
    order = sorted(moments)
    shift = max((early - moment for early, moment in zip(order, moments, strict=True)), default=0)
    following = {moment: after - moment for moment, after in pairwise(order)}
    decode = -1
    for packet, moment, early in zip(packets, moments, order, strict=True):
        length = (
            float(packet.duration * packet.time_base)
            if packet.duration and packet.time_base
            else 0.0
        )
        decode = max(early - shift, decode + 1, 0)
        packet.time_base = TICK
        packet.pts, packet.dts = max(moment, decode), decode
        packet.duration = following.get(moment) or round(length * CLOCK) or CLOCK // 25
    return packets


class DecodedPicture:
    """Decodes a film's picture from any moment on, and gives the frames of a stretch of it."""

    def __init__(self, source: VideoSource, thin: bool = False) -> None:
        self._source = source
        self._thin = thin
        self._context = source.picture.codec_context
        self._checkpoint: Checkpoint = _never
        self._frames: Iterator[tuple[float, VideoFrame]] = iter(())
        self._ahead: tuple[float, VideoFrame] | None = None
        self._held: VideoFrame | None = None
        self._position_s = -1.0
        self._target_s = 0.0
        self._last_s = 0.0

    def frames(
        self, start_s: float, end_s: float, checkpoint: Checkpoint
    ) -> Iterator[tuple[float, VideoFrame]]:
        """Moment and frame of every picture from `start_s` to before `end_s`.

        The first stands at `start_s` itself: the picture that is on the screen then, held over from
        before. Where the file ends or is damaged, the last picture stays. Raises Unreadable where
        there is none at all.
        """
        self._checkpoint = checkpoint
        if self._position_s != start_s:
            self._go_to(start_s)
        self._position_s = -1.0  # anywhere, should it end early
        begun = False
        while (following := self._take()) is not None:
            checkpoint()
            moment, frame = following
            if moment >= end_s - CLOSE_S:
                self._ahead = following
                break
            if moment > start_s + CLOSE_S:
                if not begun:
                    yield start_s, self._held or frame
                    begun = True
                    if self._held is None:
                        self._held = frame
                        continue
                yield moment, frame
            self._held = frame
        if not begun:
            held = self._held or (self._ahead[1] if self._ahead else self._source.first_frame)
            if held is None:
                raise Unreadable("Its pictures cannot be decoded.")
            yield start_s, held
        self._position_s = end_s
        self._source.raise_disk_error()

    def _take(self) -> tuple[float, VideoFrame] | None:
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead
        return next(self._frames, None)

    def _go_to(self, start_s: float) -> None:
        """Seek so that the first frame is at or before `start_s`, where the file has one there."""
        for earlier_s in EARLIER_S:
            self._held = self._ahead = None
            self._target_s = start_s
            begun = None if start_s else self._source.take_begun()
            if begun is None:
                self._source.seek(self._source.container, self._source.picture, start_s - earlier_s)
            self._frames = self._decoded(begun)
            self._ahead = next(self._frames, None)
            if self._ahead is not None and self._ahead[0] <= start_s + CLOSE_S:
                return
            if start_s - earlier_s <= 0:
                return

    def _decoded(self, begun: FirstFrames | None) -> Iterator[tuple[float, VideoFrame]]:
        """Frames from where the container stands, behind those that it has `begun` with."""
        source, context = self._source, self._context
        self._last_s = -1.0
        skips = context.codec.name in THINNED
        unkeyed = 0
        if begun is None:
            context.flush_buffers()
            packets = source.packets(source.container, source.picture)
        else:
            unkeyed, packets = -1, begun.packets
            yield from self._in_time(begun.frames)
        for packet in packets:
            self._checkpoint()  # of the segment that is made now, not of the one it began with
            if (
                not packet.is_keyframe and 0 <= unkeyed < MOST_UNKEYED
            ):  # some containers seek to any packet
                unkeyed += 1
                continue
            unkeyed = -1
            moment = source.moment(packet)
            if skips:
                far = moment is not None and moment < self._target_s - SKIP_UNREFERENCED_S
                context.skip_frame = "NONREF" if far or self._thin else "DEFAULT"
            with despite_bad_data():
                yield from self._in_time(context.decode(packet))
        with despite_bad_data():
            yield from self._in_time(context.decode(None))

    def _in_time(self, frames: "list[VideoFrame]") -> Iterator[tuple[float, VideoFrame]]:
        """The frames with moments that never go back: one without, or with a wrong one, comes a
        frame after the last.
        """
        for frame in frames:
            moment = self._source.frame_moment(frame)
            if moment is None or moment <= self._last_s:
                moment = (
                    self._last_s + 1 / self._source.facts.frame_rate if self._last_s >= 0 else 0.0
                )
            self._last_s = moment
            yield moment, frame


class PictureEncoder:
    """Encodes the frames of one segment with a stream of its own; every segment begins with a
    keyframe.
    """

    def __init__(
        self,
        stream: Any,
        picture_filter: PictureFilter,
        subtitles: "PictureSubtitles | None" = None,
    ) -> None:
        self._stream: Stream = stream
        self._filter = picture_filter
        self._subtitles = subtitles

    def packets(
        self, frames: Iterator[tuple[float, VideoFrame]], start_s: float, end_s: float
    ) -> "list[Packet[Any]]":
        """Packets that last from the first frame's moment to `end_s`.

        Raises Unreadable above MAX_SEGMENT_BYTES.
        """
        encoder: Any = self._stream
        found: list[Packet[Any]] = []
        size_bytes = 0
        filtered = self._filter.filtered(frames)
        if self._subtitles is not None:
            filtered = self._subtitles.drawn(filtered, start_s, end_s)
        for frame in filtered:
            for packet in encoder.encode(frame):
                found.append(packet)
                size_bytes += packet.size
                if size_bytes > MAX_SEGMENT_BYTES:
                    raise Unreadable("A piece of it is too large to be sent.")
        found += encoder.encode(None)
        ends = [*(packet.pts for packet in found[1:]), round(end_s * CLOCK)]
        for packet, end in zip(found, ends, strict=True):
            packet.duration = max(1, (end or 0) - (packet.pts or 0))
        return found
