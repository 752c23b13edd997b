"""A sheet of small pictures from all along a film, drawn in a worker process."""

from collections.abc import Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from PIL import Image

from lvs.services.media.eye import Crop
from lvs.services.media.scene_request import COLUMNS, MOST_SCENES

if TYPE_CHECKING:
    from lvs.services.media.video_file import VideoFile

TILE_WIDTH, TILE_HEIGHT = 256, 108  # at most
WEBP: dict[str, Any] = {"format": "WEBP", "quality": 60, "method": 2}


Scene = tuple[float, Any]
"""A time in seconds and the frame that is shown then."""


class SceneSheet:
    """Tiles in rows of COLUMNS, each with its time in seconds from the film's start."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._tiles: list[Image.Image] = []

    def add(self, at_s: float, image: Image.Image) -> None:
        """Put a picture behind the others; times ascend."""
        image.thumbnail((TILE_WIDTH, TILE_HEIGHT), Image.Resampling.BILINEAR)
        if self._tiles and image.size != self._tiles[0].size:
            image = image.resize(self._tiles[0].size)
        self.times.append(round(at_s, 3))
        self._tiles.append(image)

    @property
    def tile_size(self) -> tuple[int, int]:
        """Width and height of each tile."""
        return self._tiles[0].size if self._tiles else (0, 0)

    def image(self) -> Image.Image:
        """All tiles in one picture."""
        width, height = self.tile_size
        rows = -(-len(self._tiles) // COLUMNS)
        sheet = Image.new("RGB", (width * min(len(self._tiles), COLUMNS), height * rows))
        for number, tile in enumerate(self._tiles):
            sheet.paste(tile, (number % COLUMNS * width, number // COLUMNS * height))
        return sheet

    def save(self, file: IO[bytes]) -> None:
        """Write all tiles as one WebP picture."""
        self.image().save(file, **WEBP)


def draw_sheet(video: "VideoFile", count: int, crop: Crop | None) -> SceneSheet:
    """Up to `count` keyframes from all along the film, of each that part of the picture."""
    sheet = SceneSheet()
    for at_s, frame in _ascending(video.scenes(count)):
        sheet.add(at_s, video.image(frame, TILE_WIDTH, crop))
    return sheet


def _ascending(scenes: Iterator[Scene]) -> Iterator[Scene]:
    last_s = -1.0
    for at_s, frame in islice(scenes, MOST_SCENES):
        if at_s > last_s:
            yield at_s, frame
            last_s = at_s
