"""The sound of one segment: packets as they are in the file, or AAC made on a grid that all
segments share.

Imported by the player worker only.
"""

import math
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from lvs.services.media.containers import (
    BAD_DATA,
    SOUND_DECODERS,
    despite_bad_data,
    sound_decodes,
)
from lvs.services.playback.picture import Checkpoint
from lvs.services.playback.video_source import VideoSource, only

RATE = 48_000
GRID = 1024
PRIMING = 2
"""Frames encoded before a segment's first and dropped: without them it begins with a click."""
DRIFT_SAMPLES = RATE // 20
EARLY_S = 0.35
EARLIER_S = (0.0, 2.0, 15.0)
READ_ON_S = 5.0
KEPT_SAMPLES = 8 * GRID
MAX_AHEAD_SAMPLES = 60 * RATE

SAMPLE_BYTES = 4


class Samples:
    """A run of stereo samples from a numbered one on: two rows of 32-bit floats. numpy would take a
    tenth of a second to load.
    """

    __slots__ = ("end", "rows", "start")

    def __init__(self, start: int, rows: tuple[bytes | bytearray, bytes | bytearray]) -> None:
        self.start = start
        self.rows = rows
        self.end = start + len(rows[0]) // SAMPLE_BYTES

    def copy_into(self, other: "Samples") -> None:
        """Copy those that both have into `other`."""
        first, last = max(self.start, other.start), min(self.end, other.end)
        if first >= last:
            return
        here = slice((first - self.start) * SAMPLE_BYTES, (last - self.start) * SAMPLE_BYTES)
        there = slice((first - other.start) * SAMPLE_BYTES, (last - other.start) * SAMPLE_BYTES)
        for mine, its in zip(self.rows, other.rows, strict=True):
            memoryview(its)[there] = memoryview(mine)[here]


def silence(start: int, end: int) -> Samples:
    """Samples from `start` to before `end` that are all zero, and may be written over."""
    size_bytes = max(0, end - start) * SAMPLE_BYTES
    return Samples(start, (bytearray(size_bytes), bytearray(size_bytes)))


def grid_frame(moment_s: float) -> int:
    """Number of the first frame of the sound grid at or after this moment."""
    return math.ceil(moment_s * RATE / GRID - 1e-6)


class CopiedSound:
    """Takes the packets of a sound track as they are: those that begin within a segment."""

    def __init__(self, source: VideoSource, track: int, cuts: tuple[float, ...]) -> None:
        self._source = source
        self._container = source.open(decoders=SOUND_DECODERS)
        self._stream = source.sound_streams(self._container)[track]
        only(self._container, self._stream)
        self._cuts = cuts
        self._next = -1
        self._packets: Iterator[Packet[Any]] = iter(())
        self._pending: Packet[Any] | None = None

    @property
    def template(self) -> AudioStream:
        """The track in the file."""
        return self._stream

    def packets(self, number: int, checkpoint: Checkpoint) -> "list[Packet[Any]]":
        """Packets of this segment, on a clock of the track's sample rate."""
        start_s = self._cuts[number]
        end_s = self._cuts[number + 1] if number + 1 < len(self._cuts) else math.inf
        if self._next != number:
            self._pending = None
            self._source.seek(self._container, self._stream, max(0.0, start_s - EARLY_S))
            self._packets = self._source.packets(self._container, self._stream)
        found: list[tuple[float, Packet[Any]]] = []
        for packet in self._following():
            checkpoint()
            moment = self._source.moment(packet)
            if moment is None or moment < start_s - 1e-6:
                continue
            if moment >= end_s - 1e-6:
                self._pending = packet
                break
            found.append((moment, packet))
        self._next = number + 1
        return self._on_grid(found)

    def _following(self) -> "Iterator[Packet[Any]]":
        if self._pending is not None:
            pending, self._pending = self._pending, None
            yield pending
        while (
            packet := next(self._packets, None)
        ) is not None:  # `yield from` would end them where a segment ends
            yield packet

    def _on_grid(self, found: "list[tuple[float, Packet[Any]]]") -> "list[Packet[Any]]":
        """Packets follow each other to the sample where the container's clock is too coarse to say
        so.
        """
        rate = self._stream.rate or RATE
        close, expected, packets = rate // 250, -1, []
        for moment, packet in found:
            length = round(float((packet.duration or 0) * (packet.time_base or 0)) * rate)
            if abs(length - GRID) <= close:
                length = GRID
            stamp = round(moment * rate)
            stamp = (
                expected
                if expected >= 0 and abs(stamp - expected) <= close
                else max(stamp, expected)
            )
            packet.time_base = Fraction(1, rate)
            packet.pts = packet.dts = stamp
            packet.duration = length or GRID
            expected = stamp + packet.duration
            packets.append(packet)
        return packets


