"""The lists of films that HereSphere and DeoVR ask for, put together once for each state of the
library.

A list of ten thousand films is a megabyte of JSON; a player asks for it again and again, so the
bytes are kept until the library changes.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from cachetools import LRUCache
from msgspec import Struct

from lvs.db import headset
from lvs.db.database import Database
from lvs.db.headset import HeadsetVideo
from lvs.services.headset.words import day, tag_members
from lvs.viewer import viewer

__all__ = [
    "SECTION_SIZE",
    "HeadsetVideo",
    "LibraryDocument",
    "LibraryDocuments",
    "SavedViewVideos",
    "VideoLinks",
    "sections",
]

SECTION_SIZE = 2_000
MOST_VIDEOS = 50_000
MOST_PLAYLISTS = 100
TOP_STARS = 4
DOCUMENTS_KEPT = 6

FLAT = 0
"""The number of a flat film for one eye in `db.projections`."""


class LibrarySection(Struct, frozen=True):
    """A list of films under a name that says where it was cut."""

    name: str
    videos: tuple[HeadsetVideo, ...]


class SavedViewVideos(Struct, frozen=True):
    """A saved view as a list: its name, and the ids of its first films in its order."""

    name: str
    video_ids: tuple[int, ...]


class LibraryDocument(Struct, frozen=True):
    """A finished answer and the tag of its content (RFC 9110 section 8.8.3)."""

    body: bytes
    etag: str


class VideoLinks(Struct, frozen=True):
    """Addresses of one film for the player that asks. All are absolute."""

    item: Callable[[str], str]
    poster: Callable[[HeadsetVideo], str]
    key: Hashable
    """Whatever else of the request the addresses depend on."""


class LibraryDocuments:
    """Builds the lists, and keeps the latest few."""

    def __init__(self, database: Database, only_vr: bool) -> None:
        self._database = database
        self._only_vr = only_vr
        self._kept: LRUCache[Hashable, LibraryDocument] = LRUCache(DOCUMENTS_KEPT)

    async def heresphere(
        self,
        links: VideoLinks,
        continued: Sequence[int] = (),
        views: Sequence[SavedViewVideos] = (),
    ) -> LibraryDocument:
        """HereSphere's library: sections with the addresses of their films."""
        return await self._document("heresphere", links, continued, views, _heresphere)

    async def scan(self, links: VideoLinks) -> LibraryDocument:
        """HereSphere's scan: what its lists show of every film, in one answer."""
        return await self._document("scan", links, (), (), _scan)

    async def deovr(
        self,
        links: VideoLinks,
        continued: Sequence[int] = (),
        views: Sequence[SavedViewVideos] = (),
    ) -> LibraryDocument:
        """DeoVR's library: scenes with their films."""
        return await self._document("deovr", links, continued, views, _deovr)

    async def _document(
        self,
        kind: str,
        links: VideoLinks,
        continued: Sequence[int],
        views: Sequence[SavedViewVideos],
        build: Callable[[list[LibrarySection], VideoLinks], dict[str, Any]],
    ) -> LibraryDocument:
        async with self._database.read() as db:
            version = await headset.version(db)
            who = viewer()
            asked = (tuple(continued), tuple(views), links.key, who, who.allowed)
            key = (kind, version, *asked)
            known = self._kept.get(key)
            if known is not None:
                return known
            videos = [
                video for video in await headset.videos(db, MOST_VIDEOS) if who.sees(video.id)
            ]
            playlists = await headset.playlists(db, MOST_PLAYLISTS, SECTION_SIZE)

        def write() -> LibraryDocument:
            made = sections(videos, playlists, continued, self._only_vr, views)
            body = json.dumps(build(made, links), separators=(",", ":"), ensure_ascii=False)
            encoded = body.encode("utf-8", "replace")
            return LibraryDocument(encoded, hashlib.blake2b(encoded, digest_size=12).hexdigest())

        # In a thread: with many films it takes a tenth of a second.
        document = await asyncio.to_thread(write)
        self._kept[key] = document
        return document


