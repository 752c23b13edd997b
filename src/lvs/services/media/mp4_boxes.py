"""A reader of the few MP4 boxes that say how a film is to be projected.

FFmpeg drops a spherical V1 box that lacks one of its members, and PyAV fails on Apple's spatial
films, so the boxes are read here as well (ISO/IEC 14496-12; Google's Spherical Video V1 and V2;
Apple's QuickTime and ISO BMFF spatial extensions). A file may claim any structure: the reader
takes at most `MAX_BOXES` boxes, `MAX_BYTES` bytes and `MAX_CPU_S` seconds of the processor, and
then answers with what it has.
"""

import re
import struct
import time
from collections.abc import Iterator
from typing import IO

from msgspec import Struct, field

from lvs.models import Stereo
from lvs.services.media.projection import FULL_TURN, Container

MAX_BOXES = 2_000
MAX_BYTES = 64 << 10
MAX_CPU_S = 0.005
MAX_DEPTH = 12  # moov trak mdia minf stbl stsd avc1 sv3d proj equi are ten
SPHERICAL_V1 = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
VISUAL_ENTRY_BYTES = 78  # of a VisualSampleEntry before its boxes
# Boxes that hold boxes, and the bytes before the first of them.
PARENTS = {
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
    b"stsd": 8,
    b"sv3d": 0,
    b"proj": 0,
    b"vexu": 0,
    b"eyes": 0,
    b"pack": 0,
}
VIDEO_ENTRIES = frozenset(
    (
        b"avc1",
        b"avc3",
        b"hvc1",
        b"hev1",
        b"dvh1",
        b"dvhe",
        b"av01",
        b"vp08",
        b"vp09",
        b"mp4v",
        b"apch",
    )
)
APPLE_LAYOUTS = {
    b"rect": ("rectilinear", FULL_TURN),
    b"hequ": ("equirect", 180.0),
    b"equi": ("equirect", FULL_TURN),
    b"fish": ("fisheye", 180.0),
}
APPLE_PACKING = {b"side": Stereo.SBS, b"over": Stereo.TB}
V1_STEREO = {
    "mono": (Stereo.MONO, False),
    "left-right": (Stereo.SBS, False),
    "right-left": (Stereo.SBS, True),
    "top-bottom": (Stereo.TB, False),
}
STEREO_MODES = {
    0: (Stereo.MONO, False),
    1: (Stereo.TB, False),
    2: (Stereo.SBS, False),
    4: (Stereo.SBS, True),
}
LEAVES = frozenset((b"uuid", b"st3d", b"equi", b"cbmp", b"prji", b"stri", b"pkin"))
_V1_MEMBER = re.compile(r"<GSpherical:(\w+)>\s*([^<]{0,40}?)\s*</GSpherical:")


class BoxReader(Struct):
    """A file with what may still be spent on it."""

    file: IO[bytes]
    size_bytes: int
    boxes_left: int = MAX_BOXES
    bytes_left: int = MAX_BYTES
    ends_at: float = field(default_factory=lambda: time.thread_time() + MAX_CPU_S)

    def read(self, place: int, wanted_bytes: int) -> bytes:
        """At most so many bytes from there; fewer at the end of the file or of the allowance."""
        wanted_bytes = min(wanted_bytes, self.bytes_left, self.size_bytes - place)
        if wanted_bytes <= 0:
            return b""
        self.file.seek(place)
        got = self.file.read(wanted_bytes)
        self.bytes_left -= len(got)
        return got

    def spend_box(self) -> bool:
        """Count one more box; False once too many were read, or for too long."""
        self.boxes_left -= 1
        return self.boxes_left >= 0 and self.bytes_left > 0 and time.thread_time() < self.ends_at


