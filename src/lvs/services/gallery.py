"""Browsing: runs of cards for a query, counts, neighbours, random picks and what is related."""

import secrets
from dataclasses import dataclass, replace

from lvs.db import files, gallery, tags, videos
from lvs.db.database import Connection, Database
from lvs.db.gallery import Selection
from lvs.errors import Invalid, NotFound
from lvs.models import Card, Cursor, Page, Query, Related, Sort, Tag, Video, tag_key
from lvs.services import search
from lvs.services.cache import Cache
from lvs.services.library import SHUFFLE_END, Library

PAGE_SIZE = 60
MAX_RUN = 500  # the most cards one answer holds, also where `until` asks for more
RELATED = 12


@dataclass(frozen=True, slots=True)
class Folder:
    """A top folder and how many listed videos lie in and below it."""

    root_id: int
    path: bytes
    count: int


class Gallery:
    """Answers what to show. Nothing here changes anything."""

    def __init__(self, database: Database, library: Library, cache: Cache) -> None:
        self._database = database
        self._library = library
        self._cache = cache

    async def browse(
        self, query: Query, limit: int = PAGE_SIZE, after: Cursor | None = None, until: Cursor | None = None
    ) -> Page:
        """A run of cards behind `after`. With `until` the run ends there, however many lie between.

        Raises Invalid where a cursor does not fit the order.
        """
        _check_cursor(query, after)
        _check_cursor(query, until)
        async with self._database.read() as db:
            selection = await self._select(db, query)
            if selection is None:
                return Page((), None)
            size = MAX_RUN if until else limit
            rows = await gallery.browse(db, selection, size + 1, after, until)
        more = len(rows) > size
        rows = rows[:size]
        following = rows[-1].cursor if more else None
        return Page(tuple(row.card for row in rows), following if not until else None, after)

    async def count(self, query: Query) -> int:
        """How many videos the query shows."""

        async def load() -> int:
            async with self._database.read() as db:
                selection = await self._select(db, query)
                return await gallery.count(db, selection) if selection else 0

        plain = replace(query, sort=Sort.ADDED, descending=True, seed=0)
        return await self._cache.get(("count", self._cache.generation, plain), load)

    async def neighbours(self, query: Query, video_id: int) -> tuple[Card | None, Card | None]:
        """The cards before and after this one in the list that `query` shows."""
        async with self._database.read() as db:
            card = await gallery.one(db, video_id)
            selection = await self._select(db, query)
            if card is None or selection is None:
                return None, None
            here = gallery.cursor_of(card, await gallery.shuffle_of(db, video_id), query.sort)
            before = await gallery.browse(db, selection, 1, after=here, backwards=True)
            behind = await gallery.browse(db, selection, 1, after=here)
        return (before[0].card if before else None, behind[0].card if behind else None)

    async def card(self, video_id: int) -> Card | None:
        async with self._database.read() as db:
            return await gallery.one(db, video_id)

    async def random(self) -> Card:
        """Any video. Raises NotFound where there is none."""
        async with self._database.read() as db:
            card = await gallery.random(db, secrets.randbelow(SHUFFLE_END))
        if card is None:
            raise NotFound("There is no video to pick from yet.")
        return card

    async def related(self, video: Video) -> tuple[Related, ...]:
        """Videos worth seeing next: those that share tags, then those from the same folder, each with its reason."""
        found: dict[int, str] = {}
        async with self._database.read() as db:
            for video_id, tag in await tags.sharing(db, video.id, RELATED):
                found[video_id] = f"shares #{tag}"
            folder = video.file.path.rpartition(b"/")[0]
            in_folder = Selection(Query(sort=Sort.TITLE, descending=False), root_id=video.file.root_id, folder=folder)
            for row in await gallery.browse(db, in_folder, RELATED + 1):
                if row.card.id != video.id and len(found) < RELATED:
                    found.setdefault(row.card.id, "same folder")
            cards = await gallery.some(db, list(found))
        return tuple(Related(card, found[card.id]) for card in cards)

    async def tags(self) -> list[Tag]:
        """Every tag in use with its count, in alphabetical order."""

        async def load() -> list[Tag]:
            async with self._database.read() as db:
                return await tags.counted(db)

        return await self._cache.get(("tags", self._cache.generation), load)

    async def folders(self) -> list[Folder]:
        """The top folders of every library folder."""

        async def load() -> list[Folder]:
            async with self._database.read() as db:
                return [
                    Folder(root.id, path, count)
                    for root in self._library.active_roots
                    for path, count in await files.folders(db, root.id)
                ]

        return await self._cache.get(("folders", self._cache.generation), load)

    async def unreadable(self, limit: int, after_id: int = 0) -> list[videos.UnreadableFile]:
        """Files that cannot be read as video, with the reason."""
        async with self._database.read() as db:
            return await videos.list_unreadable(db, limit, after_id)

    async def states(self) -> dict[str, int]:
        """How many videos there are in each state."""
        async with self._database.read() as db:
            return await videos.count_by_state(db)

    async def _select(self, db: Connection, query: Query) -> Selection | None:
        """The query with its words, tags and folder resolved; None where nothing can match."""
        words = search.parse(query.q)
        if query.q.strip() and not words.match and not words.tags:
            return None
        tag_ids = []
        for name in dict.fromkeys((*query.tags, *words.tags)):
            tag_id = await tags.id_of(db, tag_key(name))
            if tag_id is None:
                return None
            tag_ids.append(tag_id)
        selection = Selection(query, words.match, tuple(dict.fromkeys(tag_ids)))
        return self._in_folder(selection, query.folder.strip(b"/")) if query.folder else selection

    def _in_folder(self, selection: Selection, folder: bytes) -> Selection | None:
        active = self._library.active_roots
        if len(active) == 1:
            return replace(selection, root_id=active[0].id, folder=folder)
        name, _, rest = folder.partition(b"/")
        for root in active:
            if root.name.encode() == name:
                return replace(selection, root_id=root.id, folder=rest)
        return None


def _check_cursor(query: Query, cursor: Cursor | None) -> None:
    if cursor is not None and isinstance(cursor.key, str) != (query.sort is Sort.TITLE):
        raise Invalid("This page address does not fit the chosen order. Start again from the first page.")
