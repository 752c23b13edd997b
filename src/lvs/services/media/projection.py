"""The projection of a film: the surface its picture belongs on, and the place of its two eyes.

A ladder of evidence, of which the first rung that knows an answer wins: a person, the container,
the file's name, else flat. The picture alone is only ever offered, never believed. Pure: it opens
no file, and the probe worker and the server both use it.
"""

import re
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from lvs.errors import Invalid
from lvs.models import Projection, Shape, Stereo

FULL_TURN = 360.0
LENSES: dict[str, tuple[float, str]] = {
    "fisheye": (180.0, "Linear"),
    "fisheye180": (180.0, "Linear"),
    "fisheye190": (190.0, "Linear"),
    "rf52": (190.0, "Linear"),
    "mkx200": (200.0, "MKX200"),
    "mkx220": (220.0, "MKX220"),
    "vrca220": (220.0, "VRCA220"),
}
SHORT_LENSES = {"f180": "fisheye", "f190": "fisheye190"}  # camera models and apertures read alike
LENS_NAMES = ("Linear", "MKX200", "MKX220", "VRCA220")
SPHERES: dict[str, Shape] = {
    "180x180": Shape.EQUIRECT180,
    "vr180": Shape.EQUIRECT180,
    "180x360": Shape.EQUIRECT360,
    "360x180": Shape.EQUIRECT360,
    "vr360": Shape.EQUIRECT360,
    "eac360": Shape.EAC,
}
BARE_SPHERES = {"180": Shape.EQUIRECT180, "360": Shape.EQUIRECT360}
SIDES: dict[str, tuple[Stereo, bool]] = {
    "lr": (Stereo.SBS, False),
    "sbs": (Stereo.SBS, False),
    "3dh": (Stereo.SBS, False),
    "hsbs": (Stereo.SBS, False),
    "rl": (Stereo.SBS, True),
    "tb": (Stereo.TB, False),
    "ou": (Stereo.TB, False),
    "3dv": (Stereo.TB, False),
    "hou": (Stereo.TB, False),
    "bt": (Stereo.TB, True),
}
SIDES_IN_WORDS: dict[tuple[str, ...], str] = {
    ("side", "by", "side"): "sbs",
    ("left", "right"): "lr",
    ("right", "left"): "rl",
    ("over", "under"): "ou",
    ("top", "bottom"): "tb",
    ("bottom", "top"): "bt",
}
LAYOUTS = ("equirect", "fisheye", "eac", "cube", "rectilinear")
FLAT_WORDS = {"2d", "flat"}
NEAR = 2  # tokens between a bare number and the word that makes it a sphere
EXACT, LOOSE = 0.05, 0.15  # the part by which a frame may miss its aspect
ALIKE = 0.75  # correlation of two halves from which on they are two eyes
CONTRAST = (
    3.0  # standard deviation of a half, in grey levels of 255; below, a half is too flat to compare
)
HALF_SPHERE = (170.0, 190.0)
WHOLE_SPHERE_FROM = 350.0

DEFAULT = Projection(reason="Neither the file nor its name says that it is more than a flat film.")
_SEPARATORS = re.compile(r"[ _\-.()\[\]]+")


class Container(Struct, frozen=True):
    """The projection as the file itself states it; None for what it does not state.

    `width_degrees` is the horizontal angle of an equirectangular picture.
    """

    layout: str | None = None  # one of LAYOUTS
    width_degrees: float = FULL_TURN
    stereo: Stereo | None = None
    swapped: bool = False
    one_eye: bool = False  # further eyes lie in layers that players do not show

    @property
    def silent(self) -> bool:
        """True where the file says neither shape nor stereo."""
        return self.layout is None and self.stereo in (None, Stereo.MONO)


class Likeness(Struct, frozen=True):
    """Correlation (−1 to 1) of the picture's halves beside and above each other."""

    beside: float = 0.0
    above: float = 0.0

    def score(self, stereo: Stereo) -> float:
        """The correlation of the two eyes, were the film of this kind."""
        return {Stereo.SBS: self.beside, Stereo.TB: self.above}.get(stereo, 0.0)


class Evidence(Struct, frozen=True):
    """Facts about one film. A width or height of 0 and a likeness of None are not known yet."""

    name: str = ""
    width: int = 0
    height: int = 0
    container: Container | None = None
    likeness: Likeness | None = None