def sections(
    videos: Sequence[HeadsetVideo],
    playlists: Iterable[headset.ListedPlaylist],
    continued: Sequence[int],
    only_vr: bool,
    views: Iterable[SavedViewVideos] = (),
) -> list[LibrarySection]:
    """Lists of a library, none of them empty; `videos` are given the latest first."""
    if only_vr:
        videos = [video for video in videos if video.projection != FLAT]
    by_id = {video.id: video for video in videos}
    favorites = sorted(
        (video for video in videos if video.favorited_at), key=lambda video: -video.favorited_at
    )
    top = sorted((video for video in videos if video.rating >= TOP_STARS), key=lambda f: -f.rating)
    named: list[tuple[str, Sequence[HeadsetVideo]]] = [
        ("Continue watching", _of(by_id, continued)),
        *((each.name, _of(by_id, each.video_ids)) for each in views),
        ("Recently added", videos),
        ("Favorites", favorites),
        ("Top rated", top),
        ("Unrated", [video for video in videos if not video.rating]),
        *((f"Playlist: {each.name}", _of(by_id, each.video_ids)) for each in playlists),
    ]
    if not only_vr:
        named.append(("VR", [video for video in videos if video.projection != FLAT]))
    made = [_cut(name, found) for name, found in named if found]
    return made + list(_parts("Everything", sorted(videos, key=lambda f: f.title.casefold())))


def _of(by_id: dict[int, HeadsetVideo], video_ids: Iterable[int]) -> list[HeadsetVideo]:
    return [by_id[video_id] for video_id in dict.fromkeys(video_ids) if video_id in by_id]


def _cut(name: str, videos: Sequence[HeadsetVideo]) -> LibrarySection:
    """The first films of a list, and a name that says so where there are more."""
    if len(videos) > SECTION_SIZE:
        name = f"{name} (first {SECTION_SIZE:,} of {len(videos):,})"
    return LibrarySection(name, tuple(videos[:SECTION_SIZE]))


def _parts(name: str, videos: Sequence[HeadsetVideo]) -> Iterable[LibrarySection]:
    """All films, in as many sections as that takes."""
    if len(videos) <= SECTION_SIZE:
        return [LibrarySection(name, tuple(videos))] if videos else []
    return [
        LibrarySection(
            f"{name} ({start + 1:,}–{min(start + SECTION_SIZE, len(videos)):,} of {len(videos):,})",
            tuple(videos[start : start + SECTION_SIZE]),
        )
        for start in range(0, len(videos), SECTION_SIZE)
    ]


def _heresphere(made: list[LibrarySection], links: VideoLinks) -> dict[str, Any]:
    library = [
        {"name": section.name, "list": [links.item(video.media_hash) for video in section.videos]}
        for section in made
    ]
    return {"access": 1, "library": library}


def _scan(made: list[LibrarySection], links: VideoLinks) -> dict[str, Any]:
    videos = {video.id: video for section in made for video in section.videos}
    return {"scanData": [_scanned(video, links) for video in videos.values()]}


def _scanned(video: HeadsetVideo, links: VideoLinks) -> dict[str, Any]:
    return {
        "link": links.item(video.media_hash),
        "title": video.title,
        "dateAdded": day(video.added_at),
        "duration": round(video.duration_s * 1000),
        "rating": video.rating,
        "favorites": int(video.favorited_at > 0),
        "comments": video.views,
        "isFavorite": video.favorited_at > 0,
        "tags": tag_members(json.loads(video.tags)),
    }


def _deovr(made: list[LibrarySection], links: VideoLinks) -> dict[str, Any]:
    scenes = [
        {
            "name": section.name,
            "list": [
                {
                    "title": video.title,
                    "videoLength": round(video.duration_s),
                    "thumbnailUrl": links.poster(video),
                    "video_url": links.item(video.media_hash),
                }
                for video in section.videos
            ],
        }
        for section in made
    ]
    return {"authorized": "1", "scenes": scenes}
