"""Finds the videos that films of another program are: by their OpenSubtitles hash, else by path,
else by name with size and length; and only where there is no doubt.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntEnum

from msgspec import Struct, field

from lvs.db.imports import KnownPlace
from lvs.services.imports.foreign_library import ForeignFile, ForeignVideo

NO_FILE = "no video has this content, path or name"
NO_PLACE = "the other program names no file of it"
SEVERAL = "several videos fit, and nothing says which one is meant"
SECONDS = 2.0  # programs round lengths differently
FEWEST_PARTS = 2  # of a path below a library folder that says more than a name


class VideoMatchKind(IntEnum):
    """Kinds of a match, surest first."""

    OWN_HASH = 0
    OSHASH = 1
    PATH = 2
    PATH_END = 3  # the same path below the library folder; the other program sees another mount
    NAME = 4  # with size and length


class VideoMatches(Struct):
    """The video of each film (by its place in the list), and the reason where there is none."""

    video_ids: dict[int, int] = field(default_factory=dict)
    unmatched: dict[int, str] = field(default_factory=dict)
    ways: dict[int, VideoMatchKind] = field(default_factory=dict)


class VideoMatcher:
    """Add every place of the library with `add`, then ask for the `matches`."""

    def __init__(self, videos: Iterable[ForeignVideo]) -> None:
        self._videos = list(videos)
        self._by_hash: defaultdict[str, list[int]] = defaultdict(list)
        self._by_oshash: defaultdict[str, list[int]] = defaultdict(list)
        self._by_name: defaultdict[str, list[tuple[int, ForeignFile]]] = defaultdict(list)
        # for each film and kind the videos that fit: present ones, and those that are missing
        self._fits: dict[int, dict[VideoMatchKind, tuple[set[int], set[int]]]] = {}
        for number, foreign in enumerate(self._videos):
            for file in foreign.files:
                if file.media_hash:
                    self._by_hash[file.media_hash].append(number)
                if file.oshash:
                    self._by_oshash[file.oshash].append(number)
                self._by_name[_name(_folded(file.path))].append((number, file))

    def add(self, places: Iterable[KnownPlace]) -> None:
        """Note which films these places fit."""
        for place in places:
            for number, fit in self._fitting(place):
                kinds = self._fits.setdefault(number, {})
                present, missing = kinds.setdefault(fit, (set(), set()))
                (present if place.present else missing).add(place.video_id)

    def _fitting(self, place: KnownPlace) -> Iterator[tuple[int, VideoMatchKind]]:
        for number in self._by_hash.get(place.media_hash, ()):
            yield number, VideoMatchKind.OWN_HASH
        for number in self._by_oshash.get(place.oshash, ()):
            yield number, VideoMatchKind.OSHASH
        path = _folded(os.fsdecode(place.path))
        whole = _folded(os.fsdecode(place.root_path)).rstrip("/") + "/" + path
        for any_ending in (False, True):
            ours = os.path.splitext(path)[0] if any_ending else path
            full = os.path.splitext(whole)[0] if any_ending else whole
            for number, file in self._by_name.get(_name(ours), ()):
                if file.any_ending is any_ending:
                    yield from self._by_path(number, file, full, ours, place)

    def _by_path(
        self, number: int, file: ForeignFile, whole: str, path: str, place: KnownPlace
    ) -> Iterator[tuple[int, VideoMatchKind]]:
        theirs = _folded(file.path)
        if theirs == whole:
            yield number, VideoMatchKind.PATH
        elif path.count("/") + 1 >= FEWEST_PARTS and f"/{theirs}".endswith(f"/{path}"):
            yield number, VideoMatchKind.PATH_END
        if _similarity(file, place):
            yield number, VideoMatchKind.NAME

    def matches(self) -> VideoMatches:
        """The matches that there is no doubt of."""
        found = VideoMatches()
        for number, foreign in enumerate(self._videos):
            if not foreign.files:
                found.unmatched[number] = NO_PLACE
                continue
            kinds = self._fits.get(number, {})
            for fit in sorted(kinds):
                present, missing = kinds[fit]
                fitting = present or missing
                if len(fitting) == 1:
                    found.video_ids[number], found.ways[number] = next(iter(fitting)), fit
                    break
            else:
                found.unmatched[number] = SEVERAL if kinds else NO_FILE
        return found


def _similarity(file: ForeignFile, place: KnownPlace) -> bool:
    """True where size and length are the same, as far as both are known, and one of them is."""
    sizes = file.size_bytes is not None
    if sizes and file.size_bytes != place.size_bytes:
        return False
    lengths = file.duration_s is not None and place.duration_s is not None
    if lengths and abs((file.duration_s or 0) - (place.duration_s or 0)) > SECONDS:
        return False
    return sizes or lengths


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
