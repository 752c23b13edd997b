"""Curation records as JSON files a person can read, written beside every backup.

`ratings.json`, `views.json`, `tags.json`, `favorites.json`, `projections.json`, `posters.json`,
`progress.json`, `later.json`, `hidden.json`, `notes.json`, `markers.json`, `different.json` (films
that only look the same) and `videos.json` (titles and places) are each one object, keyed by media
hash; every value names the path too.
`playlists.json`, `saved-views.json` and `people.json` are keyed by names, `described-tags.json` by
those of tags. `snapshot_reader.py` reads them. Blocking: call it in a thread.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from msgspec.structs import asdict

from lvs.clock import iso_utc
from lvs.db import curation_rows as rows
from lvs.db.curation_rows import CurationRecord, PlaylistRecord, ViewRecord
from lvs.db.people_rows import every_person
from lvs.services.backup.personal_snapshot import person_value
from lvs.services.media.eye import PLACES

OF_VIDEOS = (
    *("ratings", "views", "tags", "favorites", "projections"),
    *("posters", "progress", "later", "hidden", "notes", "markers", "different", "videos"),
)
PLAYLISTS = "playlists"
DESCRIBED_TAGS = "described-tags"
SAVED_VIEWS = "saved-views"
PEOPLE = "people"
NAMES = (*OF_VIDEOS, PLAYLISTS, DESCRIBED_TAGS, SAVED_VIEWS, PEOPLE)


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


def view_value(view: ViewRecord) -> dict[str, Any]:
    """The entry of a saved view."""
    return {"id": view.view_id, "query": view.query, "created_at": _time(view.created_at)}


def _playlist_value(playlist: PlaylistRecord) -> dict[str, Any]:
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
                "dismissed": kept.dismissed,
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
    if kept.different_from:
        yield "different", {"different_from": kept.different_from}


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
