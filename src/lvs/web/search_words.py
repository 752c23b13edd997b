"""Words of a search that set filters: `is:favorite`, `year:2019`, `in:trips`, `no:tags` …

`lifted` takes them out of a search and sets the filters; `word_of` gives the word for a filter in
use, which the panel of filters shows. Any other word stays text. The words are defined in the table
of filters; `year:`, which sets two of them, is defined here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec.structs import replace

from lvs.errors import Invalid
from lvs.filters import FILTERS, MAX_TAGS, Filter
from lvs.models import Query

Changes = dict[str, Any]
"""Fields of a query with their values."""

_WORD = re.compile(
    r'(?<!\S)(?P<minus>-?)(?P<field>[a-z_]{2,20}):(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))(?!\S)',
    re.IGNORECASE,
)
_YEARS = re.compile(r"([0-9]{4})(?:(?:-|\.\.)([0-9]{4}))?", re.ASCII)
_OPPOSITES = (("has:", "no:"), ("is:un", "is:"))
"""Beginnings of words that mean the opposite of each other."""


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
    whole = next((word for word, sets in _whole_words(each).items() if sets == value), "")
    return whole or _with_value(_name(each), value)


def _name(each: Filter) -> str:
    """The part before the colon of the words that give this filter a value."""
    return each.name if each.word is None else each.word


def _whole_words(each: Filter) -> Mapping[str, Any]:
    """The words that set a value of this filter without naming it."""
    if each.words or each.kind.control != "flag":
        return each.words
    return {f"is:{_name(each)}": True}


def _with_value(name: str, value: Any) -> str:
    """The word with a value, quoted where it has a space; empty where no word can say it."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return ""
    text = value.isoformat() if isinstance(value, date) else str(value)
    if not name or '"' in text:
        return ""
    return f'{name}:"{text}"' if re.search(r"\s", text) else f"{name}:{text}"


def _changes(name: str, value: str, minus: bool) -> Changes | None:
    """The filters that a word sets; None where it is none of ours."""
    word = f"{name}:{value.lower()}"
    if minus:
        return next((dict(_FIXED[other]) for other in _opposites(word) if other in _FIXED), None)
    if word in _FIXED:
        return dict(_FIXED[word])
    reader = _READERS.get(name)
    try:
        return reader(value) if reader and value.strip() else None
    except (Invalid, ValueError):
        return None


def _opposites(word: str) -> Iterator[str]:
    """Words that mean the opposite of this one, if there are such."""
    for one, other in _OPPOSITES:
        for begins, instead in ((one, other), (other, one)):
            if word.startswith(begins):
                yield instead + word.removeprefix(begins)


def _year(value: str) -> Changes | None:
    found = _YEARS.fullmatch(value)
    if not found:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return {
        "recorded_from": _BY_NAME["recorded_from"].kind.read("year", [f"{first}-01-01"]),
        "recorded_to": _BY_NAME["recorded_to"].kind.read("year", [f"{last}-12-31"]),
    }


def _reader(each: Filter) -> Callable[[str], Changes]:
    """A reader of the value that follows this filter's name. It raises Invalid."""
    spellings = {choice.lower(): choice for choice, _ in each.kind.choices}

    def read(value: str) -> Changes:
        spelling = spellings.get(value.lower(), value)
        return {each.field or each.name: each.kind.read(each.name, [spelling])}

    return read


_BY_NAME = {each.name: each for each in FILTERS}
_FIXED: dict[str, Changes] = {
    word: {each.field or each.name: value}
    for each in FILTERS
    for word, value in _whole_words(each).items()
}
_READERS: dict[str, Callable[[str], Changes | None]] = {
    _name(each): _reader(each) for each in FILTERS if _name(each) and each.kind.control != "flag"
} | {"year": _year}
