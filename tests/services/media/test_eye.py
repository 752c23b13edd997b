"""The part of a picture that a poster shows."""

import struct
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from lvs.models import Projection, Shape, Stereo
from lvs.services.media.eye import crop_of, eye_of, eye_path, poster_key
from lvs.services.media.likeness import likeness
from lvs.services.media.projection import ALIKE, Container
from lvs.services.media.side_data import parsed_projection

KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    ("projection", "aspect", "box", "shown"),
    [
        (Projection(), 1.78, (0, 0, 1, 1), 1.78),
        (Projection(stereo=Stereo.SBS), 3.56, (0, 0, 0.5, 1), 1.78),
        (Projection(stereo=Stereo.SBS), 1.78, (0, 0, 0.5, 1), 1.78),
        (Projection(stereo=Stereo.TB), 0.89, (0, 0, 1, 0.5), 1.78),
        (Projection(stereo=Stereo.TB), 1.78, (0, 0, 1, 0.5), 1.78),
    ],
)
def test_one_eye_of_a_flat_film_is_shown_whole(
    projection: Projection, aspect: float, box: tuple[float, ...], shown: float
) -> None:
    crop = crop_of(projection, aspect)
    assert (crop.left, crop.top, crop.right, crop.bottom) == box
    assert crop.aspect == pytest.approx(shown)


@pytest.mark.parametrize("shape", [Shape.EQUIRECT180, Shape.EQUIRECT360, Shape.FISHEYE, Shape.EAC])
@pytest.mark.parametrize("stereo", Stereo)
def test_the_poster_of_a_sphere_shows_the_middle_of_the_first_eye(
    shape: Shape, stereo: Stereo
) -> None:
    crop = crop_of(Projection(shape, stereo), 2.0)
    assert 0 <= crop.left < crop.right <= (0.5 if stereo is Stereo.SBS else 1)
    assert 0 <= crop.top < crop.bottom <= (0.5 if stereo is Stereo.TB else 1)
    assert crop.aspect == pytest.approx(16 / 9)


def test_a_poster_of_one_eye_has_a_key_of_its_own() -> None:
    flat, vr = Projection(), Projection(Shape.EQUIRECT180, Stereo.SBS)
    assert poster_key(KEY, eye_of(flat)) == KEY
    key = poster_key(KEY, eye_of(vr))
    assert key != KEY
    path = Path("posters") / KEY[:2] / f"{KEY}.640.jpg"
    assert eye_path(path, "") == path
    assert eye_path(path, eye_of(vr)) == Path("posters") / key[:2] / f"{key}.640.jpg"


def scene(seed: int) -> Image.Image:
    """A picture with something in it everywhere."""
    image = Image.new("RGB", (400, 300), (90, 120, 150))
    draw = ImageDraw.Draw(image)
    for place in range(40):
        left, top = (place * 97 + seed * 131) % 380, (place * 61 + seed * 17) % 280
        draw.rectangle((left, top, left + 25, top + 18), fill=(place * 37 % 255, seed % 255, 90))
    return image


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    both = Image.new("RGB", (one.width * 2, one.height))
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    return both


def test_two_eyes_are_alike_and_two_scenes_are_not() -> None:
    one = scene(1)
    shifted = one.transform(one.size, Image.Transform.AFFINE, (1, 0, 8, 0, 1, 0))
    assert likeness(beside(one, shifted)).beside >= ALIKE
    assert likeness(beside(one, scene(5))).beside < ALIKE


def test_sky_over_land_and_a_letter_box_are_no_two_eyes() -> None:
    image = scene(3)
    ImageDraw.Draw(image).rectangle((0, 0, 400, 60), fill=(0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 240, 400, 300), fill=(0, 0, 0))
    found = likeness(image)
    assert max(found.beside, found.above) < ALIKE
    assert likeness(Image.new("RGB", (400, 300))).beside == 0
    assert likeness(Image.new("RGB", (8, 8))).beside == 0


def spherical(kind: int, left: float = 0, right: float = 0) -> bytes:
    bounds = (round(left * (1 << 32)), 0, round(right * (1 << 32)), 0)
    return struct.pack("<i3i4II", kind, 0, 0, 0, *bounds, 0)


@pytest.mark.parametrize(
    ("sphere", "stereo", "expected"),
    [
        (None, None, None),
        (b"", b"\1", None),
        (spherical(0), None, Container("equirect")),
        (
            spherical(2, 0.25, 0.25),
            struct.pack("<ii", 1, 0),
            Container("equirect", 180, Stereo.SBS),
        ),
        (spherical(3), struct.pack("<ii", 2, 1), Container("equirect", 180, Stereo.TB, True)),
        (spherical(4), None, Container("rectilinear")),
        (spherical(5), None, Container("fisheye", 180)),
        (spherical(99), None, None),
        (None, struct.pack("<ii", 1, 0), Container(None, 360, Stereo.SBS)),
        (None, struct.pack("<ii", 3, 0), None),
    ],
)
def test_side_data_is_understood(
    sphere: bytes | None, stereo: bytes | None, expected: Container | None
) -> None:
    assert parsed_projection(sphere, stereo) == expected
