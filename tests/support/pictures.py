"""Pictures of what a terminal shows, so that a scanner of QR codes can read it."""

import re

import numpy as np
import zxingcpp
from numpy.typing import NDArray

CELL = (8, 16)  # pixels across and down of one character
_PIECE = re.compile(r"\033\[([0-9;]*)m|(.)", re.DOTALL)
_GREY = {16: 0, 231: 255}  # xterm's black and white
_HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def terminal_picture(lines: list[str], columns: int, background: int) -> NDArray[np.uint8]:
    """The lines as grey pixels on a terminal of so many columns with this background (0 black, 255
    white).

    Understands half blocks and the colours 16 and 231; other characters are drawn as blanks.
    """
    width, height = CELL
    picture = np.full((height * (len(lines) + 4), width * columns), background, np.uint8)
    for row, line in enumerate(lines, 2):
        column, ink, paper = 0, 255 - background, background
        for found in _PIECE.finditer(line):
            if found[2] is None:
                ink, paper = _colours(found[1], background)
                continue
            assert column < columns, "the line is wider than the terminal"
            for half, dark in enumerate(_HALVES.get(found[2], (0, 0))):
                top = row * height + half * height // 2
                left = column * width
                picture[top : top + height // 2, left : left + width] = ink if dark else paper
            column += 1
    return picture


def _colours(codes: str, background: int) -> tuple[int, int]:
    found = re.fullmatch(r"38;5;([0-9]+);48;5;([0-9]+)", codes)
    return (_GREY[int(found[1])], _GREY[int(found[2])]) if found else (255 - background, background)


def decoded(picture: NDArray[np.uint8]) -> list[str]:
    """The texts of the QR codes in a picture."""
    return [each.text for each in zxingcpp.read_barcodes(picture)]


def drawn_svg(svg: str) -> NDArray[np.uint8]:
    """The modules of the code as pixels: its path is horizontal strokes, one module high."""
    size = int(re.search(r'viewBox="0 0 (\d+)', svg)[1])  # type: ignore[index]
    path = re.findall(r' d="([^"]+)"', svg)[-1]
    modules = np.full((size, size), 255, np.uint8)
    x = y = 0.0
    for command, text in re.findall(r"([MmHhVv])([^MmHhVvz]*)", path):
        numbers = [float(each) for each in re.findall(r"-?[0-9.]+", text)]
        if command == "M":
            x, y = numbers
        elif command == "m":
            x, y = x + numbers[0], y + numbers[1]
        elif command == "h":
            modules[int(y), int(x) : int(x + numbers[0])] = 0
            x += numbers[0]
    return np.kron(modules, np.ones((6, 6), np.uint8))
