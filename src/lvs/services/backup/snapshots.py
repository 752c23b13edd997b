"""Curation records as JSON files a person can read: written beside every backup, and
read to put it back.

`ratings.json`, `views.json`, `tags.json`, `favorites.json`, `projections.json`, `posters.json`,
`progress.json`, `later.json`, `hidden.json`, `notes.json`, `markers.json` and `videos.json` (titles
and places) are each one object, keyed by media hash; every value names the path too.
`playlists.json`, `saved-views.json` and `people.json` are keyed by names, `described-tags.json` by
those of tags.
Blocking: call it in a thread.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TextIO

from lvs.clock import iso_utc
from lvs.db import curation_rows as rows
from lvs.db.curation_rows import CurationRecord, KeptPlaylist, KeptTag, KeptView
from lvs.db.people_rows import KeptPerson, every_person
from lvs.errors import Invalid, NotFound, Unavailable
from lvs.services.backup.personal_snapshot import person_of, person_value
from lvs.services.curation.base import clean_line
from lvs.services.curation.markers import checked_markers
from lvs.services.curation.notes import clean_notes
from lvs.services.curation.saved_views import clean_name, clean_query
from lvs.services.curation.tag_management import MAX_ALIASES, clean_colour
from lvs.services.curation.tag_management import MAX_DESCRIPTION as MAX_DESCRIPTION_OF_TAG
from lvs.services.curation.tags import LONGEST_TAG, clean_tag
from lvs.services.curation.titles import MAX_TITLE_LENGTH
from lvs.services.household.playlists import MAX_DESCRIPTION, MAX_NAME
from lvs.services.media.eye import PLACES
from lvs.services.media.projection import by_person
from lvs.services.media.projection_json import chosen_text
from lvs.titles import plain_title, title_from_path

OF_VIDEOS = (
    *("ratings", "views", "tags", "favorites", "projections"),
    *("posters", "progress", "later", "hidden", "notes", "markers", "videos"),
)
PLAYLISTS = "playlists"
DESCRIBED_TAGS = "described-tags"
SAVED_VIEWS = "saved-views"
PEOPLE = "people"
NAMES = (*OF_VIDEOS, PLAYLISTS, DESCRIBED_TAGS, SAVED_VIEWS, PEOPLE)
MOST_PLACES = 100_000
LONGEST_POSITION_S = 1e7
LARGEST_BYTES = 1 << 30
MOST_VIEWS = 2**63 - 1  # what the database holds

_HASH = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(slots=True)
class Snapshot:
    """A read snapshot: the videos, and a message for everything that was not understood."""

    kept: dict[str, CurationRecord] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    playlists: list[KeptPlaylist] = field(default_factory=list)
    tags: list[KeptTag] = field(default_factory=list)
    people: list[KeptPerson] = field(default_factory=list)
    views: list[KeptView] = field(default_factory=list)
    playlists_left_out: int = 0
    """How many there were whose videos were named by their paths alone, as in older exports."""

    def of(self, media_hash: str) -> CurationRecord:
        return self.kept.setdefault(media_hash, CurationRecord(media_hash))


# --- Writing ---


def write(database: Path, folder: Path) -> None:
    """Write the files of a database into a folder. Raises OSError, Unavailable."""
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context(_Object(folder / f"{name}.json")) for name in NAMES}
        for kept in rows.every(database):
            for name, value in _values(kept):
                files[name].put(
                    kept.media_hash, {"path": kept.path.decode("utf-8", "surrogateescape")} | value
                )
        for playlist in rows.every_playlist(database):
            files[PLAYLISTS].put(playlist.name, _playlist_value(playlist))
        for tag in rows.every_tag(database):
            value = asdict(tag)
            del value["name"]
            files[DESCRIBED_TAGS].put(tag.name, value)
        for view in rows.every_view(database):
            files[SAVED_VIEWS].put(view.name, view_value(view))
        for person in every_person(database):
            files[PEOPLE].put(person.name, person_value(person, _time, with_pin=True))


def view_value(view: KeptView) -> dict[str, Any]:
    """The entry of a saved view."""
    return {"id": view.view_id, "query": view.query, "created_at": _time(view.created_at)}


def _playlist_value(playlist: KeptPlaylist) -> dict[str, Any]:
    items = [
        {"media_hash": item}
        if isinstance(item, str)
        else {"name": item.decode("utf-8", "surrogateescape")}
        for item in playlist.items
    ]
    return {
        "description": playlist.description,
        "created_at": _time(playlist.created_at),
        "items": items,
    }


def _values(kept: CurationRecord) -> Iterator[tuple[str, dict[str, Any]]]:
    place = {
        "library": kept.library.decode("utf-8", "surrogateescape"),
        "fingerprints": kept.fingerprints,
    }
    yield (
        "videos",
        place | {"added_at": _time(kept.added_at)} | ({"title": kept.title} if kept.title else {}),
    )
    if kept.rating is not None:
        yield "ratings", {"rating": kept.rating, "rated_at": _time(kept.rated_at)}
    if kept.views:
        yield "views", {"views": kept.views, "last_viewed_at": _time(kept.last_viewed_at)}
    if kept.tags:
        yield "tags", {"tags": kept.tags}
    if kept.favorite:
        yield "favorites", {"favorited_at": _time(kept.favorited_at)}
    if kept.projection:
        yield "projections", {"projection": json.loads(kept.projection)}
    if kept.poster is not None:
        yield "posters", {"poster_at": PLACES[kept.poster % len(PLACES)]}
    if kept.progress_at is not None:
        yield (
            "progress",
            {
                "position_s": kept.position_s or None,
                "watched": kept.watched,
                "progress_at": _time(kept.progress_at),
            },
        )
    if kept.later_at is not None:
        yield "later", {"later_at": _time(kept.later_at)}
    if kept.hidden_at is not None:
        yield "hidden", {"hidden_at": _time(kept.hidden_at)}
    if kept.notes:
        yield "notes", {"notes": kept.notes, "notes_at": _time(kept.notes_at)}
    if kept.markers:
        yield "markers", {"markers": json.loads(kept.markers)}


class _Object:
    """A JSON object written entry by entry, one on a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO
        self._before = "{\n"

    def __enter__(self) -> Self:
        self._file = self._path.open("w", encoding="utf-8", newline="\n")
        return self

    def put(self, key: str, value: dict[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # a name that is not UTF-8: escaped, it comes back byte for byte
            text = json.dumps(value)
        self._file.write(f"{self._before}{json.dumps(key, ensure_ascii=False)}: {text}")
        self._before = ",\n"

    def __exit__(self, *error: object) -> None:
        self._file.write("{}\n" if self._before == "{\n" else "\n}\n")
        self._file.close()


def _time(moment_ms: int | None) -> str | int | None:
    """A time as ISO 8601 in UTC; as a number where no calendar has it."""
    if moment_ms is None:
        return None
    try:
        return iso_utc(moment_ms)
    except ValueError:
        return moment_ms


# --- Reading ---


def read(path: Path) -> Snapshot:
    """Read a folder with these files, one of them, or what `lvs export` wrote.

    Raises Invalid, NotFound, Unavailable.
    """
    snapshot = Snapshot()
    if path.is_dir():
        files = [path / f"{name}.json" for name in NAMES if (path / f"{name}.json").is_file()]
        if not files:
            raise NotFound(
                f"There is none of {', '.join(f'{name}.json' for name in NAMES)} in {path}."
            )
        for file in files:
            _take_object(snapshot, file, _load(file))
        return snapshot
    content = _load(path)
    if isinstance(content.get("videos"), list):
        _take_export(snapshot, path, content)
    elif path.stem in NAMES:
        _take_object(snapshot, path, content)
        beside = path.with_name("videos.json")
        if beside.is_file() and beside != path:
            _take_object(snapshot, beside, _load(beside))
    else:
        raise Invalid(
            f"{path} is neither an export of LVS nor one of"
            f" {', '.join(f'{name}.json' for name in NAMES)}."
        )
    return snapshot


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise Invalid(f"{path} is larger than {LARGEST_BYTES >> 20} MiB.")
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path} is not valid JSON: {str(error) or 'nested too deeply'}.") from None
    if not isinstance(content, dict):
        raise Invalid(f"{path} must hold a JSON object.")
    return content


def _take_object(snapshot: Snapshot, path: Path, content: Mapping[str, Any]) -> None:
    if path.stem == PLAYLISTS:
        _take_playlists(snapshot, path, content.items())
        return
    if path.stem == DESCRIBED_TAGS:
        _take_described_tags(snapshot, path, content.items())
        return
    if path.stem == SAVED_VIEWS:
        _take_saved_views(snapshot, path, content.items())
        return
    if path.stem == PEOPLE:
        _take_people(snapshot, path, content.items())
        return
    take = _TAKE[path.stem]
    understood = 0
    for media_hash, value in content.items():
        try:
            _take_entry(snapshot, media_hash, value, (take,))
            understood += 1
        except _NotUnderstood as error:
            snapshot.problems.append(f"{path.name}: {media_hash[:80]}: {error}")
    if content and not understood:
        raise Invalid(
            f"{path} holds nothing that LVS wrote. For the files of the original server use `lvs"
            " import-legacy`."
        )


def _take_playlists(
    snapshot: Snapshot, path: Path, content: Iterable[tuple[object, object]]
) -> None:
    for name, value in content:
        try:
            snapshot.playlists.append(_playlist(name, value))
        except _NotUnderstood as error:
            snapshot.problems.append(f"{path.name}: {str(name)[:80]}: {error}")


def _take_described_tags(
    snapshot: Snapshot, path: Path, content: Iterable[tuple[object, object]]
) -> None:
    for name, value in content:
        try:
            snapshot.tags.append(_described_tag(name, value))
        except _NotUnderstood as error:
            snapshot.problems.append(f"{path.name}: {str(name)[:80]}: {error}")


def _described_tag(name: object, value: object) -> KeptTag:
    if not isinstance(name, str) or not isinstance(value, Mapping):
        raise _NotUnderstood("no tag")
    texts = [value.get(key) or "" for key in ("colour", "description", "parent")]
    aliases = value.get("aliases") or []
    if not isinstance(aliases, list) or len(aliases) > MAX_ALIASES:
        raise _NotUnderstood("the aliases are no list of words")
    if not all(isinstance(text, str) for text in (*texts, *aliases)):
        raise _NotUnderstood("what is said of the tag is no text")
    colour, description, parent = texts
    try:
        return KeptTag(
            clean_tag(name, LONGEST_TAG),
            clean_colour(colour) or "",
            clean_line(" ".join(description.split()), "description", MAX_DESCRIPTION_OF_TAG),
            clean_tag(parent, LONGEST_TAG) if parent.strip() else "",
            tuple(clean_tag(alias, LONGEST_TAG) for alias in aliases),
        )
    except Invalid as error:
        raise _NotUnderstood(error.message) from None


def _take_people(snapshot: Snapshot, path: Path, content: Iterable[tuple[object, object]]) -> None:
    for name, value in content:
        try:
            snapshot.people.append(person_of(name, value, _moment))
        except (Invalid, _NotUnderstood) as error:
            snapshot.problems.append(f"{path.name}: {str(name)[:80]}: {error}")


def _take_saved_views(
    snapshot: Snapshot, path: Path, content: Iterable[tuple[object, object]]
) -> None:
    for name, value in content:
        try:
            snapshot.views.append(_saved_view(name, value))
        except _NotUnderstood as error:
            snapshot.problems.append(f"{path.name}: {str(name)[:80]}: {error}")


def _saved_view(name: object, value: object) -> KeptView:
    if not isinstance(name, str) or not isinstance(value, Mapping):
        raise _NotUnderstood("no view")
    query, view_id = value.get("query"), value.get("id")
    if not isinstance(query, str):
        raise _NotUnderstood("the selection is no text")
    known = isinstance(view_id, str) and _HASH.fullmatch(view_id)
    created_at = _moment(value.get("created_at"))
    try:
        return KeptView(
            clean_name(name), clean_query(query), str(view_id) if known else "", created_at
        )
    except Invalid as error:
        raise _NotUnderstood(error.message) from None


def _playlist(name: object, value: object) -> KeptPlaylist:
    if not isinstance(name, str) or not isinstance(value, Mapping):
        raise _NotUnderstood("no playlist")
    items, description = value.get("items"), value.get("description") or ""
    if not isinstance(items, list) or len(items) > MOST_PLACES:
        raise _NotUnderstood("the items are no list of videos")
    if not isinstance(description, str):
        raise _NotUnderstood("the description is no text")
    try:
        clean = clean_line(name, "name", MAX_NAME)
        words = clean_line(" ".join(description.split()), "description", MAX_DESCRIPTION)
    except Invalid as error:
        raise _NotUnderstood(error.message) from None
    if not clean:
        raise _NotUnderstood("a playlist without a name")
    created_at = _moment(value.get("created_at"))
    return KeptPlaylist(clean, words, created_at, tuple(map(_place, items)))


def _place(item: object) -> str | bytes:
    match item:
        case {"media_hash": str() as media_hash} if _HASH.fullmatch(media_hash):
            return media_hash
        case {"name": str() as name} if name:
            return _bytes(name, "name")
    raise _NotUnderstood("an item is no video")


def _of_export(value: object) -> tuple[object, object]:
    """A playlist of an export as it stands in a snapshot."""
    if not isinstance(value, Mapping) or not isinstance(value.get("media_hashes"), list):
        return None, None
    items = [{"media_hash": each} for each in value["media_hashes"]]
    return value.get("name"), {**value, "items": items}


def _take_export(snapshot: Snapshot, path: Path, content: Mapping[str, Any]) -> None:
    playlists = content.get("playlists")
    found = [_of_export(each) for each in (playlists if isinstance(playlists, list) else ())]
    snapshot.playlists_left_out = sum(name is None for name, _ in found)
    _take_playlists(snapshot, path, [each for each in found if each[0] is not None])
    tags = content.get("tags")
    described = [
        (each.get("name"), each) if isinstance(each, Mapping) else (None, None)
        for each in (tags if isinstance(tags, list) else ())
    ]
    _take_described_tags(snapshot, path, described)
    views = content.get("saved_views")
    if isinstance(views, list):
        named_views = [(each.get("name"), each) for each in views if isinstance(each, Mapping)]
        _take_saved_views(snapshot, path, named_views)
    people = content.get("people")
    if isinstance(people, list):
        named = [(each.get("name"), each) for each in people if isinstance(each, Mapping)]
        _take_people(snapshot, path, named)
    for number, value in enumerate(content["videos"], 1):
        try:
            kept = _take_entry(
                snapshot,
                value.get("media_hash") if isinstance(value, dict) else None,
                value,
                _TAKE.values(),
            )
            kept.favorite = value.get("favorite") is True
            if kept.title in (title_from_path(kept.path), plain_title(kept.path)):
                kept.title = ""
        except _NotUnderstood as error:
            snapshot.problems.append(f"{path.name}: video {number}: {error}")


class _NotUnderstood(Exception):
    """The problem of one entry."""


_Take = Callable[[CurationRecord, Mapping[str, Any]], None]


def _take_entry(
    snapshot: Snapshot, media_hash: object, value: object, takes: Iterable[_Take]
) -> CurationRecord:
    if not isinstance(media_hash, str) or not _HASH.fullmatch(media_hash):
        raise _NotUnderstood("no media hash of 16 hexadecimal digits")
    if not isinstance(value, dict):
        raise _NotUnderstood("no object")
    fresh = CurationRecord(media_hash)
    path = value.get("path", "")
    for take in takes:
        take(fresh, value)
    kept = snapshot.of(media_hash)
    kept.path = _bytes(path, "path") or kept.path
    for name in CurationRecord.__slots__:
        new = getattr(fresh, name)
        says_nothing = new is None or (name != "poster" and new in ("", (), 0, False, b""))
        if name not in ("media_hash", "path", "names") and not says_nothing:
            setattr(kept, name, new)
    kept.__post_init__()
    return kept


def _take_rating(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    rating = value.get("rating")
    if rating is not None and (
        isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5
    ):
        raise _NotUnderstood("the rating is not 1 to 5")
    kept.rating, kept.rated_at = rating, _moment(value.get("rated_at"))


def _take_views(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    views = value.get("views", 0)
    if isinstance(views, bool) or not isinstance(views, int) or not 0 <= views <= MOST_VIEWS:
        raise _NotUnderstood("the views are no number")
    kept.views, kept.last_viewed_at = views, _moment(value.get("last_viewed_at"))


def _take_tags(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    tags = value.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _NotUnderstood("the tags are no list of words")
    try:
        kept.tags = tuple(clean_tag(tag, LONGEST_TAG) for tag in tags)
    except Invalid as error:
        raise _NotUnderstood(error.message) from None


def _take_favorite(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    kept.favorite, kept.favorited_at = True, _moment(value.get("favorited_at"))


def _take_projection(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    chosen = value.get("projection")
    try:
        kept.projection = chosen_text(by_person(**chosen)) if chosen is not None else None
    except (Invalid, TypeError, ValueError):
        raise _NotUnderstood("the projection is none that LVS knows") from None


def _take_poster(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    part = value.get("poster_at")
    if part is not None and part not in PLACES:
        raise _NotUnderstood("the place of its poster is none that LVS knows")
    kept.poster = None if part is None else PLACES.index(part)


def _take_progress(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    position_s, watched = value.get("position_s") or 0.0, value.get("watched", False)
    if isinstance(position_s, bool) or not isinstance(position_s, int | float):
        raise _NotUnderstood("the position is no number")
    if not 0 <= position_s <= LONGEST_POSITION_S or not isinstance(watched, bool):
        raise _NotUnderstood("the position is none that a video has")
    kept.position_s, kept.watched = float(position_s), watched
    kept.progress_at = _moment(value.get("progress_at"))


def _take_later(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    kept.later_at = _moment(value.get("later_at"))


def _take_hidden(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    hidden_at = _moment(value.get("hidden_at"))
    kept.hidden_at = 0 if hidden_at is None else hidden_at


def _take_notes(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    text = value.get("notes")
    try:
        kept.notes = clean_notes(text) if isinstance(text, str) else ""
    except Invalid as error:
        raise _NotUnderstood(error.message) from None
    kept.notes_at = _moment(value.get("notes_at"))


def _take_markers(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    found = value.get("markers")
    try:
        kept.markers = "" if found is None else checked_markers(found)
    except Invalid as error:
        raise _NotUnderstood(error.message) from None


def _take_video(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    title, fingerprints = value.get("title") or "", value.get("fingerprints", [])
    if not isinstance(title, str) or len(title) > MAX_TITLE_LENGTH:
        raise _NotUnderstood("the title is no text")
    if not isinstance(fingerprints, list) or not all(
        isinstance(each, str) and _HASH.fullmatch(each) for each in fingerprints
    ):
        raise _NotUnderstood("the fingerprints are no list of hashes")
    kept.title, kept.fingerprints = title, tuple(fingerprints)
    kept.library, kept.added_at = (
        _bytes(value.get("library", ""), "library"),
        _moment(value.get("added_at")),
    )


_TAKE: dict[str, _Take] = {
    "videos": _take_video,
    "ratings": _take_rating,
    "views": _take_views,
    "tags": _take_tags,
    "favorites": _take_favorite,
    "projections": _take_projection,
    "posters": _take_poster,
    "progress": _take_progress,
    "later": _take_later,
    "hidden": _take_hidden,
    "notes": _take_notes,
    "markers": _take_markers,
}


def _bytes(text: object, what: str) -> bytes:
    try:
        content = os.fsencode(text) if isinstance(text, str) else b"\0"
    except UnicodeEncodeError:
        content = b"\0"
    if b"\0" in content:
        raise _NotUnderstood(f"the {what} is no path")
    return content


def _moment(value: object) -> int | None:
    if value is None or (
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    ):
        return value
    try:
        return (
            int(datetime.fromisoformat(value).timestamp() * 1000)
            if isinstance(value, str)
            else _no_moment()
        )
    except (ValueError, OverflowError):
        return _no_moment()


def _no_moment() -> int:
    raise _NotUnderstood("a time is no time")