def merged(first: Container | None, second: Container | None) -> Container | None:
    """One statement out of two readings of the same file; the first has precedence."""
    if first is None or second is None:
        return first or second
    layout = first if first.layout is not None else second
    sides = first if first.stereo is not None else second
    return Container(
        layout.layout,
        layout.width_degrees,
        sides.stereo,
        sides.swapped,
        first.one_eye or second.one_eye,
    )


def resolve(evidence: Evidence) -> Projection:
    """Projection that the file and its name give a film, without what a person says."""
    stated = from_container(evidence)
    return stated or from_name(evidence) or DEFAULT


def suggested_stereo(evidence: Evidence, found: Projection) -> Projection | None:
    """Stereo layout that the picture suggests for a film believed to be mono."""
    if found.immersive or found.source in ("person", "container") or evidence.likeness is None:
        return None
    if FLAT_WORDS & set(tokens(evidence.name)):
        return None
    stereo = max((Stereo.SBS, Stereo.TB), key=evidence.likeness.score)
    if evidence.likeness.score(stereo) < ALIKE:
        return None
    return Projection(stereo=stereo, source="picture", reason=f"Looks like 3D, {WORDS[stereo]}.")


def by_person(
    shape: str,
    stereo: str,
    swapped: bool = False,
    fov: float | None = None,
    lens: str | None = None,
) -> Projection:
    """Projection chosen by a person. Raises Invalid, with the allowed words, for any other."""
    if shape not in tuple(Shape):
        raise Invalid(f"Choose a shape: {', '.join(Shape)}.")
    if stereo not in tuple(Stereo):
        raise Invalid(f"Choose a stereo layout: {', '.join(Stereo)}.")
    if lens is not None and lens not in LENS_NAMES:
        raise Invalid(f"Choose a lens: {', '.join(LENS_NAMES)}.")
    if fov is not None and not 10 <= fov <= FULL_TURN:
        raise Invalid("The field of view is an angle between 10 and 360 degrees.")
    chosen = _made(Shape(shape), Stereo(stereo), swapped and stereo != Stereo.MONO)
    if chosen.shape is Shape.FISHEYE:
        lens = lens or "Linear"
        natural = next((angle for angle, name in LENSES.values() if name == lens), None)
        chosen = replace(chosen, lens=lens, fov=fov or natural)
    return replace(chosen, source="person", sure=True, reason="Set by hand.")


def from_container(evidence: Evidence) -> Projection | None:
    """Answer of the container, completed by the name where the container leaves a part open."""
    stated = evidence.container
    if stated is None or stated.silent:
        return None
    shape, says = _stated_shape(stated)
    stereo, swapped = stated.stereo, stated.swapped
    if stated.one_eye:
        stereo, swapped = Stereo.MONO, False
    named = from_name(evidence)
    if named and shape is not Shape.FLAT and stated.stereo is None and not stated.one_eye:
        stereo, swapped = named.stereo, named.swapped  # the V1 box often lacks the stereo layout
    if named and stated.layout is None and named.shape is not Shape.FLAT:
        return replace(named, stereo=stereo or named.stereo, swapped=swapped)
    stereo = stereo or Stereo.MONO
    found = _made(shape, stereo, swapped)
    return replace(
        found, source="container", sure=True, reason=f"The file says so: {says}{_and(stereo)}."
    )


def from_name(evidence: Evidence) -> Projection | None:
    """Answer of the file's name, or None where it holds no word that counts."""
    words = tokens(evidence.name)
    if any(word in FLAT_WORDS for word in words):
        return replace(_made(Shape.FLAT), source="name", sure=True, reason=_says(words, FLAT_WORDS))
    return _lens(words, evidence) or _sphere(words, evidence) or _stereo_only(words, evidence)


def tokens(name: str) -> list[str]:
    """Whole words of a file name without its extension, in lower case."""
    stem = PurePosixPath(name.rpartition("/")[2]).stem
    words = [word for word in _SEPARATORS.split(stem.casefold()) if word]
    for spelled, short in SIDES_IN_WORDS.items():
        size = len(spelled)
        for start in range(len(words) - size, -1, -1):
            if tuple(words[start : start + size]) == spelled:
                words[start : start + size] = [short]
    return words


WORDS = {
    Stereo.MONO: "one picture for both eyes",
    Stereo.SBS: "side by side",
    Stereo.TB: "one above the other",
}


