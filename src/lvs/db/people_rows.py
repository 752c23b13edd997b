"""Personal rows, read from a database for backups and exports, and put back into one.

The household's own positions and Later stand with its videos; here are its history and preferences,
under the empty name.
"""

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from lvs.db import backup, history, later, people, preferences, progress
from lvs.db.curation_rows import named
from lvs.db.database import Connection, Transaction
from lvs.models import HOUSEHOLD, WatchState


class PersonalRecord(Struct):
    """The state of one video for a person: `history` are days, each with a time (Unix
    milliseconds).
    """

    position_s: float = 0.0
    watched: bool = False
    progress_at: int | None = None
    dismissed: bool = False
    later_at: int | None = None
    history: list[tuple[str, int]] = field(default_factory=list)


class PersonRecord(Struct):
    """A person with all that is theirs, by media hash; the household without a name.

    `limits` is text as the table of people keeps it.
    """

    name: str = ""
    pin: str = ""
    limits: str | None = None
    start_page: str = ""
    created_at: int | None = None
    preferences: dict[str, str] = field(default_factory=dict)
    videos: dict[str, PersonalRecord] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """True for the household without anything."""
        return not (self.name or self.preferences or self.videos)


_PEOPLE = """
    SELECT id, name, pin, limits, start_page, created_at FROM people WHERE removed_at IS NULL
    ORDER BY name
"""
_PREFERENCES = "SELECT person_id, name, value FROM preferences ORDER BY person_id, name"
_PROGRESS = """
    SELECT p.person_id, v.media_hash, p.position_s, p.watched, p.updated_at, p.dismissed
    FROM progress p JOIN videos v ON v.id = p.video_id WHERE p.person_id > 0
"""
_LATER = """
    SELECT l.person_id, v.media_hash, l.added_at
    FROM later l JOIN videos v ON v.id = l.video_id WHERE l.person_id > 0
"""
_HISTORY = """
    SELECT h.person_id, v.media_hash, h.day, h.at
    FROM history h JOIN videos v ON v.id = h.video_id ORDER BY h.at, h.id
"""
_QUERIES = (_PEOPLE, _PREFERENCES, _PROGRESS, _LATER, _HISTORY)

Rows = Iterable[Sequence[Any]]


def every_person(path: Path) -> Iterator[PersonRecord]:
    """Everybody in a database file, the household first. Blocking."""
    return _assembled(*(list(backup.rows(path, sql)) for sql in _QUERIES))


async def everybody(db: Connection) -> Iterator[PersonRecord]:
    """Everybody, the household first."""
    return _assembled(*[await db.tuples(sql) for sql in _QUERIES])


def _assembled(
    persons: Rows, chosen: Rows, positions: Rows, wanted: Rows, lines: Rows
) -> Iterator[PersonRecord]:
    found = {HOUSEHOLD: PersonRecord()}
    for person_id, name, pin, limits, start_page, created_at in persons:
        found[person_id] = PersonRecord(name, pin, limits, start_page, created_at)
    for person_id, name, value in chosen:
        if person_id in found:
            found[person_id].preferences[name] = value
    for person_id, media_hash, position_s, watched, at, dismissed in positions:
        if record := _record(found, person_id, media_hash):
            record.position_s, record.watched, record.progress_at = position_s, bool(watched), at
            record.dismissed = bool(dismissed)
    for person_id, media_hash, at in wanted:
        if record := _record(found, person_id, media_hash):
            record.later_at = at
    for person_id, media_hash, day, at in lines:
        if record := _record(found, person_id, media_hash):
            record.history.append((day, at))
    return (person for person in found.values() if not person.empty)


def _record(
    found: Mapping[int, PersonRecord], person_id: int, media_hash: str
) -> PersonalRecord | None:
    """The record to fill; None for a person who was removed."""
    person = found.get(person_id)
    return person.videos.setdefault(media_hash, PersonalRecord()) if person else None


class PersonRestoreSummary(Struct):
    """Counts of what putting a person back changed."""

    people: int = 0
    progress: int = 0
    later: int = 0
    history: int = 0


async def put_person(
    tx: Transaction, kept: PersonRecord, key: str, now: int
) -> PersonRestoreSummary:
    """Make a person, or add to the one of that name what they lack. What they chose since, their
    PIN and their limits stay.
    """
    summary, person_id = PersonRestoreSummary(), HOUSEHOLD
    if kept.name:
        known = await people.of_key(tx, key)
        person_id = await _made(tx, kept, key, now) if known is None else known
        summary.people = known is None
    have = await preferences.of_person(tx, person_id)
    for name, value in kept.preferences.items():
        if name not in have:
            await preferences.put(tx, person_id, name, value)
    for media_hash, record in kept.videos.items():
        video_id = await named(tx, [media_hash])
        if video_id is not None:
            await _put_record(tx, person_id, video_id, record, summary)
    return summary


async def _made(tx: Transaction, kept: PersonRecord, key: str, now: int) -> int:
    at = kept.created_at if kept.created_at is not None else now
    secret = secrets.token_hex(16)
    person_id = await people.add(tx, kept.name, key, secret, at)
    limits = people.limits_of(kept.limits)
    person = people.Person(
        person_id, kept.name, secret, kept.pin, limits, kept.start_page, at, None
    )
    await people.change(tx, person, key)
    return person_id


async def _put_record(
    tx: Transaction,
    person_id: int,
    video_id: int,
    record: PersonalRecord,
    summary: PersonRestoreSummary,
) -> None:
    if record.progress_at is not None:
        state = WatchState(record.position_s, record.watched, record.progress_at)
        summary.progress += await progress.restore(tx, person_id, video_id, state, record.dismissed)
    if record.later_at is not None:
        summary.later += await later.put(tx, person_id, video_id, record.later_at)
    for day, at in record.history:
        summary.history += await history.put(tx, person_id, video_id, day, at)


def limits_value(person: PersonRecord) -> object:
    """The limits as JSON has them."""
    return json.loads(person.limits) if person.limits is not None else None
