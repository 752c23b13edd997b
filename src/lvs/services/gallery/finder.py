"""Finds the videos of a query: in the index once it is filled, else in the database."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from lvs import random_order
from lvs.db import best_match, gallery
from lvs.db.database import Connection
from lvs.db.gallery import Selection
from lvs.models import Card, Cursor, Sort
from lvs.services.gallery.dates import starts_of_years
from lvs.services.lru import LRU

if TYPE_CHECKING:  # importing NumPy takes a tenth of the start, and only the index needs it
    from lvs.services.gallery.video_index import Mask, VideoIndex

CARDS_KEPT = 2000  # about 1 kB each


class Finder(Protocol):
    """The videos of one query, in its order, over one connection."""

    async def count(self) -> int:
        """The number of videos."""

    async def count_behind(self, after: Cursor) -> int:
        """The number of videos behind a place."""

    async def cards(self, limit: int, after: Cursor | None, until: Cursor | None) -> list[Card]:
        """At most `limit` cards behind `after`, up to `until`."""

    async def ids(self, limit: int) -> list[int]:
        """The first videos in the query's order."""

    async def next_id(self, here: Cursor, backwards: bool) -> int | None:
        """The video behind a place, or before it."""

    async def place(self, card: Card) -> Cursor:
        """The place of a card in the query's order."""


class SqlFinder:
    """Finds in the database."""

    def __init__(self, db: Connection, selection: Selection) -> None:
        self._db = db
        self._selection = selection

    async def count(self) -> int:
        """The number of videos."""
        return await gallery.count(self._db, self._selection)

    async def count_behind(self, after: Cursor) -> int:
        """The number of videos behind a place."""
        return await gallery.count_behind(self._db, self._selection, after)

    async def cards(self, limit: int, after: Cursor | None, until: Cursor | None) -> list[Card]:
        """At most `limit` cards behind `after`, up to `until`."""
        rows = await gallery.browse(self._db, self._selection, limit, after, until)
        return [row.card for row in rows]

    async def ids(self, limit: int) -> list[int]:
        """The first videos in the query's order."""
        return await gallery.first_ids(self._db, self._selection, limit)

    async def next_id(self, here: Cursor, backwards: bool) -> int | None:
        """The video behind a place, or before it."""
        rows = await gallery.browse(self._db, self._selection, 1, here, backwards=backwards)
        return rows[0].card.id if rows else None

    async def place(self, card: Card) -> Cursor:
        """The place of a card in the query's order."""
        query, number = self._selection.query, 0
        if query.sort is Sort.RANDOM:
            shuffle = await gallery.shuffle_of(self._db, card.id)
            number = random_order.place(shuffle, query.seed)
        elif self._selection.ranked:
            number = await best_match.of_one(self._db, card.id, self._selection.ranked)
        return gallery.cursor_of(card, number, query.sort)


class CardCache:
    """The cards shown last, each valid as long as the index has no newer version of it."""

    def __init__(self) -> None:
        self._cards: LRU[int, Card] = LRU(CARDS_KEPT)

    async def get(self, db: Connection, index: "VideoIndex", ids: Sequence[int]) -> list[Card]:
        """The cards of these videos, in this order; those that are not cached come in one query."""
        found = {}
        for video_id in ids:
            card = self._cards.get(video_id)
            if card is not None and card.version == index.version(video_id):
                found[video_id] = card
        if missing := [video_id for video_id in ids if video_id not in found]:
            for video_id, card in (await gallery.some(db, missing)).items():
                found[video_id] = self._cards.put(video_id, card)
        return [found[video_id] for video_id in ids if video_id in found]


class IndexFinder:
    """Finds in the index."""

    def __init__(
        self,
        db: Connection,
        selection: Selection,
        index: "VideoIndex",
        mask: "Mask",
        kept: CardCache,
    ) -> None:
        self._db = db
        self._selection = selection
        self._index = index
        self._mask = mask
        self._kept = kept

    async def count(self) -> int:
        """The number of videos."""
        return self._index.how_many(self._mask)

    async def count_behind(self, after: Cursor) -> int:
        """The number of videos behind a place."""
        return await self._index.how_many_behind(self._db, self._selection, self._mask, after)

    def years(self) -> list[tuple[int, int]]:
        """Each year of an order by date, and how many videos it has."""
        return self._index.years(self._mask, self._selection.query.sort, starts_of_years())

    async def cards(self, limit: int, after: Cursor | None, until: Cursor | None) -> list[Card]:
        """At most `limit` cards behind `after`, up to `until`."""
        ids = await self._index.run(
            self._db, self._selection, self._mask, limit, after, until, False
        )
        return await self._kept.get(self._db, self._index, ids)

    async def ids(self, limit: int) -> list[int]:
        """The first videos in the query's order."""
        return await self._index.run(self._db, self._selection, self._mask, limit)

    async def next_id(self, here: Cursor, backwards: bool) -> int | None:
        """The video behind a place, or before it."""
        ids = await self._index.run(
            self._db, self._selection, self._mask, 1, here, backwards=backwards
        )
        return ids[0] if ids else None

    async def place(self, card: Card) -> Cursor:
        """The place of a card in the query's order."""
        query = self._selection.query
        if query.sort is Sort.RANDOM:
            number = random_order.place(self._index.shuffle(card.id), query.seed)
        else:
            number = await self._index.relevance(self._db, self._selection, card.id)
        return gallery.cursor_of(card, number, query.sort)
