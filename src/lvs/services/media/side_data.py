"""Projection in the side data of a decoded frame. For the probe worker: it imports the decoder.

Layouts of FFmpeg's `AVSphericalMapping` and `AVStereo3D` as they lie in memory, little-endian.
"""

import struct
from contextlib import suppress
from typing import Any

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from lvs.models import Stereo
from lvs.services.media.projection import FULL_TURN, Container

LAYOUTS = {
    0: ("equirect", FULL_TURN),
    1: ("cube", FULL_TURN),
    3: ("equirect", 180.0),
    4: ("rectilinear", FULL_TURN),
    5: ("fisheye", 180.0),
}
TILED = 2  # equirectangular with bounds
STEREO = {0: Stereo.MONO, 1: Stereo.SBS, 2: Stereo.TB}
SWAPPED = 1


def side_data(frame: VideoFrame, name: str) -> bytes | None:
    """Bytes of one kind of side data, None where the frame carries none.

    Iterating differs between PyAV 18 (values) and 19 (keys); looking one kind up does not.
    PyAV 18 raises ValueError for a frame that carries a kind it does not know.
    """
    with suppress(ValueError):
        sides: Any = frame.side_data
        found = sides.get(Type[name])
        return bytes(found) if found is not None else None
    return None


def container_of(frame: VideoFrame) -> Container | None:
    """Projection that came with a frame, out of its container or its bitstream."""
    return parsed_projection(side_data(frame, "SPHERICAL"), side_data(frame, "STEREO3D"))


def parsed_projection(spherical: bytes | None, stereo3d: bytes | None) -> Container | None:
    """Meaning of the two structures; what is too short or unknown says nothing."""
    layout, width = _layout(spherical or b"")
    stereo, swapped = _stereo(stereo3d or b"")
    if layout is None and stereo is None:
        return None
    return Container(layout, width, stereo, swapped)


def _layout(spherical: bytes) -> tuple[str | None, float]:
    if len(spherical) < 32:
        return None, FULL_TURN
    kind, left, _, right, _ = struct.unpack_from("<i12x4I", spherical)
    if kind == TILED:
        return "equirect", FULL_TURN * (1 - (left + right) / (1 << 32))
    return LAYOUTS.get(kind, (None, FULL_TURN))


def _stereo(stereo3d: bytes) -> tuple[Stereo | None, bool]:
    if len(stereo3d) < 8:
        return None, False
    kind, flags = struct.unpack_from("<ii", stereo3d)
    stereo = STEREO.get(kind)
    return stereo, bool(flags & SWAPPED) and stereo not in (None, Stereo.MONO)
