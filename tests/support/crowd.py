"""A database with many videos that have no files, for tests of what the gallery finds, and a plain
Python account of the same.
"""

import random
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path

from lvs import random_order
from lvs.db import favorites, files, gallery, ratings, tags, videos, views
from lvs.db.database import Database
from lvs.filters import STATES
from lvs.models import Fingerprint, FoundFile, Probe, Query, Sort, Track, tag_key
from lvs.playability import MATROSKA, MP4, plays
from lvs.services.cache import Cache
from lvs.services.curation.favorites import Favorites
from lvs.services.curation.ratings import Ratings
from lvs.services.curation.tags import Tags
from lvs.services.curation.titles import VideoTitles
from lvs.services.curation.views import Views
from lvs.services.events import Events
from lvs.services.gallery.gallery import DEFAULT_LIMITS, Gallery
from lvs.services.gallery.limits import GalleryLimits
from lvs.services.library.library import Library
from lvs.text import natural_key

WORDS = (
    "sea",
    "season",
    "seal",
    "alps",
    "Alpine",
    "Öl",
    "olga",
    "夏",
    "夏祭り",
    "2",
    "10",
    "x2",
    "night-walk",
    "o'clock",
    "été",
    "ÅNGSTRÖM",
)
DAYS = (date(1999, 12, 31), date(2024, 2, 29), date(2024, 3, 1))
RECORDED_MS = tuple(
    int(datetime.combine(day, clock).timestamp() * 1000)
    for day in DAYS
    for clock in (time(0, 0), time(23, 59, 59))
)
TAGS = ("alps", "Sea", "two words", "été", "夏", "rare")
FOLDERS = ("", "Trips", "Trips/2024", "Trips 2", "été", "a%b_c")


@dataclass(frozen=True)
class Person:
    """Our own record of one video."""

    id: int
    title: str
    root: str
    path: str
    added_at: int
    duration_s: float
    size_bytes: int
    rating: int
    views: int
    last_viewed_at: int
    favorited_at: int
    shuffle: int
    content: Probe | None
    tags: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """All searchable words, folded; each sign of Han and kana is a word of its own."""
        stem = self.path.rpartition(".")[0]
        parts = [part for text in (self.title, stem, *self.tags) for part in _parts(text)]
        return _words(" ".join((self.title, self.path, *self.tags, *parts)))

    def relevance(self, words: tuple[str, ...]) -> int:
        """The group of the video among those that a search for words finds."""
        title = _words(self.title)
        inside = {*title, *_words(" ".join(_parts(self.title)))}
        groups = (
            title == list(words),
            title[: len(words)] == list(words),
            inside.issuperset(words),
            " ".join(title).startswith(" ".join(words)),
            set(self.words).issuperset(words),
        )
        return 6 - groups.index(True) if True in groups else 1


