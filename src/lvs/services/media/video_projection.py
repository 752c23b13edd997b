"""The projection of an opened film, worked out in the probe worker."""

import os
from typing import IO, Any

from av.video.frame import VideoFrame
from msgspec import Struct
from msgspec.structs import asdict
from PIL import Image

from lvs.models import Projection
from lvs.services.media import mp4_boxes, side_data
from lvs.services.media.likeness import likeness
from lvs.services.media.projection import Container, Evidence, Likeness, merged, resolve
from lvs.services.media.projection_json import chosen_of


class FoundProjection(Struct, frozen=True):
    """The evidence of the file, and the projection in force with its name and a person's choice."""

    container: Container | None
    likeness: Likeness
    projection: Projection

    def as_json(self) -> dict[str, Any]:
        """The part that the worker answers with."""
        return {
            "container": asdict(self.container) if self.container else None,
            "likeness": asdict(self.likeness),
        }


def read_projection(
    file: IO[bytes],
    frame: VideoFrame | None,
    picture: Image.Image | None,
    name: str,
    size: tuple[int, int],
    chosen: str | None,
) -> FoundProjection:
    """All there is to know of the projection of this file.

    `picture` is a small one of the frame, `size` the film's as displayed, `chosen` a person's
    choice as it is stored.
    """
    boxes = mp4_boxes.read(file, os.fstat(file.fileno()).st_size)
    beside = side_data.container_of(frame) if frame is not None else None
    container = merged(boxes, beside)
    alike = likeness(picture) if picture is not None else Likeness()
    evidence = Evidence(name, *size, container, alike)
    return FoundProjection(container, alike, chosen_of(chosen) or resolve(evidence))
