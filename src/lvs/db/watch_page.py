"""Everything beside a video on its page, in one query."""

from msgspec import Struct

from lvs.db import chapters
from lvs.db.connection import Connection
from lvs.models import Chapter
from lvs.viewer import viewer

TAGGED_COMPARED = (
    1000  # with the rarest of its tags before others: everybody shares the popular ones
)
FOLDER_COMPARED = 2000  # the first ones by path
ALIKE = 50  # films whose tags are suggested

_CLOSE = f"""
    mine AS (
        SELECT vt.tag_id, max(t.listed, 1) AS uses
        FROM video_tags vt JOIN tags t ON t.id = vt.tag_id WHERE vt.video_id = :id),
    near AS (
        SELECT DISTINCT o.video_id
        FROM (SELECT tag_id FROM mine ORDER BY uses, tag_id) rarest
            CROSS JOIN video_tags o ON o.tag_id = rarest.tag_id
        WHERE o.video_id <> :id
        LIMIT :tagged),
    close AS MATERIALIZED (
        SELECT near.video_id, t.name, sum(1.0 / mine.uses) AS closeness, min(mine.uses) AS uses
        FROM near
            CROSS JOIN mine
            JOIN video_tags o ON o.video_id = near.video_id AND o.tag_id = mine.tag_id
            JOIN gallery g ON g.video_id = near.video_id AND NOT g.hidden
            JOIN tags t ON t.id = mine.tag_id
        GROUP BY near.video_id
        ORDER BY closeness DESC, g.rating DESC, near.video_id
        LIMIT {ALIKE})
"""
# The tags of films like this one: those that share tags count by how close they are, those in its
# folder a little; what was used last stands behind them.
_SUGGESTED = f"""
    SELECT t.name FROM (
        SELECT vt.tag_id, sum(alike.weight) AS weight
        FROM (
            SELECT video_id, 1 + closeness AS weight FROM close
            UNION ALL
            SELECT video_id, 0.2 FROM (
                SELECT video_id FROM gallery WHERE {{folder}} AND video_id <> :id
                ORDER BY path LIMIT {ALIKE})) alike
            JOIN video_tags vt ON vt.video_id = alike.video_id
        GROUP BY vt.tag_id
        UNION ALL
        SELECT id, 0 FROM (SELECT id FROM tags ORDER BY used_at DESC, id DESC LIMIT :tags)) ranked
        JOIN tags t ON t.id = ranked.tag_id
    WHERE t.id NOT IN (SELECT tag_id FROM mine)
    GROUP BY t.id
    ORDER BY sum(ranked.weight) DESC, t.used_at DESC, t.id DESC
    LIMIT :tags
"""
_BELOW = "root_id = :root_id AND path >= :start AND path < :end"
_AT_TOP = "root_id = :root_id"


_SAME_PICTURES = """
    SELECT g.video_id FROM (
        SELECT high_id AS id, pictures FROM near_pairs WHERE low_id = :id AND dismissed_at IS NULL
        UNION ALL
        SELECT low_id, pictures FROM near_pairs WHERE high_id = :id AND dismissed_at IS NULL) near
        JOIN gallery g ON g.video_id = near.id AND NOT g.hidden
    ORDER BY near.pictures DESC, g.video_id
"""


class RelatedVideos(Struct, frozen=True):
    """Ids of listed videos that share tags with one, each with the rarest shared tag, most and
    rarest shared first; of those in its folder and below, by title; tags that it may get.
    """

    sharing: tuple[tuple[int, str], ...]
    in_folder: tuple[int, ...]
    suggested_tags: tuple[str, ...]
    """Tags of films like it, and then those that were given last, without its own."""
    later: bool
    """The video is on the list of those to watch later."""
    chapters: tuple[Chapter, ...] = ()
    same_pictures: tuple[int, ...] = ()
    """Listed videos that look the same: another encode, or a part."""


async def beside(
    db: Connection, video_id: int, root_id: int, folder: bytes, limit: int, tags: int
) -> RelatedVideos:
    """Everything beside this video, at most `limit` of each kind and `tags` tags."""
    inside = _BELOW if folder else _AT_TOP
    sql = f"""
        WITH {_CLOSE}
        SELECT video_id, name, 0 FROM (SELECT video_id, name FROM close LIMIT :limit)
        UNION ALL
        SELECT video_id, NULL, 1 FROM (
            SELECT video_id FROM (
                SELECT video_id, title_key FROM gallery
                WHERE NOT hidden AND {inside} ORDER BY path LIMIT :folder)
            ORDER BY title_key, video_id LIMIT :limit + 1)
        UNION ALL
        SELECT NULL, name, 2 FROM ({_SUGGESTED.format(folder=inside)})
        UNION ALL
        SELECT video_id, NULL, 3 FROM later WHERE person_id = :person AND video_id = :id
        UNION ALL
        SELECT NULL, {chapters.NAMED_OR_OF_FILE}, 4
        UNION ALL
        SELECT video_id, NULL, 5 FROM ({_SAME_PICTURES} LIMIT :limit)
    """
    values = {"id": video_id, "limit": limit, "tagged": TAGGED_COMPARED, "root_id": root_id}
    values |= {"folder": FOLDER_COMPARED, "tags": tags, "person": viewer().person}
    rows = await db.all(sql, {**values, "start": folder + b"/", "end": folder + b"0"})
    return RelatedVideos(
        tuple((row[0], row[1]) for row in rows if row[2] == 0),
        tuple(row[0] for row in rows if row[2] == 1),
        tuple(row[1] for row in rows if row[2] == 2),
        any(row[2] == 3 for row in rows),
        tuple(each for row in rows if row[2] == 4 and row[1] for each in chapters.parsed(row[1])),
        tuple(row[0] for row in rows if row[2] == 5),
    )


async def suggested_tags(
    db: Connection, video_id: int, root_id: int, folder: bytes, limit: int
) -> list[str]:
    """Tags of films like this one, and then those that were given last, without its own."""
    inside = _BELOW if folder else _AT_TOP
    sql = f"WITH {_CLOSE} {_SUGGESTED.format(folder=inside)}"
    values = {"id": video_id, "tagged": TAGGED_COMPARED, "root_id": root_id, "tags": limit}
    rows = await db.all(sql, {**values, "start": folder + b"/", "end": folder + b"0"})
    return [row[0] for row in rows]
