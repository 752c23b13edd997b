"""Reads what the original Local Video Server knew: one entry for each name of a video, and the
playlists. Blocking code.

The database counts. Of several copies the newest counts, and an older one is looked into only where
the newer is damaged or empty. Ratings and views in JSON are for names that have none in the
database, a favorite in either is one, `tags.json` counts only where no database has tags, and the
tags of sidecars are added.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import asdict

from lvs.db import original_db
from lvs.models import tag_key
from lvs.services.legacy import values
from lvs.services.legacy.lenient_json import ParsedValue, SyntaxIssue, Unparsed, opened
from lvs.services.legacy.sources import Source, SourceFiles, SourceKind

MOST_ISSUES = 10_000  # that many are listed; the rest is counted


class LegacyEntry(Struct):
    """The original's data for one name; None and empty where it had nothing.

    Times are Unix milliseconds.
    """

    rating: int | None = None
    rated_at: int | None = None
    views: int | None = None
    last_viewed_at: int | None = None
    tags: dict[str, tuple[str, int | None]] = field(
        default_factory=dict
    )  # by tag_key: the name, and when it was given
    favorite: bool = False
    favorited_at: int | None = None
    added_at: int | None = None

    def fill(self, other: "LegacyEntry") -> None:
        """Take from another what this one has not; of the times a video was added the earlier."""
        if self.rating is None:
            self.rating, self.rated_at = other.rating, other.rated_at
        if self.views is None:
            self.views, self.last_viewed_at = other.views, other.last_viewed_at
        for key, tag in other.tags.items():
            self.tags.setdefault(key, tag)
        self.favorite = self.favorite or other.favorite
        self.favorited_at = self.favorited_at or other.favorited_at
        times = [at for at in (self.added_at, other.added_at) if at is not None]
        self.added_at = min(times, default=None)

    def to_json(self) -> str:
        """The entry as it is kept in the database."""
        kept = {name: value for name, value in asdict(self).items() if value}
        if self.tags:
            kept["tags"] = list(self.tags.values())
        return json.dumps(kept, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "LegacyEntry":
        kept = json.loads(text)
        tags = {tag_key(name): (name, at) for name, at in kept.pop("tags", ())}
        return cls(tags=tags, **kept)


class LegacyPlaylist(Struct):
    """A playlist of the original and the names in it, in order."""

    name: str
    description: str | None
    created_at: int | None
    items: list[bytes] = field(default_factory=list)


class ParseIssue(Struct, frozen=True):
    """A part that was not understood: in which file, where in it, and why."""

    file: str
    line: int | None  # in a JSON file
    row: str | None  # in a database: table and row number
    why: str


class FileRead(Struct, frozen=True):
    """A file of the original and whether what it holds counts."""

    file: str
    kind: SourceKind
    used: bool
    why: str = ""


class LegacyData(Struct):
    """The content of the original's files."""

    entries: dict[bytes, LegacyEntry] = field(default_factory=dict)
    playlists: list[LegacyPlaylist] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)
    issues: list[ParseIssue] = field(default_factory=list)
    issues_not_listed: int = 0
    left_out: list[str] = field(default_factory=list)

    def entry(self, name: bytes) -> LegacyEntry:
        return self.entries.setdefault(name, LegacyEntry())

    def add(self, entries: dict[bytes, LegacyEntry]) -> None:
        """Take over entries of a source that counts less than what is here."""
        if not self.entries:
            self.entries = entries
            return
        for name, entry in entries.items():
            here = self.entries.setdefault(name, entry)
            if here is not entry:
                here.fill(entry)

    def add_issue(
        self, file: str, why: str, line: int | None = None, row: str | None = None
    ) -> None:
        if len(self.issues) < MOST_ISSUES:
            self.issues.append(ParseIssue(file, line, row, why))
        else:
            self.issues_not_listed += 1


