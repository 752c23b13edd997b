"""digiKam's core database (`digikam4.db`): albums, videos in them, stars and tags."""

from lvs.db.foreign.database import ForeignDatabase, Row
from lvs.errors import Invalid

PROGRAM = "digiKam"
OLDEST, NEWEST = 5, 16  # DBVersion
VIDEO = 2  # DatabaseItem::Category
NEEDED = {
    "AlbumRoots": ("id", "specificPath"),
    "Albums": ("id", "albumRoot", "relativePath"),
    "Images": ("id", "album", "name", "status", "category", "fileSize"),
    "ImageInformation": ("imageid", "rating"),
    "ImageTags": ("imageid", "tagid"),
    "Tags": ("id", "pid", "name"),
}


def check(db: ForeignDatabase) -> str:
    """The version of the schema in words. Raises Invalid where LVS does not know it."""
    if "keyword" not in db.columns("Settings"):
        raise Invalid(db.refusal("", "it has no table Settings"))
    found = db.rows("SELECT value FROM Settings WHERE keyword = 'DBVersion'")
    text = str(found[0][0]) if found else ""
    version = int(text) if text.isascii() and text.isdigit() else 0
    named = f"DBVersion {text or 'none'}"
    if not OLDEST <= version <= NEWEST:
        raise Invalid(db.refusal(named, f"LVS knows {OLDEST} to {NEWEST}"))
    db.require(NEEDED, named)
    return named


def videos(db: ForeignDatabase) -> list[Row]:
    """Id, path of the collection on its volume, path of the album in it, name, size, stars (-1:
    none) of each video that is there.
    """
    return db.rows(
        """
        SELECT i.id, r.specificPath, a.relativePath, i.name, i.fileSize, n.rating
        FROM Images i
            JOIN Albums a ON a.id = i.album
            JOIN AlbumRoots r ON r.id = a.albumRoot
            LEFT JOIN ImageInformation n ON n.imageid = i.id
        WHERE i.category = ? AND i.status = 1 ORDER BY i.id
        """,
        (VIDEO,),
    )


def tags(db: ForeignDatabase) -> list[Row]:
    """Id of the video and name of a tag, without those that digiKam keeps for itself."""
    return db.rows(
        """
        WITH RECURSIVE own (id) AS (
            SELECT id FROM Tags WHERE name = '_Digikam_Internal_Tags_' AND pid = 0
            UNION SELECT t.id FROM Tags t JOIN own ON t.pid = own.id)
        SELECT it.imageid, t.name FROM ImageTags it JOIN Tags t ON t.id = it.tagid
        WHERE t.id NOT IN (SELECT id FROM own) ORDER BY it.imageid, t.id
        """
    )
