"""Reading of snapshots, and of what `lvs export` wrote. Blocking: call it in a thread."""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from lvs.db.curation_rows import CurationRecord, PlaylistRecord, TagRecord, ViewRecord
from lvs.db.people_rows import PersonRecord
from lvs.errors import Invalid, NotFound, Unavailable
from lvs.services.backup.personal_snapshot import person_of
from lvs.services.backup.snapshots import DESCRIBED_TAGS, NAMES, PEOPLE, PLAYLISTS, SAVED_VIEWS
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

MOST_PLACES = 100_000
LONGEST_POSITION_S = 1e7
LARGEST_BYTES = 1 << 30
MOST_VIEWS = 2**63 - 1  # what the database holds

_HASH = re.compile(r"[0-9a-f]{16}", re.ASCII)


class Snapshot(Struct):
    """A read snapshot: the videos, and a message for everything that was not understood."""

    kept: dict[str, CurationRecord] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    playlists: list[PlaylistRecord] = field(default_factory=list)
    tags: list[TagRecord] = field(default_factory=list)
    people: list[PersonRecord] = field(default_factory=list)
    views: list[ViewRecord] = field(default_factory=list)
    playlists_left_out: int = 0
    """How many there were whose videos were named by their paths alone, as in older exports."""

    def record(self, media_hash: str) -> CurationRecord:
        return self.kept.setdefault(media_hash, CurationRecord(media_hash))


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
    if path.stem in _NAMED:
        _take_named(snapshot, path, path.stem, content.items())
        return
    take = _TAKE[path.stem]
    understood = 0
    for media_hash, value in content.items():
        try:
            _take_entry(snapshot, media_hash, value, (take,))
            understood += 1
        except Invalid as error:
            snapshot.problems.append(f"{path.name}: {media_hash[:80]}: {error}")
    if content and not understood:
        raise Invalid(
            f"{path} was not written by LVS. For the files of the original server use `lvs"
            " import-legacy`."
        )


def _take_named(
    snapshot: Snapshot, path: Path, kind: str, content: Iterable[tuple[object, object]]
) -> None:
    found, read = _NAMED[kind]
    for name, value in content:
        try:
            getattr(snapshot, found).append(read(name, value))
        except Invalid as error:
            snapshot.problems.append(f"{path.name}: {str(name)[:80]}: {error}")


def _described_tag(name: object, value: object) -> TagRecord:
    if not isinstance(name, str) or not isinstance(value, Mapping):
        raise Invalid("not a tag")
    texts = [value.get(key) or "" for key in ("colour", "description", "parent")]
    aliases = value.get("aliases") or []
    if not isinstance(aliases, list) or len(aliases) > MAX_ALIASES:
        raise Invalid("the aliases are not a list of words")
    if not all(isinstance(text, str) for text in (*texts, *aliases)):
        raise Invalid("colour, description or parent of the tag is not text")
    colour, description, parent = texts
    return TagRecord(
        clean_tag(name, LONGEST_TAG),
        clean_colour(colour) or "",
        clean_line(" ".join(description.split()), "description", MAX_DESCRIPTION_OF_TAG),
        clean_tag(parent, LONGEST_TAG) if parent.strip() else "",
        tuple(clean_tag(alias, LONGEST_TAG) for alias in aliases),
    )


def _saved_view(name: object, value: object) -> ViewRecord:
    if not isinstance(name, str) or not isinstance(value, Mapping):
        raise Invalid("not a view")
    query, view_id = value.get("query"), value.get("id")
    if not isinstance(query, str):
        raise Invalid("the selection is not text")
    known = isinstance(view_id, str) and _HASH.fullmatch(view_id)
    created_at = _moment(value.get("created_at"))
    return ViewRecord(
        clean_name(name), clean_query(query), str(view_id) if known else "", created_at
    )


def _playlist(name: object, value: object) -> PlaylistRecord:
    if not isinstance(name, str) or not isinstance(value, Mapping):
        raise Invalid("not a playlist")
    items, description = value.get("items"), value.get("description") or ""
    if not isinstance(items, list) or len(items) > MOST_PLACES:
        raise Invalid("the items are not a list of videos")
    if not isinstance(description, str):
        raise Invalid("the description is not text")
    clean = clean_line(name, "name", MAX_NAME)
    words = clean_line(" ".join(description.split()), "description", MAX_DESCRIPTION)
    if not clean:
        raise Invalid("the playlist has no name")
    created_at = _moment(value.get("created_at"))
    return PlaylistRecord(clean, words, created_at, tuple(map(_place, items)))


def _place(item: object) -> str | bytes:
    match item:
        case {"media_hash": str() as media_hash} if _HASH.fullmatch(media_hash):
            return media_hash
        case {"name": str() as name} if name:
            return _bytes(name, "name")
    raise Invalid("an item is not a video")


def _of_export(value: object) -> tuple[object, object]:
    """A playlist of an export as it stands in a snapshot."""
    if not isinstance(value, Mapping) or not isinstance(value.get("media_hashes"), list):
        return None, None
    items = [{"media_hash": each} for each in value["media_hashes"]]
    return value.get("name"), {**value, "items": items}


