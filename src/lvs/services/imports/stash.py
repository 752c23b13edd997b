"""Reads the database of Stash. Blocking code."""

from pathlib import Path

from lvs.db.foreign import stash as rows
from lvs.db.foreign.database import opened
from lvs.services.imports.foreign_library import (
    ForeignLibrary,
    ForeignVideo,
    complete,
    seconds_of,
    stars_of,
)
from lvs.services.legacy import values

SCALE = 100


def read(path: Path, _user: str = "") -> ForeignLibrary:
    """Scenes with stars, tags, views and positions. Raises Invalid, OSError."""
    with opened(path, rows.PROGRAM) as db:
        library = ForeignLibrary(rows.PROGRAM, rows.check(db))
        films: dict[int, ForeignVideo] = {}
        for scene_id, title, rating, position, views, last in rows.scenes(db):
            film = films[scene_id] = ForeignVideo(str(title or f"scene {scene_id}"), [])
            entry = film.entry
            entry.rating = library.understood(film.name, lambda r: stars_of(r, SCALE), rating)
            entry.views = views or None
            entry.last_viewed_at = library.understood(film.name, values.moment, last)
            film.position_s = seconds_of(position) or 0.0
        complete(library, films, rows.files(db), rows.tags(db), rows.markers(db))
    library.films = list(films.values())
    library.left_out = ["performers, studios, groups and pictures of Stash"]
    return library
