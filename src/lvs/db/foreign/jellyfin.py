"""Jellyfin's database (`jellyfin.db`, since 10.11): items and what each user gave them."""

from lvs.db.foreign.database import ForeignDatabase, Row
from lvs.errors import Invalid

PROGRAM = "Jellyfin"
OLDEST, NEWEST = 20241020103111, 20261231235959  # date and time; the first holds the library
NEEDED = {
    "BaseItems": (
        *("Id", "Type", "Path", "Name", "RunTimeTicks", "Size", "Tags", "Genres"),
        *("MediaType", "IsFolder", "Data"),
    ),
    "UserData": (
        *("ItemId", "UserId", "Rating", "PlaybackPositionTicks", "PlayCount", "IsFavorite"),
        *("LastPlayedDate", "Played", "CustomDataKey"),
    ),
    "Users": ("Id", "Username"),
}
PLAYLIST = "MediaBrowser.Controller.Playlists.Playlist"


def check(db: ForeignDatabase) -> str:
    """The version of the schema in words. Raises Invalid where LVS does not know it."""
    if db.columns("TypedBaseItems"):
        raise Invalid(
            db.refusal(
                "library.db, before 10.11",
                "start Jellyfin 10.11 or later first, and name its jellyfin.db",
            )
        )
    named = db.latest_migration("__EFMigrationsHistory", "MigrationId", OLDEST, NEWEST)
    db.require(NEEDED, named)
    if db.columns("LinkedChildren"):
        raise Invalid(db.refusal(named, "its playlists lie in a table that LVS does not know"))
    return named


def users(db: ForeignDatabase) -> list[Row]:
    """Id and name of each user that gave something."""
    return db.rows(
        """
        SELECT u.Id, u.Username FROM Users u
        WHERE EXISTS (SELECT 1 FROM UserData d WHERE d.UserId = u.Id) ORDER BY u.Username
        """
    )


def items(db: ForeignDatabase, user_id: str) -> list[Row]:
    """Videos with what this user gave: id, path, name, length in ticks (100 ns), size, tags and
    genres (separated by `|`), rating (of 10), position in ticks, plays, favorite, last play,
    played. A video may come more than once, as Jellyfin keeps the same under several keys: what was
    played last first.
    """
    return db.rows(
        """
        SELECT i.Id, i.Path, i.Name, i.RunTimeTicks, i.Size, i.Tags, i.Genres, d.Rating,
            d.PlaybackPositionTicks, d.PlayCount, d.IsFavorite, d.LastPlayedDate, d.Played
        FROM BaseItems i LEFT JOIN UserData d ON d.ItemId = i.Id AND d.UserId = ?
        WHERE i.MediaType = 'Video' AND NOT i.IsFolder AND i.Path IS NOT NULL
        ORDER BY i.Path, i.Id, d.LastPlayedDate DESC, d.CustomDataKey
        """,
        (user_id,),
    )


def playlists(db: ForeignDatabase) -> list[Row]:
    """Name, and JSON with the items of each playlist."""
    return db.rows(
        "SELECT Name, Data FROM BaseItems WHERE Type = ? AND Data IS NOT NULL ORDER BY Name",
        (PLAYLIST,),
    )
