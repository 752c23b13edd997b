"""The order "Best match" in memory: the relevance of what a search finds, kept while no text
changes.
"""

from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from lvs.relevance import TIME_BITS

KEPT = 50


@dataclass(frozen=True, slots=True)
class Ranking:
    """Videos by id, and the relevance of each."""

    ids: NDArray[np.int64]
    relevance: NDArray[np.int64]

    def of(self, video_id: int) -> int:
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


Rankings = LRUCache[tuple[str, str], Ranking | None]
"""Rankings by FTS5 expression and terms; None where too many were found."""


def ranking_of(pairs: NDArray[np.int64]) -> Ranking:
    """The ranking from ids and relevances in turn."""
    ids, found = pairs[::2], pairs[1::2]
    order = np.argsort(ids)
    return Ranking(ids[order], found[order])
