"""The order "Best match" in memory: the relevance of what a search finds, cached while no text
changes.
"""

from collections.abc import Mapping

import numpy as np
from cachetools import LRUCache
from msgspec import Struct
from numpy.typing import NDArray

from lvs.relevance import PARTS_OF_WORDS, TIME_BITS, RankedWords

KEPT = 50


class Ranking(Struct, frozen=True):
    """Videos by id, and the relevance of each."""

    ids: NDArray[np.int64]
    relevance: NDArray[np.int64]

    def rank(self, video_id: int) -> int:
        """The relevance of one video; 0 where the search does not find it."""
        place = int(np.searchsorted(self.ids, video_id))
        found = place < len(self.ids) and self.ids[place] == video_id
        return int(self.relevance[place]) if found else 0

    def places(
        self, mask: NDArray[np.bool_], added_at: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The videos of a mask and their places in the order, as `relevance.place` gives them."""
        chosen = self.ids < len(mask)
        chosen[chosen] = mask[self.ids[chosen]]
        ids = self.ids[chosen]
        times = np.clip(added_at[ids], 0, (1 << TIME_BITS) - 1)
        return ids, self.relevance[chosen] << TIME_BITS | times


Rankings = LRUCache[tuple[str, RankedWords], Ranking | None]
"""Rankings by what is found and what it is ranked by; None where too many were found."""


def ranking_of(found: NDArray[np.int64], groups: Mapping[int, NDArray[np.int64]]) -> Ranking:
    """The ranking of what a search finds (ids in order) from the ids of each relevance."""
    size = int(found[-1]) + 1 if len(found) else 0
    table = np.full(size, PARTS_OF_WORDS, np.uint8)
    for value, ids in sorted(groups.items()):  # the best last, over the others
        table[ids[ids < size]] = value
    return Ranking(found, table[found].astype(np.int64))
