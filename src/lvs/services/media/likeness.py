"""Comparison of the halves of a picture: two eyes of one scene correlate, halves of a film do not.

Plain Python: the probe worker has little memory, and most pictures are done after a coarse look.
"""

from collections.abc import Iterator
from math import sqrt
from operator import mul

from PIL import Image

from lvs.services.media.projection import CONTRAST, Likeness

FINE, COARSE = 96, 24
CERTAIN = 0.9  # no better shift needs to be looked for
FINE_SHIFTS, COARSE_SHIFTS = (6, 1), (2, 1)
HOPELESS = 0.45  # coarse correlation from which no fine one reaches the bound

Grid = list[list[float]]


def likeness(picture: Image.Image) -> Likeness:
    """Correlation of the left with the right half, and of the upper with the lower one.

    0 for a picture that is smaller than what is compared.
    """
    grey = picture.convert("L")
    width, height = grey.size
    if min(width, height) < FINE:
        return Likeness()
    half, middle = width // 2, height // 2
    beside = _similarity(grey, (0, 0, half, height), (width - half, 0, width, height))
    above = _similarity(grey, (0, 0, width, middle), (0, height - middle, width, height))
    return Likeness(round(beside, 3), round(above, 3))


Box = tuple[int, int, int, int]


def _similarity(grey: Image.Image, one: Box, other: Box) -> float:
    coarse = _best(_centred(grey, one, COARSE), _centred(grey, other, COARSE), COARSE_SHIFTS)
    if coarse < HOPELESS:
        return max(coarse, 0.0)
    return _best(_centred(grey, one, FINE), _centred(grey, other, FINE), FINE_SHIFTS)


def _centred(grey: Image.Image, box: Box, size: int) -> Grid | None:
    """Half of the picture as a square without the mean of each row and column.

    With them, a landscape or a letter box would look like two eyes. None for an even picture.
    """
    small = grey.resize((size, size), Image.Resampling.BOX, box)
    values = small.tobytes()
    rows = [list(map(float, values[at : at + size])) for at in range(0, size * size, size)]
    rows = [[value - sum(row) / size for value in row] for row in _means_off(rows)]
    contrast = sqrt(sum(value * value for row in rows for value in row)) / size
    return rows if contrast >= CONTRAST else None


def _means_off(rows: Grid) -> Grid:
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    return [[value - mean for value, mean in zip(row, means, strict=True)] for row in rows]


def _best(one: Grid | None, other: Grid | None, shifts: tuple[int, int]) -> float:
    """Highest correlation over a few points of shift; 0 where a half is even."""
    if one is None or other is None:
        return 0.0
    best = 0.0
    for pair in _shifted(one, other, shifts):
        best = max(best, _correlation(*pair))
        if best >= CERTAIN:
            break
    return best


def _shifted(
    one: Grid, other: Grid, shifts: tuple[int, int]
) -> Iterator[tuple[list[float], list[float]]]:
    size = len(one)
    across, along = shifts
    for down in sorted(range(-along, along + 1), key=abs):
        first = one[max(0, down) : size + min(0, down)]
        second = other[max(0, -down) : size - max(0, down)]
        for right in sorted(range(-across, across + 1), key=abs):
            left_cut = slice(max(0, right), size + min(0, right))
            right_cut = slice(max(0, -right), size - max(0, right))
            yield (
                [value for row in first for value in row[left_cut]],
                [value for row in second for value in row[right_cut]],
            )


def _correlation(one: list[float], other: list[float]) -> float:
    power = sqrt(sum(map(mul, one, one)) * sum(map(mul, other, other)))
    return sum(map(mul, one, other)) / power if power else 0.0