def _words(text: str) -> list[str]:
    """Words, folded; each sign of Han and kana is one of its own."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_\u3040-\u30ff\u4e00-\u9fff]+", plain)


def _parts(text: str) -> list[str]:
    """Words inside of words, character by character."""
    parts, last = [""], ""
    for character in text:
        digits = last.isdigit() != character.isdigit()
        camel = last.islower() and character.isupper()
        if not character.isalnum() or digits or camel:
            parts.append("")
        if character.isalnum():
            parts[-1] += character
        last = character
    return [part for part in parts if part]


@dataclass
class Crowd:
    """The database behind two galleries: one answers from its shelf, the other asks the database in
    plain SQL.
    """

    database: Database
    fast: Gallery
    plain: Gallery
    people: list[Person]
    ratings: Ratings
    favorites: Favorites
    tags: Tags
    views: Views
    videos: VideoTitles

    def expected(
        self, query: Query, folder: tuple[str, str] | None = None, words: tuple[str, ...] = ()
    ) -> list[int]:
        """Ids in order, found the slow way.

        `words` are the beginnings of words that `query.q` asks for.
        """
        chosen = [person for person in self.people if _matches(person, query, folder, words)]
        chosen.sort(key=lambda person: _key(person, query, words), reverse=query.descending)
        return [person.id for person in chosen]

    def hash_of(self, video_id: int) -> str:
        return f"{video_id:016x}"


def _matches(
    person: Person, query: Query, folder: tuple[str, str] | None, words: tuple[str, ...]
) -> bool:
    return (
        all(any(word.startswith(wanted) for word in person.words) for wanted in words)
        and {tag_key(tag) for tag in query.tags} <= {tag_key(tag) for tag in person.tags}
        and person.rating >= query.min_rating
        and (not query.favorite or person.favorited_at > 0)
        and (not query.unrated or person.rating == 0)
        and (not query.viewed or person.views > 0)
        and (not query.min_minutes or person.duration_s >= query.min_minutes * 60)
        and (not query.tagged or bool(person.tags) == (query.tagged == "yes"))
        and _has_content(person.content, query)
        and (not query.max_minutes or person.duration_s < query.max_minutes * 60)
        and (
            folder is None
            or (
                person.root == folder[0]
                and (not folder[1] or person.path.startswith(folder[1] + "/"))
            )
        )
    )


def _has_content(content: Probe | None, query: Query) -> bool:
    if content is None:
        return not (
            query.recorded_from
            or query.recorded_to
            or query.resolution
            or query.state
            or query.sound
        )
    day = datetime.fromtimestamp((content.recorded_at or 0) / 1000).date()  # noqa: DTZ006 - as the server's clock says
    short, long = sorted((content.width, content.height))
    lines, columns = {"": (0, 0), "720p": (720, 1280), "1080p": (1080, 1920), "4K": (2160, 3840)}[
        query.resolution
    ]
    return (
        (
            not query.recorded_from
            or (content.recorded_at is not None and day >= query.recorded_from)
        )
        and (
            not query.recorded_to or (content.recorded_at is not None and day <= query.recorded_to)
        )
        and (short >= lines or long >= columns)
        and (not query.state or plays(content, "mp4")[0] is STATES[query.state])
        and (not query.sound or not content.audio_tracks)
    )


def _key(person: Person, query: Query, words: tuple[str, ...]) -> tuple[object, ...]:
    match query.sort:
        case Sort.ADDED:
            return (person.added_at, person.id)
        case Sort.TITLE:
            return (natural_key(person.title), person.id)
        case Sort.RATING:
            return (person.rating, person.id)
        case Sort.VIEWS:
            return (person.views, person.id)
        case Sort.DURATION:
            return (person.duration_s, person.id)
        case Sort.SIZE:
            return (person.size_bytes, person.id)
        case Sort.VIEWED:
            return (person.last_viewed_at, person.id)
        case Sort.FAVORITED:
            return (person.favorited_at, person.id)
        case Sort.RECORDED:
            recorded_at = person.content.recorded_at if person.content else None
            return (recorded_at or 0, person.id)
        case Sort.RANDOM:
            return (random_order.place(person.shuffle, query.seed), person.id)
        case Sort.MATCH:
            return (person.relevance(words) if words else 0, person.added_at, person.id)


def _content(chance: random.Random, duration_s: float) -> Probe | None:
    if not duration_s:
        return None
    width, height = chance.choice(
        ((640, 360), (1280, 534), (720, 1280), (1920, 1080), (1440, 1080), (3840, 1600), (64, 4320))
    )
    return Probe(
        container=chance.choice((MP4, MATROSKA, "avi")),
        video_codec=chance.choice(("h264", "hevc", "ffv1", "vp9")),
        duration_s=duration_s,
        width=width,
        height=height,
        coded_width=width,
        coded_height=height,
        pixel_format=chance.choice((None, "yuv420p", "yuv422p10le")),
        audio_tracks=chance.choice(((), (Track("aac"),), (Track("ac3"), Track("aac")))),
        recorded_at=chance.choice((None, *RECORDED_MS)),
    )


def draw(count: int, seed: int) -> list[Person]:
    """Videos with many equal values, so that ties are common."""
    chance = random.Random(seed)
    found = []
    for number in range(1, count + 1):
        folder = chance.choice(FOLDERS)
        duration_s = chance.choice((0.0, 59.99, 60.0, 299.999, 300.0, 1800.5, 7200.0))
        count_of_views = chance.choice((0, 0, 1, 2))
        found.append(
            Person(
                id=number,
                title=" ".join(chance.choices(WORDS, k=chance.randint(1, 3))),
                root=chance.choice(("Videos", "Films")),
                path=f"{folder}/{number}.mp4".lstrip("/"),
                added_at=chance.randint(1, 40),
                duration_s=duration_s,
                size_bytes=chance.choice((0, 10, 2**40, number)),
                rating=chance.choice((0, 0, 0, 1, 2, 3, 4, 5)),
                views=count_of_views,
                last_viewed_at=chance.randint(1, 9) if count_of_views else 0,
                favorited_at=chance.choice((0, 0, 0, 7, number)),
                shuffle=chance.choice((0, 2**31 - 1, chance.randrange(2**31))),
                content=_content(chance, duration_s),
                tags=tuple(
                    sorted(chance.sample(TAGS, chance.choice((0, 0, 1, 2, 4))), key=tag_key)
                ),
            )
        )
    return found


@asynccontextmanager
async def crowd(
    folder: Path, people: list[Person], limits: GalleryLimits = DEFAULT_LIMITS
) -> AsyncIterator[Crowd]:
    """These videos in two library folders, `Videos` and `Films`."""
    roots = [folder / "Videos", folder / "Films"]
    for root in roots:
        root.mkdir(parents=True)
    database, cache = Database(folder / "lvs.db"), Cache(100, 300)
    await database.open()
    try:
        library = Library(database, Events(), roots, ("mp4",), 0)
        await library.open()
        for start in range(0, len(people), 100):
            await _put(database, library, people[start : start + 100])
        fast = Gallery(database, library, cache, limits)
        plain = Gallery(database, library, Cache(100, 300), limits)
        await fast.fill()
        kinds = (Ratings, Favorites, Tags, Views, VideoTitles)
        curation = [kind(database, cache, Events()) for kind in kinds]
        yield Crowd(database, fast, plain, list(people), *curation)  # type: ignore[arg-type]
    finally:
        await database.close()


async def _put(database: Database, library: Library, people: list[Person]) -> None:
    root_ids = {root.name: root.id for root in library.active_roots}
    async with database.transaction() as tx:
        for person in people:
            name = f"{person.id:016x}"
            video_id = await videos.add(tx, name, person.title, person.added_at, person.shuffle)
            assert video_id == person.id
            found = FoundFile(person.path.encode(), person.size_bytes, 1)
            await files.add(tx, video_id, root_ids[person.root], found, Fingerprint(name, name))
            if person.content:
                await videos.put_probe(tx, video_id, name, person.content, None, 1)
            if person.rating:
                await ratings.put(tx, video_id, person.rating, 1)
            for _ in range(person.views):
                await views.add(tx, video_id, person.last_viewed_at)
            if person.favorited_at:
                await favorites.put(tx, video_id, person.favorited_at)
            for tag in person.tags:
                await tags.add(tx, video_id, tag, tag_key(tag), 1)
        await gallery.refresh(tx, [person.id for person in people])


def changed(person: Person, **changes: object) -> Person:
    return replace(person, **changes)  # type: ignore[arg-type]
