"""Stars, heart and tags that a player sends back, taken through curation and its journal.

A player sends its whole list of tags. What it takes away is what it was shown and no longer sends;
a tag that was given elsewhere meanwhile was never shown to it and stays.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from cachetools import LRUCache
from msgspec import Struct

from lvs.errors import Invalid
from lvs.models import Video, tag_key
from lvs.services.curation.favorites import Favorites
from lvs.services.curation.ratings import Ratings
from lvs.services.curation.tags import Tags
from lvs.services.headset.words import RATING, READ_ONLY, TAG

MOST_STARS = 5
MOST_TAGS_SENT = 10_000
SHOWN_KEPT = 4_000
WRITES = ("rating", "isFavorite", "tags")


class TagChanges(Struct, frozen=True):
    """Tags to give and to take, by name, and the stars' own tag that was taken away."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    clears_rating: bool = False


class ShownTags(Struct, frozen=True):
    """A film's tags as a player was shown them."""

    tags: tuple[str, ...] = ()
    rated: bool = False

    @classmethod
    def from_video(cls, video: Video) -> "ShownTags":
        """The tags that an answer about this video shows."""
        return cls(video.tags, video.rating > 0)


class AllowedWrites(Struct, frozen=True):
    """Kinds of values that a player may change."""

    rating: bool = True
    favorite: bool = True
    tags: bool = True

    @classmethod
    def from_words(cls, words: Collection[str]) -> "AllowedWrites":
        """The allowed kinds by the words of the option `headset_writes`."""
        return cls("rating" in words, "favorite" in words, "tags" in words)


class WriteBack:
    """Takes what a player sends, and remembers what each player was shown last."""

    def __init__(
        self, ratings: Ratings, favorites: Favorites, tags: Tags, allowed: AllowedWrites
    ) -> None:
        self._ratings = ratings
        self._favorites = favorites
        self._tags = tags
        self.allowed = allowed
        self._shown: LRUCache[tuple[str, str], ShownTags] = LRUCache(SHOWN_KEPT)

    def shown(self, client: str, media_hash: str) -> ShownTags | None:
        """The tags this player was shown when it composed what it sends.

        To be asked before anything is awaited: a second request may come before the first is done.
        """
        return self._shown.get((client, media_hash))

    def show(self, client: str, video: Video) -> None:
        """Remember that this player is shown the film as it is now."""
        self._shown[(client, video.media_hash)] = ShownTags.from_video(video)

    async def take(self, video: Video, sent: dict[str, Any], shown: ShownTags, client: str) -> None:
        """Make every change that is asked for and allowed; what cannot be understood is left out.

        `shown` is what the player was shown when it composed the list of tags.
        """
        stars = stars_of(sent.get("rating"))
        changes = tag_changes(sent.get("tags"), shown)
        if self.allowed.rating and stars is None and changes.clears_rating and not _rates(sent):
            stars = 0
        if self.allowed.rating and stars is not None:
            await self._rate(video.media_hash, stars, client)
        if self.allowed.favorite and isinstance(sent.get("isFavorite"), bool):
            await self._favorites.set(video.media_hash, sent["isFavorite"], client)
        if self.allowed.tags:
            await self._tag(video.media_hash, changes, client)

    async def _rate(self, media_hash: str, stars: int, client: str) -> None:
        if stars:
            await self._ratings.rate(media_hash, stars, client)
        else:
            await self._ratings.clear(media_hash, client)

    async def _tag(self, media_hash: str, changes: TagChanges, client: str) -> None:
        for name in changes.remove:
            await self._tags.remove(media_hash, name, client)
        carried = {tag_key(name) for name in await self._tags.get(media_hash)}
        for name in changes.add:
            if tag_key(name) in carried:
                continue
            try:
                carried = {tag_key(each) for each in await self._tags.add(media_hash, name, client)}
            except Invalid:
                continue  # one word that is no tag, or one too many: the others count


def writes(sent: dict[str, Any]) -> bool:
    """True for a request that is to change something, and not only reads by POST."""
    return any(sent.get(name) is not None for name in WRITES)


def stars_of(value: object) -> int | None:
    """Stars out of a rating of 0 to 5 in half steps, halves rounded up; 0 takes them away.

    None for what is no rating.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return math.floor(min(max(value, 0), MOST_STARS) + 0.5)


def tag_changes(sent: object, shown: ShownTags) -> TagChanges:
    """Difference between the tags a player sends and those it was shown.

    Only its own `Tag:` ones are taken away. A name without prefix and without a time is a new tag;
    echoes of what is read-only change nothing, but stars whose tag was taken away are cleared.
    """
    if not isinstance(sent, list):
        return TagChanges()
    names = [name for each in sent[:MOST_TAGS_SENT] if (name := _name(each))]
    wanted = [name for name in (_own(name) for name in names) if name]
    wanted += [each for each in _new(sent[:MOST_TAGS_SENT]) if each]
    kept = {tag_key(name) for name in wanted}
    had = {tag_key(name) for name in shown.tags}
    return TagChanges(
        add=_once(name for name in wanted if tag_key(name) not in had),
        remove=tuple(name for name in shown.tags if tag_key(name) not in kept),
        clears_rating=shown.rated and not any(name.startswith(RATING) for name in names),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(tag_key(name), name)
    return tuple(name for key, name in by_key.items() if key)


def _name(tag: object) -> str:
    name = tag.get("name") if isinstance(tag, dict) else None
    return name.strip() if isinstance(name, str) else ""


def _own(name: str) -> str:
    """The tag in a name of ours; empty for any other."""
    prefix = name[: len(TAG)].casefold()
    return name[len(TAG) :].strip() if prefix == TAG.casefold() else ""


def _new(sent: Sequence[object]) -> list[str]:
    """Names that a person typed in the headset."""
    prefixes = tuple(prefix.casefold() for prefix in (*READ_ONLY, TAG))
    found = []
    for tag in sent:
        name = _name(tag)
        if not isinstance(tag, dict) or not name or name.casefold().startswith(prefixes):
            continue
        if not tag.get("start") and not tag.get("end"):
            found.append(name)
    return found


def _rates(sent: dict[str, Any]) -> bool:
    return sent.get("rating") is not None
