"""The films that follow those watched last: in their folder by title, and in playlists."""

from msgspec import Struct

from lvs.db import gallery
from lvs.db.database import Connection
from lvs.db.sight import visible_condition
from lvs.models import Card

LATEST = 24  # films watched last
FOLDER_COMPARED = 2000  # the first ones by path


class NextVideo(Struct, frozen=True):
    """The card of a film that comes next, in a folder or, where `playlist_id` is not 0, at a
    position of a playlist with this name.
    """

    card: Card
    playlist_id: int
    position: int
    playlist: str


_NOT_WATCHED = """
    LEFT JOIN progress q ON q.person_id = :person AND q.video_id = o.video_id
    WHERE coalesce(q.watched, 0) = 0{seen}
"""

_SQL = f"""
    WITH latest AS MATERIALIZED (
        SELECT p.updated_at, g.video_id, g.root_id, g.title_key, folder_of(g.path) AS folder
        FROM progress p JOIN gallery g ON g.video_id = p.video_id
        WHERE p.person_id = :person AND p.watched
        ORDER BY p.updated_at DESC LIMIT :latest),
    folders AS (
        SELECT max(updated_at) AS at, video_id, root_id, title_key, folder
        FROM latest GROUP BY root_id, folder),
    lists AS (
        SELECT max(l.updated_at) AS at, i.playlist_id, i.position, p.name
        FROM latest l
            JOIN playlist_items i ON i.video_id = l.video_id
            JOIN playlists p ON p.id = i.playlist_id AND p.deleted_at IS NULL
        GROUP BY i.playlist_id),
    following AS (
        SELECT at, 0 AS playlist_id, 0 AS position, '' AS name, (
            SELECT o.video_id FROM (
                SELECT o.video_id, o.title_key FROM gallery o
                WHERE NOT o.hidden AND o.root_id = folders.root_id AND o.path > folders.folder
                    AND o.path < folder_end(folders.folder)
                    AND NOT instr(substr(o.path, length(folders.folder) + 1), x'2f')
                ORDER BY o.path LIMIT :compared) o {_NOT_WATCHED}
                AND (o.title_key, o.video_id) > (folders.title_key, folders.video_id)
            ORDER BY o.title_key, o.video_id LIMIT 1) AS next_id
        FROM folders
        UNION ALL
        SELECT at, playlist_id, (
            SELECT o.position FROM playlist_items o JOIN gallery g ON g.video_id = o.video_id
            {_NOT_WATCHED} AND o.playlist_id = lists.playlist_id AND o.position > lists.position
                AND NOT g.hidden
            ORDER BY o.position LIMIT 1) AS position, name, NULL
        FROM lists)
    SELECT {gallery.COLUMNS}, f.playlist_id, f.position, f.name
    FROM following f
        LEFT JOIN playlist_items i ON i.playlist_id = f.playlist_id AND i.position = f.position
        JOIN gallery g ON g.video_id = coalesce(f.next_id, i.video_id)
        LEFT JOIN progress q ON q.person_id = :person AND q.video_id = g.video_id
    WHERE coalesce(q.position_s, 0) = 0
    ORDER BY f.at DESC, f.playlist_id DESC
"""


async def following(db: Connection, person_id: int, limit: int) -> list[NextVideo]:
    """The next films, each once, behind what was watched last first. Films that were watched are
    passed over, as are hidden ones and those out of sight, and those that were begun stand among
    the films to go on with.
    """
    seen, allowed = visible_condition("o.video_id")
    values: dict[str, int | str] = {"person": person_id, "latest": LATEST}
    values["compared"] = FOLDER_COMPARED
    found: dict[int, NextVideo] = {}
    for row in await db.tuples(_SQL.format(seen=seen), values | allowed):
        found.setdefault(row[0], NextVideo(gallery.card_of(row), *row[gallery.WIDTH :]))
    return list(found.values())[:limit]