def _take_export(snapshot: Snapshot, path: Path, content: Mapping[str, Any]) -> None:
    for kind, member in _OF_EXPORT.items():
        entries = content.get(member)
        for entry in entries if isinstance(entries, list) else ():
            name, value = _of_export(entry) if kind == PLAYLISTS else (_name_of(entry), entry)
            if kind == PLAYLISTS and name is None:
                snapshot.playlists_left_out += 1
            else:
                _take_named(snapshot, path, kind, [(name, value)])
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
        except Invalid as error:
            snapshot.problems.append(f"{path.name}: video {number}: {error}")


_Take = Callable[[CurationRecord, Mapping[str, Any]], None]


def _take_entry(
    snapshot: Snapshot, media_hash: object, value: object, takes: Iterable[_Take]
) -> CurationRecord:
    if not isinstance(media_hash, str) or not _HASH.fullmatch(media_hash):
        raise Invalid("not a media hash of 16 hexadecimal digits")
    if not isinstance(value, dict):
        raise Invalid("not a JSON object")
    fresh = CurationRecord(media_hash)
    path = value.get("path", "")
    for take in takes:
        take(fresh, value)
    kept = snapshot.record(media_hash)
    kept.path = _bytes(path, "path") or kept.path
    for name in CurationRecord.__struct_fields__:
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
        raise Invalid("the rating is not 1 to 5")
    kept.rating, kept.rated_at = rating, _moment(value.get("rated_at"))


def _take_views(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    views = value.get("views", 0)
    if isinstance(views, bool) or not isinstance(views, int) or not 0 <= views <= MOST_VIEWS:
        raise Invalid("the number of views is not a number")
    kept.views, kept.last_viewed_at = views, _moment(value.get("last_viewed_at"))


def _take_tags(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    tags = value.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Invalid("the tags are not a list of words")
    kept.tags = tuple(clean_tag(tag, LONGEST_TAG) for tag in tags)


def _take_favorite(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    kept.favorite, kept.favorited_at = True, _moment(value.get("favorited_at"))


def _take_projection(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    chosen = value.get("projection")
    try:
        kept.projection = chosen_text(by_person(**chosen)) if chosen is not None else None
    except (Invalid, TypeError, ValueError):
        raise Invalid("the projection is unknown") from None


def _take_poster(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    part = value.get("poster_at")
    if part is not None and part not in PLACES:
        raise Invalid("the place of the poster is unknown")
    kept.poster = None if part is None else PLACES.index(part)


def _take_progress(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    position_s, watched = value.get("position_s") or 0.0, value.get("watched", False)
    if isinstance(position_s, bool) or not isinstance(position_s, int | float):
        raise Invalid("the position is not a number")
    if not 0 <= position_s <= LONGEST_POSITION_S or not isinstance(watched, bool):
        raise Invalid("the position lies outside the video")
    kept.position_s, kept.watched = float(position_s), watched
    kept.progress_at = _moment(value.get("progress_at"))
    kept.dismissed = value.get("dismissed") is True


def _take_later(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    kept.later_at = _moment(value.get("later_at"))


def _take_hidden(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    hidden_at = _moment(value.get("hidden_at"))
    kept.hidden_at = 0 if hidden_at is None else hidden_at


def _take_notes(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    text = value.get("notes")
    kept.notes = clean_notes(text) if isinstance(text, str) else ""
    kept.notes_at = _moment(value.get("notes_at"))


def _take_markers(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    found = value.get("markers")
    kept.markers = "" if found is None else checked_markers(found)


def _take_different(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    others = value.get("different_from", [])
    kept.different_from = _hashes(others, "the films that look the same")


def _take_video(kept: CurationRecord, value: Mapping[str, Any]) -> None:
    title = value.get("title") or ""
    if not isinstance(title, str) or len(title) > MAX_TITLE_LENGTH:
        raise Invalid("the title is not text")
    kept.title = title
    kept.fingerprints = _hashes(value.get("fingerprints", []), "the fingerprints")
    kept.library, kept.added_at = (
        _bytes(value.get("library", ""), "library"),
        _moment(value.get("added_at")),
    )


def _hashes(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_PLACES:
        raise Invalid(f"{what} are not a list of hashes")
    if not all(isinstance(each, str) and _HASH.fullmatch(each) for each in value):
        raise Invalid(f"{what} are not a list of hashes")
    return tuple(value)


def _name_of(entry: object) -> object:
    return entry.get("name") if isinstance(entry, Mapping) else None


_NAMED: dict[str, tuple[str, Callable[[object, object], Any]]] = {
    PLAYLISTS: ("playlists", _playlist),
    DESCRIBED_TAGS: ("tags", _described_tag),
    SAVED_VIEWS: ("views", _saved_view),
    PEOPLE: ("people", lambda name, value: person_of(name, value, _moment)),
}
"""The list of a snapshot, and the reader of an entry, by the name of the file."""

_OF_EXPORT = {
    PLAYLISTS: "playlists",
    DESCRIBED_TAGS: "tags",
    SAVED_VIEWS: "saved_views",
    PEOPLE: "people",
}
"""The member of an export that holds the same."""

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
    "different": _take_different,
}


def _bytes(text: object, what: str) -> bytes:
    try:
        content = os.fsencode(text) if isinstance(text, str) else b"\0"
    except UnicodeEncodeError:
        content = b"\0"
    if b"\0" in content:
        raise Invalid(f"the {what} is not a path")
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
    raise Invalid("a time is not valid")
