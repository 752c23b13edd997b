"""Browsing: runs of cards for a query, counts, neighbours, random picks and related videos."""

import asyncio
import importlib
import logging
import os
import secrets
import string
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lvs import random_order
from lvs.db import best_match, folders, gallery, progress, tags, videos, watch_page
from lvs.db.database import Connection, Database
from lvs.db.folders import FolderPoster, Subfolder
from lvs.db.gallery import Selection
from lvs.errors import Invalid, LvsError, NotFound
from lvs.models import (
    Card,
    Cursor,
    Page,
    Query,
    Related,
    Sort,
    Surroundings,
    Tag,
    Video,
    display_path,
    tag_key,
)
from lvs.services.cache import Cache
from lvs.services.gallery import search_query
from lvs.services.gallery.dates import DATED
from lvs.services.gallery.finder import CardCache, Finder, IndexFinder, SqlFinder
from lvs.services.gallery.limits import GalleryLimits
from lvs.services.library.library import Library
from lvs.services.lru import LRU
from lvs.viewer import Limits, viewer

__all__ = [
    "DEFAULT_LIMITS",
    "MAX_RUN",
    "FolderPoster",
    "Gallery",
    "GalleryPage",
    "Subfolder",
    "TopFolder",
    "sorted_by_use",
]

if TYPE_CHECKING:  # importing NumPy takes a tenth of the start, and only filling needs it
    from lvs.services.gallery.video_index import VideoIndex

log = logging.getLogger(__name__)

Found = TypeVar("Found")

DEFAULT_LIMITS = GalleryLimits()
DRAWS_FOR_EACH = 4  # draws for each random video: one may be drawn twice, or have no poster
MAX_RUN = 500  # the most cards one answer holds, also where `until` asks for more
RELATED = 12
SAME_PICTURES = "The same pictures"
POPULAR_TAGS = 40
PAGES_KEPT = 40
LIMITS_KEPT = 20
LISTS_OF_LIMITS_KEPT = 100
WARMED = (
    string.ascii_lowercase + string.digits
)  # one letter finds so many videos that looking them up takes long
RETRY_S = 5.0
FILL_DELAY_S = 1.0  # the first page comes before this work


class TopFolder(Struct, frozen=True):
    """A top folder and how many listed videos lie in and below it."""

    root_id: int
    path: bytes
    count: int


class GalleryPage(Struct, frozen=True):
    """A run of cards, the number of all matches, and the filters to choose among."""

    page: Page
    total: int
    popular_tags: list[Tag]
    folders: list[TopFolder]
    years: list[tuple[int, int]]
    """Each year of an order by date, with its number of videos."""


