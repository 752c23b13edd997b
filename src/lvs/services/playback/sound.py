"""The sound of one segment: packets as they are in the file, or AAC made on a grid that all segments share.

Imported by the player worker only.
"""

import math
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet

from lvs.services.media.containers import BAD_DATA, despite_bad_data
from lvs.services.playback.film_source import FilmSource, only
from lvs.services.playback.picture import Checkpoint

RATE = 48_000
GRID = 1024
PRIMING = 2
"""Frames that are encoded before a segment's first and dropped: an encoder needs them to begin without a click."""
DRIFT_SAMPLES = RATE // 20
EARLY_S = 0.35
EARLIER_S = (0.0, 2.0, 15.0)
READ_ON_S = 5.0
KEPT_SAMPLES = 8 * GRID
MAX_AHEAD_SAMPLES = 60 * RATE

Samples = npt.NDArray[np.float32]


def grid_frame(moment_s: float) -> int:
    """Number of the first frame of the sound grid at or after this moment."""
    return math.ceil(moment_s * RATE / GRID - 1e-6)


class CopiedSound:
    """Takes the packets of a sound track as they are: those that begin within a segment."""

    def __init__(self, source: FilmSource, track: int, cuts: tuple[float, ...]) -> None:
        self._source = source
        self._container = source.open()
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
        while (packet := next(self._packets, None)) is not None:  # `yield from` would end them where a segment ends
            yield packet

    def _on_grid(self, found: "list[tuple[float, Packet[Any]]]") -> "list[Packet[Any]]":
        """Packets follow each other to the sample where the container's clock is too coarse to say so."""
        rate = self._stream.rate or RATE
        close, expected, packets = rate // 250, -1, []
        for moment, packet in found:
            length = round(float((packet.duration or 0) * (packet.time_base or 0)) * rate)
            if abs(length - GRID) <= close:
                length = GRID
            stamp = round(moment * rate)
            stamp = expected if expected >= 0 and abs(stamp - expected) <= close else max(stamp, expected)
            packet.time_base = Fraction(1, rate)
            packet.pts = packet.dts = stamp
            packet.duration = length or GRID
            expected = stamp + packet.duration
            packets.append(packet)
        return packets


class DecodedSound:
    """A sound track as stereo samples, 48,000 a second, from any moment on. Holes in it are silence."""

    def __init__(self, source: FilmSource, track: int) -> None:
        self._source = source
        self._container = source.open()
        self._stream = source.sound_streams(self._container)[track]
        only(self._container, self._stream)
        self._chunks: deque[tuple[int, Samples]] = deque()
        self._decoded: Iterator[tuple[int, Samples]] = iter(())
        self._low = self._high = -1

    def samples(self, start: int, end: int, checkpoint: Checkpoint) -> Samples:
        """Samples from number `start` to before `end`, two rows."""
        if not (self._low >= 0 and self._low <= start <= self._high + READ_ON_S * RATE):
            self._go_to(start, checkpoint)
        self._forget_before(start - KEPT_SAMPLES)
        while self._high < end and (following := next(self._decoded, None)) is not None:
            checkpoint()
            self._put(*following)
        return self._cut(start, end)

    def _go_to(self, start: int, checkpoint: Checkpoint) -> None:
        for earlier_s in EARLIER_S:
            moment_s = max(0.0, start / RATE - EARLY_S)
            self._chunks.clear()
            self._low = self._high = max(0, start - KEPT_SAMPLES)
            self._source.seek(self._container, self._stream, moment_s - earlier_s)
            self._decoded = self._decode(moment_s, checkpoint)
            first = next(self._decoded, None)
            if first is not None:
                self._put(*first)
            if moment_s - earlier_s <= 0 or (first is not None and first[0] <= start):
                return

    def _put(self, position: int, chunk: Samples) -> None:
        if position <= self._high + MAX_AHEAD_SAMPLES:
            self._chunks.append((position, chunk))
            self._high = max(self._high, position + chunk.shape[1])

    def _forget_before(self, position: int) -> None:
        while self._chunks and self._chunks[0][0] + self._chunks[0][1].shape[1] <= position:
            self._chunks.popleft()
            self._low = position

    def _cut(self, start: int, end: int) -> Samples:
        cut = np.zeros((2, end - start), np.float32)
        for position, chunk in self._chunks:
            first, last = max(start, position), min(end, position + chunk.shape[1])
            if first < last:
                cut[:, first - start : last - start] = chunk[:, first - position : last - position]
        return cut

    def _decode(self, from_s: float, checkpoint: Checkpoint) -> Iterator[tuple[int, Samples]]:
        context: Any = self._stream.codec_context
        if context is None:
            return
        context.flush_buffers()
        resampler, expected = AudioResampler("fltp", "stereo", RATE), -1
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
                    resampler, converted = AudioResampler("fltp", "stereo", RATE), []
                    with despite_bad_data():
                        converted = resampler.resample(frame)
                if stamp is not None and (expected < 0 or abs(stamp - expected) > DRIFT_SAMPLES):
                    expected = stamp
                for part in converted:
                    chunk: Samples = part.to_ndarray()
                    expected = max(expected, 0)
                    yield expected, chunk
                    expected += chunk.shape[1]

    def _position(self, frame: AudioFrame) -> int | None:
        if frame.pts is None or frame.time_base is None:
            return None
        return round((float(frame.pts * frame.time_base) - self._source.start_s) * RATE)


class SoundEncoder:
    """Encodes the sound of one segment as AAC, so that it joins its neighbours without a gap or a click."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def packets(self, sound: DecodedSound, start_s: float, end_s: float, checkpoint: Checkpoint) -> "list[Packet[Any]]":
        """Packets of the grid's frames that begin from `start_s` to before `end_s`."""
        first, behind = grid_frame(start_s), grid_frame(end_s)
        begin = first - PRIMING
        wanted = sound.samples(max(0, begin) * GRID, (behind + 1) * GRID, checkpoint)
        if begin < 0:
            wanted = np.pad(wanted, ((0, 0), (-begin * GRID, 0)))
        found: list[Packet[Any]] = []
        for number in range(behind + 1 - begin):
            part = np.ascontiguousarray(wanted[:, number * GRID : (number + 1) * GRID])
            frame = AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
            frame.pts = (begin + number) * GRID
            found += self._stream.encode(frame)
        found += self._stream.encode(None)
        kept = [packet for packet in found if packet.pts is not None and first * GRID <= packet.pts < behind * GRID]
        for packet in kept:
            packet.duration = GRID
        return kept
