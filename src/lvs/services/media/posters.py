"""Posters on disk, by content, and the placeholders drawn where there is none."""

import contextlib
import re
import secrets
import textwrap
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from PIL import ImageDraw

Format = Literal["jpg", "webp"]

WIDTHS = (320, 640)
FORMATS: tuple[Format, ...] = ("webp", "jpg")
QUALITY = 80  # of a JPEG, 1 to 100
NOT_YET = "No picture yet"

_KEY = re.compile(r"[0-9a-f]{16}")
_NOTE = re.compile(r"([0-9]{1,18})\.([0-9a-f]{1,64})", re.ASCII)
_FIELD, _FRAME, _HOLE, _INK = "#1b1d22", "#3a3f4a", "#1b1d22", "#b6bcc8"


class PosterFile(Struct, frozen=True):
    """One picture to write: first whole under `partial`, then renamed to `path`.

    `width` is the most it may have.
    """

    width: int
    format: Format
    path: Path
    partial: Path
    place: int | None = None  # of `PLACES` in the film; None: where the best picture is
    quality: int = QUALITY


PosterTarget = tuple[PosterFile, ...]


class PosterStore:
    """Pictures in a folder, named by the fingerprint of the file they show (16 hexadecimal digits).

    A picture never changes once it is there: other content has another key. The methods that touch
    the disk block.
    """

    def __init__(self, folder: Path, quality: int = QUALITY) -> None:
        self.folder = folder
        self._quality = quality
        self._partials = folder / "partial"
        self._candidates = folder / "candidates"

    def prepare(self) -> None:
        """Creates the folder and clears what an interrupted write left in it.

        Raises OSError if it cannot be written.
        """
        self._partials.mkdir(parents=True, exist_ok=True)
        self._candidates.mkdir(exist_ok=True)
        for leftover in self._partials.iterdir():
            leftover.unlink(missing_ok=True)

    def path(self, key: str, width: int, picture_format: Format) -> Path:
        """The path of a poster.

        Raises ValueError for a key, width or format that no poster has.
        """
        if not _KEY.fullmatch(key) or width not in WIDTHS or picture_format not in FORMATS:
            raise ValueError("no poster has that name")
        return self.folder / key[:2] / f"{key}.{width}.{picture_format}"

    def target(self, key: str, place: int | None = None) -> PosterTarget:
        """The target that `ProbePool.probe` needs to write every poster of a key.

        Two targets never write to the same partial file.
        """
        token = secrets.token_hex(8)
        return tuple(
            PosterFile(
                width,
                form,
                self.path(key, width, form),
                self._partials / f"{token}.{width}.{form}",
                place,
                self._quality,
            )
            for width in WIDTHS
            for form in FORMATS
        )

    def has(self, key: str) -> bool:
        """True if every poster of that key is there.

        An empty file, as a power cut may leave one, does not count.
        """
        try:
            return all(
                self.path(key, width, form).stat().st_size for width in WIDTHS for form in FORMATS
            )
        except OSError:
            return False

    def note(self, video_id: int, fingerprint: str) -> None:
        """Note that candidates of a film's poster are drawn now. Raises OSError."""
        (self._candidates / f"{video_id}.{fingerprint}").touch()

    def noted(self, before_s: float) -> list[tuple[int, str]]:
        """Films (id and fingerprint) whose candidates were drawn before this time (seconds since
        1970). Raises OSError.
        """
        if not self._candidates.is_dir():  # nothing can be kept here
            return []
        notes = [path for path in self._candidates.iterdir() if path.stat().st_mtime < before_s]
        found = (_NOTE.fullmatch(path.name) for path in notes)
        return [(int(note[1]), note[2]) for note in found if note]

    def remove(self, video_id: int, fingerprint: str, keys: Iterable[str]) -> None:
        """Remove the posters of these keys, and then the note of that film. Raises OSError."""
        for key in keys:
            for width in WIDTHS:
                for form in FORMATS:
                    self.path(key, width, form).unlink(missing_ok=True)
        (self._candidates / f"{video_id}.{fingerprint}").unlink(missing_ok=True)

    def size_bytes(self) -> int:
        """Bytes that all posters take on disk. Walks the whole folder."""
        total = 0
        for file in self.folder.glob("??/*.*"):
            with contextlib.suppress(OSError):
                total += file.stat().st_size
        return total


@lru_cache(maxsize=64)
def placeholder(message: str = NOT_YET, width: int = 320, picture_format: Format = "jpg") -> bytes:
    """A drawn 16:9 picture that says why there is no poster: a dark field, a strip of film, the
    message.
    """
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - slow to import

    height = width * 9 // 16
    image = Image.new("RGB", (width, height), _FIELD)
    draw = ImageDraw.Draw(image)
    _draw_film(draw, width, height)
    font = ImageFont.load_default(width / 20)
    lines = textwrap.wrap(message, 34, max_lines=3, placeholder=" …") or [NOT_YET]
    draw.multiline_text(
        (width / 2, height * 0.62),
        "\n".join(lines),
        fill=_INK,
        font=font,
        anchor="ma",
        align="center",
    )
    drawn = BytesIO()
    image.save(drawn, "JPEG" if picture_format == "jpg" else "WEBP", quality=80)
    return drawn.getvalue()


def _draw_film(draw: "ImageDraw.ImageDraw", width: int, height: int) -> None:
    """A frame of film with its sprocket holes, in the upper middle."""
    side = height * 0.34
    left, top = (width - side * 1.4) / 2, height * 0.18
    right, bottom = left + side * 1.4, top + side
    draw.rounded_rectangle((left, top, right, bottom), radius=side / 10, fill=_FRAME)
    hole = side / 8
    for place in range(4):
        y = top + (place + 0.5) * side / 4 - hole / 2
        for x in (left + hole * 0.6, right - hole * 1.6):
            draw.rounded_rectangle((x, y, x + hole, y + hole), radius=hole / 4, fill=_HOLE)
    middle_x, middle_y, reach = (left + right) / 2, (top + bottom) / 2, side / 5
    draw.polygon(
        (
            (middle_x - reach * 0.7, middle_y - reach),
            (middle_x - reach * 0.7, middle_y + reach),
            (middle_x + reach, middle_y),
        ),
        fill=_INK,
    )
