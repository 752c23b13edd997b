"""Reading what the boxes of an MP4 file say of its projection, and surviving what they claim."""

import io
import time
from pathlib import Path

import pytest

from lvs.models import Stereo
from lvs.services.media import mp4_boxes
from lvs.services.media.mp4_boxes import MAX_BOXES, MAX_BYTES, SPHERICAL_V1, VISUAL_ENTRY_BYTES
from lvs.services.media.projection import Container

VR = Path(__file__).parents[4] / "shared" / "media" / "vr"
FTYP = (12).to_bytes(4, "big") + b"ftypisom"


def box(name: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return (8 + len(inside)).to_bytes(4, "big") + name + inside


def film(*in_entry: bytes, in_track: bytes = b"", entry: bytes = b"avc1") -> bytes:
    """An MP4 file with these boxes in its video's sample entry, or in its track."""
    sample = box(entry, bytes(VISUAL_ENTRY_BYTES), *in_entry)
    table = box(b"stbl", box(b"stsd", bytes(8), sample))
    return FTYP + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", table)), in_track))


def stereo(mode: int) -> bytes:
    return box(b"st3d", bytes(4), bytes([mode]))


def sphere(left: float = 0.0, right: float = 0.0) -> bytes:
    bounds = [0, 0, *(round(part * (1 << 32)) for part in (left, right))]
    inside = b"".join(part.to_bytes(4, "big") for part in bounds)
    return box(b"sv3d", box(b"proj", box(b"equi", bytes(4), inside)))


def v1(xml: str) -> bytes:
    return box(b"uuid", SPHERICAL_V1, xml.encode())


def spatial(layout: bytes, packing: bytes = b"") -> bytes:
    packed = box(b"pack", box(b"pkin", bytes(4), packing)) if packing else b""
    eyes = box(b"eyes", box(b"stri", bytes(4), b"\x03"))
    return box(b"vexu", eyes, box(b"proj", box(b"prji", bytes(4), layout)), packed)


def read(content: bytes) -> Container | None:
    return mp4_boxes.read(io.BytesIO(content), len(content))


EQUIRECTANGULAR = "<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (film(), None),
        (film(stereo(2)), Container(None, 360, Stereo.SBS)),
        (film(stereo(4)), Container(None, 360, Stereo.SBS, swapped=True)),
        (film(stereo(1), sphere()), Container("equirect", 360, Stereo.TB)),
        (film(stereo(2), sphere(0.25, 0.25)), Container("equirect", 180, Stereo.SBS)),
        (film(in_track=v1(EQUIRECTANGULAR)), Container("equirect")),
        (
            film(
                in_track=v1(
                    EQUIRECTANGULAR + "<GSpherical:StereoMode>top-bottom</GSpherical:StereoMode>"
                )
            ),
            Container("equirect", 360, Stereo.TB),
        ),
        (film(spatial(b"rect"), entry=b"hvc1"), Container("rectilinear", one_eye=True)),
        (film(spatial(b"hequ"), entry=b"hvc1"), Container("equirect", 180, one_eye=True)),
        (
            film(spatial(b"hequ", b"side"), entry=b"hvc1"),
            Container("equirect", 180, Stereo.SBS),
        ),
        (film(spatial(b"fish"), entry=b"hvc1"), Container("fisheye", 180, one_eye=True)),
        (film(box(b"sv3d", box(b"proj", box(b"cbmp", bytes(12))))), Container("cube")),
        (film(in_track=box(b"uuid", bytes(16), EQUIRECTANGULAR.encode())), None),
    ],
)
def test_the_boxes_say_the_projection(content: bytes, expected: Container | None) -> None:
    assert read(content) == expected


def test_the_boxes_may_stand_behind_the_pictures() -> None:
    content = film(stereo(2))
    pictures = box(b"mdat", bytes(1 << 20))
    assert read(FTYP + pictures + content[len(FTYP) :]) == Container(None, 360, Stereo.SBS)


def nested(depth: int) -> bytes:
    inside = b""
    for _ in range(depth):
        inside = box(b"trak", inside)
    return inside


HOSTILE = {
    "nothing": b"",
    "only a head": FTYP,
    "random": bytes(range(256)) * 400,
    "no MP4": b"\x1a\x45\xdf\xa3" + bytes(1000),
    "a million empty boxes": FTYP + box(b"free") * 1_000_000,
    "a million tracks": FTYP + box(b"moov", box(b"trak") * 1_000_000),
    "nested a thousand deep": FTYP + box(b"moov", nested(1000)),
    "size of nothing": FTYP + (0).to_bytes(4, "big") + b"moov" * 100_000,
    "size smaller than its header": FTYP + (4).to_bytes(4, "big") + b"moov" + bytes(100),
    "larger than the file": FTYP + (0xFFFFFFFF).to_bytes(4, "big") + b"moov" + box(b"trak"),
    "64-bit size": FTYP + (1).to_bytes(4, "big") + b"moov" + b"\xff" * 8 + box(b"trak"),
    "64-bit size of 0": FTYP + (1).to_bytes(4, "big") + b"moov" + bytes(8) + box(b"trak"),
    "endless text": film(in_track=v1("<GSpherical:" * 1_000_000)),
    "many texts": film(in_track=v1("<GSpherical:a>" * 4_000) * 1_000),
    "short payloads": film(box(b"st3d"), box(b"sv3d", box(b"proj", box(b"equi", b"x")))),
    "unknown words": film(stereo(9), spatial(b"????", b"????")),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_structure_costs_little(content: bytes) -> None:
    file = CountingFile(content)
    started = time.thread_time()
    mp4_boxes.read(file, len(content))
    # The bound is 5 ms; the rest is what a busy machine adds to reading a clock.
    assert time.thread_time() - started < 0.05
    assert file.bytes_read <= MAX_BYTES
    assert file.reads <= 3 * MAX_BOXES


class CountingFile(io.BytesIO):
    """A file that counts what is read of it."""

    bytes_read = 0
    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        self.bytes_read += len(got)
        self.reads += 1
        return got


@pytest.mark.skipif(not VR.exists(), reason="the sample videos are not here")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mono-360-v1.mp4", ("equirect", 360, None)),
        ("vr180-side-by-side.mp4", ("equirect", 180, Stereo.SBS)),
        ("tiled-equirect.mp4", ("equirect", 312, Stereo.MONO)),
        ("mvhevc-180-spatial.mov", ("rectilinear", 360, None)),
    ],
)
def test_real_files_are_understood(name: str, expected: tuple[str, int, Stereo | None]) -> None:
    path = VR / name
    with path.open("rb", buffering=0) as file:
        found = mp4_boxes.read(file, path.stat().st_size)
    assert found is not None
    assert (found.layout, round(found.width_degrees), found.stereo) == expected