class DecodedSound:
    """A sound track as stereo samples, 48,000 a second, from any moment on.

    Holes in it are silence. It is opened where it is first asked for.
    """

    _container: InputContainer
    _stream: AudioStream

    def __init__(self, source: VideoSource, track: int) -> None:
        self._source = source
        self._track = track
        self._is_open = False
        self._chunks: deque[Samples] = deque()
        self._decoded: Iterator[Samples] = iter(())
        self._low = self._high = -1

    def samples(self, start: int, end: int, checkpoint: Checkpoint) -> Samples:
        """Samples from number `start` to before `end`."""
        if not self._is_open:
            self._open()
        if not (self._low >= 0 and self._low <= start <= self._high + READ_ON_S * RATE):
            self._go_to(start, checkpoint)
        self._forget_before(start - KEPT_SAMPLES)
        while self._high < end and (following := next(self._decoded, None)) is not None:
            checkpoint()
            self._put(following)
        cut = silence(start, end)
        for chunk in self._chunks:
            chunk.copy_into(cut)
        return cut

    def _open(self) -> None:
        self._container = self._source.open(decoders=SOUND_DECODERS)
        self._stream = self._source.sound_streams(self._container)[self._track]
        only(self._container, self._stream)
        self._is_open = True

    def _go_to(self, start: int, checkpoint: Checkpoint) -> None:
        for earlier_s in EARLIER_S:
            moment_s = max(0.0, start / RATE - EARLY_S)
            self._chunks.clear()
            self._low = self._high = max(0, start - KEPT_SAMPLES)
            self._source.seek(self._container, self._stream, moment_s - earlier_s)
            self._decoded = self._decode(moment_s, checkpoint)
            first = next(self._decoded, None)
            if first is not None:
                self._put(first)
            if moment_s - earlier_s <= 0 or (first is not None and first.start <= max(0, start)):
                return

    def _put(self, chunk: Samples) -> None:
        if chunk.start <= self._high + MAX_AHEAD_SAMPLES:
            self._chunks.append(chunk)
            self._high = max(self._high, chunk.end)

    def _forget_before(self, position: int) -> None:
        while self._chunks and self._chunks[0].end <= position:
            self._low = self._chunks.popleft().end

    def _decode(self, from_s: float, checkpoint: Checkpoint) -> Iterator[Samples]:
        context: Any = self._stream.codec_context
        if not sound_decodes(self._stream):
            return
        context.flush_buffers()
        resampler, expected = _resampler(), -1
        for packet in self._source.packets(self._container, self._stream):
            checkpoint()
            moment = self._source.moment(packet)
            if moment is not None and moment < from_s - 0.25:
                continue
            frames: list[AudioFrame] = []
            with despite_bad_data():
                frames = context.decode(packet)
            for frame in frames:
                stamp = self._position(frame)
                try:
                    converted = resampler.resample(frame)
                except BAD_DATA:  # the track changed its form in mid-film
                    resampler, converted = _resampler(), []
                    with despite_bad_data():
                        converted = resampler.resample(frame)
                if stamp is not None and (expected < 0 or abs(stamp - expected) > DRIFT_SAMPLES):
                    expected = stamp
                for part in converted:
                    chunk = _rows(max(expected, 0), part)
                    yield chunk
                    expected = chunk.end

    def _position(self, frame: AudioFrame) -> int | None:
        if frame.pts is None or frame.time_base is None:
            return None
        return round((float(frame.pts * frame.time_base) - self._source.start_s) * RATE)


def _resampler() -> AudioResampler:
    return AudioResampler("fltp", "stereo", RATE)


def _rows(start: int, frame: AudioFrame) -> Samples:
    size_bytes = frame.samples * SAMPLE_BYTES
    left, right = (bytes(memoryview(plane)[:size_bytes]) for plane in frame.planes)
    return Samples(start, (left, right))


class SoundEncoder:
    """Encodes the sound of one segment as AAC, so that it joins its neighbours without a gap or a
    click.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def packets(
        self, sound: DecodedSound, start_s: float, end_s: float, checkpoint: Checkpoint
    ) -> "list[Packet[Any]]":
        """Packets of the grid's frames that begin from `start_s` to before `end_s`."""
        first, behind = grid_frame(start_s), grid_frame(end_s)
        begin = first - PRIMING
        wanted = silence(begin * GRID, (behind + 1) * GRID)
        sound.samples(max(0, begin) * GRID, wanted.end, checkpoint).copy_into(wanted)
        found: list[Packet[Any]] = []
        for number in range(begin, behind + 1):
            found += self._stream.encode(_frame(wanted, number))
        found += self._stream.encode(None)
        kept = [
            packet
            for packet in found
            if packet.pts is not None and first * GRID <= packet.pts < behind * GRID
        ]
        for packet in kept:
            packet.duration = GRID
        return kept


def _frame(samples: Samples, number: int) -> AudioFrame:
    """The frame of this number on the grid."""
    frame = AudioFrame("fltp", "stereo", GRID)
    begin = (number * GRID - samples.start) * SAMPLE_BYTES
    for plane, row in zip(frame.planes, samples.rows, strict=True):
        plane.update(
            bytes(memoryview(row)[begin : begin + GRID * SAMPLE_BYTES]).ljust(
                plane.buffer_size, b"\0"
            )
        )
    frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
    frame.pts = number * GRID
    return frame
