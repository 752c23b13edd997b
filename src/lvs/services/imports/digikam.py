"""Reads the database of digiKam. Blocking code."""

from pathlib import Path

from lvs.db.foreign import digikam as rows
from lvs.db.foreign.database import opened
from lvs.services.imports.foreign_library import (
    ForeignFile,
    ForeignLibrary,
    ForeignVideo,
    path_of,
    size_of,
    stars_of,
)

SCALE = 5


def read(path: Path, _user: str = "") -> ForeignLibrary:
    """Videos with stars and tags. Raises Invalid, OSError."""
    with opened(path, rows.PROGRAM) as db:
        library = ForeignLibrary(rows.PROGRAM, rows.check(db))
        videos: dict[int, ForeignVideo] = {}
        for video_id, root, album, name, size, rating in rows.videos(db):
            place = path_of(root, str(album).strip("/"), name)
            foreign = videos[video_id] = ForeignVideo(place, [ForeignFile(place, size_of(size))])
            stars = None if rating is not None and rating == -1 else rating
            foreign.entry.rating = library.understood(place, lambda r: stars_of(r, SCALE), stars)
        for video_id, tag in rows.tags(db):
            if video_id in videos:
                library.add_tag(videos[video_id], tag)
    library.videos = list(videos.values())
    library.left_out = ["still pictures, captions, colour and pick labels of digiKam"]
    return library
