"""All signatures in memory, to find those that are near one. Blocking: call it in a thread.

Pictures are compared with those of the same place alone: for a hundred thousand films that are some
ten thousand hashes for each of a film's pictures, which numpy does at once.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lvs.db.picture_signatures import SignatureRow
from lvs.services.media.picture_signature import (
    ALIKE_BITS,
    LEAST_AGREEING,
    agreement,
    unpacked,
)

LIKELY, MOST_NEAR = 100, 20
"""Films that are looked at more closely for one, those with most pictures in common first, and
those of them that make a pair at most.
"""

_PICTURE = np.dtype([("place", "<i4"), ("hash", "<u8")])


class SignatureIndex:
    """Hashes in the order of their places."""

    def __init__(self, rows: Sequence[SignatureRow]) -> None:
        self._rows = rows
        self._number = {row.video_id: number for number, row in enumerate(rows)}
        every = np.frombuffer(b"".join(row.pictures for row in rows), _PICTURE)
        counts = [len(row.pictures) // _PICTURE.itemsize for row in rows]
        owners = np.repeat(np.arange(len(rows)), counts)
        order = np.argsort(every["place"], kind="stable")
        self._places = every["place"][order]
        self._hashes = every["hash"][order]
        self._owners = owners[order]

    def pairs(self, video_ids: Sequence[int]) -> list[tuple[int, int, int]]:
        """The pairs that these films make with any other: two ids and how many pictures agree."""
        found: dict[tuple[int, int], int] = {}
        for video_id in video_ids:
            number = self._number.get(video_id)
            if number is None:
                continue
            for other, pictures in self._near(number):
                other_id = self._rows[other].video_id
                found[min(video_id, other_id), max(video_id, other_id)] = pictures
        return [(*pair, pictures) for pair, pictures in found.items()]

    def _near(self, number: int) -> list[tuple[int, int]]:
        mine = self._rows[number]
        one = unpacked(mine.duration_s, mine.pictures)
        found = []
        for other in self._likely(number, mine):
            row = self._rows[other]
            pictures = agreement(one, unpacked(row.duration_s, row.pictures))
            if pictures:
                found.append((other, pictures))
            if len(found) == MOST_NEAR:
                break
        return found

    def _likely(self, number: int, mine: SignatureRow) -> list[int]:
        """Films that share enough pictures with one."""
        hits = []
        pictures: Any = np.frombuffer(mine.pictures, _PICTURE)
        for place, bits in pictures:
            start, end = np.searchsorted(self._places, (place, place + 1))
            near = np.bitwise_count(self._hashes[start:end] ^ bits) <= ALIKE_BITS
            hits.append(self._owners[start:end][near])
        others: NDArray[Any]
        others, counts = np.unique(np.concatenate(hits), return_counts=True)
        enough = (counts >= LEAST_AGREEING) & (others != number)
        others, counts = others[enough], counts[enough]
        return [int(each) for each in others[np.argsort(-counts, kind="stable")[:LIKELY]]]
