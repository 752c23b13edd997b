"""XBVR's database (`main.db`): scenes, their files, tags, lists and history."""

from lvs.db.foreign.database import ForeignDatabase, Row

PROGRAM = "XBVR"
OLDEST, NEWEST = 1, 99
NEEDED = {
    "scenes": (
        *("id", "title", "star_rating", "favourite", "watchlist"),
        *("is_watched", "deleted_at"),
    ),
    "files": ("id", "scene_id", "path", "filename", "size", "type", "video_duration", "os_hash"),
    "tags": ("id", "name"),
    "scene_tags": ("scene_id", "tag_id"),
    "histories": ("scene_id", "time_end"),
    "scene_cuepoints": ("scene_id", "time_start", "name"),
}


def check(db: ForeignDatabase) -> str:
    """The version of the schema in words. Raises Invalid where LVS does not know it."""
    named = db.latest_migration("migrations", "id", OLDEST, NEWEST)
    db.require(NEEDED, named)
    return named


def scenes(db: ForeignDatabase) -> list[Row]:
    """Id, title, stars (0 to 5, halves too), favorite, on the watchlist, watched, number of plays,
    latest play.
    """
    return db.rows(
        """
        SELECT s.id, s.title, s.star_rating, s.favourite, s.watchlist, s.is_watched,
            count(h.scene_id), max(h.time_end)
        FROM scenes s LEFT JOIN histories h ON h.scene_id = s.id
        WHERE s.deleted_at IS NULL
        GROUP BY s.id ORDER BY s.id
        """
    )


def files(db: ForeignDatabase) -> list[Row]:
    """Id of the scene, folder, name, size, length in seconds, OpenSubtitles hash."""
    return db.rows(
        """
        SELECT scene_id, path, filename, size, video_duration, os_hash FROM files
        WHERE type = 'video' AND scene_id > 0 ORDER BY scene_id, id
        """
    )


def tags(db: ForeignDatabase) -> list[Row]:
    """Id of the scene, and name of a tag it has."""
    return db.rows(
        """
        SELECT st.scene_id, t.name FROM scene_tags st JOIN tags t ON t.id = st.tag_id
        ORDER BY st.scene_id, t.id
        """
    )


def cuepoints(db: ForeignDatabase) -> list[Row]:
    """Id of the scene, name of a cuepoint, and its start and end in seconds."""
    end = "time_end" if "time_end" in db.columns("scene_cuepoints") else "NULL"
    return db.rows(
        f"SELECT scene_id, name, time_start, {end} FROM scene_cuepoints ORDER BY scene_id, id"
    )
