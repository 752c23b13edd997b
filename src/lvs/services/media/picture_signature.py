"""The signature of a film: hashes of some of its pictures, by their places.

Places are counted from the start and from the end of the film, in steps that are powers of two. So
another encode agrees in all of its places, and one that was trimmed at one end in those that are
counted from the other.
"""

import math
import struct
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct

SIGNATURE_VERSION = 1
"""To be raised where the same film would get another signature."""

UNIT_S = 0.125
FEWEST_STEPS = 12  # and at most twice as many to the length of a film
MOST_PICTURES = 2 * FEWEST_STEPS
LONGEST_S = 1_000_000.0
PICTURE = struct.Struct("<iQ")

ALIKE_BITS = 10
"""Of 64: two hashes that differ in no more are of the same picture."""
LEAST_AGREEING = 3
SHARE_OF_BOTH, SHARE_OF_ONE = 0.7, 0.8
SAME_LENGTH = 0.02


class PictureSignature(Struct, frozen=True):
    """Hashes by place: in eighths of a second from the start, or with a minus from the end."""

    duration_s: float
    pictures: Mapping[int, int]

    def packed(self) -> bytes:
        """The pictures as they are stored, in order of their places."""
        return b"".join(PICTURE.pack(*each) for each in sorted(self.pictures.items()))


def unpacked(duration_s: float, packed: bytes) -> PictureSignature:
    """A signature as it was stored."""
    return PictureSignature(duration_s, dict(PICTURE.iter_unpack(packed)))


def places(duration_s: float) -> list[int]:
    """The places of a film of this length: from its start and its end to its middle, by turns.

    None for a film that is too short.
    """
    units = duration_s / UNIT_S
    if units < FEWEST_STEPS or duration_s > LONGEST_S:
        return []
    step = 1 << int(math.log2(units / FEWEST_STEPS))
    count = math.ceil(units / 2 / step) - 1  # those that lie before the middle
    return [side * number * step for number in range(1, count + 1) for side in (1, -1)]


def agreement(one: PictureSignature, other: PictureSignature) -> int:
    """The number of pictures in which two films agree; 0 where they are not the same film.

    Films of one length are compared from both ends. Others, one of which was trimmed, agree from
    one of them. Pictures that look like each other inside of a film count once: a still picture, or
    a fixed camera, says nothing.
    """
    common = sorted(one.pictures.keys() & other.pictures.keys())
    longest = max(one.duration_s, other.duration_s)
    is_whole = abs(one.duration_s - other.duration_s) <= SAME_LENGTH * longest
    ends = [[at for at in common if at > 0], [at for at in common if at < 0]]
    tried = [(end, SHARE_OF_ONE) for end in ends]
    if is_whole:
        tried.append((common, SHARE_OF_BOTH))
    found = 0
    for where, share in tried:
        pairs = [(one.pictures[at], other.pictures[at]) for at in where]
        same = [pair for pair in pairs if _differing(*pair) <= ALIKE_BITS]
        if len(same) >= share * len(pairs) and _different(pair[0] for pair in same):
            found = max(found, len(same))
    return found


def _different(hashes: Iterable[int]) -> bool:
    """True where enough of these look different from each other."""
    seen: list[int] = []
    for each in hashes:
        if all(_differing(each, known) > ALIKE_BITS for known in seen):
            seen.append(each)
    return len(seen) >= LEAST_AGREEING


def _differing(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def read_signature(found: Any) -> PictureSignature:
    """A signature from a worker's answer. Raises TypeError, KeyError: nothing in it is trusted."""
    duration_s = found["duration_s"]
    if type(duration_s) not in (int, float) or not 0 <= duration_s <= LONGEST_S:
        raise TypeError("not a length")
    pictures: dict[int, int] = {}
    for at, bits in islice(found["pictures"], MOST_PICTURES):
        if type(at) is not int or type(bits) is not int:
            raise TypeError("not a picture")
        if not (0 < abs(at) * UNIT_S <= LONGEST_S and 0 <= bits < 1 << 64):
            raise TypeError("not a picture")
        pictures[at] = bits
    return PictureSignature(float(duration_s), pictures)
