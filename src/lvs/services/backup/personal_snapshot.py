"""People, and what is personal, as JSON: one entry for each person, the household under the empty
name.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from lvs.db.people_rows import PersonalRecord, PersonRecord, limits_value
from lvs.errors import Invalid
from lvs.services.curation.base import clean_line
from lvs.services.household.people import MAX_LIMITS, MAX_NAME, is_start_page

LONGEST_POSITION_S = 1e7
LONGEST_VALUE = 100
MOST_PREFERENCES = 50

_HASH = re.compile(r"[0-9a-f]{16}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

Time = Callable[[int | None], str | int | None]
Moment = Callable[[object], int | None]


def person_value(person: PersonRecord, time: Time, *, with_pin: bool) -> dict[str, Any]:
    """A person's entry. The hash of the PIN is for backups only."""
    value: dict[str, Any] = {
        "limits": limits_value(person),
        "start_page": person.start_page,
        "created_at": time(person.created_at),
        "preferences": person.preferences,
        "films": {name: _video_value(video, time) for name, video in person.videos.items()},
    }
    return value | ({"pin": person.pin} if with_pin and person.pin else {})


def _video_value(video: PersonalRecord, time: Time) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if video.progress_at is not None:
        value |= {
            "position_s": video.position_s or None,
            "watched": video.watched,
            "progress_at": time(video.progress_at),
            "dismissed": video.dismissed,
        }
    if video.later_at is not None:
        value["later_at"] = time(video.later_at)
    if video.history:
        value["history"] = [{"day": day, "at": time(at)} for day, at in video.history]
    return value


def person_of(name: object, value: object, moment: Moment) -> PersonRecord:
    """The person of an entry. Raises Invalid where it cannot be understood."""
    if not isinstance(name, str) or not isinstance(value, Mapping):
        raise Invalid("not a person")
    videos, chosen = value.get("films", {}), value.get("preferences", {})
    if not isinstance(videos, Mapping) or not isinstance(chosen, Mapping):
        raise Invalid("not a person")
    start_page, pin = value.get("start_page") or "", value.get("pin") or ""
    if not isinstance(start_page, str) or not is_start_page(start_page):
        raise Invalid("the start page is unknown")
    if not isinstance(pin, str) or len(pin) > 2 * LONGEST_VALUE:
        raise Invalid("the PIN is not a hash that LVS knows")
    return PersonRecord(
        clean_line(name, "name", MAX_NAME),
        pin,
        _limits(value.get("limits")),
        start_page,
        moment(value.get("created_at")),
        _preferences(chosen),
        {_hash(each): _video(video, moment) for each, video in videos.items()},
    )


def _limits(value: object) -> str | None:
    if value is None:
        return None
    match value:
        case {"tags": [*tags], "folders": [*folders]} if len(tags) + len(folders) <= MAX_LIMITS:
            if all(isinstance(each, str) for each in (*tags, *folders)):
                return json.dumps({"tags": tags, "folders": folders})
    raise Invalid("the limits are not tags and folders")


def _preferences(value: Mapping[Any, Any]) -> dict[str, str]:
    pairs = [(name, each) for name, each in value.items()]
    if len(pairs) > MOST_PREFERENCES or not all(
        isinstance(part, str) and len(part) <= LONGEST_VALUE for pair in pairs for part in pair
    ):
        raise Invalid("the preferences are not text")
    return dict(pairs)


def _hash(name: object) -> str:
    if not isinstance(name, str) or not _HASH.fullmatch(name):
        raise Invalid("not a media hash of 16 hexadecimal digits")
    return name


def _video(value: object, moment: Moment) -> PersonalRecord:
    if not isinstance(value, Mapping):
        raise Invalid("an entry of a video is not a JSON object")
    position_s, watched = value.get("position_s") or 0.0, value.get("watched", False)
    is_number = isinstance(position_s, int | float) and not isinstance(position_s, bool)
    if not is_number or not 0 <= position_s <= LONGEST_POSITION_S or not isinstance(watched, bool):
        raise Invalid("the position lies outside the video")
    lines = value.get("history", [])
    if not isinstance(lines, list):
        raise Invalid("the history is not a list")
    return PersonalRecord(
        float(position_s),
        watched,
        moment(value.get("progress_at")),
        value.get("dismissed") is True,
        moment(value.get("later_at")),
        [_line(line, moment) for line in lines],
    )


def _line(value: object, moment: Moment) -> tuple[str, int]:
    match value:
        case {"day": str() as day, "at": at} if _DAY.fullmatch(day):
            played_at = moment(at)
            if played_at is not None:
                return day, played_at
    raise Invalid("a line of the history has no day or time")
