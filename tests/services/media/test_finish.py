"""The finish of posters: bars of a letterbox, and fields around narrow and very wide pictures."""

import pytest
from PIL import Image, ImageColor

from lvs.services.media.finish import border_box, on_field, without_borders

LIT = "#8090a0"


def picture(size: tuple[int, int], lit: tuple[int, int, int, int]) -> Image.Image:
    """A black picture that is lit inside of a box."""
    image = Image.new("RGB", size)
    image.paste(LIT, lit)
    return image


@pytest.mark.parametrize(
    ("lit", "left"),
    [
        ((0, 40, 640, 320), (640, 278)),  # a letterbox; one more line goes on each side
        ((80, 0, 560, 360), (478, 360)),  # a pillarbox
        ((80, 40, 560, 320), (478, 278)),  # both
    ],
)
def test_black_bars_are_taken_off(lit: tuple[int, int, int, int], left: tuple[int, int]) -> None:
    found = without_borders(picture((640, 360), lit))
    assert found.size == left
    assert found.getcolors() == [(left[0] * left[1], ImageColor.getrgb(LIT))]


@pytest.mark.parametrize(
    "lit",
    [
        (0, 120, 640, 360),  # a dark sky
        (0, 4, 640, 356),  # next to nothing
        (0, 140, 640, 220),  # a slit: who knows what it is
        (0, 0, 0, 0),  # all black
    ],
)
def test_pictures_without_bars_are_not_cropped(lit: tuple[int, int, int, int]) -> None:
    assert border_box(picture((640, 360), lit)) == (0, 0, 640, 360)


@pytest.mark.parametrize("size", [(360, 640), (1600, 400)], ids=["portrait", "very wide"])
def test_narrow_and_very_wide_pictures_stand_whole_on_a_darker_field(size: tuple[int, int]) -> None:
    found = on_field(Image.new("RGB", size, LIT), 640)
    assert found.width <= 640
    assert found.width / found.height == pytest.approx(16 / 9, abs=0.02)
    middle = found.getpixel((found.width // 2, found.height // 2))
    corner = found.getpixel((1, 1))
    assert isinstance(middle, tuple)
    assert isinstance(corner, tuple)
    assert sum(corner) < 0.7 * sum(middle)


@pytest.mark.parametrize("size", [(640, 480), (640, 360), (1000, 400)])
def test_ordinary_pictures_need_no_field(size: tuple[int, int]) -> None:
    assert on_field(Image.new("RGB", size, LIT), 640).size == size
