"""Drawn landscapes for the films of the screenshots: no camera, no people, nothing borrowed."""

import math
import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Sky = tuple[Colour, Colour]

SKIES: dict[str, Sky] = {
    "dawn": ((86, 104, 160), (255, 190, 150)),
    "noon": ((70, 138, 210), (205, 230, 245)),
    "dusk": ((48, 40, 92), (244, 132, 84)),
    "rain": ((92, 104, 118), (176, 186, 194)),
    "night": ((8, 12, 32), (36, 52, 96)),
}


def mixed(first: Colour, second: Colour, part: float) -> Colour:
    """The colour that lies so far from the first to the second."""
    return (
        round(first[0] + (second[0] - first[0]) * part),
        round(first[1] + (second[1] - first[1]) * part),
        round(first[2] + (second[2] - first[2]) * part),
    )


def sky(width: int, height: int, colours: Sky) -> Image.Image:
    """A gradient from the zenith to the horizon, with a little grain."""
    down = np.linspace(0, 1, height)[:, None, None] ** 0.8
    top, low = (np.array(colour, float) for colour in colours)
    field = np.repeat(top + (low - top) * down, width, axis=1)
    grain = np.random.default_rng(1).normal(0, 1.6, (height, width, 1))
    return Image.fromarray(np.clip(field + grain, 0, 255).astype(np.uint8), "RGB")


def ridge(rng: random.Random, width: int, rough: float) -> NDArray[np.float64]:
    """A line of heights from 0 to 1, by halving."""
    points, step = np.array([rng.random(), rng.random()]), 1.0
    while len(points) < width:
        middle = (points[:-1] + points[1:]) / 2
        middle += np.array([rng.uniform(-step, step) for _ in middle]) / 2
        points = np.insert(points, range(1, len(points)), middle)
        step *= rough
    line = points[:width]
    return (line - line.min()) / max(1e-9, float(np.ptp(line)))


def glow(image: Image.Image, x: float, y: float, radius: float, colour: Colour) -> Image.Image:
    """The picture with a disc of light in it."""
    light = Image.new("RGB", image.size)
    draw = ImageDraw.Draw(light)
    for size, part in ((4.0, 0.10), (2.4, 0.18), (1.5, 0.3)):
        draw.ellipse(
            (x - size * radius, y - size * radius, x + size * radius, y + size * radius),
            fill=mixed((0, 0, 0), colour, part),
        )
    light = light.filter(ImageFilter.GaussianBlur(radius))
    ImageDraw.Draw(light).ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    both = np.asarray(image, np.uint16) + np.asarray(light, np.uint16)
    return Image.fromarray(np.minimum(both, 255).astype(np.uint8))


def mountains(rng: random.Random, width: int, height: int, colours: Sky) -> Image.Image:
    """Ridges behind ridges, snow on the far ones."""
    image = sky(width, height, colours)
    image = glow(image, width * rng.uniform(0.2, 0.8), height * 0.3, height / 18, (255, 240, 210))
    near = rng.choice([(24, 48, 44), (34, 38, 60), (46, 40, 36), (20, 52, 60)])
    draw = ImageDraw.Draw(image)
    for layer in range(5):
        part = layer / 4
        base, reach = height * (0.42 + 0.12 * layer), height * (0.38 - 0.05 * layer)
        line = base - ridge(rng, width, 0.5) * reach + height * 0.1
        colour = mixed(mixed(colours[1], colours[0], 0.5), near, part)
        draw.polygon([(0, height), *enumerate(line), (width, height)], fill=colour)
        if layer == 0:
            for x in range(0, width, 2):
                depth = max(0.0, base - line[x]) * 0.45
                snow = mixed(colours[1], (255, 255, 255), 0.75)
                draw.line((x, line[x], x, line[x] + depth * rng.uniform(0.6, 1)), snow, 2)
    return image


def sea(rng: random.Random, width: int, height: int, colours: Sky) -> Image.Image:
    """Water to the horizon, a low sun and its path, sails."""
    horizon = round(height * 0.52)
    image = sky(width, horizon, colours)
    x = width * rng.uniform(0.3, 0.7)
    whole = Image.new("RGB", (width, height))
    whole.paste(glow(image, x, horizon * 0.78, height / 14, (255, 226, 170)), (0, 0))
    water = sky(width, height - horizon, (mixed(colours[1], colours[0], 0.45), (10, 40, 66)))
    whole.paste(water, (0, horizon))
    draw = ImageDraw.Draw(whole)
    for _ in range(900):
        y = horizon + (height - horizon) * rng.random() ** 1.6
        far = (y - horizon) / (height - horizon)
        at = x + rng.gauss(0, 1) * (20 + 160 * far) * width / 1280
        length = (6 + 50 * far) * width / 1280
        draw.line((at - length, y, at + length, y), mixed((255, 214, 150), (90, 130, 160), far), 2)
    for _ in range(rng.randint(1, 3)):
        left, size = width * rng.uniform(0.1, 0.9), height * rng.uniform(0.06, 0.16)
        foot = horizon + size * 0.25
        draw.polygon(
            ((left, foot), (left, foot - size), (left + size * 0.5, foot)), (250, 246, 238)
        )
        draw.polygon(
            ((left - 3, foot), (left - 3, foot - size * 0.8), (left - size * 0.3, foot)),
            (228, 92, 70),
        )
        draw.polygon(
            (
                (left - size * 0.4, foot + 3),
                (left + size * 0.6, foot + 3),
                (left + size * 0.4, foot + size * 0.16),
                (left - size * 0.25, foot + size * 0.16),
            ),
            (60, 44, 40),
        )
    return whole


