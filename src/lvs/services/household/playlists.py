"""Playlists: videos in an order that people gave them. A video may stand in one more than once."""

from collections.abc import AsyncIterator, Sequence

from lvs.clock import now_ms
from lvs.db import playlist_pages, playlists, videos
from lvs.db.database import Connection, Database, Transaction
from lvs.db.playlist_pages import PlaylistItem, PlaylistSummary
from lvs.errors import Conflict, Invalid, NotFound
from lvs.models import Card
from lvs.services.curation.base import clean_line

__all__ = ["PlaylistItem", "PlaylistSummary", "Playlists"]

MAX_NAME = 200
MAX_DESCRIPTION = 1000
MAX_PLAYLISTS = 1000
MAX_ITEMS = 20_000
DELETED_KEPT_MS = 30 * 24 * 3_600_000


class Playlists:
    """Reads and changes playlists. Every change is on disk when it is answered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def every(self) -> list[PlaylistSummary]:
        """Every playlist by name."""
        async with self._database.read() as db:
            return await playlist_pages.summaries(db)

    async def covers(self, each: int) -> dict[int, list[Card]]:
        """Up to `each` videos with a poster that stand for a playlist, by its id."""
        async with self._database.read() as db:
            return await playlist_pages.covers(db, each)

    async def get(self, playlist_id: int) -> PlaylistSummary:
        """A playlist. Raises NotFound."""
        async with self._database.read() as db:
            return await _existing(db, playlist_id)

    async def items(
        self, playlist_id: int, limit: int = MAX_ITEMS, after: int = -1, *, hidden: bool = False
    ) -> list[PlaylistItem]:
        """The places of a playlist behind a position, in order; those of hidden videos only with
        `hidden`.
        """
        async with self._database.read() as db:
            return await playlist_pages.items(db, playlist_id, after, limit, hidden)

    async def count_hidden(self, playlist_id: int) -> int:
        """The number of places in a playlist that hold a hidden video."""
        async with self._database.read() as db:
            return await playlist_pages.count_hidden(db, playlist_id)

    async def create(self, name: str, description: str = "", video: str = "") -> int:
        """Make a playlist, with this video (media hash) in it where one is given; its id.

        Raises Invalid, Conflict where the name is taken, NotFound.
        """
        name, description = _name(name), _description(description)

        async def change(tx: Transaction) -> int:
            if len(await playlists.every(tx)) >= MAX_PLAYLISTS:
                raise Conflict(f"There are {MAX_PLAYLISTS:,} playlists. Delete one first.")
            await _refuse_taken(tx, name)
            playlist_id = await playlists.add(tx, name, description or None, now_ms())
            if video:
                await playlists.append(tx, playlist_id, [await _video_id(tx, video)])
            return playlist_id

        return await self._database.write(change)

    async def describe(self, playlist_id: int, name: str, description: str) -> None:
        """Rename and describe a playlist. Raises Invalid, Conflict, NotFound."""
        name, description = _name(name), _description(description)

        async def change(tx: Transaction) -> None:
            await _existing(tx, playlist_id)
            await _refuse_taken(tx, name, playlist_id)
            await playlists.rename(tx, playlist_id, name)
            await playlists.describe(tx, playlist_id, description)

        await self._database.write(change)

    async def delete(self, playlist_id: int) -> str:
        """Delete a playlist; it can be brought back for 30 days. Its name. Raises NotFound."""

        async def change(tx: Transaction) -> str:
            found = await _existing(tx, playlist_id)
            await playlists.delete(tx, playlist_id, now_ms())
            await playlists.remove_deleted(tx, now_ms() - DELETED_KEPT_MS)
            return found.playlist.name

        return await self._database.write(change)

    async def bring_back(self, playlist_id: int) -> None:
        """Bring a deleted playlist back, under another name where its own is taken.

        Raises NotFound.
        """

        async def change(tx: Transaction) -> None:
            name = await playlists.deleted_name(tx, playlist_id)
            if name is None:
                raise NotFound("There is no deleted playlist with this number.")
            await playlists.bring_back(tx, playlist_id, await _free_name(tx, name))

        await self._database.write(change)

    async def deleted_name(self, playlist_id: int) -> str | None:
        """The name of a deleted playlist; None where it was not deleted."""
        async with self._database.read() as db:
            return await playlists.deleted_name(db, playlist_id)

    async def add(self, playlist_id: int, media_hash: str, position: int | None = None) -> None:
        """Add a video at the end, or where it was taken out of.

        Raises NotFound, Conflict where the playlist is full.
        """

        async def change(tx: Transaction) -> None:
            await _existing(tx, playlist_id)
            video_id = await _video_id(tx, media_hash)
            await _refuse_full(tx, playlist_id, 1)
            if position is None:
                await playlists.append(tx, playlist_id, [video_id])
            else:
                await playlists.insert(tx, playlist_id, position, video_id)

        await self._database.write(change)

    async def add_selection(self, playlist_id: int, ids: AsyncIterator[Sequence[int]]) -> int:
        """Add every video (ids) of a selection in its order, all or none; how many.

        Raises NotFound, Conflict where they are too many.
        """
        chosen: list[int] = []
        async for some in ids:
            chosen += some
            if len(chosen) > MAX_ITEMS:
                raise _too_many()

        async def change(tx: Transaction) -> None:
            await _existing(tx, playlist_id)
            await _refuse_full(tx, playlist_id, len(chosen))
            await playlists.append(tx, playlist_id, chosen)

        await self._database.write(change)
        return len(chosen)

    async def remove(self, playlist_id: int, position: int) -> None:
        """Remove what stands at a place. Raises NotFound."""

        async def change(tx: Transaction) -> None:
            await _existing(tx, playlist_id)
            if not await playlists.remove_item(tx, playlist_id, position):
                raise NotFound("This place of the playlist is empty now.")

        await self._database.write(change)

    async def take_out_named(self, playlist_id: int, name: str) -> None:
        """Remove a video by its media hash or alias, or the places held for a name of the original.

        Raises NotFound.
        """

        async def change(tx: Transaction) -> None:
            await _existing(tx, playlist_id)
            video_id = await videos.id_of(tx, name)
            if video_id is not None and await playlists.remove_video(tx, playlist_id, video_id):
                return
            held = name.encode("utf-8", "surrogateescape")
            if not await playlists.remove_held(tx, playlist_id, held):
                raise NotFound("This video is not in the playlist.")

        await self._database.write(change)

    async def move(
        self, playlist_id: int, position: int, up: bool, *, hidden: bool = False
    ) -> None:
        """Move a place one up or down, past hidden videos where the list does not show them
        (`hidden`); at the end of the list nothing happens. Raises NotFound.
        """

        async def change(tx: Transaction) -> None:
            await _existing(tx, playlist_id)
            other = await playlists.beside(tx, playlist_id, position, up, hidden)
            if other is not None:
                await playlists.move(tx, playlist_id, position, other)

        await self._database.write(change)

    async def move_to(self, playlist_id: int, position: int, target: int) -> None:
        """Move what stands at a place to the place of another; those between make room.

        Raises NotFound where nothing stands at either.
        """

        async def change(tx: Transaction) -> None:
            await _existing(tx, playlist_id)
            low, high = sorted((position, target))
            places = await playlists.places_between(tx, playlist_id, low, high)
            if not {position, target} <= {place for place, _ in places}:
                raise NotFound("This place of the playlist is empty now.")
            await playlists.move(tx, playlist_id, position, target)

        await self._database.write(change)


async def _existing(db: Connection, playlist_id: int) -> PlaylistSummary:
    found = await playlist_pages.summary(db, playlist_id)
    if found is None:
        raise NotFound("There is no such playlist.")
    return found


async def _video_id(db: Connection, media_hash: str) -> int:
    video_id = await videos.id_of(db, media_hash)
    if video_id is None:
        raise NotFound("There is no such video.")
    return video_id


async def _refuse_taken(db: Connection, name: str, but: int = 0) -> None:
    other = await playlists.of_name(db, name)
    if other is not None and other.id != but:
        raise Conflict(f"There is a playlist “{name}” already. Choose another name.")


async def _refuse_full(db: Connection, playlist_id: int, more: int) -> None:
    if await playlists.count(db, playlist_id) + more > MAX_ITEMS:
        raise _too_many()


def _too_many() -> Conflict:
    return Conflict(f"A playlist holds at most {MAX_ITEMS:,} videos. Choose fewer.")


async def _free_name(db: Connection, name: str) -> str:
    free, number = name, 1
    while await playlists.of_name(db, free) is not None:
        number += 1
        free = f"{name} ({number})"
    return free


def _name(text: str) -> str:
    name = clean_line(text, "name", MAX_NAME)
    if not name:
        raise Invalid("A playlist needs a name.")
    return name


def _description(text: str) -> str:
    return clean_line(" ".join(text.split()), "description", MAX_DESCRIPTION)
