"""The part of a film's picture that a poster shows: one eye, and of a sphere its middle."""

import hashlib
from pathlib import Path

from msgspec import Struct

from lvs.models import Projection, Shape, Stereo

WIDE = 16 / 9
SQUEEZED_BESIDE_BELOW = 2.4  # a frame narrower than this holds two eyes squeezed to half
SQUEEZED_ABOVE_FROM = 1.2
# Part of the eye's width that is shown: about 110 degrees of a sphere.
MIDDLE = {Shape.EQUIRECT180: 0.62, Shape.EQUIRECT360: 0.31, Shape.FISHEYE: 0.6}

EYES = frozenset(f"{shape}-{stereo}" for shape in Shape for stereo in Stereo)
"""Every name that `eye_of` gives."""


PLACES = (0.1, 0.25, 0.4, 0.18, 0.33, 0.5, 0.08, 0.6)
"""Parts of the film whose keyframes may become its poster, in the order of trying them."""

DRAWING = 2
"""Version of the way posters are drawn; a greater one has all of them made anew."""


class Crop(Struct, frozen=True):
    """A box in parts of the frame, and the aspect that its picture is to have."""

    left: float
    top: float
    right: float
    bottom: float
    aspect: float


def eye_of(projection: Projection) -> str:
    """Name of the part that this film's poster shows; empty for the whole picture."""
    return f"{projection.shape}-{projection.stereo}" if projection.immersive else ""


def drawing_of(projection: Projection, place: int | None) -> str:
    """Name of the way this film's poster is to be drawn: version, part of the picture, and the
    place in the film that a person chose.
    """
    return drawing(eye_of(projection), place)


def drawing(eye: str, place: int | None) -> str:
    """The same for a part that has a name."""
    return " ".join([f"{DRAWING}", eye, "" if place is None else f"at {place}"]).strip()


def drawing_key(fingerprint: str, place: int | None = None) -> str:
    """Key of the posters of this content: what is drawn in another way has another key."""
    way = f"{fingerprint} {DRAWING} {'' if place is None else place}"
    return hashlib.blake2b(way.encode(), digest_size=8).hexdigest()


def poster_key(key: str, eye: str) -> str:
    """Key of a poster of this content (16 hexadecimal digits) that shows this part."""
    if not eye:
        return key
    return hashlib.blake2b(f"{key} {eye}".encode(), digest_size=8).hexdigest()


def eye_path(path: Path, eye: str) -> Path:
    """The path of a poster that shows this part, in a folder with the posters of whole pictures."""
    if not eye:
        return path
    whole, rest = path.name.split(".", 1)
    key = poster_key(whole, eye)
    return path.parent.parent / key[:2] / f"{key}.{rest}"


def crop_of(projection: Projection, aspect: float) -> Crop:
    """The part of a frame of this aspect that a poster shows."""
    left, top, right, bottom = _eye(projection.stereo)
    width, height = right - left, bottom - top
    if projection.shape is Shape.EAC:
        # Two rows of three faces; the middle of the upper row looks straight ahead.
        thirds = left + width / 3, left + width * 2 / 3
        return _middle(thirds[0], top, thirds[1], top + height / 2, 1.0, 1.0)
    if projection.shape is Shape.FLAT:
        return Crop(left, top, right, bottom, _flat_aspect(projection.stereo, aspect))
    whole = 2.0 if projection.shape is Shape.EQUIRECT360 else 1.0
    return _middle(left, top, right, bottom, whole, MIDDLE[projection.shape])


def _eye(stereo: Stereo) -> tuple[float, float, float, float]:
    """The eye that comes first, whichever it is."""
    if stereo is Stereo.SBS:
        return 0.0, 0.0, 0.5, 1.0
    if stereo is Stereo.TB:
        return 0.0, 0.0, 1.0, 0.5
    return 0.0, 0.0, 1.0, 1.0


def _middle(
    left: float, top: float, right: float, bottom: float, aspect: float, part: float
) -> Crop:
    """The middle of a box whose picture has this aspect: so much of its width, 16:9."""
    across = (right - left) * part
    along = min(bottom - top, (bottom - top) * part * aspect / WIDE)
    x, y = (left + right) / 2, (top + bottom) / 2
    return Crop(x - across / 2, y - along / 2, x + across / 2, y + along / 2, WIDE)


def _flat_aspect(stereo: Stereo, aspect: float) -> float:
    """Aspect of one eye of a flat film: stretched where two were squeezed into one frame."""
    if stereo is Stereo.SBS:
        return aspect if aspect < SQUEEZED_BESIDE_BELOW else aspect / 2
    if stereo is Stereo.TB:
        return aspect if aspect >= SQUEEZED_ABOVE_FROM else aspect * 2
    return aspect
