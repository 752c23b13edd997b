"""The `progress` table: how far a film was watched, and whether to its end."""

import json
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from lvs.db import gallery, history, later
from lvs.db.database import Connection, Transaction
from lvs.db.sight import visible_condition
from lvs.models import Card, WatchState
from lvs.viewer import viewer

VARIANTS = 256  # of a card, by a person's progress


class PlaybackProgress(Struct, frozen=True):
    """A video, its length in seconds (None while unknown), and how far it was watched."""

    video_id: int
    duration_s: float | None
    state: WatchState


class ProgressEvent(Struct, frozen=True):
    """A position that was reached at a time (Unix milliseconds).

    `watched` is True where it counts as the end of the film.
    """

    person_id: int
    video_id: int
    position_s: float
    watched: bool
    at: int


class StartedVideo(Struct, frozen=True):
    """The card of a film that one stopped in, and where."""

    card: Card
    position_s: float


async def named(db: Connection, person_id: int, name: str) -> PlaybackProgress | None:
    """The video of this name or alias (where several share an alias, the oldest)."""
    sql = """
        SELECT v.id, v.duration_s, coalesce(p.position_s, 0.0), coalesce(p.watched, 0),
            coalesce(p.updated_at, 0)
        FROM videos v LEFT JOIN progress p ON p.person_id = :person AND p.video_id = v.id
        WHERE v.id = coalesce(
            (SELECT id FROM videos WHERE media_hash = :name),
            (SELECT video_id FROM aliases WHERE alias = :name ORDER BY video_id LIMIT 1))
    """
    row = await db.one(sql, {"person": person_id, "name": name})
    if row is None:
        return None
    return PlaybackProgress(row[0], row[1], WatchState(row[2], bool(row[3]), row[4]))


async def record(tx: Transaction, events: Collection[ProgressEvent]) -> None:
    """Keep positions, unless a later one is known. Videos that are gone are passed over."""
    sql = """
        INSERT INTO progress (person_id, video_id, position_s, watched, updated_at)
        SELECT :person, :video, :position, :watched, :at
        WHERE EXISTS (SELECT 1 FROM videos WHERE id = :video)
        ON CONFLICT (person_id, video_id) DO UPDATE SET position_s = excluded.position_s,
            watched = max(watched, excluded.watched), updated_at = excluded.updated_at,
            dismissed = 0
        WHERE excluded.updated_at >= updated_at
    """
    for event in events:
        values = {
            "person": event.person_id,
            "video": event.video_id,
            "position": event.position_s,
            "watched": int(event.watched),
            "at": event.at,
        }
        await tx.run(sql, values)
        await history.note(tx, event.person_id, event.video_id, event.at)
        if event.watched:
            await later.remove(tx, event.person_id, event.video_id)
    await gallery.refresh_progress(tx, {event.video_id for event in events})


async def mark(tx: Transaction, person_id: int, video_id: int, watched: bool, at: int) -> None:
    """Mark a video as watched, which forgets its position, or as not watched."""
    sql = """
        INSERT INTO progress (person_id, video_id, watched, updated_at)
        VALUES (:person, :video, :watched, :at)
        ON CONFLICT (person_id, video_id) DO UPDATE SET watched = excluded.watched,
            position_s = CASE WHEN excluded.watched THEN 0.0 ELSE position_s END,
            updated_at = max(updated_at, excluded.updated_at)
    """
    values = {"person": person_id, "video": video_id, "watched": int(watched), "at": at}
    await tx.run(sql, values)
    if watched:
        await later.remove(tx, person_id, video_id)
    await gallery.refresh_progress(tx, [video_id])


async def of_video(db: Connection, person_id: int, video_id: int) -> WatchState:
    """The state of watching of a video for a person."""
    sql = (
        "SELECT position_s, watched, updated_at FROM progress WHERE person_id = ? AND video_id = ?"
    )
    row = await db.one(sql, (person_id, video_id))
    return WatchState(row[0], bool(row[1]), row[2]) if row else WatchState()


