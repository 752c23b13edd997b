"""The video index: numbers of every listed video in memory, so that a page costs the same whatever
is asked for and however many videos there are.

A filter leaves one bit per video, and counts are exact. The database remains the only truth: it
records each change to what the gallery shows (`gallery_changes`), and before every answer the index
takes in what is new.
"""

import asyncio
import operator
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from lvs import random_order
from lvs.db import best_match, gallery, tags
from lvs.db.database import Connection
from lvs.db.gallery import NOTHING_YET, SORT_COLUMNS, GalleryChange, Selection
from lvs.filters import filter_bounds
from lvs.models import Cursor, Query, Sort
from lvs.random_order import LARGEST
from lvs.services.gallery.best_match import KEPT, Ranking, Rankings, ranking_of
from lvs.services.gallery.dates import EPOCH_YEAR
from lvs.services.gallery.limits import GalleryLimits

Mask = NDArray[np.bool_]
"""One bit for each id: True for the videos selected."""

Key = tuple[Hashable, ...]
"""A database look-up: ("tag", id), ("match", expression) or ("folder", library folder, path, True
for the folder alone).
"""

LOADED_AT_ONCE = 2000
FOUND_KEPT = 400  # cached masks of words, tags and folders: a bit for every video each
KEPT_TAG_IDS = 1000
PERMUTATIONS_KEPT = 4  # 8 bytes for each video
TYPES: dict[str, Any] = {
    "root_id": np.int32,
    "rating": np.uint8,
    "duration_s": np.float64,
    "lines": np.int32,
    "playback": np.uint8,
    "silent": np.uint8,
    "progress": np.uint8,
    "watched": np.uint8,
    "tagged": np.uint8,
    "subtitled": np.uint8,
    "hidden": np.uint8,
}
COMPARISONS: dict[str, Callable[[NDArray[Any], int | float], Mask]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "<>": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


class VideoIndex:
    """In-memory columns of all listed videos, for one event loop; `catch_up` before each use."""

    def __init__(self, limits: GalleryLimits) -> None:
        self._limits = limits
        self.edition = 0  # grows whenever the lists of tags and folders may have changed
        self._last: GalleryChange | None = None
        self._lock = asyncio.Lock()
        self._numbers: dict[str, NDArray[Any]] = {}
        self._listed: Mask = np.zeros(0, np.bool_)
        self._shown: Mask = np.zeros(0, np.bool_)  # those that are listed and not hidden
        self._total = self._total_shown = 0
        self._found: LRUCache[Key, NDArray[np.uint8]] = LRUCache(FOUND_KEPT)
        self._tag_ids: dict[str, tuple[int, ...]] = {}
        self._rankings: Rankings = LRUCache(KEPT)
        self._title_ranks: NDArray[np.int64] | None = None
        self._permutations: LRUCache[int, NDArray[np.int64]] = LRUCache(PERMUTATIONS_KEPT)

    # --- Staying true ---

    async def load(self, db: Connection) -> None:
        """Read everything, in pieces.

        A table of few videos with huge ids is left to the database for good.
        """
        async with self._lock:
            await self._load(db)

    async def catch_up(self, db: Connection) -> bool:
        """Take in every change that was committed before; False where the index cannot be used
        (yet).
        """
        seen = self._last
        if seen is None:
            return False
        news = _news(seen, await gallery.changes(db, seen.seq))
        if news == [] and self._last is seen:
            return True
        async with self._lock:
            if self._last is not None:
                if self._last is not seen:  # another task took in some of it
                    news = _news(self._last, await gallery.changes(db, self._last.seq))
                await (self._load(db) if news is None else self._take_in(db, news))
        return self._last is not None

    async def _load(self, db: Connection) -> None:
        last = await gallery.last_change(db)
        count, largest = await gallery.bounds(db)
        self._last = None
        if largest > 10 * count + 100_000:
            return
        self._listed = np.zeros(0, np.bool_)
        self._shown = np.zeros(0, np.bool_)
        self._numbers = {
            name: np.zeros(0, TYPES.get(name, np.int64)) for name in gallery.NUMBERS[1:]
        }
        self._grow(largest + 1)
        after_id = 0
        while rows := await gallery.numbers(db, after_id, LOADED_AT_ONCE):
            self._grow(rows[-1][0] + 1)  # some may have been added since the largest was asked for
            self._put(rows)
            after_id = rows[-1][0]
        self._forget(words=True, places=True)
        self._last = last

    async def _take_in(self, db: Connection, news: Sequence[GalleryChange]) -> None:
        if not news:
            return
        changed = {change.video_id for change in news if change.what != "tag"}
        rows = await gallery.numbers_of(db, changed) if changed else []
        if rows:
            self._grow(max(row[0] for row in rows) + 1)
        known = [video_id for video_id in changed if video_id < len(self._listed)]
        self._listed[known] = self._shown[known] = False
        self._put(rows)
        what = {change.what for change in news}
        self._forget(words=not what.isdisjoint(("place", "text")), places="place" in what)
        for change in news:
            if change.what == "tag":
                self._found.pop(("tag", change.tag_id), None)
                self._tag_ids.clear()
                self.edition += 1
        self._last = news[-1]

    def _grow(self, size: int) -> None:
        if size > len(self._listed):
            room = size + size // 8
            self._listed = _resized(self._listed, room)
            self._shown = _resized(self._shown, room)
            self._numbers = {name: _resized(column, room) for name, column in self._numbers.items()}
            self._found.clear()

    def _put(self, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            video_ids, *columns = zip(*rows, strict=True)
            where = np.array(video_ids)
            self._listed[where] = True
            for column, values in zip(self._numbers.values(), columns, strict=True):
                column[where] = values
            self._shown[where] = self._numbers["hidden"][where] == 0
        self._total = int(np.count_nonzero(self._listed))
        self._total_shown = int(np.count_nonzero(self._shown))

    def _forget(self, words: bool, places: bool) -> None:
        dropped = {"match"} if words else set()
        if words:
            self._rankings.clear()
        if places:
            dropped |= {"folder"}
            self._title_ranks = None
            self._permutations.clear()
            self.edition += 1
        for key in [key for key in self._found if key[0] in dropped]:
            del self._found[key]

    # --- Selecting ---

    async def tag_ids(self, db: Connection, keys: Collection[str]) -> dict[str, tuple[int, ...]]:
        """The ids of each of the tags with these keys and of the tags below it; none where there is
        no such tag.
        """
        if unknown := [key for key in keys if key not in self._tag_ids]:
            if len(self._tag_ids) > KEPT_TAG_IDS:
                self._tag_ids.clear()
            edition, found = self.edition, await tags.ids_of(db, unknown)
            if self.edition == edition and self._last is not None:
                self._tag_ids.update(found)
        else:
            found = {}
        return {key: found[key] if key in found else self._tag_ids.get(key, ()) for key in keys}

    async def select(self, db: Connection, selection: Selection) -> Mask:
        """The mask of the videos selected.

        It must not be written to: where it holds everything that is not hidden, it is the index's
        own.
        """
        keys: list[Key] = []
        if selection.root_id is not None:
            keys.append(("folder", selection.root_id, selection.folder, selection.direct))
        if selection.match:
            keys.append(("match", selection.match))
        found = [await self._ids(db, key) for key in keys]
        found += [await self._tagged(db, tag_ids) for tag_ids in selection.tags]
        if selection.unmatch:
            found.append(~await self._ids(db, ("match", selection.unmatch)))
        found += await self._of_viewer(db, selection.query)
        # From here on nothing is awaited: others may take in changes meanwhile.
        masks = self._by_numbers(selection)
        masks += [
            other if len(other) == len(self._listed) else _resized(other, len(self._listed))
            for other in found
        ]
        shown = self._listed & ~self._shown if selection.query.hidden else self._shown
        if not masks:
            return shown  # a copy for every page would take longer than all else here
        mask = masks[0]
        for other in (shown, *masks[1:]):
            mask &= other
        return mask

    async def _of_viewer(self, db: Connection, query: Query) -> list[Mask]:
        """The masks of a person: videos they may see, and videos they started or watched."""
        who, masks = query.viewer, []
        if who.limits is not None:
            masks.append(self._mask(np.fromiter(who.allowed, np.int64, len(who.allowed))))
        if who.person and query.progress:
            text = await gallery.of_person(db, who.person, query.progress)
            mask = self._mask(_parsed(text))
            masks.append(~mask if query.progress == "unwatched" else mask)
        return masks

    def _mask(self, ids: NDArray[np.int64]) -> Mask:
        mask = np.zeros(len(self._listed), np.bool_)
        mask[ids[ids < len(mask)]] = True
        return mask

    def _by_numbers(self, selection: Selection) -> list[Mask]:
        """The mask of each numeric filter, over all videos ever listed."""
        return [
            COMPARISONS[bound.compare](self._numbers[bound.column], bound.value)
            for bound in filter_bounds(selection.query)
        ]

    async def _tagged(self, db: Connection, tag_ids: Sequence[int]) -> Mask:
        """The videos that carry one of these tags."""
        found = [await self._ids(db, ("tag", tag_id)) for tag_id in tag_ids]
        mask = _resized(found[0], max(map(len, found)))
        for other in found:
            mask[: len(other)] |= other
        return mask

    async def _ids(self, db: Connection, key: Key) -> Mask:
        """The videos with this tag, in this folder or with these words, from the cache or the
        database.
        """
        packed, size = self._found.get(key), len(self._listed)
        if packed is not None:
            return np.unpackbits(packed, count=size).view(np.bool_)
        last = self._last
        match key:
            case "tag", int() as tag_id:
                text = await gallery.tagged(db, tag_id)
            case "folder", int() as root_id, bytes() as folder, bool() as direct:
                text = await (
                    gallery.in_folder(db, root_id, folder, direct)
                    if folder or direct
                    else gallery.copies_in_root(db, root_id)
                )
            case _, match:
                text = await gallery.matching(db, str(match))
            case _:
                raise ValueError(key)
        mask = np.zeros(size, np.bool_)
        ids = _parsed(text)
        mask[ids[ids < size]] = True
        if key[0] == "folder" and key[2:] == (b"", False):
            mask |= self._numbers["root_id"][:size] == key[1]
        if self._last is last:
            self._found[key] = np.packbits(mask)
        return mask

    async def precompile(self, db: Connection, match: str) -> None:
        """Cache what this FTS5 expression finds."""
        await self._ids(db, ("match", match))

    def how_many(self, mask: Mask) -> int:
        """The number of videos in a mask."""
        return self._total_shown if mask is self._shown else int(np.count_nonzero(mask))

    def years(self, mask: Mask, sort: Sort, starts: Sequence[int]) -> list[tuple[int, int]]:
        """Each year of a mask's videos in an order by date, and how many there are; `starts` are
        the beginnings of the years from EPOCH_YEAR on.
        """
        values = self._numbers[SORT_COLUMNS[sort]][mask]
        places = np.searchsorted(np.array(starts, np.int64), values[values > 0], side="right")
        counts = np.bincount(places, minlength=1)
        return [(EPOCH_YEAR + int(n) - 1, int(counts[n])) for n in np.flatnonzero(counts)]

    # --- Ordering ---

    @property
    def seen(self) -> int:
        """The number of the last change taken in: while it stays the same, so does every answer."""
        return self._last.seq if self._last else -1

    def version(self, video_id: int) -> int:
        """The version of a listed video's card."""
        return int(self._numbers["version"][video_id]) if video_id < len(self._listed) else 0

    def shuffle(self, video_id: int) -> int:
        """A listed video's random number."""
        return int(self._numbers["shuffle"][video_id]) if video_id < len(self._listed) else 0

    async def relevance(self, db: Connection, selection: Selection, video_id: int) -> int:
        """The relevance of a video to the words of the selection; 0 if nothing is ranked."""
        ranking = await self._ranking(db, selection)
        return ranking.rank(video_id) if ranking else 0

    async def _ranking(self, db: Connection, selection: Selection) -> Ranking | None:
        """The relevance of everything the words find, from the cache or the database; None if
        nothing is to be ranked, or too much.
        """
        if not selection.ranked or not selection.match:
            return None
        key = (selection.match, selection.ranked)
        if key in self._rankings:
            return self._rankings[key]
        last, ranking = self._last, None
        found = np.flatnonzero(await self._ids(db, ("match", selection.match)))
        if len(found) <= self._limits.ranked_at_most:
            groups = await best_match.groups(db, selection.ranked)
            ranking = ranking_of(found, {value: _parsed(ids) for value, ids in groups.items()})
        if self._last is last:
            self._rankings[key] = ranking
        return ranking

    async def how_many_behind(
        self, db: Connection, selection: Selection, mask: Mask, after: Cursor
    ) -> int:
        """The number of the selected videos, which `mask` holds, behind a place in the order."""
        query, ids = selection.query, np.flatnonzero(mask)
        keys: NDArray[Any]
        place: Cursor | None = after
        if ranking := await self._ranking(db, selection):
            ids, keys = ranking.places(mask, self._numbers["added_at"])
        elif query.sort is Sort.RANDOM and query.seed:
            keys = self._places(query.seed)[ids]
        elif query.sort is Sort.TITLE:
            ranks = await self._ranks(db)
            place = await self._ranked(db, ranks, after, query.descending, inclusive=False)
            keys = ranks[ids]
        else:
            keys = self._numbers[SORT_COLUMNS[query.sort]][ids]
        behind = _behind(keys, ids, place or after, query.descending)
        return int(np.count_nonzero(behind))

    async def run(
        self,
        db: Connection,
        selection: Selection,
        mask: Mask,
        limit: int,
        after: Cursor | None = None,
        until: Cursor | None = None,
        backwards: bool = False,
    ) -> list[int]:
        """The first `limit` of the selected videos, which `mask` holds, in the query's order,
        behind `after` and up to and including `until`.
        """
        query, count = selection.query, self.how_many(mask)
        if not count:
            return []
        if ranking := await self._ranking(db, selection):
            ids, places = ranking.places(mask, self._numbers["added_at"])
            return _first(places, ids, limit, query.descending != backwards, after, until)
        if query.sort is Sort.RANDOM and query.seed:
            return self._permuted(query, mask, limit, after, until, backwards)
        # Where many are selected, the next ones are found soon by going along the order; else all
        # of them are put in order.
        steps = limit if count == self._total else limit * self._total * 4 // (3 * count) + limit
        share = self._total // self._limits.walked_share
        if steps <= limit or steps < min(self._limits.walked_at_most, share):
            passed = np.array(
                await gallery.walk(db, query, steps, after, until, backwards), np.int64
            )
            known = passed[passed < len(mask)]
            chosen: list[int] = known[mask[known]].tolist()
            if len(chosen) >= limit or len(passed) < steps:
                return chosen[:limit]
        return await self._sorted(db, query, mask, limit, after, until, backwards)

    async def _sorted(
        self,
        db: Connection,
        query: Query,
        mask: Mask,
        limit: int,
        after: Cursor | None,
        until: Cursor | None,
        backwards: bool,
    ) -> list[int]:
        descending = query.descending != backwards
        ids = np.flatnonzero(mask)
        if query.sort is Sort.TITLE and len(ids) <= self._limits.few:
            return await gallery.some_by_title(db, ids.tolist(), limit, after, until, descending)
        if query.sort is Sort.TITLE:
            column = await self._ranks(db)
            after = await self._ranked(db, column, after, descending, inclusive=False)
            until = await self._ranked(db, column, until, not descending, inclusive=True)
        else:
            column = self._numbers[SORT_COLUMNS[query.sort]]
        return _first(column[ids], ids, limit, descending, after, until)

    def _permuted(
        self,
        query: Query,
        mask: Mask,
        limit: int,
        after: Cursor | None,
        until: Cursor | None,
        backwards: bool,
    ) -> list[int]:
        """The same as `run`, in the order of a seed. Its places are spread evenly, so the next
        videos lie in a window of known width; only those are sorted.
        """
        descending = query.descending != backwards
        places = self._places(query.seed)
        start = (LARGEST if descending else 0) if after is None else int(after.key)
        width = 4 * limit * LARGEST // self.how_many(mask) + 1
        while True:
            low, high = (start - width, start) if descending else (start, start + width)
            ids = np.flatnonzero(mask & (places >= low) & (places <= high))
            chosen = _first(places[ids], ids, limit, descending, after, until)
            if len(chosen) == limit or (low <= 0 if descending else high >= LARGEST):
                return chosen
            width *= 8

    def _places(self, seed: int) -> NDArray[np.int64]:
        """The place of every video in the order of a seed."""
        places = self._permutations.get(seed)
        if places is None:
            # The lower 31 bits of a product are the same in 32 bits, which take half the memory.
            numbers: NDArray[Any] = self._numbers["shuffle"].astype(np.uint32)
            permuted = random_order.permuted(numbers, *random_order.multipliers(seed))
            places = self._permutations[seed] = permuted.astype(np.int64)
        return places

    async def _ranks(self, db: Connection) -> NDArray[np.int64]:
        """The rank of each listed video in the order of titles."""
        if self._title_ranks is not None and len(self._title_ranks) == len(self._listed):
            return self._title_ranks
        last, size = self._last, len(self._listed)
        order = _parsed(await gallery.by_title(db))
        order = order[order < size]
        ranks = np.full(
            size, len(order), np.int64
        )  # videos added after the order was read come last
        ranks[order] = np.arange(len(order))
        if self._last is last:
            self._title_ranks = ranks
        return ranks

    async def _ranked(
        self,
        db: Connection,
        ranks: NDArray[np.int64],
        place: Cursor | None,
        descending: bool,
        inclusive: bool,
    ) -> Cursor | None:
        """A place in the order of titles as a place among ranks: just before the first video behind
        it.
        """
        if place is None:
            return None
        video_id = await gallery.next_by_title(db, place, descending, inclusive)
        if video_id is None or video_id >= len(ranks):
            rank = -1.0 if descending else float(len(ranks))
        else:
            rank = float(ranks[video_id])
        return Cursor(rank + (0.5 if descending else -0.5), 0)


def _first(
    keys: NDArray[Any],
    ids: NDArray[np.int64],
    limit: int,
    descending: bool,
    after: Cursor | None,
    until: Cursor | None,
) -> list[int]:
    """The ids with the first `limit` of (key, id) between two places. `ids` ascend."""
    if after or until:
        keep = _behind(keys, ids, after, descending) if after else np.ones(len(ids), np.bool_)
        if until:
            keep &= ~_behind(keys, ids, until, descending)
        keys, ids = keys[keep], ids[keep]
    if descending:
        keys, ids = (
            -keys[::-1].astype(np.float64 if keys.dtype.kind == "f" else np.int64),
            ids[::-1],
        )
    if len(keys) > limit:
        last = np.partition(keys, limit - 1)[limit - 1]
        before, equal = np.flatnonzero(keys < last), np.flatnonzero(keys == last)
        chosen = np.concatenate((before, equal[: limit - len(before)]))
        keys, ids = keys[chosen], ids[chosen]
    in_order: list[int] = ids[np.argsort(keys, kind="stable")].tolist()
    return in_order


def _behind(keys: NDArray[Any], ids: NDArray[np.int64], place: Cursor, descending: bool) -> Mask:
    """The mask of those strictly behind a place."""
    if descending:
        behind = (keys < place.key) | ((keys == place.key) & (ids < place.video_id))
    else:
        behind = (keys > place.key) | ((keys == place.key) & (ids > place.video_id))
    return np.asarray(behind, np.bool_)


def _news(seen: GalleryChange, changes: Sequence[GalleryChange]) -> Sequence[GalleryChange] | None:
    """Changes after the last one taken in; None if the history is another one or was cut."""
    if seen == NOTHING_YET and (not changes or changes[0].seq == 1):
        return changes
    return changes[1:] if changes and changes[0] == seen else None


def _resized(column: NDArray[Any], size: int) -> NDArray[Any]:
    resized = np.zeros(size, column.dtype)
    resized[: len(column)] = column[:size]
    return resized


def _parsed(text: str) -> NDArray[np.int64]:
    return np.fromstring(text, np.int64, sep=",") if text else np.zeros(0, np.int64)