SHAPE_WORDS = {
    Shape.FLAT: "flat",
    Shape.EQUIRECT180: "180°",
    Shape.EQUIRECT360: "360°",
    Shape.FISHEYE: "fisheye",
    Shape.EAC: "360° cube map",
}


def in_words(projection: Projection) -> str:
    """Shape and stereo for people: `180°, side by side, eyes swapped`."""
    shape = SHAPE_WORDS[projection.shape]
    if projection.shape is Shape.FISHEYE and projection.fov:
        shape = f"{shape} {projection.fov:g}°"
    swapped = ", eyes swapped" if projection.swapped else ""
    return f"{shape}{_and(projection.stereo)}{swapped}"


def _lens(words: list[str], evidence: Evidence) -> Projection | None:
    place = next((at for at, word in enumerate(words) if word in LENSES), None)
    if place is None:
        place = next((at for at, word in enumerate(words) if _short_lens(words, at)), None)
    if place is None:
        return None
    word = words[place]
    angle, lens = LENSES[SHORT_LENSES.get(word, word)]
    stereo, swapped = _side(words) or (Stereo.SBS, False)
    if "mono" in words:
        stereo, swapped = Stereo.MONO, False
    # The plain word is one that people use of lenses, too.
    if word == "fisheye" and not _side(words) and not _believed(Shape.FISHEYE, stereo, evidence):
        return None
    made = _made(Shape.FISHEYE, stereo, swapped)
    return replace(
        made, fov=angle, lens=lens, source="name", sure=True, reason=_says(words, {word})
    )


def _short_lens(words: list[str], at: int) -> bool:
    if words[at] not in SHORT_LENSES:
        return False
    beside = words[max(0, at - 1) : at] + words[at + 1 : at + 2]
    return at == len(words) - 1 or any(word in SIDES for word in beside)


def _sphere(words: list[str], evidence: Evidence) -> Projection | None:
    strong = next((word for word in words if word in SPHERES), None)
    if strong is None:
        return _bare_sphere(words, evidence)
    shape = SPHERES[strong]
    side = _side(words)
    stereo, swapped = side or (_usual_stereo(shape, evidence), False)
    if "mono" in words:
        stereo, swapped = Stereo.MONO, False
    said = {strong} | ({word for word in words if word in SIDES} if side else set())
    return replace(
        _made(shape, stereo, swapped), source="name", sure=True, reason=_says(words, said)
    )


def _usual_stereo(shape: Shape, evidence: Evidence) -> Stereo:
    """Stereo layout of a sphere whose name does not tell it: the one that makes the frame fit."""
    for stereo in (Stereo.MONO, Stereo.SBS, Stereo.TB):
        if evidence.width and _fits_whole(shape, stereo, evidence, EXACT):
            return stereo
    return Stereo.SBS if shape is Shape.EQUIRECT180 else Stereo.MONO


def _bare_sphere(words: list[str], evidence: Evidence) -> Projection | None:
    """A plain 180 or 360, which counts only in the right company."""
    for at, word in enumerate(words):
        shape = BARE_SPHERES.get(word)
        if shape is None:
            continue
        near = _near(words, at)
        if near is not None:
            stereo, swapped = SIDES.get(words[near], (Stereo.MONO, False))
            if _believed(shape, stereo, evidence):
                said = _says(words, {word, words[near]})
                made = _made(shape, stereo, swapped)
                return replace(made, source="name", sure=True, reason=said)
        elif at == len(words) - 1 and evidence.width:
            found = _last_word(shape, evidence)
            if found is not None:
                return replace(found, source="name", reason=_says(words, {word}))
    return None


def _near(words: list[str], at: int) -> int | None:
    """Place of the nearest stereo word, or `mono`, at most two words away."""
    places = [
        place
        for place in range(max(0, at - NEAR), min(len(words), at + NEAR + 1))
        if words[place] in SIDES or words[place] == "mono"
    ]
    return min(places, key=lambda place: abs(place - at), default=None)


def _last_word(shape: Shape, evidence: Evidence) -> Projection | None:
    """A sphere whose name ends in its angle, if the frame is 2:1 or 1:1."""
    aspect = evidence.width / evidence.height if evidence.height else 0.0
    likeness = evidence.likeness
    if _close(aspect, 2.0, EXACT):
        return _made(shape, Stereo.SBS if shape is Shape.EQUIRECT180 else Stereo.MONO)
    if not _close(aspect, 1.0, EXACT):
        return None
    if shape is Shape.EQUIRECT360:
        # A whole sphere for one eye is 2:1, so a square holds two: or it is a square film.
        alike = likeness is None or likeness.above >= ALIKE
        return _made(shape, Stereo.TB) if alike else None
    if likeness and max(likeness.beside, likeness.above) >= ALIKE:
        return _made(shape, max((Stereo.SBS, Stereo.TB), key=likeness.score))
    return _made(shape)


