"""Films whose colours are coordinates: red says the yaw of a point, green its pitch, blue the eye.

They are written by a process of their own, since a fault of an encoder ends the process it is in.
"""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

LEFT_BLUE, RIGHT_BLUE = 48, 208
SECONDS = 60
SIDE = 512
"""Width and height of an eye's picture of half a sphere."""

Directions = NDArray[np.float64]
"""An array of unit vectors: x to the right, y up, z to the back."""


@dataclass(frozen=True)
class SphereFilm:
    """A film of this projection, by the words of the watch page's data attributes."""

    shape: str
    stereo: str
    swapped: bool = False
    fov: float = 180

    def expected(self, direction: NDArray[np.float64], eye: str) -> list[float] | None:
        """The colour that an eye must see in this direction; None where the film ends."""
        z = direction[2]
        if self.shape == "equirect180" and z > 0:
            return None
        if self.shape == "fisheye" and np.degrees(np.arccos(-z)) > self.fov / 2:
            return None
        blue = RIGHT_BLUE if eye == "right" and self.stereo != "mono" else LEFT_BLUE
        return [float(part) for part in _colours(direction, self.shape, blue)]


def make_sphere_films(folder: Path, films: dict[str, SphereFilm]) -> None:
    """Make a film for each of these names."""
    process = multiprocessing.get_context("spawn").Process(target=_write, args=(folder, films))
    process.start()
    process.join(120)
    assert process.exitcode == 0, f"the encoder ended with {process.exitcode}"


def degrees(colour: Sequence[float], shape: str) -> tuple[float, float]:
    """The yaw and pitch that a colour stands for."""
    return (colour[0] / 127.5 - 1) * _reach(shape), (colour[1] / 127.5 - 1) * 90


def _reach(shape: str) -> float:
    """The yaw, in degrees, that full red stands for."""
    return 180 if shape in ("equirect360", "eac") else 110


def _write(folder: Path, films: dict[str, SphereFilm]) -> None:
    for name, film in films.items():
        _write_film(folder / name, _picture(film))


def _write_film(path: Path, picture: NDArray[np.uint8]) -> None:
    with av.open(str(path), "w") as film:
        film.metadata["comment"] = path.name
        video = film.add_stream(
            "libx264", rate=1, options={"crf": "6", "g": "10", "preset": "ultrafast"}
        )
        video.height, video.width = picture.shape[:2]
        video.pix_fmt = "yuv420p"
        codec = video.codec_context
        codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc = 1, 1, 1, 1
        still = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame = still.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
        for second in range(SECONDS):
            frame.pts, frame.time_base = second, Fraction(1, 1)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))


def _picture(film: SphereFilm) -> NDArray[np.uint8]:
    width = {"equirect360": 2 * SIDE, "eac": 3 * SIDE // 2}.get(film.shape, SIDE)
    directions = _directions(film.shape, width, SIDE, film.fov)
    blues = (LEFT_BLUE, RIGHT_BLUE)
    eyes = [_colours(directions, film.shape, blue) for blue in blues[:: -1 if film.swapped else 1]]
    if film.stereo == "mono":
        return eyes[0]
    return np.concatenate(eyes, axis=1 if film.stereo == "sbs" else 0)


def _colours(directions: Directions, shape: str, blue: int) -> NDArray[np.uint8]:
    x, y, z = np.moveaxis(directions, -1, 0)
    yaw = np.degrees(np.arctan2(x, -z)) / _reach(shape)
    pitch = np.degrees(np.arcsin(np.clip(y, -1, 1))) / 90
    parts = [(yaw + 1) * 127.5, (pitch + 1) * 127.5, np.full_like(x, blue)]
    return np.clip(np.rint(np.stack(parts, axis=-1)), 0, 255).astype(np.uint8)


def _directions(shape: str, width: int, height: int, fov: float) -> Directions:
    """The direction that each point of one eye's picture shows."""
    across = (np.arange(width) + 0.5) / width * 2 - 1
    down = (np.arange(height) + 0.5) / height * 2 - 1
    a, b = np.meshgrid(across, down)
    if shape == "eac":
        return _cube_map(a, b)
    if shape == "fisheye":
        radius = np.hypot(a, b)
        angle = np.minimum(radius * np.radians(fov / 2), np.pi)
        side = np.sin(angle) / np.maximum(radius, 1e-9)
        return np.stack([a * side, -b * side, -np.cos(angle)], axis=-1)
    if shape == "flat":
        return np.stack([a, -b, -np.ones_like(a)], axis=-1) / np.sqrt(a**2 + b**2 + 1)[..., None]
    yaw = a * np.pi / (1 if shape == "equirect360" else 2)
    pitch = -b * np.pi / 2
    flat = np.cos(pitch)
    return np.stack([np.sin(yaw) * flat, np.sin(pitch), -np.cos(yaw) * flat], axis=-1)


def _cube_map(a: Directions, b: Directions) -> Directions:
    """Left, front and right above; below, turned on their side, down, back and up.

    Each face's points lie at equal angles (the equi-angular cube map of Brown, 2017).
    """
    column = np.clip(np.floor((a + 1) * 1.5), 0, 2)
    lower = b > 0
    u = np.tan((((a + 1) * 1.5 - column) * 2 - 1) * np.pi / 4)
    v = np.tan(((b + 1 - lower) * 2 - 1) * np.pi / 4)
    one = np.ones_like(u)
    faces = {
        (0, False): (-one, -v, -u),
        (1, False): (u, -v, -one),
        (2, False): (one, -v, u),
        (0, True): (-v, -one, u),
        (1, True): (-v, u, one),
        (2, True): (-v, one, -u),
    }
    found = np.zeros((*a.shape, 3))
    for (number, below), vector in faces.items():
        chosen = (column == number) & (lower == below)
        found[chosen] = np.stack(vector, axis=-1)[chosen]
    return found / np.linalg.norm(found, axis=-1, keepdims=True)
