"""The finish of a poster: black borders off, and narrow or very wide pictures on a field of their
own.
"""

from PIL import Image, ImageEnhance, ImageFilter

WIDE = 16 / 9
NARROW, PANORAMIC = 1.32, 2.6
"""Pictures narrower or wider than these aspects stand on a field."""
DARK = 24  # of 255: the black of a border, with the noise of its compression
LEAST_BORDER = 0.02  # part of a side
MOST_BORDER = 0.3
EVENNESS = 0.03  # how much two opposite borders may differ, in parts of a side
FIELD_LIGHT = 0.45
FIELD_WIDTH = 96  # pixels across the field before it is enlarged: it is blurred anyway

Box = tuple[int, int, int, int]

DIGITS = 17  # 255 shades in one hexadecimal digit


def without_borders(image: Image.Image) -> Image.Image:
    """The picture without the black bars of a letterbox or a pillarbox."""
    box = border_box(image)
    return image if box == (0, 0, *image.size) else image.crop(box)


def border_box(image: Image.Image) -> Box:
    """The part inside of black bars; all of the picture where there are none.

    Bars lie opposite of each other and are equally wide: a dark sky is no bar.
    """
    width, height = image.size
    lit = image.convert("L").point([0] * DARK + [255] * (256 - DARK)).getbbox()
    if lit is None:
        return 0, 0, width, height
    left, right = _bars(lit[0], width - lit[2], width)
    top, bottom = _bars(lit[1], height - lit[3], height)
    return left, top, width - right, height - bottom


def _bars(first: int, second: int, side: int) -> tuple[int, int]:
    least, most = min(first, second) / side, max(first, second) / side
    is_pair = least >= LEAST_BORDER and most <= MOST_BORDER and most - least <= EVENNESS
    return (first + 1, second + 1) if is_pair else (0, 0)  # one more: the edge is blurred


def on_field(image: Image.Image, width: int) -> Image.Image:
    """A 16:9 picture of at most this width with the whole image in its middle, where its own aspect
    is far from that; around it the image once more, enlarged, blurred and darkened.
    """
    aspect = image.width / image.height
    if NARROW <= aspect <= PANORAMIC:
        return image
    size = _field_size(image, width)
    scale = min(size[0] / image.width, size[1] / image.height, 1.0)
    inner = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))),
        Image.Resampling.LANCZOS,
    )
    field = _field(image, size)
    field.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
    return field


def mean_colour(image: Image.Image) -> str:
    """The mean colour of a picture as three hexadecimal digits: red, green, blue."""
    point = image.convert("RGB").resize((1, 1), Image.Resampling.BOX)
    return "".join(f"{round(shade / DIGITS):x}" for shade in point.tobytes())


def _field_size(image: Image.Image, width: int) -> tuple[int, int]:
    across = image.width if image.width / image.height > WIDE else round(image.height * WIDE)
    across = max(16, min(width, across))
    return across, round(across / WIDE)


def _field(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The image scaled to cover a box of this size, blurred and darkened."""
    small = FIELD_WIDTH, max(1, round(FIELD_WIDTH / WIDE))
    aspect = image.width / image.height
    if aspect > WIDE:
        across = image.height * WIDE
        box = ((image.width - across) / 2, 0.0, (image.width + across) / 2, float(image.height))
    else:
        along = image.width / WIDE
        box = (0.0, (image.height - along) / 2, float(image.width), (image.height + along) / 2)
    field = image.resize(small, Image.Resampling.BOX, box)
    field = field.filter(ImageFilter.GaussianBlur(4))
    field = ImageEnhance.Brightness(field).enhance(FIELD_LIGHT)
    return field.resize(size, Image.Resampling.BICUBIC)
