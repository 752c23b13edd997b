"""Writes down what people gave their videos, for other programs and for safe keeping.

Memory does not grow with the library, but for the longest playlist.
"""

import csv
import io
import json
import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from lvs.clock import iso_utc
from lvs.db import export as rows
from lvs.db import playlists, saved_views
from lvs.db.curation_rows import tag_records
from lvs.db.database import Connection, Database
from lvs.db.export import ExportedVideo
from lvs.db.people_rows import everybody
from lvs.services.backup.personal_snapshot import person_value
from lvs.services.media.eye import PLACES

COLUMNS = (
    "path",
    "media_hash",
    "title",
    "rating",
    "views",
    "last_viewed_at",
    "tags",
    "favorite",
    "favorited_at",
    "added_at",
    "missing_since",
    "projection",
    "poster_at",
    "position_s",
    "watched",
    "progress_at",
    "dismissed",
    "later_at",
    "hidden_at",
    "notes",
    "markers",
    "different_from",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def as_json(database: Database) -> AsyncIterator[bytes]:
    """A JSON object with `videos`, `playlists`, `tags` (those described), `saved_views` and
    `people`, in pieces, all ASCII.

    Times are ISO 8601 in UTC. A path that is not UTF-8 has its bytes as U+DC80 to U+DCFF in it, as
    Python's `os.fsdecode` gives. Paths are those of the addresses: with several library folders
    they begin with the folder's name.
    """
    async with database.read() as db, rows.consistent_read(db):
        named = await rows.active_roots(db) > 1
        lists = {
            "videos": _videos(db, named),
            "playlists": _playlists(db, named),
            "tags": _tags(db),
            "saved_views": _saved_views(db),
            "people": _people(db),
        }
        between = b"{"
        for name, entries in lists.items():
            yield between
            async for piece in _list(name, entries):
                yield piece
            between = b", "
        yield b"}\n"


async def as_csv(database: Database) -> AsyncIterator[bytes]:
    """A table of the videos (RFC 4180, UTF-8) in pieces, first the names of the columns.

    A cell that a spreadsheet would take for a formula gets a `'` in front. Tags are separated by `;
    `.
    """
    yield _line(COLUMNS)
    async with database.read() as db, rows.consistent_read(db):
        named = await rows.active_roots(db) > 1
        async for video in _exported(db):
            yield _row(video, named)


class SelectionExport:
    """Writes down some of the videos: those whose ids come in `turns`, in that order.

    A connection is held for one turn at a time: whoever reads slowly keeps nobody waiting.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def as_json(self, turns: AsyncIterator[Sequence[int]]) -> AsyncIterator[bytes]:
        """A JSON object with `videos` as in `as_json`, in pieces."""
        yield b"{"
        selected = (record_of(video, named) async for video, named in self._selected(turns))
        async for piece in _list("videos", selected):
            yield piece
        yield b"}\n"

    async def as_csv(self, turns: AsyncIterator[Sequence[int]]) -> AsyncIterator[bytes]:
        """A table as in `as_csv`, in pieces."""
        yield _line(COLUMNS)
        async for video, named in self._selected(turns):
            yield _row(video, named)

    async def _selected(
        self, turns: AsyncIterator[Sequence[int]]
    ) -> AsyncIterator[tuple[ExportedVideo, bool]]:
        async for ids in turns:
            async with self._database.read() as db:
                named = await rows.active_roots(db) > 1
                found = await rows.some(db, ids)
            for video in found:
                yield video, named


async def _list(name: str, entries: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    """A member of a JSON object, one entry on a line."""
    yield f'"{name}": ['.encode("ascii")
    comma = b"\n"
    async for entry in entries:
        yield comma + json.dumps(entry).encode("ascii")
        comma = b",\n"
    yield b"\n]"


async def _videos(db: Connection, named: bool) -> AsyncIterator[Mapping[str, Any]]:
    async for video in _exported(db):
        yield record_of(video, named)


async def _exported(db: Connection) -> AsyncIterator[ExportedVideo]:
    last = 0
    while some := await rows.videos(db, last):
        for video in some:
            yield video
        last = some[-1].id


async def _playlists(db: Connection, named: bool) -> AsyncIterator[Mapping[str, Any]]:
    for playlist in await playlists.every(db):
        yield {
            "name": playlist.name,
            "items": [path async for path in _items(db, playlist.id, named)],
            "media_hashes": await rows.hashes_in_playlist(db, playlist.id),
            "description": playlist.description or "",
            "created_at": _moment(playlist.created_at),
        }


async def _tags(db: Connection) -> AsyncIterator[Mapping[str, Any]]:
    for tag in await tag_records(db):
        yield asdict(tag)


async def _saved_views(db: Connection) -> AsyncIterator[Mapping[str, Any]]:
    for view in await saved_views.every(db):
        created_at = _moment(view.created_at) or ""
        yield {
            "name": view.name,
            "id": view.view_id,
            "query": view.query,
            "created_at": created_at,
        }


async def _people(db: Connection) -> AsyncIterator[Mapping[str, Any]]:
    for person in await everybody(db):
        yield {"name": person.name} | person_value(person, _moment, with_pin=False)


async def _items(db: Connection, playlist_id: int, named: bool) -> AsyncIterator[str]:
    last = -1
    while some := await rows.places_in_playlist(db, playlist_id, last):
        for _, path, root_name in some:
            yield _path(path, root_name if named else None)
        last = some[-1][0]


def _row(video: ExportedVideo, named: bool) -> bytes:
    record = record_of(video, named) | {
        "tags": "; ".join(video.tags),
        "favorite": int(video.favorited_at is not None),
        "projection": video.projection,
        "watched": video.watched,
        "dismissed": video.dismissed,
        "markers": video.markers,
        "different_from": "; ".join(video.different_from),
    }
    return _line("" if record[name] is None else str(record[name]) for name in COLUMNS)


def record_of(video: ExportedVideo, named: bool) -> dict[str, object]:
    """A video as JSON; `named` where the folder's name comes first in its path."""
    return {
        "path": _path(video.path, video.root_name if named else None),
        "media_hash": video.media_hash,
        "title": video.title,
        "rating": video.rating,
        "views": video.views,
        "last_viewed_at": _moment(video.last_viewed_at),
        "tags": list(video.tags),
        "favorite": video.favorited_at is not None,
        "favorited_at": _moment(video.favorited_at),
        "added_at": _moment(video.added_at),
        "missing_since": _moment(video.missing_since),
        "projection": json.loads(video.projection) if video.projection else None,
        "poster_at": None if video.poster_place is None else PLACES[video.poster_place],
        "position_s": video.position_s,
        "watched": bool(video.watched),
        "progress_at": _moment(video.progress_at),
        "dismissed": bool(video.dismissed),
        "later_at": _moment(video.later_at),
        "hidden_at": _moment(video.hidden_at),
        "notes": video.notes,
        "markers": json.loads(video.markers) if video.markers else None,
        "different_from": list(video.different_from),
    }


def _path(path: bytes | None, root_name: str | None) -> str:
    text = os.fsdecode(path or b"")
    return f"{root_name}/{text}" if root_name and path else text


def _moment(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    try:
        return iso_utc(milliseconds)
    except ValueError:  # a clock that stood wrong by millennia
        return None


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return text.getvalue().encode("utf-8", "surrogateescape")
