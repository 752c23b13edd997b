"""Words of a search that set filters: `is:favorite`, `year:2019`, `in:trips`, `no:tags` …

`lifted` takes them out of a search and sets the filters; `word_of` says which word a filter in use
could have been written as, as the panel of filters writes it. What is no such word stays text.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from msgspec.structs import replace

from lvs.errors import Invalid
from lvs.filters import FILTERS, MAX_SEARCH, MAX_TAGS, RESOLUTIONS, Filter
from lvs.models import Query

Changes = dict[str, Any]
"""Fields of a query with their values."""

_WORD = re.compile(
    r'(?<!\S)(?P<minus>-?)(?P<field>[a-z]{2,10}):(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))(?!\S)',
    re.IGNORECASE,
)
_YEARS = re.compile(r"([0-9]{4})(?:(?:-|\.\.)([0-9]{4}))?", re.ASCII)

FIXED: dict[str, Changes] = {
    "is:favorite": {"favorite": True},
    "is:unrated": {"unrated": True},
    "no:rating": {"unrated": True},
    "has:rating": {"min_rating": 1},
    "is:rated": {"min_rating": 1},
    "is:viewed": {"viewed": True},
    "is:watched": {"progress": "watched"},
    "is:unwatched": {"progress": "unwatched"},
    "is:started": {"progress": "started"},
    "is:hidden": {"hidden": True},
    "is:vr": {"vr": True},
    "is:playable": {"state": "plays"},
    "state:convert": {"state": "convert"},
    "state:undecodable": {"state": "undecodable"},
    "length:short": {"length": "short"},
    "length:medium": {"length": "medium"},
    "length:long": {"length": "long"},
    "no:sound": {"sound": "missing"},
    "has:tags": {"tagged": "yes"},
    "no:tags": {"tagged": "no"},
    "has:subtitles": {"subtitles": "yes"},
    "no:subtitles": {"subtitles": "no"},
}
"""Words without a value of their own; of several for one filter the first is written."""

OPPOSITES = {
    "is:unrated": "is:rated",
    "is:watched": "is:unwatched",
    "has:tags": "no:tags",
    "has:subtitles": "no:subtitles",
    "has:rating": "no:rating",
}
"""The meaning of a word with a minus in front."""


def lifted(query: Query) -> Query:
    """The query with the words of its search that set filters made filters."""
    if ":" not in query.q:
        return query
    changes: Changes = {}

    def take(found: re.Match[str]) -> str:
        phrase = found["phrase"]
        value = found["word"] if phrase is None else phrase
        set_now = _changes(found["field"].lower(), value, bool(found["minus"]))
        if set_now is None:
            return found[0]
        if "tags" in set_now:
            set_now["tags"] = (*changes.get("tags", query.tags), *set_now["tags"])
        changes.update(set_now)
        return ""

    rest = _WORD.sub(take, query.q)
    if not changes:
        return query
    if "tags" in changes:
        changes["tags"] = tuple(dict.fromkeys(changes["tags"]))[:MAX_TAGS]
    return replace(query, q=" ".join(rest.split()), **changes)


def word_of(each: Filter, query: Query, part: Any = None) -> str:
    """The word that sets this filter as the query has it; empty where there is none."""
    value = each.value(query) if part is None else part
    field = each.field or each.name
    if field in _WRITTEN:
        return _WRITTEN[field](value)
    for word, changes in FIXED.items():
        if changes == {field: value}:
            return word
    return ""


def _changes(field: str, value: str, minus: bool) -> Changes | None:
    """The filters that a word sets; None where it is none of ours."""
    word = f"{field}:{value.lower()}"
    if minus:
        opposite = OPPOSITES.get(word) or next(
            (one for one, other in OPPOSITES.items() if other == word), ""
        )
        return dict(FIXED[opposite]) if opposite else None
    if word in FIXED:
        return dict(FIXED[word])
    reader = _READERS.get(field)
    try:
        return reader(value) if reader and value.strip() else None
    except (Invalid, ValueError):
        return None


def _year(value: str) -> Changes | None:
    found = _YEARS.fullmatch(value)
    if not found:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return {**_read("recorded_from", f"{first}-01-01"), **_read("recorded_to", f"{last}-12-31")}


def _read(name: str, value: str) -> Changes:
    """One filter as an address would set it. Raises Invalid."""
    each = next(each for each in FILTERS if each.name == name)
    return {each.field or each.name: each.kind.read(name, [value])}


def _resolution(value: str) -> Changes | None:
    name = next((name for name in RESOLUTIONS if name.lower() == value.lower()), None)
    return {"resolution": name} if name else None


def _tag(value: str) -> Changes:
    return {"tags": (value,)} if len(value) <= MAX_SEARCH else {}


_READERS: dict[str, Callable[[str], Changes | None]] = {
    "tag": _tag,
    "year": _year,
    "since": lambda value: _read("recorded_from", value),
    "until": lambda value: _read("recorded_to", value),
    "recorded": lambda value: _read("recorded", value),
    "in": lambda value: _read("folder", value.strip("/")),
    "stars": lambda value: _read("min_rating", value),
    "longer": lambda value: _read("min_minutes", value),
    "shorter": lambda value: _read("max_minutes", value),
    "res": _resolution,
    "shape": lambda value: _read("shape", value.lower()),
}


def _valued(field: str) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if isinstance(value, bytes):
            try:
                value = value.decode()
            except UnicodeDecodeError:
                return ""
        text = value.isoformat() if isinstance(value, date) else str(value)
        if '"' in text:
            return ""
        return f'{field}:"{text}"' if re.search(r"\s", text) else f"{field}:{text}"

    return write


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "tags": _valued("tag"),
    "recorded_from": _valued("since"),
    "recorded_to": _valued("until"),
    "recorded": _valued("recorded"),
    "folder": _valued("in"),
    "min_rating": _valued("stars"),
    "min_minutes": _valued("longer"),
    "max_minutes": _valued("shorter"),
    "resolution": _valued("res"),
    "shape": _valued("shape"),
}
