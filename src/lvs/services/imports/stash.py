"""Reads the database of Stash. Blocking code."""

from pathlib import Path

from lvs.db.foreign import stash as rows
from lvs.db.foreign.database import opened
from lvs.services.imports.foreign_library import (
    ForeignLibrary,
    ForeignVideo,
    add_details,
    seconds_of,
    stars_of,
)
from lvs.services.legacy import values

SCALE = 100


def read(path: Path, _user: str = "") -> ForeignLibrary:
    """Scenes with stars, tags, views and positions. Raises Invalid, OSError."""
    with opened(path, rows.PROGRAM) as db:
        library = ForeignLibrary(rows.PROGRAM, rows.check(db))
        videos: dict[int, ForeignVideo] = {}
        for scene_id, title, rating, position, views, last in rows.scenes(db):
            foreign = videos[scene_id] = ForeignVideo(str(title or f"scene {scene_id}"), [])
            entry = foreign.entry
            entry.rating = library.understood(foreign.name, lambda r: stars_of(r, SCALE), rating)
            entry.views = views or None
            entry.last_viewed_at = library.understood(foreign.name, values.moment, last)
            foreign.position_s = seconds_of(position) or 0.0
        add_details(library, videos, rows.files(db), rows.tags(db), rows.markers(db))
    library.videos = list(videos.values())
    library.left_out = ["performers, studios, groups and pictures of Stash"]
    return library
