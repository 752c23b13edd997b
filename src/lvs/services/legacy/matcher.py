"""Finds the videos that the original's names mean: by path, then by name, and only where there is
no doubt.
"""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from enum import IntEnum

from msgspec import Struct, field

from lvs.db.legacy import NamedPlace

NO_FILE = "no file has this name"
SEVERAL = "several videos have this name"
TAKEN = "the only video of a similar name goes by another name of the original"
DISPUTED = "more than one name of the original would fit the same video"


class NameMatchKind(IntEnum):
    """Kinds of a match between a name and a place, surest first."""

    PATH = 0
    PATH_COMPOSED = 1  # the same text, in another Unicode normalization
    PATH_LEFT = 2  # it used to lie there
    END = 3  # the path ends with it: the original's video folder lies somewhere in the library
    NAME = 4
    NAME_COMPOSED = 5
    NAME_LEFT = 6
    NAME_OTHER_CASE = 7


SURE = (
    NameMatchKind.PATH,
    NameMatchKind.PATH_COMPOSED,
    NameMatchKind.PATH_LEFT,
)  # two names may be two copies of one video


class NameMatches(Struct):
    """The video of each name, and the reason where there is none."""

    video_ids: dict[bytes, int] = field(default_factory=dict)
    unmatched: dict[bytes, str] = field(default_factory=dict)


class Matcher:
    """Add every place of the library with `add`, then ask for the `matches`."""

    def __init__(self, names: Iterable[bytes]) -> None:
        self._names = sorted(names)
        self._fits: dict[bytes, dict[NameMatchKind, set[int]]] = {}
        self._similarity: defaultdict[bytes | str, list[bytes]] = defaultdict(list)
        for name in self._names:
            self._similarity[_folded(_last_part(name))].append(name)

    def add(self, places: Iterable[NamedPlace]) -> None:
        """Note which names these places fit."""
        for place in places:
            # Whatever fits in any way at all is alike in its last part, letter case and
            # normalization aside.
            for name in self._similarity.get(_folded(_last_part(place.path)), ()):
                for way in _ways(name, place):
                    self._fits.setdefault(name, {}).setdefault(way, set()).add(place.video_id)

    def matches(self, claimed: Collection[int]) -> NameMatches:
        """The video of each name.

        `claimed` are videos that other names of the original were found to be before.
        """
        found = NameMatches()
        taken = set(claimed)
        by_way: defaultdict[NameMatchKind, list[tuple[bytes, int]]] = defaultdict(list)
        for name in self._names:
            way = min(self._fits.get(name, ()), default=None)
            if way is None:
                found.unmatched[name] = NO_FILE
            elif len(self._fits[name][way]) > 1:
                found.unmatched[name] = SEVERAL
            else:
                [video_id] = self._fits[name][way]
                by_way[way].append((name, video_id))
        for way in NameMatchKind:
            wanted = defaultdict(list)
            for name, video_id in by_way[way]:
                wanted[video_id].append(name)
            for video_id, names in wanted.items():
                if way in SURE or (len(names) == 1 and video_id not in taken):
                    found.video_ids.update(dict.fromkeys(names, video_id))
                else:
                    found.unmatched.update(
                        dict.fromkeys(names, TAKEN if video_id in taken else DISPUTED)
                    )
            taken.update(wanted)
        return found


def _ways(name: bytes, place: NamedPlace) -> Iterator[NameMatchKind]:
    """The matches of a name and a place with the same last part."""
    last_name, last = _last_part(name), _last_part(place.path)
    if name == place.path:
        yield NameMatchKind.PATH if place.present else NameMatchKind.PATH_LEFT
    if last_name == last:
        yield NameMatchKind.NAME if place.present else NameMatchKind.NAME_LEFT
    if not place.present:
        return
    if place.path.endswith(b"/" + name):
        yield NameMatchKind.END
    if _composed(name) == _composed(place.path):
        yield NameMatchKind.PATH_COMPOSED
    if _composed(last_name) == _composed(last):
        yield NameMatchKind.NAME_COMPOSED
    yield NameMatchKind.NAME_OTHER_CASE


def _last_part(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


def _composed(path: bytes) -> bytes | str:
    return path if path.isascii() else unicodedata.normalize("NFC", os.fsdecode(path))


def _folded(path: bytes) -> bytes | str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", os.fsdecode(path)).casefold())