def read(search: SourceFiles, tell: Callable[[Path], None] = lambda _: None) -> LegacyData:
    """Everything in these files; `tell` hears of each before it is read."""
    found = LegacyData()
    for folder, why in search.unread:
        found.add_issue(folder, f"the folder cannot be read: {why}")
    tags_known = _read_newest(search, SourceKind.DATABASE, found, tell, _Databases(found).read)
    for kind in (SourceKind.RATINGS, SourceKind.VIEWS, SourceKind.FAVORITES, SourceKind.TAGS):
        if kind is SourceKind.TAGS and tags_known:
            for source in _of_kind(search, kind):
                found.files.append(
                    FileRead(str(source.path), kind, False, "the tags in the database count")
                )
        else:
            _read_newest(search, kind, found, tell, _LegacyStore(found).read)
    for source in _of_kind(search, SourceKind.SIDECAR, SourceKind.UNKNOWN, SourceKind.ANALYTICS):
        tell(source.path)
        _LegacyStore(found).read(source)
    return found


def _of_kind(search: SourceFiles, *kinds: SourceKind) -> list[Source]:
    return [source for source in search.sources if source.kind in kinds]


class _Outcome(Struct, frozen=True):
    """Result of reading one file. `enough`: older copies have nothing to add."""

    why: str
    enough: bool
    has_tags: bool = False


def _read_newest(
    search: SourceFiles,
    kind: SourceKind,
    found: LegacyData,
    tell: Callable[[Path], None],
    read_one: Callable[[Source], _Outcome],
) -> bool:
    """Read the newest file of a kind, and older ones for as long as they may add something; whether
    one had readable tags.
    """
    enough = has_tags = False
    for source in _of_kind(search, kind):
        if enough:
            found.files.append(FileRead(str(source.path), kind, False, "a newer copy counts"))
            continue
        tell(source.path)
        outcome = read_one(source)
        enough, has_tags = outcome.enough, has_tags or outcome.has_tags
        found.files.append(FileRead(str(source.path), kind, True, outcome.why))
    return has_tags


