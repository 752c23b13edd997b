"""The `near_pairs` table: films that show the same pictures, and what one of them gets when it is
kept instead of the other.
"""

from collections.abc import Sequence

from msgspec import Struct

from lvs.db import bulk_edits, gallery, playlists
from lvs.db.bulk_edits import ChangeOrigin
from lvs.db.database import Connection, Transaction
from lvs.models import Card


class NearVideo(Struct, frozen=True):
    """One of two films that look the same."""

    card: Card
    codec: str
    frame_rate: float
    playlists: int
    has_notes: bool


class NearPair(Struct, frozen=True):
    """Two films that agree in so many pictures."""

    id: int
    pictures: int
    films: tuple[NearVideo, NearVideo]


# Both are in the library, and nothing was decided about them.
_OPEN = """
    near_pairs p JOIN gallery a ON a.video_id = p.low_id AND NOT a.hidden
        JOIN gallery b ON b.video_id = p.high_id AND NOT b.hidden
    WHERE p.dismissed_at IS NULL
"""


async def count(db: Connection) -> int:
    """The number of pairs to decide about."""
    return int(await db.value(f"SELECT count(*) FROM {_OPEN}"))


async def listed(db: Connection, limit: int, after_id: int = 0) -> list[NearPair]:
    """The pairs to decide about, by id behind `after_id`."""
    sql = f"""
        SELECT p.id, p.pictures, p.low_id, p.high_id FROM {_OPEN} AND p.id > ?
        ORDER BY p.id LIMIT ?
    """
    return await _pairs(db, await db.tuples(sql, (after_id, limit)))


async def one(db: Connection, pair_id: int) -> NearPair | None:
    """A pair to decide about."""
    sql = f"SELECT p.id, p.pictures, p.low_id, p.high_id FROM {_OPEN} AND p.id = ?"
    found = await _pairs(db, await db.tuples(sql, (pair_id,)))
    return found[0] if found else None


async def _pairs(db: Connection, rows: Sequence[tuple[int, int, int, int]]) -> list[NearPair]:
    ids = {video_id for row in rows for video_id in row[2:]}
    cards = await gallery.some(db, list(ids))
    films = {video_id: await _video(db, card) for video_id, card in cards.items()}
    return [
        NearPair(pair_id, pictures, (films[low], films[high]))
        for pair_id, pictures, low, high in rows
        if low in films and high in films
    ]


async def _video(db: Connection, card: Card) -> NearVideo:
    sql = """
        SELECT coalesce(video_codec, ''), coalesce(frame_rate, 0),
            (SELECT count(DISTINCT i.playlist_id) FROM playlist_items i
                JOIN playlists l ON l.id = i.playlist_id AND l.deleted_at IS NULL
                WHERE i.video_id = v.id),
            EXISTS (SELECT 1 FROM video_notes WHERE video_id = v.id)
        FROM videos v WHERE id = ?
    """
    [(codec, frame_rate, lists, has_notes)] = await db.tuples(sql, (card.id,))
    return NearVideo(card, codec, frame_rate, lists, bool(has_notes))


# The media hashes of the films that a video `v` is not, as somebody said: each pair stands at one
# of its two.
DIFFERENT_FROM = """
    (SELECT json_group_array(media_hash) FROM (
        SELECT o.media_hash FROM near_pairs p JOIN videos o ON o.id = p.high_id
        WHERE p.low_id = v.id AND p.dismissed_at IS NOT NULL ORDER BY o.media_hash))
"""


async def dismissed(db: Connection, one_id: int, other_id: int) -> bool | None:
    """True where somebody said that these are two films; None where nobody takes them for one."""
    sql = "SELECT dismissed_at IS NOT NULL FROM near_pairs WHERE low_id = ? AND high_id = ?"
    found = await db.value(sql, (min(one_id, other_id), max(one_id, other_id)))
    return None if found is None else bool(found)


async def dismiss(tx: Transaction, one_id: int, other_id: int, at: int | None) -> None:
    """Say that these are two films; without a time, that it is open."""
    sql = "UPDATE near_pairs SET dismissed_at = ? WHERE low_id = ? AND high_id = ?"
    ids = (min(one_id, other_id), max(one_id, other_id))
    await tx.run(sql, (at, *ids))
    # of those that were never compared here nobody knows that they look the same
    unseen = "DELETE FROM near_pairs WHERE low_id = ? AND high_id = ? AND pictures = 0"
    await tx.run(f"{unseen} AND dismissed_at IS NULL", ids)