def _stereo_only(words: list[str], evidence: Evidence) -> Projection | None:
    """Flat 3D: a stereo word, and two halves of the picture that are alike."""
    side = _side(words)
    if side is None or evidence.likeness is None or evidence.likeness.score(side[0]) < ALIKE:
        return None
    said = _says(words, {word for word in words if word in SIDES})
    return replace(
        _made(Shape.FLAT, *side),
        source="name",
        sure=True,
        reason=f"{said.removesuffix('.')}, and the halves of the picture are alike.",
    )


def _side(words: list[str]) -> tuple[Stereo, bool] | None:
    return next((SIDES[word] for word in words if word in SIDES), None)


def _believed(shape: Shape, stereo: Stereo, evidence: Evidence) -> bool:
    """True where the frame fits, or fits roughly and shows two eyes.

    Half spheres are often kept in 16:9. A frame of unknown size fits.
    """
    if not evidence.width or not evidence.height or _fits(shape, stereo, evidence):
        return True
    alike = evidence.likeness is not None and evidence.likeness.score(stereo) >= ALIKE
    return alike and _fits_whole(shape, stereo, evidence, LOOSE)


def _fits(shape: Shape, stereo: Stereo, evidence: Evidence) -> bool:
    """True where one eye is as such a film's, whole or squeezed to half."""
    if _fits_whole(shape, stereo, evidence, EXACT):
        return True
    if stereo is Stereo.MONO:
        return False
    squeeze = 0.5 if stereo is Stereo.SBS else 2.0
    return _close(_eye_aspect(stereo, evidence), _aspect(shape) * squeeze, EXACT)


def _fits_whole(shape: Shape, stereo: Stereo, evidence: Evidence, slack: float) -> bool:
    return _close(_eye_aspect(stereo, evidence), _aspect(shape), slack)


def _eye_aspect(stereo: Stereo, evidence: Evidence) -> float:
    aspect = evidence.width / evidence.height if evidence.height else 0.0
    return {Stereo.SBS: aspect / 2, Stereo.TB: aspect * 2}.get(stereo, aspect)


def _aspect(shape: Shape) -> float:
    """Width of one eye's picture by its height."""
    return {Shape.EQUIRECT360: 2.0, Shape.EAC: 1.5}.get(shape, 1.0)


def _close(value: float, wanted: float, slack: float) -> bool:
    return abs(value - wanted) <= slack * wanted


def _stated_shape(stated: Container) -> tuple[Shape, str]:
    """Shape of what a container says, and the words for it."""
    if stated.layout == "equirect":
        if stated.width_degrees >= WHOLE_SPHERE_FROM:
            return Shape.EQUIRECT360, "360 degrees"
        if HALF_SPHERE[0] <= stated.width_degrees <= HALF_SPHERE[1]:
            return Shape.EQUIRECT180, "180 degrees"
        return Shape.FLAT, f"{stated.width_degrees:.0f} degrees, a part of a panorama"
    if stated.layout == "fisheye":
        return Shape.FISHEYE, "fisheye"
    if stated.layout == "eac":
        return Shape.EAC, "360 degrees, a cube map"
    if stated.layout == "cube":
        return Shape.FLAT, "a cube map, which LVS shows flat"
    return Shape.FLAT, "a flat picture"


def _made(shape: Shape, stereo: Stereo = Stereo.MONO, swapped: bool = False) -> Projection:
    fov = {Shape.FLAT: None, Shape.EQUIRECT360: 360.0, Shape.EAC: 360.0}.get(shape, 180.0)
    lens = "Linear" if shape is Shape.FISHEYE else None
    return Projection(shape, stereo, swapped, fov, lens)


def _and(stereo: Stereo) -> str:
    return "" if stereo is Stereo.MONO else f", {WORDS[stereo]}"


def _says(words: list[str], said: set[str]) -> str:
    """Sentence with the words of the name that decided."""
    quoted = "_".join(word.upper() for word in words if word in said)
    return f"The name says so: {quoted}."
