"""The form by which a person says what shape a film has."""

from typing import Any

from quart import Response, request

from lvs.errors import Invalid
from lvs.filters import readable
from lvs.models import Projection, Shape, Stereo, Video
from lvs.services.media.projection import LENS_NAMES, by_person, in_words
from lvs.web.responses import client, partial, redirect_back, services, wants_partial

MAX_FIELD = 40
SHAPE_LABELS = [
    (Shape.FLAT, "Flat"),
    (Shape.EQUIRECT180, "180°, half a sphere"),
    (Shape.EQUIRECT360, "360°, whole sphere"),
    (Shape.FISHEYE, "Fisheye lens"),
    (Shape.EAC, "360° cube map (EAC)"),
]
STEREO_LABELS = [
    (Stereo.MONO, "One picture for both"),
    (Stereo.SBS, "3D, side by side"),
    (Stereo.TB, "3D, one above the other"),
]


async def choose(media_hash: str) -> Response:
    form = await request.form
    fields = {name: _field(form.get(name, ""), name) for name in ("shape", "stereo", "lens", "fov")}
    chosen = None
    if not form.get("found"):
        chosen = by_person(
            fields["shape"],
            fields["stereo"],
            bool(form.get("swapped")),
            _degrees(fields["fov"]),
            fields["lens"] or None,
        )
    await services().projections.choose(media_hash, chosen, client())
    video = await services().videos.get(media_hash)
    if not wants_partial():
        return redirect_back(f"/v/{media_hash}")
    return partial("projection.html", trigger="projection:changed", **await values_of(video))


async def values_of(video: Video) -> dict[str, Any]:
    """The values that the partial shows of a video."""
    return {
        "media_hash": video.media_hash,
        "projection": video.projection,
        "projection_words": in_words(video.projection),
        "offered": services().projections.offered(video),
        "shapes": SHAPE_LABELS,
        "stereos": STEREO_LABELS,
        "lenses": LENS_NAMES,
    }


def fact_of(projection: Projection) -> str:
    """The projection in words, with the reason for it."""
    return f"{in_words(projection)}. {projection.reason}"


def _field(value: str, name: str) -> str:
    if len(value) > MAX_FIELD:
        raise Invalid(f"The field {name} is too long.")
    return readable(value, name).strip()


def _degrees(value: str) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        raise Invalid("The field of view is an angle between 10 and 360 degrees.") from None
