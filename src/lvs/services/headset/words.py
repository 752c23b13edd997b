"""The words of HereSphere and DeoVR for what LVS knows of a film.

Neither publishes a specification; the members are those that servers in daily use answer with.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from lvs.models import Chapter, Projection, Shape, Stereo, tag_key

TAG = "Tag:"
READ_ONLY = ("Folder:", "Year:", "Views:", "Rating:")
RATING = "Rating:"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 24 * 3600 * 1000
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999

HERESPHERE_SHAPES = {
    Shape.FLAT: "perspective",
    Shape.EQUIRECT180: "equirectangular",
    Shape.EQUIRECT360: "equirectangular360",
    Shape.FISHEYE: "fisheye",
    Shape.EAC: "equiangularCubemap",
}
DEOVR_SHAPES = {Shape.FLAT: "flat", Shape.EQUIRECT180: "dome", Shape.EQUIRECT360: "sphere"}
DEOVR_STEREO = {Stereo.MONO: "off", Stereo.SBS: "sbs", Stereo.TB: "tb"}
DEOVR_LENSES = {"MKX200": "mkx200", "MKX220": "mkx220", "VRCA220": "mkx220"}
RF52_DEGREES = 190.0


def day(unix_ms: int) -> str:
    """A date as `YYYY-MM-DD`. HereSphere crashes over any other."""
    return _date(min(max(unix_ms, 0), _LATEST_MS) // DAY_MS)


@lru_cache(1000)
def _date(days: int) -> str:
    """The same for days since 1970: many films were added on one."""
    return f"{_EPOCH + timedelta(days=days):%Y-%m-%d}"


def tag_members(names: Iterable[str]) -> list[dict[str, Any]]:
    """A film's own tags. A time on them would put them on the time line."""
    return [{"name": f"{TAG}{name}"} for name in names]


def read_only_names(folder: str, year: str, views: int, rating: int) -> list[str]:
    """The names that a player may filter by and cannot change; empty ones are left out."""
    values = (folder, year, str(views) if views else "", str(rating) if rating else "")
    return [f"{prefix}{value}" for prefix, value in zip(READ_ONLY, values, strict=True) if value]


def chapter_members(chapters: Sequence[Chapter]) -> list[dict[str, Any]]:
    """Chapters as tags on the first track of the time line."""
    return [
        {"name": each.name, "start": each.start_ms, "end": each.end_ms, "track": 0}
        for each in chapters
    ]


def heresphere_projection(projection: Projection) -> dict[str, Any]:
    """HereSphere's members for a shape. Where LVS is not sure, the player guesses better."""
    if not projection.sure:
        return {}
    members: dict[str, Any] = {
        "projection": HERESPHERE_SHAPES[projection.shape],
        "stereo": projection.stereo.value,
        "isEyeSwapped": projection.swapped,
    }
    if projection.shape is not Shape.FLAT:
        # An angle counts only beside a lens.
        members |= {"fov": projection.fov or 180.0, "lens": projection.lens or "Linear"}
    return members


def deovr_projection(projection: Projection) -> dict[str, Any]:
    """DeoVR's members for a shape. A shape that is sent hides the player's own control."""
    screen = _deovr_screen(projection)
    if not projection.sure or screen is None:
        return {}
    return {
        "is3d": projection.stereo is not Stereo.MONO,
        "screenType": screen,
        "stereoMode": DEOVR_STEREO[projection.stereo],
    }


def _deovr_screen(projection: Projection) -> str | None:
    if projection.shape is Shape.FISHEYE:
        rf52 = projection.fov == RF52_DEGREES
        return DEOVR_LENSES.get(projection.lens or "", "rf52" if rf52 else "fisheye")
    return DEOVR_SHAPES.get(projection.shape)


def category(name: str) -> dict[str, Any]:
    """A tag as DeoVR's category, with a number that stays the same for the same tag."""
    return {"tag": {"id": zlib.crc32(tag_key(name).encode()) & 0x7FFFFFFF, "name": name}}
