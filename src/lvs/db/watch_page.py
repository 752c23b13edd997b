"""Everything beside a video on its page, in one query."""

from dataclasses import dataclass

from lvs.db.connection import Connection
from lvs.viewer import viewer

TAGGED_COMPARED = (
    1000  # with the rarest of its tags before others: everybody shares the popular ones
)
FOLDER_COMPARED = 2000  # the first ones by path

_SHARING = """
    WITH mine AS (
        SELECT vt.tag_id, max(t.listed, 1) AS uses
        FROM video_tags vt JOIN tags t ON t.id = vt.tag_id WHERE vt.video_id = :id),
    near AS (
        SELECT DISTINCT o.video_id
        FROM (SELECT tag_id FROM mine ORDER BY uses, tag_id) rarest
            CROSS JOIN video_tags o ON o.tag_id = rarest.tag_id
        WHERE o.video_id <> :id
        LIMIT :tagged)
    SELECT near.video_id, t.name, sum(1.0 / mine.uses) AS closeness, min(mine.uses)
    FROM near
        CROSS JOIN mine
        JOIN video_tags o ON o.video_id = near.video_id AND o.tag_id = mine.tag_id
        JOIN gallery g ON g.video_id = near.video_id AND NOT g.hidden
        JOIN tags t ON t.id = mine.tag_id
    GROUP BY near.video_id
    ORDER BY closeness DESC, g.rating DESC, near.video_id
    LIMIT :limit
"""
_BELOW = "root_id = :root_id AND path >= :start AND path < :end"
_AT_TOP = "root_id = :root_id"


@dataclass(frozen=True, slots=True)
class Beside:
    """Ids of listed videos that share tags with one, each with the rarest shared tag, most and
    rarest shared first; of those in its folder and below, by title; the tags that were given last.
    """

    sharing: tuple[tuple[int, str], ...]
    in_folder: tuple[int, ...]
    recent_tags: tuple[str, ...]
    later: bool
    """The video is on the list of those to watch later."""


async def beside(
    db: Connection, video_id: int, root_id: int, folder: bytes, limit: int, tags: int
) -> Beside:
    """Everything beside this video, at most `limit` of each kind and `tags` tags."""
    sql = f"""
        SELECT video_id, name, 0 FROM ({_SHARING})
        UNION ALL
        SELECT video_id, NULL, 1 FROM (
            SELECT video_id FROM (
                SELECT video_id, title_key FROM gallery
                WHERE NOT hidden AND {_BELOW if folder else _AT_TOP} ORDER BY path LIMIT :folder)
            ORDER BY title_key, video_id LIMIT :limit + 1)
        UNION ALL
        SELECT NULL, name, 2 FROM (
            SELECT name FROM tags ORDER BY used_at DESC, id DESC LIMIT :tags)
        UNION ALL
        SELECT video_id, NULL, 3 FROM later WHERE person_id = :person AND video_id = :id
    """
    values = {"id": video_id, "limit": limit, "tagged": TAGGED_COMPARED, "root_id": root_id}
    values |= {"folder": FOLDER_COMPARED, "tags": tags, "person": viewer().person}
    rows = await db.all(sql, {**values, "start": folder + b"/", "end": folder + b"0"})
    return Beside(
        tuple((row[0], row[1]) for row in rows if row[2] == 0),
        tuple(row[0] for row in rows if row[2] == 1),
        tuple(row[1] for row in rows if row[2] == 2),
        any(row[2] == 3 for row in rows),
    )
