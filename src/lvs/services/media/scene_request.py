"""A sheet of scenes: what a worker is asked to draw, and what it says of it."""

import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from lvs.models import Projection

MOST_SCENES = 100
COLUMNS = 10  # of a sheet


class SceneRequest(Struct, frozen=True):
    """A sheet of scenes to draw: up to `count` pictures of a film of this shape and aspect, first
    whole under `partial`, then renamed to `path`.
    """

    count: int
    projection: Projection
    aspect: float
    path: Path
    partial: Path

    def as_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "shape": self.projection.shape.value,
            "stereo": self.projection.stereo.value,
            "aspect": self.aspect,
        }

    def places(self) -> dict[str, Any]:
        """The sheet's places on this machine, for a worker that writes it itself."""
        return {
            "to": os.fsencode(self.path).hex(),
            "partial": os.fsencode(self.partial).hex(),
        }


class SceneTimes(Struct, frozen=True):
    """The time of each picture of a sheet, in seconds, and the size of one."""

    times: tuple[float, ...]
    width: int
    height: int
