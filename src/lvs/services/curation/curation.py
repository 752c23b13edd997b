"""What people give a video: stars, a heart, tags, a title, views.

A change is one transaction, with its line in the journal.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from lvs.db import changes, favorites, files, gallery, ratings, tags, videos, views
from lvs.db.database import Connection, Database, Transaction
from lvs.errors import Invalid, NotFound
from lvs.models import File, MediaHash, Rating, Video, tag_key
from lvs.services.cache import Cache
from lvs.services.library.library import now_ms
from lvs.text import title_from_path

MAX_TAG_LENGTH = 64
LONGEST_TAG = 200  # what an import may bring; people type shorter ones
MAX_TAGS = 200
MAX_TITLE_LENGTH = 300
TURNS_TEXT = frozenset(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # bidirectional overrides, embeddings, isolates


class Curation:
    """Base of the services below: finds videos by name and keeps the cache true."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    async def _id(self, db: Connection, media_hash: str) -> int:
        video_id = await videos.id_of(db, media_hash)
        if video_id is None:
            raise NotFound("There is no such video.")
        return video_id


class Videos(Curation):
    """Whole videos by name, and their titles."""

    async def get(self, media_hash: str) -> Video:
        """The video of this name or alias. Raises NotFound."""
        async with self._database.read() as db:
            video = await videos.one(db, await self._id(db, media_hash))
        if video is None:
            raise NotFound("There is no such video.")
        return video

    async def at(self, places: Iterable[tuple[int, bytes]]) -> tuple[Video, File] | None:
        """The video that lies at one of these places (library folder, path), or lay there last, and
        its file of that place.
        """
        past: File | None = None
        async with self._database.read() as db:
            for root_id, path in places:
                file = await files.last_at(db, root_id, path)
                if file is not None and (past is None or past.missing_since is not None):
                    past = file if past is None or file.missing_since is None else past
            video = await videos.one(db, past.video_id) if past else None
        return (video, past) if video and past else None

    async def retitle(self, media_hash: str, title: str, client: str) -> Video:
        """Give a video a title; an empty one goes back to what its file is called.

        Raises Invalid, NotFound.
        """
        title = _line(title, "title", MAX_TITLE_LENGTH)

        async def change(tx: Transaction) -> str:
            video = await videos.one(tx, await self._id(tx, media_hash))
            if video is None:
                raise NotFound("There is no such video.")
            old = (
                video.title if video.title_edited else None
            )  # None: what its file is called, whatever that will be then
            if (title or None) != old:
                await videos.set_title(
                    tx, video.id, title or title_from_path(video.file.path), edited=bool(title)
                )
                await changes.add(tx, video.id, "title", old, title or None, client, now_ms())
                await gallery.refresh(tx, [video.id])
            return video.media_hash

        return await self.get(await self._database.write(change))


class Ratings(Curation):
    """One to five stars."""

    async def of(self, media_hash: str) -> Rating:
        """A video's rating. Raises NotFound."""

        async def load() -> Rating:
            async with self._database.read() as db:
                return Rating(
                    MediaHash(media_hash), await ratings.value(db, await self._id(db, media_hash))
                )

        return await self._cache.get(("rating", media_hash), load)

    async def rate(self, media_hash: str, stars: int, client: str) -> Rating:
        """Give a video stars. Raises Invalid unless they are 1 to 5, NotFound."""
        if isinstance(stars, bool) or stars not in range(1, 6):
            raise Invalid("Pick one to five stars.")
        return await self._change(media_hash, stars, client)

    async def clear(self, media_hash: str, client: str) -> Rating:
        """Take a video's stars away. Raises NotFound."""
        return await self._change(media_hash, None, client)

    async def _change(self, media_hash: str, stars: int | None, client: str) -> Rating:
        async def change(tx: Transaction) -> tuple[int | None, list[str]]:
            found = await ratings.named(tx, media_hash)
            if found is None:
                raise NotFound("There is no such video.")
            video_id, old, names = found
            if old != stars:
                await (
                    ratings.remove(tx, video_id)
                    if stars is None
                    else ratings.put(tx, video_id, stars, now_ms())
                )
                await changes.add(
                    tx, video_id, "rating", _text(old), _text(stars), client, now_ms()
                )
                await gallery.refresh_number(tx, video_id, "rating")
            return old, names

        old, names = await self._database.write(change)
        self._cache.age()
        # A video answers to several names, so the value is put under the one that was used and
        # every other is dropped.
        self._cache.drop(*[("rating", name) for name in names])
        self._cache.put(("rating", media_hash), Rating(MediaHash(media_hash), stars))
        return Rating(MediaHash(media_hash), stars, created=old is None and stars is not None)


