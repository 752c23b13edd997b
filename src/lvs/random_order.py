"""Random orders of videos: every seed gives a permutation of its own.

Each video has one random number of 31 bits. Multiplying by an odd number and xor-ing a number with
its own upper bits are both reversible, so their composition maps those numbers to 31-bit numbers
one to one: an order that is stable while videos come and go, without a table of it.
"""

import hashlib
from functools import lru_cache
from typing import Any, TypeVar, cast

LARGEST = 2**31 - 1

Number = TypeVar("Number")


@lru_cache(64)
def multipliers(seed: int) -> tuple[int, int]:
    """Two odd 31-bit numbers for a seed (at least 1)."""
    digest = hashlib.blake2b(seed.to_bytes(8, "big"), digest_size=8).digest()
    first, second = int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:], "big")
    return first & LARGEST | 1, second & LARGEST | 1


def permuted(number: Number, first: int, second: int) -> Number:
    """The place of a 31-bit number, or of each in a NumPy array, in one seed's order."""
    mixed: Any = number * first & LARGEST  # type: ignore[operator]
    mixed ^= mixed >> 16
    mixed = mixed * second & LARGEST
    return cast("Number", mixed ^ mixed >> 15)


def place(number: int, seed: int) -> int:
    """The place of a video's random number in a seed's order; 0 is the order of the numbers."""
    return permuted(number, *multipliers(seed)) if seed else number
