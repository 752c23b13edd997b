"""The length of MPEG streams whose time stamps jump, as after a lost signal or in recordings that
were joined: FFmpeg takes the difference of the first and the last for their length.

A presentation time stamp stands in the header of each packet of the elementary streams (ISO/IEC
13818-1 section 2.4.3.6), in transport and program streams alike.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import IO

PLACES = 17
READ_BYTES = 256 * 1024
TICKS_PER_S = 90_000
TOLERANCE = 5.0  # times the usual; the bit rate of a film varies
LONGER = 1.5  # a claim that is so many times what was measured is wrong

# Start code and id of a video stream, lengths and flags, and the five bytes of a time stamp.
_HEADER = re.compile(
    rb"\x00\x00\x01[\xe0-\xef]..[\x80-\xbf][\x80-\xff].([\x21-\x3f]....)", re.DOTALL
)


def measured_duration_s(file: IO[bytes], size_bytes: int, claimed_s: float) -> float:
    """The length in seconds: as claimed, or where time stamps jump, what they say without the
    jumps.
    """
    stamps = list(_stamps(file, size_bytes))
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    forward = [step for step in steps if step > 0]
    if len(forward) < PLACES // 2:
        return claimed_s
    usual = median(forward)
    sound = [step if 0 < step <= TOLERANCE * usual else usual for step in steps]
    # The stamps span the file but for what follows the last of them.
    measured_s = sum(sound) / TICKS_PER_S * PLACES / (PLACES - 1)
    return measured_s if claimed_s > LONGER * measured_s else claimed_s


def _stamps(file: IO[bytes], size_bytes: int) -> Iterator[int]:
    """The first time stamp of a video stream behind each of some places, evenly spread."""
    for number in range(PLACES):
        file.seek(size_bytes * number // PLACES)
        found = _HEADER.search(file.read(READ_BYTES))
        if found:
            high, upper, middle, lower, low = found[1]
            yield (
                (high >> 1 & 0x07) << 30 | upper << 22 | (middle >> 1) << 15 | lower << 7 | low >> 1
            )
