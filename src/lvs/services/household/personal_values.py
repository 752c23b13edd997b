"""Personal values as the journal keeps them: JSON objects that name the person."""

import json
from typing import Any

from lvs.clock import now_ms
from lvs.db import later, progress
from lvs.db.changes import Change
from lvs.db.database import Connection, Transaction
from lvs.models import HOUSEHOLD


def later_value(person_id: int, added_at: int | None) -> str:
    """A video's place on the list Later of a person, as the journal holds it."""
    return json.dumps({"person": person_id, "later_at": added_at})


async def watched_value(db: Connection, person_id: int, video_id: int) -> str:
    """A person's state of a video as the journal holds it: watched, position, place on the list
    Later.
    """
    state = await progress.of_video(db, person_id, video_id)
    return json.dumps(
        {
            "person": person_id,
            "watched": state.watched,
            "position_s": state.position_s,
            "later_at": await later.added_at(db, person_id, video_id),
        }
    )


def person_of(text: str | None) -> int:
    """The id of the person that a value is about."""
    person = _read(text).get("person", HOUSEHOLD)
    return person if isinstance(person, int) else HOUSEHOLD


def is_set(text: str | None) -> bool:
    """True where a video is watched, or on the list."""
    value = _read(text)
    return value["watched"] is True if "watched" in value else bool(value.get("later_at"))


async def put_watched_back(tx: Transaction, change: Change) -> bool:
    """Set what was there before a change; False where something else is there than it left."""
    person, old = person_of(change.new), _read(change.old)
    now = await progress.of_video(tx, person, change.video_id)
    if now.watched is not (_read(change.new).get("watched") is True):
        return False
    watched, position_s = old.get("watched") is True, float(old.get("position_s") or 0)
    await progress.put_back(tx, person, change.video_id, watched, position_s, now_ms())
    if old.get("later_at"):
        await later.put(tx, person, change.video_id, int(old["later_at"]))
    return True


async def put_later_back(tx: Transaction, change: Change) -> bool:
    """Set what was in Later before a change; False where something else is there than it left."""
    person, old = person_of(change.new), _read(change.old)
    there = await later.added_at(tx, person, change.video_id)
    if (there is not None) != is_set(change.new):
        return False
    if old.get("later_at"):
        await later.put(tx, person, change.video_id, int(old["later_at"]))
    else:
        await later.remove(tx, person, change.video_id)
    return True


def _read(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