def city(rng: random.Random, width: int, height: int, _: Sky) -> Image.Image:
    """Lit windows at night, and their light in a river."""
    image = sky(
        width, height, rng.choice([((10, 12, 34), (110, 60, 96)), ((8, 20, 40), (40, 96, 120))])
    )
    draw = ImageDraw.Draw(image)
    for layer in range(3):
        x = -20
        while x < width:
            wide, tall = (
                rng.randint(width // 24, width // 12),
                height * rng.uniform(0.2, 0.62 - 0.1 * layer),
            )
            top = height * 0.8 - tall
            body = mixed((52, 44, 76), (12, 14, 26), layer / 2)
            draw.rectangle((x, top, x + wide, height * 0.8), fill=body)
            for column in range(x + 5, x + wide - 7, 12):
                for row in range(round(top) + 8, round(height * 0.79), 15):
                    if rng.random() < 0.42:
                        draw.rectangle(
                            (column, row, column + 5, row + 7),
                            fill=rng.choice([(255, 214, 130), (255, 236, 190), (140, 200, 230)]),
                        )
            x += wide + rng.randint(0, width // 40)
    upper = image.crop((0, round(height * 0.6), width, round(height * 0.8)))
    mirror = upper.transpose(Image.Transpose.FLIP_TOP_BOTTOM).filter(ImageFilter.GaussianBlur(4))
    image.paste(
        Image.blend(mirror, Image.new("RGB", mirror.size, (12, 18, 40)), 0.35),
        (0, round(height * 0.8)),
    )
    return image


def forest(rng: random.Random, width: int, height: int, _: Sky) -> Image.Image:
    """Trunks in the mist, the near ones dark, with light between them."""
    tone = rng.choice(
        [
            ((210, 226, 190), (22, 44, 26)),
            ((238, 196, 130), (60, 30, 18)),
            ((196, 216, 226), (24, 38, 52)),
        ]
    )
    image = sky(width, height, (mixed(tone[0], (255, 255, 255), 0.35), tone[0]))
    image = glow(image, width * rng.uniform(0.3, 0.7), height * 0.35, height / 10, (120, 110, 80))
    for layer in range(5):
        draw = ImageDraw.Draw(image)
        colour = mixed(tone[0], tone[1], (layer + 1) / 5)
        for _each in range(14 - 2 * layer):
            x, wide = rng.uniform(0, width), (4 + 7 * layer) * width / 1280 * rng.uniform(0.7, 1.4)
            draw.polygon(
                ((x - wide, height), (x - wide * 0.5, 0), (x + wide * 0.5, 0), (x + wide, height)),
                fill=colour,
            )
        line = height * (0.98 - 0.03 * layer) - ridge(rng, width, 0.55) * height * 0.12
        draw.polygon([(0, height), *enumerate(line), (width, height)], fill=colour)
        image = image.filter(ImageFilter.GaussianBlur(max(0, 2.4 - 0.6 * layer)))
    return image


def meadow(rng: random.Random, width: int, height: int, colours: Sky) -> Image.Image:
    """Hills full of flowers."""
    image = sky(width, height, colours)
    image = glow(image, width * 0.8, height * 0.2, height / 16, (255, 244, 200))
    draw = ImageDraw.Draw(image)
    flower = rng.choice([(226, 60, 70), (250, 204, 60), (156, 104, 220), (246, 150, 180)])
    for layer in range(4):
        base, wave = height * (0.5 + 0.13 * layer), rng.uniform(0.6, 1.4)
        shift = rng.uniform(0, 6)
        line = [
            base + math.sin(x / width * math.tau * wave + shift) * height * 0.06
            for x in range(width)
        ]
        colour = mixed((148, 190, 110), (40, 92, 44), layer / 3)
        draw.polygon([(0, height), *enumerate(line), (width, height)], fill=colour)
        for _each in range(160 * layer):
            x = rng.randrange(width)
            y = rng.uniform(line[x] + 4, min(height, line[x] + height * 0.16))
            size = 1 + layer * rng.uniform(0.6, 1.6)
            draw.ellipse((x - size, y - size, x + size, y + size), fill=flower)
    return image


def aurora(rng: random.Random, width: int, height: int, _: Sky) -> Image.Image:
    """Curtains of light over dark hills, and stars."""
    image = sky(width, height, SKIES["night"])
    draw = ImageDraw.Draw(image)
    for _each in range(300):
        x, y = rng.uniform(0, width), rng.uniform(0, height * 0.8)
        draw.point((x, y), fill=(255, 255, 255))
    light = Image.new("RGB", image.size)
    veil = ImageDraw.Draw(light)
    for _each in range(3):
        base, wave = height * rng.uniform(0.3, 0.55), rng.uniform(1, 2.4)
        colour = rng.choice([(40, 210, 140), (60, 180, 200), (150, 80, 200)])
        for x in range(0, width, 3):
            y = base + math.sin(x / width * math.tau * wave + _each) * height * 0.1
            reach = height * rng.uniform(0.18, 0.34)
            veil.line((x, y - reach, x, y), fill=colour, width=3)
    light = light.filter(ImageFilter.GaussianBlur(height / 45))
    both = np.asarray(image, np.uint16) + np.asarray(light, np.uint16)
    image = Image.fromarray(np.minimum(both, 255).astype(np.uint8))
    line = height * 0.9 - ridge(rng, width, 0.5) * height * 0.2
    ImageDraw.Draw(image).polygon(
        [(0, height), *enumerate(line), (width, height)], fill=(6, 10, 18)
    )
    return image


def lights(rng: random.Random, width: int, height: int, _: Sky) -> Image.Image:
    """Soft discs of warm light, as of candles behind a glass."""
    image = sky(
        width,
        height,
        rng.choice(
            [
                ((56, 18, 28), (20, 8, 22)),
                ((22, 30, 58), (10, 12, 26)),
                ((70, 42, 12), (26, 12, 10)),
            ]
        ),
    )
    for layer in range(3):
        over = Image.new("RGB", image.size)
        draw = ImageDraw.Draw(over)
        for _each in range(26):
            x, y, size = (
                rng.uniform(0, width),
                rng.uniform(0, height),
                height * rng.uniform(0.02, 0.09),
            )
            colour = mixed(
                (0, 0, 0),
                rng.choice([(255, 196, 96), (255, 120, 84), (255, 232, 180), (120, 190, 255)]),
                rng.uniform(0.25, 0.8),
            )
            draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)
        over = over.filter(ImageFilter.GaussianBlur((7, 3, 1)[layer]))
        image = Image.fromarray(
            np.minimum(
                np.asarray(image, np.uint16) + np.asarray(over, np.uint16) * 3 // 5, 255
            ).astype(np.uint8)
        )
    return image


def balloons(rng: random.Random, width: int, height: int, colours: Sky) -> Image.Image:
    """Balloons over low hills in the morning."""
    image = sky(width, height, colours)
    draw = ImageDraw.Draw(image)
    line = height * 0.95 - ridge(rng, width, 0.45) * height * 0.15
    draw.polygon(
        [(0, height), *enumerate(line), (width, height)], fill=mixed(colours[1], (60, 50, 70), 0.7)
    )
    for _each in range(rng.randint(4, 9)):
        x, y, size = (
            rng.uniform(0.05, 0.95) * width,
            rng.uniform(0.12, 0.7) * height,
            height * rng.uniform(0.04, 0.14),
        )
        colour = rng.choice(
            [(214, 64, 56), (240, 170, 50), (50, 110, 170), (236, 228, 210), (60, 140, 110)]
        )
        draw.polygon(
            (
                (x - size * 0.55, y + size * 0.7),
                (x + size * 0.55, y + size * 0.7),
                (x + size * 0.12, y + size * 1.35),
                (x - size * 0.12, y + size * 1.35),
            ),
            fill=colour,
        )
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)
        draw.ellipse(
            (x - size * 0.4, y - size, x + size * 0.4, y + size),
            fill=mixed(colour, (255, 255, 255), 0.35),
        )
        draw.rectangle(
            (x - size * 0.1, y + size * 1.4, x + size * 0.1, y + size * 1.55), fill=(70, 48, 34)
        )
    return image


SCENES: dict[str, Callable[[random.Random, int, int, Sky], Image.Image]] = {
    each.__name__: each for each in (mountains, sea, city, forest, meadow, aurora, lights, balloons)
}


def scene(name: str, seed: int, width: int, height: int, time: str = "noon") -> Image.Image:
    """A picture of that kind; the same for the same seed."""
    return SCENES[name](random.Random(seed), width, height, SKIES[time])
