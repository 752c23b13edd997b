"""Reads the database of XBVR. Blocking code."""

from pathlib import Path

from lvs.db.foreign import xbvr as rows
from lvs.db.foreign.database import opened
from lvs.services.imports.foreign_library import (
    ForeignLibrary,
    ForeignVideo,
    add_details,
    stars_of,
)
from lvs.services.legacy import values

SCALE = 5
WATCHLIST = "Watchlist"


def read(path: Path, _user: str = "") -> ForeignLibrary:
    """Scenes with stars, hearts, tags, plays, and the watchlist as a playlist. Raises Invalid,
    OSError.
    """
    with opened(path, rows.PROGRAM) as db:
        library = ForeignLibrary(rows.PROGRAM, rows.check(db))
        videos: dict[int, ForeignVideo] = {}
        listed: list[ForeignVideo] = []
        for scene_id, title, stars, favorite, on_list, watched, plays, last in rows.scenes(db):
            foreign = videos[scene_id] = ForeignVideo(str(title or f"scene {scene_id}"), [])
            entry = foreign.entry
            entry.rating = library.understood(foreign.name, lambda r: stars_of(r, SCALE), stars)
            entry.favorite, foreign.watched = bool(favorite), bool(watched)
            entry.views = plays or None
            entry.last_viewed_at = library.understood(foreign.name, values.moment, last)
            if on_list:
                listed.append(foreign)
        add_details(library, videos, rows.files(db), rows.tags(db), rows.cuepoints(db))
    # XBVR lists every scene it has heard of, also those of which there is no file.
    library.videos = [foreign for foreign in videos.values() if foreign.files]
    if wanted := [foreign for foreign in listed if foreign.files]:
        library.playlists[WATCHLIST] = wanted
    library.left_out = ["actors, sites and pictures of XBVR"]
    return library