class _Databases:
    """Reads databases, the newest first."""

    def __init__(self, found: LegacyData) -> None:
        self._found = found

    def read(self, source: Source) -> _Outcome:
        file = str(source.path)
        self._entries: dict[bytes, LegacyEntry] = {}
        self._playlists: dict[int, LegacyPlaylist] = {}
        self._items: list[tuple[int, int, int, bytes]] = []
        whole: set[str] = set()
        damaged = False
        image_groups = curated = 0
        try:
            for part in original_db.rows(source.path):
                if isinstance(part, original_db.TableEnd):
                    whole.add(part.table)
                elif isinstance(part, original_db.Damage):
                    damaged = True
                    self._found.add_issue(file, part.why, row=part.table)
                elif part.table == "gallery_groups":
                    image_groups += 1
                else:
                    curated += part.table != "videos"
                    self._take_row(file, part)
        except OSError as error:
            damaged = True
            self._found.add_issue(file, f"it cannot be read: {error.strerror or error}")
        self._found.add(self._entries)
        self._take_playlists(file)
        if image_groups:
            self._found.left_out.append(
                f"{file}: {image_groups} groups of still images; LVS keeps videos only"
            )
        why = "damaged" if damaged else "" if curated else "nothing in it"
        return _Outcome(why, enough=bool(curated) and not damaged, has_tags="video_tags" in whole)

    def _take_row(self, file: str, row: original_db.OriginalRow) -> None:
        try:
            _ROWS[row.table](
                self,
                row,
                lambda why: self._found.add_issue(file, why, row=f"{row.table} {row.number}"),
            )
        except ValueError as error:
            self._found.add_issue(file, str(error), row=f"{row.table} {row.number}")

    def _of(self, name: object) -> LegacyEntry:
        return self._entries.setdefault(values.file_name(name), LegacyEntry())

    def _video(self, row: original_db.OriginalRow, doubt: Callable[[str], None]) -> None:
        name, added_date = row.cells
        self._of(name).added_at = _when(added_date, doubt)

    def _rating(self, row: original_db.OriginalRow, doubt: Callable[[str], None]) -> None:
        name, value, updated_at = row.cells
        stars = values.stars(value)
        if stars is not None:
            entry = self._of(name)
            entry.rating, entry.rated_at = stars, _when(updated_at, doubt)

    def _views(self, row: original_db.OriginalRow, doubt: Callable[[str], None]) -> None:
        name, value, last_viewed = row.cells
        count = values.views(value)
        if count is not None:
            entry = self._of(name)
            entry.views, entry.last_viewed_at = count, _when(last_viewed, doubt)

    def _tag(self, row: original_db.OriginalRow, doubt: Callable[[str], None]) -> None:
        name, value, created_at = row.cells
        tag = values.tag(value)
        self._of(name).tags.setdefault(tag_key(tag), (tag, _when(created_at, doubt)))

    def _favorite(self, row: original_db.OriginalRow, doubt: Callable[[str], None]) -> None:
        name, created_at = row.cells
        entry = self._of(name)
        entry.favorite, entry.favorited_at = True, _when(created_at, doubt)

    def _playlist(self, row: original_db.OriginalRow, doubt: Callable[[str], None]) -> None:
        _, name, description, created_at = row.cells
        text = values.line(name, "the name of a playlist").strip()
        if not text:
            raise ValueError("a playlist has no name")
        about = (
            None
            if description is None
            else values.line(description, "the description of a playlist")
        )
        self._playlists[row.number] = LegacyPlaylist(text, about, _when(created_at, doubt))

    def _playlist_item(self, row: original_db.OriginalRow, _doubt: Callable[[str], None]) -> None:
        playlist, name, position = row.cells
        if not isinstance(playlist, int):
            raise ValueError("it belongs to no playlist")
        place = position if isinstance(position, int) else 1 << 62
        self._items.append((playlist, place, row.number, values.file_name(name)))

    def _take_playlists(self, file: str) -> None:
        orphans = 0
        for number, _, _, name in sorted(self._items):
            if number in self._playlists:
                self._playlists[number].items.append(name)
            else:
                orphans += 1
        if orphans:
            self._found.left_out.append(
                f"{file}: {orphans} rows of playlists that were deleted there"
            )
        known = {playlist.name: playlist for playlist in self._found.playlists}
        for playlist in self._playlists.values():
            if playlist.name not in known:
                self._found.playlists.append(playlist)
                known[playlist.name] = playlist
            for name in playlist.items:
                self._found.entry(name)


_ROWS: dict[str, Callable[[_Databases, original_db.OriginalRow, Callable[[str], None]], None]] = {
    "videos": _Databases._video,
    "ratings": _Databases._rating,
    "views": _Databases._views,
    "video_tags": _Databases._tag,
    "favorites": _Databases._favorite,
    "playlists": _Databases._playlist,
    "playlist_items": _Databases._playlist_item,
}


def _when(value: object, doubt: Callable[[str], None]) -> int | None:
    """A time; one that cannot be read is no reason to lose what it belongs to."""
    try:
        return values.moment(value)
    except ValueError as error:
        doubt(f"{error}; what it belongs to is taken without")
        return None


