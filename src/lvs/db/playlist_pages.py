"""Playlists as pages and the API show them: with their videos, and what is missing."""

from msgspec import Struct

from lvs.db import gallery
from lvs.db.database import Connection
from lvs.db.playlists import Playlist
from lvs.db.sight import visible_condition
from lvs.models import Card, display_path

LOOKED_AT_FOR_COVERS = 24


class PlaylistSummary(Struct, frozen=True):
    """A playlist, the number of its places, and the length of its videos in seconds."""

    playlist: Playlist
    count: int
    duration_s: float


class PlaylistItem(Struct, frozen=True):
    """A place in a playlist.

    A missing video has no card. A place held for a name of the original has no hash either.
    """

    position: int
    media_hash: str
    title: str
    card: Card | None


def _summary() -> tuple[str, dict[str, str]]:
    """The query of summaries, which count what the person who watches may see, and its values."""
    seen, values = visible_condition("i.video_id")
    held = "AND 0" if values else ""
    return _SUMMARY.format(seen=seen, held=held), values


_SUMMARY = """
    SELECT p.id, p.name, p.description, p.created_at,
        (SELECT count(*) FROM playlist_items i WHERE i.playlist_id = p.id{seen})
        + (SELECT count(*) FROM legacy_playlist_items h WHERE h.playlist_id = p.id {held}),
        (SELECT coalesce(sum(v.duration_s), 0.0) FROM playlist_items i
            JOIN videos v ON v.id = i.video_id WHERE i.playlist_id = p.id{seen})
    FROM playlists p
    WHERE p.deleted_at IS NULL
"""


async def summaries(db: Connection) -> list[PlaylistSummary]:
    """Every playlist by name."""
    sql, values = _summary()
    rows = await db.tuples(f"{sql} ORDER BY p.name COLLATE NOCASE, p.id", values)
    found = [PlaylistSummary(Playlist(*row[:4]), row[4], row[5]) for row in rows]
    return [each for each in found if each.count] if values else found


async def summary(db: Connection, playlist_id: int) -> PlaylistSummary | None:
    sql, values = _summary()
    row = await db.one(f"{sql} AND p.id = :id", {"id": playlist_id, **values})
    if row is None or (values and not row[4]):
        return None
    return PlaylistSummary(Playlist(*tuple(row)[:4]), row[4], row[5])


async def covers(db: Connection, each: int) -> dict[int, list[Card]]:
    """The first videos of every playlist that have a poster, at most `each` of its first
    dozens, without the hidden ones.
    """
    seen, values = visible_condition("i.video_id")
    sql = f"""
        SELECT {gallery.COLUMNS}, p.id
        FROM playlists p JOIN playlist_items i ON i.playlist_id = p.id AND i.position <= coalesce(
                (SELECT position FROM playlist_items WHERE playlist_id = p.id
                    ORDER BY position LIMIT 1 OFFSET {LOOKED_AT_FOR_COVERS}), i.position)
            JOIN gallery g ON g.video_id = i.video_id
        WHERE p.deleted_at IS NULL AND g.poster IS NOT NULL AND NOT g.hidden{seen}
        ORDER BY p.id, i.position
    """
    found: dict[int, dict[int, Card]] = {}
    for row in await db.tuples(sql, values):
        cards = found.setdefault(row[-1], {})
        if len(cards) < each:
            card = gallery.card_of(row)
            cards.setdefault(card.id, card)
    return {playlist_id: list(cards.values()) for playlist_id, cards in found.items()}


async def count_hidden(db: Connection, playlist_id: int) -> int:
    """The number of places in a playlist that hold a hidden video."""
    seen, values = visible_condition("i.video_id")
    sql = f"""
        SELECT count(*) FROM playlist_items i JOIN hidden h ON h.video_id = i.video_id
        WHERE i.playlist_id = :id{seen}
    """
    return int(await db.value(sql, {"id": playlist_id, **values}))


async def items(
    db: Connection, playlist_id: int, after: int, limit: int, hidden: bool
) -> list[PlaylistItem]:
    """The places behind a position, in order; those of hidden videos only with `hidden`."""
    seen, allowed = visible_condition("i.video_id")
    in_sight = "" if hidden else " AND i.video_id NOT IN (SELECT video_id FROM hidden)"
    sql = f"""
        SELECT i.position, v.media_hash, v.title, {gallery.COLUMNS}
        FROM playlist_items i JOIN videos v ON v.id = i.video_id
            LEFT JOIN gallery g ON g.video_id = v.id
        WHERE i.playlist_id = :id AND i.position > :after{in_sight}{seen}
        ORDER BY i.position LIMIT :limit
    """
    values = {"id": playlist_id, "after": after, "limit": limit}
    found = [
        PlaylistItem(row[0], row[1], row[2], gallery.card_of(row[3:]) if row[3] else None)
        for row in await db.tuples(sql, values | allowed)
    ]
    if allowed:
        return found  # what is held for a name may be anything
    held = """
        SELECT position, name FROM legacy_playlist_items
        WHERE playlist_id = :id AND position > :after ORDER BY position LIMIT :limit
    """
    found += [
        PlaylistItem(row[0], "", display_path(row[1]), None)
        for row in await db.tuples(held, values)
    ]
    return sorted(found, key=lambda item: item.position)[:limit]