async def put_dismissed(tx: Transaction, one_id: int, other_id: int, at: int) -> bool:
    """Say that these are two films, also where nobody has compared them yet; False where that was
    said already.
    """
    sql = """
        INSERT INTO near_pairs (low_id, high_id, pictures, dismissed_at) VALUES (?, ?, 0, ?)
        ON CONFLICT (low_id, high_id) DO UPDATE SET dismissed_at = excluded.dismissed_at
            WHERE dismissed_at IS NULL
        RETURNING id
    """
    return await tx.value(sql, (min(one_id, other_id), max(one_id, other_id), at)) is not None


# --- What a film gets that is kept ---

_BOTH = "video_id IN (v.id, :other)"
_LAST = f"{_BOTH} ORDER BY updated_at DESC, video_id = :other LIMIT 1"
_OF_OTHER = "(SELECT text FROM video_notes WHERE video_id = :other)"
_OWN = "coalesce((SELECT text FROM video_notes WHERE video_id = v.id), '')"

# The value of the kept one `v` by what it and the other have, as the journal spells it.
_JOINED = {
    "rating": f"(SELECT CAST(value AS TEXT) FROM ratings WHERE {_LAST})",
    "favorite": f"CAST(EXISTS (SELECT 1 FROM favorites WHERE {_BOTH}) AS TEXT)",
    "notes": f"""nullif(CASE
        WHEN {_OF_OTHER} IS NULL OR instr({_OWN}, {_OF_OTHER}) THEN {_OWN}
        WHEN {_OWN} = '' THEN {_OF_OTHER}
        ELSE substr({_OWN} || char(10) || {_OF_OTHER}, 1, :longest) END, '')""",
}
_LATER = f"""json_object('person', :person, 'later_at', (
    SELECT min(added_at) FROM later WHERE person_id = :person AND {_BOTH}))"""
# The place of whoever watched last, of a shorter film at most its end.
_WATCHED = f"""json_object('person', :person,
    'watched', json(CASE WHEN EXISTS (
        SELECT 1 FROM progress WHERE person_id = :person AND {_BOTH} AND watched)
        THEN 'true' ELSE 'false' END),
    'position_s', (SELECT min(position_s, coalesce(v.duration_s, position_s)) FROM progress
        WHERE person_id = :person AND {_LAST}),
    'later_at', (SELECT added_at FROM later WHERE person_id = :person AND video_id = v.id))"""


async def join_values(
    tx: Transaction, origin: ChangeOrigin, kept_id: int, other_id: int, longest_notes: int
) -> set[str]:
    """Give a film the stars that either got last, the heart, notes, places and Later of both; the
    kinds of what changed.
    """
    values = {"other": other_id, "longest": longest_notes}
    changed = set()
    for what, new in _JOINED.items():
        if await bulk_edits.set_from(tx, origin, [kept_id], what, new, values):
            changed.add(what)
    for what, new, table in (("later", _LATER, "later"), ("watched", _WATCHED, "progress")):
        sql = f"SELECT person_id FROM {table} WHERE video_id = ?"
        for row in await tx.tuples(sql, (other_id,)):
            theirs = ChangeOrigin(origin.bulk, origin.client, origin.at, row[0])
            if await bulk_edits.set_from(tx, theirs, [kept_id], what, new, values):
                changed.add(what)
    return changed


async def join_playlists(
    tx: Transaction, origin: ChangeOrigin, kept_id: int, other_id: int
) -> None:
    """Put a film behind the other in every playlist that holds that alone."""
    sql = """
        SELECT i.playlist_id, min(i.position) FROM playlist_items i
            JOIN playlists l ON l.id = i.playlist_id AND l.deleted_at IS NULL
        WHERE i.video_id = ? GROUP BY i.playlist_id
    """
    for playlist_id, position in await tx.tuples(sql, (other_id,)):
        if await bulk_edits.add_to_playlist(tx, origin, [kept_id], playlist_id):
            sql = "SELECT max(position) FROM playlist_items WHERE playlist_id = ?"
            last = int(await tx.value(sql, (playlist_id,)))
            await playlists.move(tx, playlist_id, last, position + 1)
