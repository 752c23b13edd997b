"""Stash's database (`stash-go.sqlite`): scenes, their files, tags and views."""

from lvs.db.foreign.database import ForeignDatabase, Row
from lvs.errors import Invalid

PROGRAM = "Stash"
OLDEST, NEWEST = 55, 85
NEEDED = {
    "scenes": ("id", "title", "rating", "resume_time"),
    "scenes_files": ("scene_id", "file_id", "primary"),
    "files": ("id", "basename", "parent_folder_id", "size"),
    "folders": ("id", "path"),
    "video_files": ("file_id", "duration"),
    "files_fingerprints": ("file_id", "type", "fingerprint"),
    "tags": ("id", "name"),
    "scenes_tags": ("scene_id", "tag_id"),
    "scenes_view_dates": ("scene_id", "view_date"),
    "scene_markers": ("scene_id", "title", "seconds", "primary_tag_id"),
}


def check(db: ForeignDatabase) -> str:
    """The version of the schema in words. Raises Invalid where LVS does not know it."""
    if "version" not in db.columns("schema_migrations"):
        raise Invalid(db.refusal("", "it has no table schema_migrations"))
    found = db.rows("SELECT version, dirty FROM schema_migrations LIMIT 1")
    version = found[0][0] if found and isinstance(found[0][0], int) else 0
    named = f"schema {version}"
    if not OLDEST <= version <= NEWEST:
        raise Invalid(
            db.refusal(named, f"LVS knows schemas {OLDEST} to {NEWEST}; start a newer Stash first")
            if version < OLDEST
            else db.refusal(named, f"LVS knows schemas {OLDEST} to {NEWEST}")
        )
    if found[0][1]:
        raise Invalid(db.refusal(named, "a change of its schema was broken off"))
    db.require(NEEDED, named)
    return named


def scenes(db: ForeignDatabase) -> list[Row]:
    """Id, title, rating (of 100), position in seconds, number of views, latest view."""
    return db.rows(
        """
        SELECT s.id, s.title, s.rating, s.resume_time, count(v.view_date), max(v.view_date)
        FROM scenes s LEFT JOIN scenes_view_dates v ON v.scene_id = s.id
        GROUP BY s.id ORDER BY s.id
        """
    )


def files(db: ForeignDatabase) -> list[Row]:
    """Id of the scene, folder, name, size, length in seconds, OpenSubtitles hash; the primary file
    of a scene first.
    """
    return db.rows(
        """
        SELECT sf.scene_id, d.path, f.basename, f.size, vf.duration, fp.fingerprint
        FROM scenes_files sf
            JOIN files f ON f.id = sf.file_id
            JOIN folders d ON d.id = f.parent_folder_id
            LEFT JOIN video_files vf ON vf.file_id = f.id
            LEFT JOIN files_fingerprints fp ON fp.file_id = f.id AND fp.type = 'oshash'
        ORDER BY sf.scene_id, sf."primary" DESC, f.id
        """
    )


def tags(db: ForeignDatabase) -> list[Row]:
    """Id of the scene, and name of a tag it has."""
    return db.rows(
        """
        SELECT st.scene_id, t.name FROM scenes_tags st JOIN tags t ON t.id = st.tag_id
        ORDER BY st.scene_id, t.id
        """
    )


def markers(db: ForeignDatabase) -> list[Row]:
    """Id of the scene, title of a marker or else its tag, and its start and end in seconds."""
    end = "m.end_seconds" if "end_seconds" in db.columns("scene_markers") else "NULL"
    return db.rows(
        f"""
        SELECT m.scene_id, coalesce(nullif(m.title, ''), t.name), m.seconds, {end}
        FROM scene_markers m LEFT JOIN tags t ON t.id = m.primary_tag_id
        ORDER BY m.scene_id, m.seconds
        """
    )