class Gallery:
    """Answers what pages show, and changes nothing.

    The index answers as soon as it is filled; until then, or if it cannot be filled, the database
    answers the same in plain SQL.
    """

    def __init__(
        self,
        database: Database,
        library: Library,
        cache: Cache,
        limits: GalleryLimits = DEFAULT_LIMITS,
    ) -> None:
        self.limits = limits
        self.fill_delay_s = FILL_DELAY_S
        self._database = database
        self._library = library
        self._cache = cache
        self._index: VideoIndex | None = None
        self._allowed: LRU[Limits, tuple[int, frozenset[int]]] = LRU(LIMITS_KEPT)
        self._limited: LRU[Hashable, list[Any]] = LRU(LISTS_OF_LIMITS_KEPT)
        self._kept = CardCache()
        self._pages: LRU[Hashable, tuple[Page, int]] = LRU(PAGES_KEPT)
        self._year_lists: LRU[Hashable, list[tuple[int, int]]] = LRU(PAGES_KEPT)

    async def fill(self, delay_s: float = 0) -> None:
        """Fill the index; retried if the database cannot be read now."""
        await asyncio.sleep(delay_s)
        os.environ.setdefault(
            "OPENBLAS_NUM_THREADS", "1"
        )  # nothing is multiplied here, and each thread costs memory
        index: VideoIndex = (
            await asyncio.to_thread(importlib.import_module, "lvs.services.gallery.video_index")
        ).VideoIndex(self.limits)
        while True:
            try:
                async with self._database.read() as db:
                    await index.load(db)
                self._index = index
                for letter in WARMED:
                    async with self._database.read() as db:
                        if await index.catch_up(db):
                            await index.precompile(db, str(search_query.parse(letter).match))
                return
            except LvsError as error:
                log.warning(
                    "the columns of the videos could not be read (%s); the database answers",
                    error.message,
                )
                await asyncio.sleep(RETRY_S)

    @property
    def edition(self) -> int:
        """A number that changes with everything the gallery shows; -1 while changes are not
        noticed.
        """
        return self._index.seen if self._index else -1

    async def catch_up(self) -> None:
        """Take in recent changes, so that `edition` is up to date."""
        async with self._reading():
            pass

    async def find(
        self, query: Query, after: Cursor | None = None, until: Cursor | None = None
    ) -> GalleryPage:
        """Everything a gallery page shows: a run of cards as `browse` returns it, and what
        surrounds it.
        """
        async with self._reading() as (db, index):
            page, total = await self._known_or_found(
                db, query, index, self.limits.page_size, after, until
            )
            years = await self._years(db, query, index) if query.sort in DATED else []
            page = await _for_viewer(db, page)
        # Only now: these may want a connection too, and a holder of one must not wait for
        # another.
        return GalleryPage(page, total, await self._popular_tags(), await self._folders(), years)

    async def browse(
        self,
        query: Query,
        limit: int = DEFAULT_LIMITS.page_size,
        after: Cursor | None = None,
        until: Cursor | None = None,
    ) -> Page:
        """A run of cards behind `after`. With `until` the run ends there, however many lie between.

        Raises Invalid where a cursor does not fit the order.
        """
        async with self._reading() as (db, index):
            page = (await self._known_or_found(db, query, index, limit, after, until))[0]
            return await _for_viewer(db, page)

    async def ids(self, query: Query) -> AsyncIterator[list[int]]:
        """Every video the query shows, in its order, some hundreds at a time."""
        after = None
        while True:
            page = await self.browse(query, MAX_RUN, after)
            if page.cards:
                yield [card.id for card in page.cards]
            if page.next is None:
                return
            after = page.next

    async def all_ids(self, query: Query, most: int) -> list[int]:
        """The ids of all videos of a query, at most so many, in its order."""
        async with self._reading() as (db, index):
            finder = await self._finder(db, query, index)
            return await finder.ids(most) if finder else []

    async def last_id(self) -> int:
        """The largest id of a listed video: those that come later have larger ones."""
        async with self._database.read() as db:
            return (await gallery.bounds(db))[1]

    async def count(self, query: Query) -> int:
        """The number of videos in the query."""
        return (await self.counts([query]))[0]

    async def counts(self, queries: Sequence[Query]) -> list[int]:
        """The number of videos in each query."""
        async with self._reading() as (db, index):
            finders = [await self._finder(db, query, index) for query in queries]
            return [await finder.count() if finder else 0 for finder in finders]

    async def count_behind(self, query: Query, after: Cursor | None) -> int:
        """The number of the query's videos behind a place, or of all of them without one. Raises
        Invalid if the cursor does not fit the order.
        """
        _check_cursor(query, after)
        async with self._reading() as (db, index):
            finder = await self._finder(db, query, index)
            if finder is None:
                return 0
            return await (finder.count_behind(after) if after else finder.count())

    async def neighbours(self, query: Query, video_id: int) -> tuple[Card | None, Card | None]:
        """The cards before and after this one in the list that `query` shows."""
        async with self._reading() as (db, index):
            card = await gallery.one(db, video_id)
            before, behind = await self._ids_beside(db, query, index, card)
            cards = await gallery.some(db, [each for each in (before, behind) if each])
        return cards.get(before or 0), cards.get(behind or 0)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[tuple[Connection, "VideoIndex | None"]]:
        """A connection, and the index if it has taken in every change made before."""
        async with self._database.read() as db:
            yield (
                db,
                self._index if self._index and await self._knows_all(db, self._index) else None,
            )

    async def _knows_all(self, db: Connection, index: "VideoIndex") -> bool:
        # What a person with limits may see was found a moment ago, and nothing was written since.
        found_now = viewer().commits == self._database.usage.commits
        return (found_now and index.seen >= 0) or await index.catch_up(db)

    async def _finder(
        self, db: Connection, query: Query, index: "VideoIndex | None"
    ) -> Finder | None:
        """A finder for the query; None where nothing can match."""
        query = _by_viewer(query)
        selection = await self._select(db, query, index)
        if selection is None:
            return None
        if index is None:
            return SqlFinder(db, await _bounded(db, selection, self.limits.ranked_at_most))
        mask = await index.select(db, selection)
        return IndexFinder(db, selection, index, mask, self._kept)

    async def _years(
        self, db: Connection, query: Query, index: "VideoIndex | None"
    ) -> list[tuple[int, int]]:
        """Each year of an order by date, cached while nothing has changed.

        None before the index is filled, seconds after the start: the database would have to read
        every row.
        """
        if index is None:
            return []
        query = _by_viewer(query)
        key = (index.seen, query, query.viewer.allowed)
        known = self._year_lists.get(key)
        if known is not None:
            return known
        finder = await self._finder(db, query, index)
        found = finder.years() if isinstance(finder, IndexFinder) else []
        if not _is_personal(query):
            self._year_lists.put(key, found)
        return found

    async def _known_or_found(
        self,
        db: Connection,
        query: Query,
        index: "VideoIndex | None",
        limit: int,
        after: Cursor | None,
        until: Cursor | None,
    ) -> tuple[Page, int]:
        """A run of cards and the total of the query, cached while nothing has changed."""
        query = _by_viewer(query)
        key = (index.seen if index else -1, query, query.viewer.allowed, limit, after, until)
        known = self._pages.get(key) if index else None
        if known is None:
            finder = await self._finder(db, query, index)
            page = await self._page(finder, query, limit, after, until)
            known = (page, await finder.count() if finder else 0)
            if index and index.seen == key[0] and not _is_personal(query):
                self._pages.put(key, known)
        return known

    async def _page(
        self,
        finder: Finder | None,
        query: Query,
        limit: int,
        after: Cursor | None,
        until: Cursor | None,
    ) -> Page:
        _check_cursor(query, after)
        _check_cursor(query, until)
        if finder is None:
            return Page((), None)
        size = MAX_RUN if until else limit
        cards = await finder.cards(size + 1, after, until)
        following = None
        if len(cards) > size and not until:
            following = await finder.place(cards[size - 1])
        return Page(tuple(cards[:size]), following, after)

    async def card(self, video_id: int) -> Card | None:
        async with self._database.read() as db:
            return await gallery.one(db, video_id)

    async def random(self) -> Card:
        """A random video. Raises NotFound if there is none."""
        if viewer().limits is not None:
            seed = secrets.randbelow(random_order.LARGEST - 1) + 1
            cards = (await self.browse(Query(sort=Sort.RANDOM, seed=seed), 1)).cards
            card = cards[0] if cards else None
        else:
            async with self._database.read() as db:
                card = await gallery.random(db, secrets.randbelow(videos.SHUFFLE_END))
        if card is None:
            raise NotFound("There is no video to pick from yet.")
        return card

    async def some_random(self, number: int) -> tuple[Card, ...]:
        """Up to `number` random videos that have a poster."""
        if viewer().limits is not None:
            seed = secrets.randbelow(random_order.LARGEST - 1) + 1
            page = await self.browse(Query(sort=Sort.RANDOM, seed=seed), number)
            return tuple(card for card in page.cards if card.poster)
        found: dict[int, Card] = {}
        async with self._database.read() as db:
            for _ in range(number * DRAWS_FOR_EACH):
                card = await gallery.random(db, secrets.randbelow(videos.SHUFFLE_END))
                if card is not None and card.poster:
                    found[card.id] = card
                if len(found) == number:
                    break
        return tuple(found.values())

    async def surroundings(
        self, query: Query, video: Video, card: Card | None, suggestions: int
    ) -> Surroundings:
        """Surroundings of a video on its page; `card` is its card where it is listed; at most
        `suggestions` tags.
        """
        folder = video.file.path.rpartition(b"/")[0]
        folder_name = folder.rpartition(b"/")[2] or b"this folder"
        async with self._reading() as (db, index):
            before, behind = await self._ids_beside(db, query, index, card)
            beside = await watch_page.beside(
                db, video.id, video.file.root_id, folder, RELATED, suggestions
            )
            reasons = dict.fromkeys(beside.same_pictures, SAME_PICTURES)
            for video_id, tag in beside.sharing:
                if len(reasons) < RELATED:
                    reasons.setdefault(video_id, f"Also #{tag}")
            for video_id in beside.in_folder:
                if video_id != video.id and len(reasons) < RELATED:
                    reasons.setdefault(video_id, f"More from {display_path(folder_name)}")
            who = viewer()
            seen = who.seen(reasons)
            cards = await gallery.some(db, [*seen, before or 0, behind or 0])
        return Surroundings(
            cards.get(before or 0),
            cards.get(behind or 0),
            tuple(Related(cards[each], why) for each, why in reasons.items() if each in cards),
            beside.suggested_tags if who.limits is None else (),
            beside.later,
            beside.chapters,
        )

    async def _ids_beside(
        self, db: Connection, query: Query, index: "VideoIndex | None", card: Card | None
    ) -> tuple[int | None, int | None]:
        """The videos before and after this one in the list that `query` shows."""
        finder = await self._finder(db, query, index)
        if card is None or finder is None:
            return None, None
        here = await finder.place(card)
        return await finder.next_id(here, backwards=True), await finder.next_id(here, False)

    async def tags(self) -> list[Tag]:
        """Every tag in use with its count, in alphabetical order."""
        await self.catch_up()  # is the cached list still valid?
        return await self._tags()

    async def _tags(self) -> list[Tag]:
        who = viewer()
        if who.limits is not None:
            return await self._within_limits("tags", lambda db: tags.counted_among(db, who.allowed))

        async def load() -> list[Tag]:
            async with self._database.read() as db:
                return await tags.counted(db)

        return await self._cache.get(("tags", *self.lists_edition), load)

    async def _within_limits(
        self, what: Hashable, load: Callable[[Connection], Awaitable[list[Found]]]
    ) -> list[Found]:
        """A list within the limits of the person who watches, cached while nothing has changed."""
        who = viewer()
        key = (what, self.edition, who.limits, who.allowed)
        known = self._limited.get(key) if self.edition >= 0 else None
        if known is None:
            async with self._database.read() as db:
                known = await load(db)
            self._limited.put(key, known)
        return known

    async def tags_like(self, text: str) -> list[Tag]:
        """The tags in use with this text in their name or an alias: those that begin with it first,
        then those with most videos.
        """
        wanted = tag_key(text)
        if not wanted:
            return []
        every = await self.tags()
        aliases = await self._aliases() if viewer().limits is None else {}
        found = []
        for tag in every:
            keys = (tag_key(tag.name), *aliases.get(tag.name, ()))
            holding = [key for key in keys if wanted in key]
            if holding:
                found.append((not any(key.startswith(wanted) for key in holding), tag))
        return [tag for _, tag in sorted(found, key=lambda each: (each[0], sorted_by_use(each[1])))]

    async def _aliases(self) -> dict[str, list[str]]:
        """The keys of the aliases of each tag that has any, by its name."""

        async def load() -> dict[str, list[str]]:
            async with self._database.read() as db:
                return await tags.alias_keys(db)

        return await self._cache.get(("aliases", *self.lists_edition), load)

    async def spelling(self, tag: str) -> str | None:
        """The spelling of a tag of a listed video; None where there is none."""
        async with self._database.read() as db:
            known = await tags.spelling(db, tag_key(tag))
        if viewer().limits is None or known is None:
            return known
        return known if any(each.name == known for each in await self._tags()) else None

    async def allowed(self, limits: Limits) -> frozenset[int]:
        """The videos that a person's limits allow."""
        async with self._reading() as (db, index):
            edition = index.seen if index else -1
            known = self._allowed.get(limits)
            if known is not None and edition >= 0 and known[0] == edition:
                return known[1]
            places = [self._folder_place(folder) for folder in limits.folders]
            named = await tags.ids_of(db, [tag_key(tag) for tag in limits.tags])
            tag_ids = {tag_id for ids in named.values() for tag_id in ids}
            found = await gallery.allowed(db, tag_ids, [place for place in places if place])
        self._allowed.put(limits, (edition, found))
        return found

    async def _popular_tags(self) -> list[Tag]:
        if viewer().limits is not None:
            return sorted(await self._tags(), key=sorted_by_use)[:POPULAR_TAGS]

        async def load() -> list[Tag]:
            return sorted(await self._tags(), key=sorted_by_use)[:POPULAR_TAGS]

        return await self._cache.get(("popular tags", *self.lists_edition), load)

    async def _folders(self) -> list[TopFolder]:
        if viewer().limits is not None:
            return []

        async def load() -> list[TopFolder]:
            async with self._database.read() as db:
                active = {root.id for root in self._library.active_roots}
                return [
                    TopFolder(*row) for row in await gallery.top_folders(db) if row[0] in active
                ]

        return await self._cache.get(("folders", *self.lists_edition), load)

    async def subfolders(self, root_id: int, folder: bytes) -> list[Subfolder]:
        """The folders directly in a folder by name, and under the name None the videos in the
        folder itself; nothing if it holds no listed video that the person who watches may see.
        """
        who = viewer()
        if who.limits is not None:
            return await self._within_limits(
                ("folders", root_id, folder),
                lambda db: folders.listed(db, root_id, folder, who.allowed),
            )

        async def load() -> list[Subfolder]:
            async with self._database.read() as db:
                return await folders.listed(db, root_id, folder)

        await self.catch_up()  # is the cached value still valid?
        return await self._cache.get(("folder", root_id, folder, *self.lists_edition), load)

    async def folder_posters(
        self, root_id: int, paths: Sequence[bytes], each: int
    ) -> list[FolderPoster]:
        """Up to `each` posters of the videos in and below each of these folders."""
        who = viewer()
        if who.limits is not None:
            return await self._within_limits(
                ("posters", root_id, tuple(paths), each),
                lambda db: folders.posters(db, root_id, paths, each, who.allowed),
            )
        async with self._database.read() as db:
            return await folders.posters(db, root_id, paths, each)

    @property
    def lists_edition(self) -> tuple[int, int]:
        """A pair that changes whenever tags, folders or titles may have changed.

        The index also notices the changes of other programs.
        """
        seen = self._index.edition if self._index else 0
        return (seen, 0 if seen else self._cache.generation)

    async def unreadable(
        self, limit: int, after_id: int = 0, reason: str | None = None
    ) -> list[videos.UnreadableFile]:
        """Files that cannot be read as video, with the reason; all, or those of one reason."""
        async with self._database.read() as db:
            return await videos.list_unreadable(db, limit, after_id, reason)

    async def _select(
        self, db: Connection, query: Query, index: "VideoIndex | None"
    ) -> Selection | None:
        """The query with its words, tags and folder looked up; None if nothing can match."""
        words = search_query.parse(query.q)
        if query.q.strip(' "-') and not (words.match or words.unmatch or words.tags):
            # a lone quote or minus is the beginning of something, and asks for nothing yet
            return None
        keys = dict.fromkeys(tag_key(name) for name in (*query.tags, *words.tags))
        found = await (index.tag_ids(db, keys) if index else tags.ids_of(db, keys)) if keys else {}
        if not all(found.values()):
            return None
        # an alias and its tag ask for the same
        wanted = tuple(dict.fromkeys(found.values()))
        ranked = words.ranked if query.sort is Sort.MATCH else None
        selection = Selection(query, words.match, wanted, unmatch=words.unmatch, ranked=ranked)
        if not (query.folder or query.direct):
            return selection
        place = self._folder_place(query.folder)
        if place is None:
            return None
        return replace(selection, root_id=place[0], folder=place[1], direct=query.direct)

    def _folder_place(self, folder: bytes) -> tuple[int, bytes] | None:
        """The library folder and path of a folder given as in an address."""
        return self._library.folder_place(folder.strip(b"/"))