class _LegacyStore:
    """Reads the JSON files."""

    def __init__(self, found: LegacyData) -> None:
        self._found = found

    def read(self, source: Source) -> _Outcome:
        """Read one file into what was found so far."""
        self._file = str(source.path)
        self._video = os.fsdecode(source.video)
        self._entries: dict[bytes, LegacyEntry] = {}
        self._damaged = False
        kind = source.kind
        try:
            with opened(source.path) as self._text:
                if kind is SourceKind.UNKNOWN:
                    kind = self._kind()
                if kind is SourceKind.ANALYTICS:
                    self._found.files.append(
                        FileRead(self._file, kind, False, "LVS keeps no watch statistics")
                    )
                elif kind is not SourceKind.UNKNOWN:
                    self._read(kind)
        except OSError as error:
            self._damaged = True
            self._found.add_issue(self._file, f"it cannot be read: {error.strerror or error}")
        self._found.add(self._entries)
        if source.kind in (SourceKind.SIDECAR, SourceKind.UNKNOWN) and kind not in (
            SourceKind.UNKNOWN,
            SourceKind.ANALYTICS,
        ):
            self._found.files.append(
                FileRead(self._file, kind, True, "damaged" if self._damaged else "")
            )
        why = "damaged" if self._damaged else "" if self._entries else "nothing in it"
        return _Outcome(why, enough=bool(self._entries) and not self._damaged)

    def _kind(self) -> SourceKind:
        """The kind of a file, by its content."""
        for part in self._text:
            if isinstance(part, SyntaxIssue):
                continue
            if part.key == "favorites" or part.key is None:
                return SourceKind.FAVORITES
            if part.listed:
                return SourceKind.TAGS if part.key != "tags" else SourceKind.UNKNOWN
            if part.value is Unparsed.NESTED:
                return SourceKind.ANALYTICS
            break
        self._issue(
            0,
            "neither its name nor what is in it says what it holds; call it ratings.json,"
            " views.json, tags.json …",
        )
        return SourceKind.UNKNOWN

    def _issue(self, at: int, why: str) -> None:
        self._found.add_issue(self._file, why, line=self._text.line(at))

    def _read(self, kind: SourceKind) -> None:
        take = {
            SourceKind.RATINGS: self._rating,
            SourceKind.VIEWS: self._views,
            SourceKind.TAGS: self._tag,
            SourceKind.FAVORITES: self._favorite,
            SourceKind.SIDECAR: self._sidecar,
        }[kind]
        for part in self._text:
            if isinstance(part, SyntaxIssue):
                self._damaged = True
                self._issue(part.at, part.why)
                continue
            try:
                take(part)
            except ValueError as error:
                where = (
                    f" ({values.shortened(part.key)})"
                    if isinstance(part.key, str) and kind is not SourceKind.FAVORITES
                    else ""
                )
                self._issue(part.at, f"{error}{where}")

    def _of(self, name: object) -> LegacyEntry:
        return self._entries.setdefault(values.file_name(name), LegacyEntry())

    def _rating(self, part: ParsedValue) -> None:
        stars = values.stars(_single(part))
        if stars is not None:
            entry = self._of(part.key)
            if entry.rating not in (None, stars):
                self._issue(
                    part.at,
                    f"{values.shortened(part.key)} has two ratings in this file; the last counts",
                )
            entry.rating = stars

    def _views(self, part: ParsedValue) -> None:
        count = values.views(_single(part))
        if count is not None:
            entry = self._of(part.key)
            if entry.views not in (None, count):
                self._issue(
                    part.at,
                    f"{values.shortened(part.key)} has two view counts in this file; the last one"
                    " counts",
                )
            entry.views = count

    def _tag(self, part: ParsedValue) -> None:
        if not part.listed:
            if part.value is None:
                return
            raise ValueError(f"tags are a list, not {values.shortened(part.value)}")
        tag = values.tag(part.value)
        self._of(part.key).tags.setdefault(tag_key(tag), (tag, None))

    def _favorite(self, part: ParsedValue) -> None:
        if part.key not in ("favorites", None):
            raise ValueError(
                f"favorites are a list of names, which {values.shortened(part.key)} is not"
            )
        if not part.listed:
            if part.value is None:
                return
            raise ValueError(f"favorites are a list of names, not {values.shortened(part.value)}")
        self._of(part.value).favorite = True

    def _sidecar(self, part: ParsedValue) -> None:
        if part.key == "tags":
            self._tag(ParsedValue(part.at, self._video, part.value, part.listed))


def _single(part: ParsedValue) -> object:
    if part.listed:
        raise ValueError("a list stands where a number belongs")
    return part.value
