"""Reads the database of Stash. Blocking code."""

from pathlib import Path

from lvs.db.foreign import stash as rows
from lvs.db.foreign.database import opened
from lvs.services.imports.film import (
    ForeignFile,
    ForeignFilm,
    ForeignLibrary,
    marker_of,
    oshash_of,
    path_of,
    seconds_of,
    size_of,
    stars_of,
)
from lvs.services.legacy import values

SCALE = 100


def read(path: Path, _user: str = "") -> ForeignLibrary:
    """Scenes with stars, tags, views and positions. Raises Invalid, OSError."""
    with opened(path, rows.PROGRAM) as db:
        library = ForeignLibrary(rows.PROGRAM, rows.check(db))
        films: dict[int, ForeignFilm] = {}
        for scene_id, title, rating, position, views, last in rows.scenes(db):
            film = films[scene_id] = ForeignFilm(str(title or f"scene {scene_id}"), [])
            entry = film.entry
            entry.rating = library.understood(film.name, lambda r: stars_of(r, SCALE), rating)
            entry.views = views or None
            entry.last_viewed_at = library.understood(film.name, values.moment, last)
            film.position_s = seconds_of(position) or 0.0
        for scene_id, folder, name, size, duration, oshash in rows.files(db):
            if scene_id in films:
                films[scene_id].files.append(
                    ForeignFile(
                        path_of(folder, name),
                        size_of(size),
                        seconds_of(duration),
                        oshash_of(oshash),
                    )
                )
        for scene_id, tag in rows.tags(db):
            if scene_id in films:
                library.add_tag(films[scene_id], tag)
        for scene_id, name, start, end in rows.markers(db):
            marker = marker_of(name, start, end)
            if marker and scene_id in films:
                films[scene_id].markers.append(marker)
    library.films = list(films.values())
    library.left_out = ["performers, studios, groups and pictures of Stash"]
    return library