def _by_viewer(query: Query) -> Query:
    """The query with the limits of the person who watches."""
    who = viewer()
    return query if query.viewer == who else replace(query, viewer=who)


def _is_personal(query: Query) -> bool:
    """True if the list depends on what one person watches, which the index does not notice."""
    return bool(query.viewer.person and query.progress)


async def _for_viewer(db: Connection, page: Page) -> Page:
    """The page with a person's own progress on its cards."""
    person = viewer().person
    if not person or not page.cards:
        return page
    states = await progress.of_some(db, person, [card.id for card in page.cards])
    return replace(page, cards=tuple(progress.on_card(card, states) for card in page.cards))


def sorted_by_use(tag: Tag) -> tuple[int, str]:
    """A sort key for tags: by number of videos, then by name."""
    return (-tag.count, tag_key(tag.name))


async def _bounded(db: Connection, selection: Selection, most: int) -> Selection:
    """The selection, without a ranking if its words find too many videos."""
    if selection.ranked and await best_match.finds_more(db, str(selection.match), most):
        return replace(selection, ranked=None)
    return selection


def _check_cursor(query: Query, cursor: Cursor | None) -> None:
    if cursor is not None and isinstance(cursor.key, str) != (query.sort is Sort.TITLE):
        raise Invalid("This link belongs to another order. Go back to the first page.")
