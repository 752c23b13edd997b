"""Subtitles that are pictures (Presentation Graphics of Blu-ray, VobSub of DVD), drawn into a film.

Imported by the player worker only. FFmpeg decodes their shapes; their colours, which PyAV does not
pass on, are read from the packets.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

from av.filter import Graph
from av.packet import Packet
from av.subtitles.subtitle import BitmapSubtitle
from av.video.frame import VideoFrame
from msgspec import Struct

from lvs.errors import NotFound
from lvs.services.media.containers import BAD_DATA, despite_bad_data
from lvs.services.playback.filters import TICK
from lvs.services.playback.planner import can_burn
from lvs.services.playback.video_source import VideoSource, only

EARLIER_S = 12.0
"""A subtitle that began so long before a jump's target is still shown."""
LONGEST_S = 30.0
MOST_POINTS = 4096 * 2304
MOST_PARTS = 4
CLOCK = 90_000
PGS_PALETTE, PGS_COMPOSITION = 0x14, 0x16
DVD_COLOURS, DVD_CONTRAST, DVD_END = 3, 4, 0xFF
DVD_LENGTHS = {0: 0, 1: 0, 2: 0, 3: 2, 4: 2, 5: 6, 6: 4}
"""Bytes that follow each command of a sub-picture unit's control sequence."""

Colour = tuple[int, int, int, int]
"""Y, Cb, Cr and how opaque, 0 to 255."""
CLEAR: Colour = (16, 128, 128, 0)


class SubtitlePart(Struct, frozen=True):
    """One picture of a subtitle: its place on the canvas, indexes of colours, and the colours."""

    x: int
    y: int
    width: int
    height: int
    indexes: bytes
    colours: dict[int, Colour]


class SubtitleInterval(Struct, frozen=True):
    """Subtitles on the screen from one moment to another; none where `parts` is empty."""

    start_s: float
    end_s: float
    canvas: tuple[int, int]
    parts: tuple[SubtitlePart, ...]


class PictureSubtitles:
    """Draws one subtitle track into frames of a fixed size."""

    def __init__(self, source: VideoSource, track: int, size: tuple[int, int]) -> None:
        if not can_burn(source.facts, track):
            raise NotFound("The film has no such subtitles.")
        self._source = source
        self._size = size
        self._container = source.open()
        self._stream: Any = self._container.streams.subtitles[track]
        only(self._container, self._stream)
        self._reader = _reader_of(self._stream)
        self._packets: Iterator[Packet[Any]] = iter(())
        self._known: list[SubtitleInterval] = []
        self._read_to_s = self._drawn_to_s = -1.0

    def drawn(
        self, frames: Iterator[VideoFrame], start_s: float, end_s: float
    ) -> Iterator[VideoFrame]:
        """The frames of a stretch of the film with its subtitles on them."""
        if self._drawn_to_s != start_s:
            self._go_to(start_s)
        self._drawn_to_s = end_s
        self._known = [one for one in self._known if one.end_s > start_s]
        self._read(end_s)
        overlay, shown = None, None
        for frame in frames:
            moment_s = (frame.pts or 0) / CLOCK
            now = next((one for one in self._known if one.start_s <= moment_s < one.end_s), None)
            if now is None or not now.parts:
                yield frame
                continue
            if now is not shown or overlay is None:
                overlay, shown = _overlay(now, self._size, frame), now
            overlay.push(frame, 0)
            with despite_bad_data():
                drawn = overlay.pull()
                if isinstance(drawn, VideoFrame):
                    drawn.pict_type = 0  # the encoder decides
                    yield drawn
                    continue
            yield frame

    def _go_to(self, start_s: float) -> None:
        self._known.clear()
        self._read_to_s = max(0.0, start_s - EARLIER_S)
        self._source.seek(self._container, self._stream, self._read_to_s)
        self._packets = self._source.packets(self._container, self._stream)

    def _read(self, end_s: float) -> None:
        """Take in what begins before `end_s`. Each subtitle ends where the next one begins."""
        while self._read_to_s < end_s and (packet := next(self._packets, None)) is not None:
            start_s = self._source.moment(packet)
            if start_s is None:
                continue
            self._read_to_s = start_s
            found = None
            try:
                found = self._shown(packet, start_s)
            except MemoryError:
                raise
            except (*BAD_DATA, IndexError, KeyError):
                found = None
            if found is None:
                continue
            if self._known and self._known[-1].end_s > start_s:
                last = self._known.pop()
                self._known.append(SubtitleInterval(last.start_s, start_s, last.canvas, last.parts))
            self._known.append(found)

    def _shown(self, packet: "Packet[Any]", start_s: float) -> SubtitleInterval | None:
        content = bytes(packet)
        self._reader.take(content)
        found = self._stream.codec_context.decode2(packet)
        if found is None:
            return None
        parts = tuple(
            SubtitlePart(
                rect.x,
                rect.y,
                rect.width,
                rect.height,
                bytes(memoryview(cast("Any", rect.planes[0]))),
                self._reader.colours,
            )
            for rect in found.rects[:MOST_PARTS]
            if isinstance(rect, BitmapSubtitle) and 0 < rect.width * rect.height <= MOST_POINTS
        )
        lasts_s = min(LONGEST_S, found.end_display_time / 1000 or LONGEST_S)  # 2³² − 1: unknown
        return SubtitleInterval(start_s, start_s + lasts_s, self._reader.canvas, parts)