def read(file: IO[bytes], size_bytes: int) -> Container | None:
    """Projection that the boxes of an MP4 file state; None where they say nothing of it.

    Never raises for what the file holds. Raises OSError if the disk fails.
    """
    reader = BoxReader(file, size_bytes)
    if reader.read(4, 4) not in (b"ftyp", b"moov", b"wide", b"free", b"skip", b"mdat"):
        return None
    found: dict[bytes, bytes] = {}
    for name, payload in _leaves(reader, 0, size_bytes, b""):
        found.setdefault(name, payload)
    return _understood(found) if found else None


def _leaves(
    reader: BoxReader, start: int, end: int, parent: bytes, depth: int = 1
) -> Iterator[tuple[bytes, bytes]]:
    """Boxes worth reading between two places, in the order of the file."""
    if depth > MAX_DEPTH:
        return
    for name, place, box_end in _boxes(reader, start, end):
        if name in PARENTS:
            yield from _leaves(reader, place + PARENTS[name], box_end, name, depth + 1)
        elif parent == b"stsd" and name in VIDEO_ENTRIES:
            yield from _leaves(reader, place + VISUAL_ENTRY_BYTES, box_end, name, depth + 1)
        elif name == b"uuid" and parent == b"trak":
            if reader.read(place, 16) == SPHERICAL_V1:
                yield name, reader.read(place + 16, box_end - place - 16)
        elif name in LEAVES and name != b"uuid":
            yield name, reader.read(place, min(box_end - place, 64))


def _boxes(reader: BoxReader, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, place of the content and end of each box between two places."""
    place = start
    while place + 8 <= end and reader.spend_box():
        head = reader.read(place, 16)
        if len(head) < 8:
            return
        size, name, content = int.from_bytes(head[:4], "big"), head[4:8], place + 8
        if size == 1:
            size, content = int.from_bytes(head[8:16], "big"), place + 16
        box_end = end if size == 0 else min(end, place + size)
        if box_end < content:
            return  # a box that is smaller than its own header: nothing behind it can be found
        yield name, content, box_end
        place = box_end


def _understood(found: dict[bytes, bytes]) -> Container | None:
    stereo, swapped = _stereo(found)
    layout, width = _layout(found)
    one_eye = b"stri" in found and b"pkin" not in found
    if layout is None and stereo is None and not one_eye:
        return None
    return Container(layout, width, stereo, swapped, one_eye)


def _stereo(found: dict[bytes, bytes]) -> tuple[Stereo | None, bool]:
    if len(found.get(b"st3d", b"")) >= 5:
        return STEREO_MODES.get(found[b"st3d"][4], (None, False))
    if b"pkin" in found:
        return APPLE_PACKING.get(found[b"pkin"][4:8]), False
    mode = _v1(found).get("StereoMode", "").casefold()
    return V1_STEREO.get(mode, (None, False))


def _layout(found: dict[bytes, bytes]) -> tuple[str | None, float]:
    if b"prji" in found:
        return APPLE_LAYOUTS.get(found[b"prji"][4:8], (None, FULL_TURN))
    if len(found.get(b"equi", b"")) >= 20:
        left, right = struct.unpack(">8x4x2I", found[b"equi"][:20])[:2]
        return "equirect", FULL_TURN * (1 - (left + right) / (1 << 32))
    if b"cbmp" in found:
        return "cube", FULL_TURN
    return _v1_layout(_v1(found))


def _v1(found: dict[bytes, bytes]) -> dict[str, str]:
    """Members of the V1 XML, read as text: no XML parser ever sees what a stranger wrote."""
    return dict(_V1_MEMBER.findall(found.get(b"uuid", b"").decode("utf-8", "replace")))


def _v1_layout(members: dict[str, str]) -> tuple[str | None, float]:
    if members.get("ProjectionType", "").casefold() != "equirectangular":
        return None, FULL_TURN
    full = members.get("FullPanoWidthPixels", "")
    part = members.get("CroppedAreaImageWidthPixels", "")
    if full.isdecimal() and part.isdecimal() and 0 < int(part) < int(full):
        return "equirect", FULL_TURN * int(part) / int(full)
    return "equirect", FULL_TURN