async def of_some(
    db: Connection, person_id: int, video_ids: Sequence[int]
) -> dict[int, tuple[float, bool]]:
    """Position and whether it was watched, of those of these videos that a person played."""
    sql = """
        SELECT video_id, position_s, watched FROM progress
        WHERE person_id = ? AND video_id IN (SELECT value FROM json_each(?))
    """
    rows = await db.tuples(sql, (person_id, json.dumps(list(video_ids))))
    return {row[0]: (row[1], bool(row[2])) for row in rows}


def on_card(card: Card, states: Mapping[int, tuple[float, bool]]) -> Card:
    """A card with a person's progress instead of the household's."""
    position_s, watched = states.get(card.id, (0.0, False))
    percent = 0
    if position_s:
        percent = max(1, min(99, int(100 * position_s / (card.duration_s or 1e9))))
    # The version names what the card shows: one of its own for each progress.
    version = card.version * VARIANTS + 2 * percent + watched + 1
    return card._replace(version=version, progress=percent, watched=watched)


async def put_back(
    tx: Transaction, person_id: int, video_id: int, watched: bool, position_s: float, at: int
) -> None:
    """Set a state that was there before."""
    await mark(tx, person_id, video_id, watched, at)
    sql = "UPDATE progress SET position_s = ? WHERE person_id = ? AND video_id = ?"
    await tx.run(sql, (position_s, person_id, video_id))
    await gallery.refresh_progress(tx, [video_id])


async def dismiss(tx: Transaction, person_id: int, video_id: int, dismissed: bool) -> None:
    """Take a film out of those to go on with, or put it back. Its position stays."""
    sql = "UPDATE progress SET dismissed = ? WHERE person_id = ? AND video_id = ?"
    await tx.run(sql, (int(dismissed), person_id, video_id))


async def is_empty(db: Connection) -> bool:
    """True where nothing was ever played or marked."""
    return not await db.value("SELECT EXISTS (SELECT 1 FROM progress)")


async def started(db: Connection, person_id: int, limit: int) -> list[StartedVideo]:
    """The listed films that one stopped in and did not dismiss, latest first."""
    seen, values = visible_condition("p.video_id")
    sql = f"""
        SELECT {gallery.COLUMNS}, p.position_s
        FROM progress p JOIN gallery g ON g.video_id = p.video_id
        WHERE p.person_id = :person AND p.position_s > 0 AND NOT p.dismissed AND NOT g.hidden{seen}
        ORDER BY p.updated_at DESC
        LIMIT :limit
    """
    rows = await db.tuples(sql, {"person": person_id, "limit": limit, **values})
    return [_started(gallery.card_of(row), row[-1]) for row in rows]


async def begun(db: Connection, events: Collection[ProgressEvent]) -> list[StartedVideo]:
    """The listed films of positions that are not written yet, without those that are watched or out
    of sight, latest first.
    """
    latest = sorted(events, key=lambda event: -event.at)
    seen = viewer().seen([event.video_id for event in latest if event.position_s])
    cards = await gallery.some(db, seen)
    found = [(cards[each.video_id], each) for each in latest if each.video_id in cards]
    return [_started(card, each.position_s) for card, each in found if not card.hidden]


def _started(card: Card, position_s: float) -> StartedVideo:
    """A film and where one stopped: at most at its end, where a shorter cut has taken its place."""
    at_s = min(position_s, card.duration_s or position_s)
    return StartedVideo(on_card(card, {card.id: (at_s, card.watched)}), at_s)


async def restore(
    tx: Transaction, person_id: int, video_id: int, state: WatchState, dismissed: bool = False
) -> bool:
    """Put a state back, unless a later one is known; True where that changes anything."""
    sql = """
        INSERT INTO progress (person_id, video_id, position_s, watched, updated_at, dismissed)
        VALUES (:person, :video, :position, :watched, :at, :dismissed)
        ON CONFLICT (person_id, video_id) DO UPDATE SET position_s = excluded.position_s,
            watched = max(watched, excluded.watched), updated_at = excluded.updated_at,
            dismissed = excluded.dismissed
        WHERE excluded.updated_at > updated_at
    """
    values = {
        "person": person_id,
        "video": video_id,
        "position": state.position_s,
        "watched": int(state.watched),
        "at": state.updated_at,
        "dismissed": int(dismissed),
    }
    return await tx.run(sql, values) > 0