def _overlay(shown: SubtitleInterval, size: tuple[int, int], frame: VideoFrame) -> Graph:
    """A graph that draws these parts on every frame that is pushed into its first input."""
    width, height = size
    scale = width / max(1, shown.canvas[0])
    # A film is often cropped where its subtitles were made for the whole canvas.
    up = (shown.canvas[1] * scale - height) / 2
    graph = Graph()
    under = graph.add_buffer(width=width, height=height, format=frame.format, time_base=TICK)
    pictures = []
    for part in shown.parts:
        wide, high = max(2, round(part.width * scale)), max(2, round(part.height * scale))
        left = max(0, min(width - wide, round(part.x * scale)))
        top = max(0, min(height - high, round(part.y * scale - up)))
        colours = _picture(part)
        picture = graph.add_buffer(
            width=part.width, height=part.height, format=colours.format, time_base=TICK
        )
        sized = graph.add("scale", f"w={wide}:h={high}:flags=bilinear")
        form = graph.add("format", "pix_fmts=yuva420p")
        over = graph.add("overlay", f"x={left}:y={top}:format=yuv420:eof_action=repeat")
        picture.link_to(sized)
        sized.link_to(form)
        under.link_to(over, 0, 0)
        form.link_to(over, 0, 1)
        under = over
        pictures.append(colours)
    sink = graph.add("buffersink")
    under.link_to(sink)
    graph.configure()
    for number, drawn in enumerate(pictures, 1):
        drawn.pts, drawn.time_base = frame.pts, TICK
        graph.push(drawn, number)
        graph.push(None, number)
    return graph


def _picture(part: SubtitlePart) -> VideoFrame:
    """The part as a frame with its colours."""
    frame = VideoFrame(part.width, part.height, "yuva444p")
    for plane, channel in zip(frame.planes, range(4), strict=True):
        table = bytes(part.colours.get(index, CLEAR)[channel] for index in range(256))
        row, line = part.width, plane.line_size
        content = part.indexes.translate(table)
        rows = (content[at : at + row].ljust(line, b"\0") for at in range(0, len(content), row))
        plane.update(b"".join(rows).ljust(plane.buffer_size, b"\0")[: plane.buffer_size])
    return frame


# --- Colours and canvas, which each kind of subtitles says in its own way ---


class _Pgs:
    """Palettes and canvas of Presentation Graphics (patent US 2009/0185789 A1)."""

    def __init__(self, stream: Any) -> None:
        self.canvas = (1920, 1080)
        self._palettes: dict[int, dict[int, Colour]] = {}
        self._used = 0

    @property
    def colours(self) -> dict[int, Colour]:
        return dict(self._palettes.get(self._used, {}))

    def take(self, packet: bytes) -> None:
        at = 0
        while at + 3 <= len(packet):
            kind, size = packet[at], int.from_bytes(packet[at + 1 : at + 3], "big")
            body = packet[at + 3 : at + 3 + size]
            at += 3 + size
            if kind == PGS_COMPOSITION and len(body) >= 11:
                width, height = (int.from_bytes(body[n : n + 2], "big") for n in (0, 2))
                self.canvas = (width or 1920, height or 1080)
                self._used = body[9]
            elif kind == PGS_PALETTE and len(body) >= 2:
                palette = self._palettes.setdefault(body[0], {})
                for n in range(2, len(body) - 4, 5):
                    index, y, cr, cb, opaque = body[n : n + 5]
                    palette[index] = (y, cb, cr, opaque)


class _VobSub:
    """Colours of DVD subtitles: sixteen in the header, of which each unit chooses four."""

    def __init__(self, stream: Any) -> None:
        header = (stream.codec_context.extradata or b"").decode("latin-1")
        size = re.search(r"size:\s*(\d{1,5})x(\d{1,5})", header, re.ASCII)
        self.canvas = (int(size[1]), int(size[2])) if size else (720, 576)
        found = re.search(r"palette:([0-9a-fA-F,\s]+)", header)
        listed = re.findall(r"[0-9a-fA-F]{6}", found[1]) if found else []
        self._palette = [_ycc(int(text, 16)) for text in listed[:16]]
        self.colours: dict[int, Colour] = {}

    def take(self, packet: bytes) -> None:
        at = int.from_bytes(packet[2:4], "big")
        chosen, opaque = [0, 1, 2, 3], [0, 15, 15, 15]
        command_at = at + 4
        while command_at < len(packet) and (command := packet[command_at]) != DVD_END:
            body = packet[command_at + 1 : command_at + 3]
            if command == DVD_COLOURS:
                chosen = _nibbles(body)
            elif command == DVD_CONTRAST:
                opaque = _nibbles(body)
            if command not in DVD_LENGTHS:
                break
            command_at += 1 + DVD_LENGTHS[command]
        fallback = [(16, 128, 128), (235, 128, 128), (16, 128, 128), (126, 128, 128)]
        for index in range(4):
            known = chosen[index] < len(self._palette)
            y, cb, cr = self._palette[chosen[index]] if known else fallback[index]
            self.colours[index] = (y, cb, cr, opaque[index] * 17)
        self.colours = dict(self.colours)


def _reader_of(stream: Any) -> _Pgs | _VobSub:
    is_pgs = stream.codec_context.codec.canonical_name == "hdmv_pgs_subtitle"
    return _Pgs(stream) if is_pgs else _VobSub(stream)


def _nibbles(body: bytes) -> list[int]:
    """The four choices of a command, that of index 0 first."""
    return [body[1] & 15, body[1] >> 4, body[0] & 15, body[0] >> 4]


def _ycc(rgb: int) -> tuple[int, int, int]:
    """A colour by ITU-R BT.709, in the range of broadcasts."""
    red, green, blue = (rgb >> shift & 255 for shift in (16, 8, 0))
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    cb, cr = (blue - y) / 1.8556, (red - y) / 1.5748
    return round(16 + y * 219 / 255), round(128 + cb * 224 / 255), round(128 + cr * 224 / 255)
