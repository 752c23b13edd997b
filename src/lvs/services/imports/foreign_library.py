"""Films as another program knows them, in one form for all programs."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field

from lvs.models import tag_key
from lvs.services.curation.markers import Marker
from lvs.services.legacy import values
from lvs.services.legacy.reader import LegacyEntry

MOST_STARS = 5
MOST_NOTES = 1000  # things not understood that are listed

T = TypeVar("T")


class ForeignFile(Struct, frozen=True):
    """A place of a film as the other program knows it."""

    path: str
    size_bytes: int | None = None
    duration_s: float | None = None
    oshash: str = ""
    media_hash: str = ""  # LVS's own, where the program passed it on
    any_ending: bool = False  # the path has no ending of a video


class ForeignVideo(Struct):
    """A film of another program, and what people gave it."""

    name: str
    files: list[ForeignFile]
    entry: LegacyEntry = field(default_factory=LegacyEntry)
    position_s: float = 0.0
    watched: bool = False
    markers: list[Marker] = field(default_factory=list)
    title: str = ""
    """A title that people wrote; empty where the program has none of its own."""

    @property
    def empty(self) -> bool:
        """True where people gave it nothing."""
        entry = self.entry
        given = entry.rating or entry.views or entry.tags or entry.favorite
        return not (given or self.position_s or self.watched or self.title or self.markers)


class ForeignLibrary(Struct):
    """The content of another program's library."""

    program: str
    version: str
    videos: list[ForeignVideo] = field(default_factory=list)
    playlists: dict[str, list[ForeignVideo]] = field(default_factory=dict)
    not_understood: list[str] = field(default_factory=list)
    more_not_understood: int = 0
    left_out: list[str] = field(default_factory=list)

    def note(self, message: str) -> None:
        """Remember something that could not be understood."""
        if len(self.not_understood) < MOST_NOTES:
            self.not_understood.append(message)
        else:
            self.more_not_understood += 1

    def understood(self, where: str, read: Callable[[Any], T], value: Any) -> T | None:
        """The value as `read` takes it; None with a note where that raises ValueError."""
        try:
            return read(value)
        except ValueError as error:
            self.note(f"{where}: {error}")
            return None

    def add_tag(self, foreign: ForeignVideo, name: Any) -> None:
        """Give a film a tag."""
        tag = self.understood(foreign.name, values.tag, name)
        if tag:
            foreign.entry.tags.setdefault(tag_key(tag), (tag, None))


def add_details(
    library: ForeignLibrary,
    videos: Mapping[int, ForeignVideo],
    files: Iterable[Sequence[Any]],
    tags: Iterable[Sequence[Any]],
    markers: Iterable[Sequence[Any]],
) -> None:
    """Give films by their scenes' ids what other tables hold of these: files (folder, name, size,
    length, oshash), tags, and markers (name, start, end).
    """
    for scene_id, folder, name, size, duration, oshash in files:
        if scene_id in videos:
            place = path_of(folder, name)
            videos[scene_id].files.append(
                ForeignFile(place, size_of(size), seconds_of(duration), oshash_of(oshash))
            )
    for scene_id, tag in tags:
        if scene_id in videos:
            library.add_tag(videos[scene_id], tag)
    for scene_id, name, start, end in markers:
        marker = marker_of(name, start, end)
        if marker and scene_id in videos:
            videos[scene_id].markers.append(marker)


def stars_of(value: Any, scale: float) -> int | None:
    """Stars for a rating that goes up to `scale`; None for none. Raises ValueError.

    Every rating above nothing is at least one star.
    """
    if value is None or value == "":
        return None
    number = number_of(value, "a rating")
    if not 0 <= number <= scale:
        raise ValueError(f"a rating is 0 to {scale:g}, not {number:g}")
    return max(1, math.floor(number / scale * MOST_STARS + 0.5)) if number > 0 else None


def number_of(value: Any, what: str) -> float:
    """A finite number. Raises ValueError."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} is a number, not {str(value)[:40]!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{what} is a number, not {number}")
    return number


def seconds_of(value: Any) -> float | None:
    """A length or position in seconds; None for none, and for what is no time."""
    try:
        number = number_of(value, "a time")
    except ValueError:
        return None
    return number if 0 < number < 1e7 else None


def marker_of(name: Any, start: Any, end: Any = None) -> Marker | None:
    """A marker; None for what is none."""
    try:
        at = number_of(start, "a time")
    except ValueError:
        return None
    return str(name or ""), at, seconds_of(end)


def size_of(value: Any) -> int | None:
    """A size in bytes; None for none, and for what is no size."""
    return value if isinstance(value, int) and value > 0 else None


def oshash_of(value: Any) -> str:
    """An OpenSubtitles hash as LVS writes it; empty for none."""
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    text = text.strip().lower()
    known = 0 < len(text) <= 16 and all(digit in "0123456789abcdef" for digit in text)
    return text.zfill(16) if known and text.strip("0") else ""


def path_of(*parts: Any) -> str:
    """Parts of a path put together, with slashes, also where the program runs on Windows."""
    texts = [str(part or "") for part in parts]
    path = "/".join(text.rstrip("/\\") if text else "" for text in texts[:-1])
    whole = f"{path}/{texts[-1]}" if path else texts[-1]
    windows = whole[1:3] in (":\\", ":/") or whole.startswith("\\\\")
    return whole.replace("\\", "/") if windows or "/" not in whole else whole
