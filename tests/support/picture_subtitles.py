"""Films with subtitles that are pictures: a white box for a while, made byte by byte."""

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from support.media import Picture, make_video

CANVAS = (160, 96)
BOX = (40, 60, 80, 24)
"""Left, top, width and height of the box."""
DVD_BOX = (180, 360, 360, 144)
"""The same box on the canvas of a DVD, 720 by 576."""
WHITE_PGS = bytes([235, 128, 128, 255])


def pgs_unit(at_s: float, *, shown: bool) -> bytes:
    """A display set of Presentation Graphics, as in a `.sup` file."""
    stamp = struct.pack(">2sII", b"PG", round(at_s * 90_000), 0)
    left, top, width, height = BOX

    def segment(kind: int, body: bytes) -> bytes:
        return stamp + struct.pack(">BH", kind, len(body)) + body

    thing = struct.pack(">HBBHH", 0, 0, 0, left, top) if shown else b""
    number = round(at_s * 100)
    composition = struct.pack(">HHBHBBBB", *CANVAS, 0x10, number, 0x80, 0, 0, bool(shown)) + thing
    units = [
        segment(0x16, composition),
        segment(0x17, struct.pack(">BBHHHH", 1, 0, left, top, width, height)),
    ]
    if shown:
        # A run of the colour 1, and the line's end.
        line = bytes([0, 0xC0 | width >> 8, width & 255, 1, 0, 0])
        image = struct.pack(">HH", width, height) + line * height
        units += [
            segment(0x14, bytes([0, 0, 1]) + WHITE_PGS),
            segment(
                0x15, struct.pack(">HBB", 0, 0, 0xC0) + struct.pack(">I", len(image))[1:] + image
            ),
        ]
    return b"".join([*units, segment(0x80, b"")])


def dvd_unit(lasts_s: float) -> bytes:
    """A sub-picture unit of a DVD: the box in the colour 1."""
    left, top, width, height = DVD_BOX
    # A run of the colour 1 to the end of the line: 14 zero bits and the colour, twice a field.
    line = bytes([0x00, 0x01])
    field = line * (height // 2)
    pixels = field * 2
    start_at = 4 + len(pixels)
    right, bottom = left + width - 1, top + height - 1
    area = bytes(
        [
            left >> 4,
            (left & 15) << 4 | right >> 8,
            right & 255,
            top >> 4,
            (top & 15) << 4 | bottom >> 8,
            bottom & 255,
        ]
    )
    stop_at = start_at + 4 + 1 + 3 + 3 + 7 + 5 + 1
    start = struct.pack(">HH", 0, stop_at) + b"\x01\x03\x00\x10\x04\x00\xf0\x05" + area
    start += b"\x06" + struct.pack(">HH", 4, 4 + len(field)) + b"\xff"
    stop = struct.pack(">HH", round(lasts_s * 90_000 / 1024), stop_at) + b"\x02\xff"
    body = pixels + start + stop
    return struct.pack(">HH", len(body) + 4, start_at) + body


DVD_PALETTE = ",".join(["000000", "ffffff", "808080", "404040"] * 4)


def add_pgs(film: Path, path: Path, from_s: float, to_s: float) -> Path:
    """The film as Matroska, with a box from one moment to another."""
    sup = io.BytesIO(pgs_unit(from_s, shown=True) + pgs_unit(to_s, shown=False))
    with (
        av.open(str(film)) as source,
        av.open(sup, format="sup") as units,
        av.open(str(path), "w", format="matroska") as output,
    ):
        streams = [output.add_stream_from_template(one) for one in source.streams]
        subtitles = output.add_stream_from_template(units.streams[0])
        packets = [p for p in source.demux() if p.dts is not None]
        for packet in packets:
            packet.stream = streams[packet.stream.index]
        for unit in units.demux():
            if unit.size:
                unit.stream = subtitles
                packets.append(unit)
        for packet in sorted(packets, key=_moment):
            output.mux(packet)
    return path


def add_dvd(film: Path, path: Path, from_s: float, to_s: float) -> Path:
    """The film as Matroska, with a box of a DVD's subtitles."""
    with av.open(str(film)) as source, av.open(str(path), "w", format="matroska") as output:
        streams = [output.add_stream_from_template(one) for one in source.streams]
        subtitles = output.add_stream("dvdsub", options={"palette": DVD_PALETTE})
        packets = [p for p in source.demux() if p.dts is not None]
        for packet in packets:
            packet.stream = streams[packet.stream.index]
        unit = av.Packet(dvd_unit(to_s - from_s))
        unit.time_base, unit.pts = Fraction(1, 1000), round(from_s * 1000)
        unit.dts, unit.duration, unit.stream = unit.pts, round((to_s - from_s) * 1000), subtitles
        for packet in sorted([*packets, unit], key=_moment):
            output.mux(packet)
    return path


def _moment(packet: "av.Packet[Any]") -> float:
    return float((packet.dts or 0) * (packet.time_base or 0))


def grey_film(path: Path, seconds: float, picture: Picture) -> Path:
    """A film without sound to draw on."""
    return make_video(
        path, seconds=seconds, size=CANVAS, frames_per_second=10, picture=picture, keyframe_every=10
    )
