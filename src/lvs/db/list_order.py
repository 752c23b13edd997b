"""The order in which the films of a playlist and of Later are played: as listed, or shuffled by a
seed. Films that are missing or hidden are passed over.
"""

from msgspec import Struct

from lvs import random_order
from lvs.db import gallery
from lvs.db.database import Connection
from lvs.db.sight import visible_condition
from lvs.models import Card

Values = dict[str, int | float | str | bytes | None]


class VideoInList(Struct, frozen=True):
    """A film in a list, and its place there: the position in a playlist, the time of adding
    (Unix milliseconds) in Later.
    """

    card: Card
    at: int


_PLAYLIST = """
    playlist_items l JOIN gallery g ON g.video_id = l.video_id WHERE l.playlist_id = :playlist
        AND NOT g.hidden
"""
_LATER = """
    later l JOIN gallery g ON g.video_id = l.video_id WHERE l.person_id = :person
        AND NOT g.hidden
"""
_MIXED = "permuted(({number} + :seed) & 2147483647, :first, :second)"


async def in_playlist(
    db: Connection, playlist_id: int, at: int | None, seed: int, *, backwards: bool = False
) -> VideoInList | None:
    """The film behind a position of a playlist, or before it; the first one without a position."""
    values: Values = {"playlist": playlist_id, "at": at, **_seeded(seed)}
    key, here = _keys("l.position", ":at", seed)
    return await _next(
        db,
        f"l.position AS at FROM {_PLAYLIST}",
        (key, "l.position"),
        (here, ":at"),
        values,
        backwards,
    )


async def in_later(
    db: Connection,
    person_id: int,
    at: int | None,
    video_id: int,
    seed: int,
    *,
    backwards: bool = False,
) -> VideoInList | None:
    """The film behind one in Later, latest first, or before it; the first one without a time."""
    values: Values = {"person": person_id, "at": at, "video": video_id, **_seeded(seed)}
    key, here = _keys("l.video_id", ":video", seed) if seed else ("-l.added_at", "-:at")
    return await _next(
        db,
        f"l.added_at AS at FROM {_LATER}",
        (key, "-l.video_id"),
        (here, "-:video"),
        values,
        backwards,
    )


def _keys(column: str, here: str, seed: int) -> tuple[str, str]:
    if not seed:
        return column, here
    return _MIXED.format(number=column), _MIXED.format(number=here)


def _seeded(seed: int) -> Values:
    if not seed:
        return {}
    first, second = random_order.multipliers(seed)
    return {"seed": seed, "first": first, "second": second}


async def _next(
    db: Connection,
    source: str,
    keys: tuple[str, str],
    here: tuple[str, str],
    values: Values,
    backwards: bool,
) -> VideoInList | None:
    """The film whose pair of keys comes next. Without a place (`at`) it is the first one."""
    compare, direction = ("<", "DESC") if backwards else (">", "ASC")
    behind = ""
    if values["at"] is not None:
        behind = f"AND ({', '.join(keys)}) {compare} ({', '.join(here)})"
    seen, allowed = visible_condition("l.video_id")
    sql = f"""
        SELECT {gallery.COLUMNS}, {source} {behind}{seen}
        ORDER BY {keys[0]} {direction}, {keys[1]} {direction} LIMIT 1
    """
    rows = await db.tuples(sql, values | allowed)
    return VideoInList(gallery.card_of(rows[0]), rows[0][gallery.WIDTH]) if rows else None
