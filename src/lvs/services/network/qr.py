"""QR codes (ISO/IEC 18004) of an address: for the terminal, and as SVG for a page."""

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from segno import QRCode

COLUMNS = 80
MAX_URL = 300
QUIET_ZONE = 2  # light modules around the code; scanners of phones need no four
# Black and white by number (xterm's 256 colours): a terminal's own palette may have other ideas of
# them.
_INK = "\033[38;5;16;48;5;231m"
_RESET = "\033[0m"
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def svg(url: str) -> str:
    """An inline `<svg>` of the address, dark on white in every theme, without a style attribute.

    Raises ValueError where the address is longer than a phone reads easily.
    """
    return _code(url).svg_inline(
        border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )


def terminal_lines(url: str) -> list[str]:
    """The code as lines of half blocks, two rows of modules a line, black on white on any terminal.

    Raises ValueError where the address is longer than a phone reads easily.
    """
    rows = [list(row) for row in _code(url).matrix_iter(border=QUIET_ZONE)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [
        _INK + "".join(_HALVES[pair] for pair in zip(*both, strict=True)) + _RESET for both in pairs
    ]


def fits_terminal(stream: TextIO, columns: int) -> bool:
    """True where the stream is a terminal that shows colours and half blocks and is wide enough."""
    if (
        not stream.isatty()
        or columns < COLUMNS // 2
        or os.environ.get("TERM", "") in ("dumb", "unknown")
    ):
        return False
    try:
        "▀▄█".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return sys.platform != "win32" or bool(
        os.environ.get("WT_SESSION")
    )  # the old console shows escapes as text


def _code(url: str) -> "QRCode":
    import segno  # noqa: PLC0415  a seventh of a second that only this needs

    if len(url) > MAX_URL:
        raise ValueError(f"an address of {len(url)} characters makes no readable QR code")
    return segno.make(url, error="m", micro=False, boost_error=False)