class Favorites(Curation):
    """The heart."""

    async def set(self, media_hash: str, favorite: bool, client: str) -> bool:
        """Mark a video as favorite, or no longer; whether it is one now. Raises NotFound."""
        return await self._change(media_hash, lambda _: favorite, client)

    async def toggle(self, media_hash: str, client: str) -> bool:
        """Turn the heart over; whether the video is a favorite now. Raises NotFound."""
        return await self._change(media_hash, lambda was: not was, client)

    async def _change(self, media_hash: str, wanted: Callable[[bool], bool], client: str) -> bool:
        async def change(tx: Transaction) -> bool:
            video_id = await self._id(tx, media_hash)
            was = await favorites.has(tx, video_id)
            now = wanted(was)
            if now != was:
                await (
                    favorites.put(tx, video_id, now_ms()) if now else favorites.remove(tx, video_id)
                )
                await changes.add(
                    tx, video_id, "favorite", _text(int(was)), _text(int(now)), client, now_ms()
                )
                await gallery.refresh_number(tx, video_id, "favorite")
            return now

        now = await self._database.write(change)
        self._cache.age()
        return now

    async def of(self, media_hash: str) -> bool:
        """Whether a video is a favorite. Raises NotFound."""
        async with self._database.read() as db:
            return await favorites.has(db, await self._id(db, media_hash))


class Tags(Curation):
    """Words people put on videos."""

    async def of(self, media_hash: str) -> tuple[str, ...]:
        """A video's tags, in alphabetical order. Raises NotFound."""
        async with self._database.read() as db:
            return await tags.of_video(db, await self._id(db, media_hash))

    async def add(self, media_hash: str, name: str, client: str) -> tuple[str, ...]:
        """Put a tag on a video; all its tags then.

        A tag it has already changes nothing. Raises Invalid, NotFound.
        """
        name = clean_tag(name)

        async def change(tx: Transaction) -> tuple[str, ...]:
            video_id = await self._id(tx, media_hash)
            if len(await tags.of_video(tx, video_id)) >= MAX_TAGS:
                raise Invalid(f"A video can carry {MAX_TAGS} tags. Remove one first.")
            if await tags.add(tx, video_id, name, tag_key(name), now_ms()):
                await changes.add(tx, video_id, "tag", None, name, client, now_ms())
                await gallery.refresh(tx, [video_id])
            return await tags.of_video(tx, video_id)

        names = await self._database.write(change)
        self._cache.age()
        return names

    async def remove(self, media_hash: str, name: str, client: str) -> tuple[str, ...]:
        """Take a tag off a video; the tags that remain. Raises NotFound."""

        async def change(tx: Transaction) -> tuple[str, ...]:
            video_id = await self._id(tx, media_hash)
            removed = await tags.remove(tx, video_id, tag_key(name))
            if removed is not None:
                await changes.add(tx, video_id, "tag", removed, None, client, now_ms())
                await gallery.refresh(tx, [video_id])
            return await tags.of_video(tx, video_id)

        names = await self._database.write(change)
        self._cache.age()
        return names

    async def suggest(self, video_tags: Sequence[str], limit: int) -> list[str]:
        """The tags given last that this video does not carry, latest first."""
        taken = {tag_key(name) for name in video_tags}
        async with self._database.read() as db:
            names = await tags.recent(db, limit + len(taken))
        return [name for name in names if tag_key(name) not in taken][:limit]


class Views(Curation):
    """How often a video was played."""

    async def count(self, media_hash: str, client: str) -> int:
        """Note that somebody plays it; how often it was played now. Raises NotFound."""

        async def change(tx: Transaction) -> int:
            video_id = await self._id(tx, media_hash)
            seen = await views.add(tx, video_id, now_ms())
            await changes.add(tx, video_id, "view", str(seen - 1), str(seen), client, now_ms())
            await gallery.refresh_number(tx, video_id, "views")
            return seen

        seen = await self._database.write(change)
        self._cache.age()
        return seen

    async def of(self, media_hash: str) -> int:
        """How often a video was played. Raises NotFound."""
        async with self._database.read() as db:
            return await views.count(db, await self._id(db, media_hash))


def clean_tag(name: str, longest: int = MAX_TAG_LENGTH) -> str:
    """A tag as it is kept: NFC, trimmed, single spaces, without leading `#`.

    Raises Invalid with what is wrong.
    """
    name = _line(name.strip().lstrip("#"), "tag", longest)
    if not name:
        raise Invalid("Type a word for the tag.")
    return name


def _line(text: str, what: str, longest: int) -> str:
    text = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in TURNS_TEXT for c in text):
        raise Invalid(f"A {what} cannot hold control characters.")
    text = " ".join(text.split())
    if text and all(unicodedata.category(c) == "Cf" for c in text):
        raise Invalid(f"A {what} needs at least one character that can be seen.")
    if len(text) > longest:
        raise Invalid(f"A {what} has at most {longest} characters.")
    return text


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
