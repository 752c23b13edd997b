"""Decoded pictures: in which shape and which way up they are to be shown."""

from fractions import Fraction
from typing import Any

from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lvs.services.media.containers import PICTURE_DECODERS

COVERS = Disposition.attached_pic | Disposition.timed_thumbnails
TRANSFERS = {16: "pq", 18: "hlg"}
"""Transfer characteristics of a high dynamic range (ITU-T H.273, table 3)."""
STILLS = frozenset({"mjpeg", "png", "gif", "bmp", "webp", "tiff"})


def fraction(value: Any) -> Fraction | None:
    """PyAV's rational number, which is a class of its own since version 19.

    None where it is unset, 0 or infinite.
    """
    return Fraction(value.numerator, value.denominator) if value and value.denominator else None


def stretched_size(width: int, height: int, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Width and height in square points, before any turning. A pixel aspect beyond reason is taken
    for 1:1.
    """
    aspect = pixel_aspect if pixel_aspect and Fraction(1, 8) <= pixel_aspect <= 8 else Fraction(1)
    return max(1, round(width * aspect)), height


def orientation(frame: VideoFrame) -> tuple[int, bool]:
    """The orientation a player must give the frame: first mirror it left to right (if True), then
    turn it so many degrees clockwise.
    """
    try:
        # By name: iterating gives the values before PyAV 19 and the keys since.
        side_data: Any = frame.side_data
        matrix = side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV stumbles over kinds of side data that are newer than it is; the angle it can still
        # tell.
        return -frame.rotation % 360 // 90 * 90, False
    if matrix is None:
        return 0, False
    a, b, _, c, d = memoryview(bytes(matrix)).cast("i")[:5]
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    if abs(a) >= abs(b):
        return (0 if a >= 0 else 180), mirrored
    return (90 if b > 0 else 270), mirrored


def main_picture(streams: "list[VideoStream] | tuple[VideoStream, ...]") -> VideoStream | None:
    """The track that is the film: the default one rather than another, one that moves rather than a
    still, never a cover.
    """
    candidates = [one for one in streams if not one.disposition & COVERS]
    return min(candidates, key=_rank, default=None)


def _rank(stream: VideoStream) -> tuple[bool, bool, bool, int]:
    context: Any = stream.codec_context  # None for a codec FFmpeg has no decoder for
    name = context.codec.name if context is not None else ""
    # Matroska and others do not count their pictures: one of a still's kind gives way to a film's.
    is_still = name in STILLS and stream.frames <= 1
    return (
        is_still,
        name not in PICTURE_DECODERS,
        not stream.disposition & Disposition.default,
        stream.index,
    )
