"""Reads the database of Jellyfin. Blocking code."""

import json
from pathlib import Path
from typing import Any

from lvs.db.foreign import jellyfin as rows
from lvs.db.foreign.database import ForeignDatabase, opened
from lvs.errors import Invalid
from lvs.services.imports.foreign_library import (
    ForeignFile,
    ForeignLibrary,
    ForeignVideo,
    path_of,
    seconds_of,
    size_of,
    stars_of,
)
from lvs.services.legacy import values

SCALE = 10
TICKS = 10_000_000  # a second


def read(path: Path, user: str = "") -> ForeignLibrary:
    """Videos with what one user gave them, and playlists. Raises Invalid, OSError."""
    with opened(path, rows.PROGRAM) as db:
        library = ForeignLibrary(rows.PROGRAM, rows.check(db))
        by_path: dict[str, ForeignVideo] = {}
        known: dict[Any, ForeignVideo] = {}
        for row in rows.items(db, _user_id(db, user)):
            foreign = _foreign_video(library, row)
            if row[0] in known:
                _join(known[row[0]], foreign)
                continue
            known[row[0]] = foreign
            by_path.setdefault(foreign.files[0].path, foreign)
            library.videos.append(foreign)
        for name, data in rows.playlists(db):
            _add_playlist(library, str(name or "Playlist"), data, by_path)
    library.left_out = ["people, studios, collections, chapters and pictures of Jellyfin"]
    return library


def _user_id(db: ForeignDatabase, wanted: str) -> str:
    """The user whose stars count. Raises Invalid where nobody knows which one is meant."""
    users = {str(name): str(user_id) for user_id, name in rows.users(db)}
    if wanted and wanted not in users:
        raise Invalid(f"{db.path} has no data of a user {wanted}. It has: {', '.join(users)}.")
    if not wanted and len(users) > 1:
        raise Invalid(
            f"{db.path} has stars and plays of several users. Choose one with --user:"
            f" {', '.join(users)}."
        )
    return users[wanted] if wanted else next(iter(users.values()), "")


def _foreign_video(library: ForeignLibrary, row: tuple[Any, ...]) -> ForeignVideo:
    _, path, name, ticks, size, tags, genres, rating, position, plays, favorite, last, played = row
    foreign = ForeignVideo(
        str(name or path),
        [ForeignFile(path_of(path), size_of(size), _seconds(ticks))],
    )
    entry = foreign.entry
    entry.rating = library.understood(foreign.name, lambda r: stars_of(r, SCALE), rating)
    entry.views = library.understood(foreign.name, values.views, plays) or None
    entry.last_viewed_at = library.understood(foreign.name, values.moment, last)
    entry.favorite, foreign.watched = bool(favorite), bool(played)
    foreign.position_s = _seconds(position) or 0.0
    for tag in f"{tags or ''}|{genres or ''}".split("|"):
        if tag.strip():
            library.add_tag(foreign, tag)
    return foreign


def _join(foreign: ForeignVideo, other: ForeignVideo) -> None:
    """Give a film what it has under another key, and not under its own."""
    entry, more = foreign.entry, other.entry
    entry.rating = entry.rating or more.rating
    entry.views = max(entry.views or 0, more.views or 0) or None
    entry.last_viewed_at = entry.last_viewed_at or more.last_viewed_at
    entry.favorite = entry.favorite or more.favorite
    foreign.watched = foreign.watched or other.watched
    foreign.position_s = foreign.position_s or other.position_s


def _seconds(ticks: Any) -> float | None:
    """Ticks in seconds; None for none, and for what is no number."""
    return seconds_of(ticks / TICKS) if isinstance(ticks, int | float) else None


def _add_playlist(
    library: ForeignLibrary, name: str, data: Any, by_path: dict[str, ForeignVideo]
) -> None:
    try:
        items = json.loads(data).get("LinkedChildren") or []
        paths = [path_of(item["Path"]) for item in items if item.get("Path")]
    except (ValueError, TypeError, AttributeError, RecursionError):
        library.note(f"playlist {name}: its items cannot be read")
        return
    videos = [by_path[path] for path in paths if path in by_path]
    if videos:
        library.playlists.setdefault(name, []).extend(videos)
