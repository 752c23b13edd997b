"""The filters of the gallery, one row each.

A row and its field in `models.Query` are all that a filter needs. Parsing, chips and addresses
(`web/filters.py`), SQL conditions (`db/gallery.py`), masks (`services/gallery/video_index.py`),
form controls (`services/gallery/facets.py`), words of the search (`web/search_words.py`) and the
parameters in the OpenAPI document follow from the table.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote, quote_from_bytes

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from lvs.errors import Invalid
from lvs.models import STEREOS, Query, Shape, Sort, display_path, projection_code
from lvs.playability import Playability

MAX_TAGS = 20
MAX_TAG_LENGTH = 200
MAX_SEARCH = 200
MAX_MINUTES = 1_000_000_000
YEARS = range(1900, 3000)
LOCAL_TIME_YEARS = 1971  # not every system converts earlier times to local ones

_NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)
_PERIOD = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Bound(NamedTuple):
    """A condition on a numeric column of the gallery: `compare` is one of < <= = <> >= >."""

    column: str
    compare: str
    value: int | float


class FilterKind(Struct, frozen=True):
    """The kind of a filter's value."""

    read: Callable[[str, Sequence[str]], Any]
    """Parses the values that an address gives under this name. Raises Invalid."""
    schema: Any
    """The type in the OpenAPI document."""
    write: Callable[[Any], list[str]] = lambda value: [quote(str(value), safe="")]
    """Spells a value for an address, percent-encoded."""
    control: str = ""
    """The control that the gallery's form shows: "flag", "choice" or "date"."""
    choices: tuple[tuple[str, str], ...] = ()
    """Values and labels of a choice."""


class Filter(Struct, frozen=True):
    """One filter."""

    name: str
    """The name in an address, and in `Query` unless `field` says otherwise."""
    kind: FilterKind
    label: Callable[[Any], str]
    """The text of the chip."""
    bounds: Callable[[Any], tuple[Bound, ...]] = lambda _: ()
    """The conditions on numeric columns."""
    doc: str = ""
    """The description in the OpenAPI document."""
    title: str = ""
    """The label of the form control."""
    field: str = ""
    many: bool = False
    """The value is a tuple, each part with a chip of its own."""
    word: str | None = None
    """What stands before the colon of a search's word that sets it, such as `stars` of `stars:4`;
    the name unless given, empty where no word sets it.
    """
    words: Mapping[str, Any] = MappingProxyType({})
    """Whole words that set a value, such as `is:playable`; of several for one value the first is
    written. For a flag `is:` and the name unless given.
    """

    def value(self, query: Query) -> Any:
        """The value that a query gives to this filter."""
        return getattr(query, self.field or self.name)

    def having(self, query: Query, value: Any) -> Query:
        """The query with this value of the filter."""
        return replace(query, **{self.field or self.name: value})

    def without(self, query: Query, part: Any = None) -> Query:
        """The query without this filter, or without one part of it."""
        rest = self.value(_DEFAULT)
        if part is not None:
            rest = tuple(each for each in self.value(query) if each != part)
        left = replace(query, **{self.field or self.name: rest})
        # without words nothing matches best
        return replace(left, sort=left.usual_sort) if left.sort is Sort.MATCH else left


_DEFAULT = Query()


# --- Kinds ---


def readable(value: str, name: str) -> str:
    """The value, if all of it is text. Raises Invalid for bytes that are not UTF-8."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise Invalid(f"The {name} contains bytes that are not UTF-8 text.")
    return value


def whole_number(name: str, value: str, largest: int) -> int:
    """A whole number from 0 to `largest`; 0 for nothing. Raises Invalid."""
    value = value.strip()
    if not value:
        return 0
    if not _NUMBER.fullmatch(value) or int(value) > largest:
        raise Invalid(f"{name} is a whole number from 0 to {largest}.")
    return int(value)


def _number(largest: int) -> FilterKind:
    return FilterKind(
        lambda name, values: whole_number(name, values[-1], largest),
        Annotated[int, Field(ge=0, le=largest)],
    )


def _read_flag(name: str, values: Sequence[str]) -> bool:
    value = values[-1].strip().lower()
    if value not in ("", "0", "1", "true", "false", "on", "off"):
        raise Invalid(f"{name} is 1 or 0.")
    return value in ("1", "true", "on")


def _read_tags(name: str, values: Sequence[str]) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(readable(tag, name) for tag in values if tag.strip()))
    if len(tags) > MAX_TAGS:
        raise Invalid(f"Choose at most {MAX_TAGS} tags.")
    if any(len(tag) > MAX_TAG_LENGTH for tag in tags):
        raise Invalid("There is no tag that long.")
    return tags


def _read_date(name: str, values: Sequence[str]) -> date | None:
    value = values[-1].strip()
    if not value:
        return None
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise Invalid(f"{name} is a date such as 2026-11-22.")
    return day


def _choice(*choices: tuple[str, str]) -> FilterKind:
    names = tuple(name for name, _ in choices)

    def read(name: str, values: Sequence[str]) -> str:
        value = values[-1].strip()
        if value and value not in names:
            raise Invalid(f"{name} is one of {', '.join(names)}.")
        return value

    return FilterKind(read, Literal[names], control="choice", choices=choices)


_TEXT = FilterKind(
    lambda _, values: readable(values[-1], "search"),
    Annotated[str, Field(max_length=MAX_SEARCH)],
)
_TAGS = FilterKind(
    _read_tags,
    Annotated[list[str], Field(max_length=MAX_TAGS)],
    lambda tags: [quote(tag, safe="") for tag in tags],
)
_FLAG = FilterKind(_read_flag, Literal["0", "1"], lambda _: ["1"], "flag")
_SWITCH = FilterKind(_read_flag, Literal["0", "1"], lambda _: ["1"])
_DATE = FilterKind(_read_date, date, control="date")
_FOLDER = FilterKind(
    lambda _, values: values[-1].strip("/").encode("utf-8", "surrogateescape"),
    str,
    lambda folder: [quote_from_bytes(folder, safe="/")],
)


# --- Labels and bounds ---


def _stars(stars: int) -> str:
    return f"{stars} star{'' if stars == 1 else 's'}{' or more' if stars < 5 else ''}"


def _recorded_from(day: date) -> tuple[Bound, ...]:
    return (Bound("recorded_at", ">=", _start_ms(day)), Bound("recorded_at", "<>", 0))


def _recorded_to(day: date) -> tuple[Bound, ...]:
    end_ms = _start_ms(day + timedelta(days=1))
    return (Bound("recorded_at", "<", end_ms), Bound("recorded_at", "<>", 0))


def _read_period(name: str, values: Sequence[str]) -> str:
    value = values[-1].strip()
    if value:
        match = _PERIOD.fullmatch(value)
        try:
            first = date(*(int(part or 1) for part in match.groups())) if match else None
        except ValueError:
            first = None
        if first is None or first.year not in YEARS:
            raise Invalid(
                f"{name} is a year, a month or a day such as 2024, 2024-02 or 2024-02-29."
            )
    return value


def _recorded_in(period: str) -> tuple[Bound, ...]:
    year, month, day = (int(part) for part in (period + "-0-0").split("-")[:3])
    start = date(year, month or 1, day or 1)
    if day:
        end = start + timedelta(days=1)
    elif month:
        end = date(year + month // 12, month % 12 + 1, 1)
    else:
        end = date(year + 1, 1, 1)
    return (
        Bound("recorded_at", ">=", _start_ms(start)),
        Bound("recorded_at", "<", _start_ms(end)),
        Bound("recorded_at", "<>", 0),
    )


def _start_ms(day: date) -> int:
    """The beginning of a day in the server's time zone, in Unix milliseconds."""
    start = datetime.combine(day, time.min, UTC)
    if day.year >= LOCAL_TIME_YEARS:
        start = datetime.combine(day, time.min).astimezone()
    return int(start.timestamp() * 1000)


def _of_shape(name: str) -> tuple[Bound, ...]:
    """The numbers of a shape, whatever its stereo layout."""
    first = projection_code(Shape(name), STEREOS[0])
    return (Bound("projection", ">=", first), Bound("projection", "<", first + len(STEREOS)))


SHAPE_LABELS = {
    Shape.FLAT: "Flat",
    Shape.EQUIRECT180: "180°",
    Shape.EQUIRECT360: "360°",
    Shape.FISHEYE: "Fisheye",
    Shape.EAC: "360° cube map",
}
RESOLUTIONS = {"720p": 720, "1080p": 1080, "4K": 2160}
STATES = {
    "plays": Playability.DIRECT,
    "convert": Playability.CONVERTED,
    "undecodable": Playability.NOWHERE,
}
STATE_LABELS = {
    "plays": "Plays everywhere",
    "convert": "Needs conversion",
    "undecodable": "Cannot be decoded",
}

PROGRESS_LABELS = {"started": "In progress", "watched": "Watched", "unwatched": "Not watched"}
PROGRESS_BOUNDS = {
    "started": Bound("progress", ">", 0),
    "watched": Bound("watched", "=", 1),
    "unwatched": Bound("watched", "=", 0),
}


LENGTHS: dict[str, tuple[str, tuple[Bound, ...]]] = {
    "short": ("Under 10 min", (Bound("duration_s", "<", 600), Bound("duration_s", ">", 0))),
    "medium": ("10–60 min", (Bound("duration_s", ">=", 600), Bound("duration_s", "<=", 3600))),
    "long": ("Over 60 min", (Bound("duration_s", ">", 3600),)),
}


# --- The table ---

FILTERS = (
    Filter(
        "q",
        _TEXT,
        lambda words: f"“{words}”",
        doc='Words, "phrases", -words, tag:words, and words that set filters, such as is:favorite.',
        word="",
    ),
    Filter(
        "tag",
        _TAGS,
        lambda tag: f"tagged {tag}",
        doc="Repeatable; a video must have all of them.",
        field="tags",
        many=True,
    ),
    Filter(
        "min_rating",
        _number(5),
        _stars,
        lambda stars: (Bound("rating", ">=", stars),),
        word="stars",
        words={"has:rating": 1, "is:rated": 1},
    ),
    Filter(
        "min_minutes",
        _number(MAX_MINUTES),
        lambda minutes: f"at least {minutes} min",
        lambda minutes: (Bound("duration_s", ">=", minutes * 60),),
        word="longer",
    ),
    Filter(
        "max_minutes",
        _number(MAX_MINUTES),
        lambda minutes: f"under {minutes} min",
        lambda minutes: (Bound("duration_s", "<", minutes * 60),),
        word="shorter",
    ),
    Filter(
        "length",
        _choice(*((name, label) for name, (label, _) in LENGTHS.items())),
        lambda name: LENGTHS[name][0].lower(),
        lambda name: LENGTHS[name][1],
        doc="short: under 10 minutes; medium: up to an hour; long: longer.",
        title="Length",
    ),
    Filter(
        "favorite",
        _FLAG,
        lambda _: "favorites",
        lambda _: (Bound("favorited_at", ">", 0),),
        doc="1: favorites only.",
    ),
    Filter(
        "unrated",
        _FLAG,
        lambda _: "unrated",
        lambda _: (Bound("rating", "=", 0),),
        doc="1: unrated videos only.",
        words={"is:unrated": True, "no:rating": True},
    ),
    Filter(
        "viewed",
        _FLAG,
        lambda _: "viewed",
        lambda _: (Bound("views", ">", 0),),
        doc="1: only videos with at least one view.",
    ),
    Filter(
        "vr",
        _FLAG,
        lambda _: "for a headset",
        lambda _: (Bound("projection", ">", 0),),
        doc="1: only videos that are not flat, or that are 3D.",
    ),
    Filter(
        "hidden",
        _FLAG,
        lambda _: "hidden",
        doc="1: the hidden videos, which are left out otherwise.",
    ),
    Filter(
        "recorded_from",
        _DATE,
        lambda day: f"recorded since {day}",
        _recorded_from,
        doc="Recorded on this day or later, in the server's time zone.",
        title="Recorded from",
        word="since",
    ),
    Filter(
        "recorded_to",
        _DATE,
        lambda day: f"recorded until {day}",
        _recorded_to,
        doc="Recorded on this day or earlier.",
        title="Recorded to",
        word="until",
    ),
    Filter(
        "recorded",
        FilterKind(_read_period, str),
        lambda period: f"recorded in {period}",
        _recorded_in,
        doc="Recorded in this year, month or on this day: 2024, 2024-02 or 2024-02-29.",
    ),
    Filter(
        "resolution",
        _choice(*((name, f"{name} or more") for name in RESOLUTIONS)),
        lambda name: f"{name} or more",
        lambda name: (Bound("lines", ">=", RESOLUTIONS[name]),),
        doc="At least this resolution.",
        title="Resolution",
        word="res",
    ),
    Filter(
        "state",
        _choice(*STATE_LABELS.items()),
        lambda name: STATE_LABELS[name].lower(),
        lambda name: (Bound("playback", "=", STATES[name]),),
        doc=(
            "plays: every browser plays the file; convert: LVS converts it for those that do not;"
            " undecodable: LVS has no decoder for it."
        ),
        title="Playback",
        words={"is:playable": "plays"},
    ),
    Filter(
        "sound",
        _choice(("missing", "No sound")),
        lambda _: "no sound",
        lambda _: (Bound("silent", "=", 1),),
        doc="missing: videos without an audio track.",
        title="Sound",
        words={"no:sound": "missing"},
    ),
    Filter(
        "shape",
        _choice(*((shape.value, label) for shape, label in SHAPE_LABELS.items())),
        lambda name: SHAPE_LABELS[Shape(name)].lower(),
        _of_shape,
        doc="Only videos of this shape.",
        title="Shape",
    ),
    Filter(
        "progress",
        _choice(*PROGRESS_LABELS.items()),
        lambda name: PROGRESS_LABELS[name].lower(),
        lambda name: (PROGRESS_BOUNDS[name],),
        doc="started: stopped somewhere in the middle; watched; unwatched: not watched to the end.",
        title="Progress",
        words={f"is:{name}": name for name in ("watched", "unwatched", "started")},
    ),
    Filter(
        "tagged",
        _choice(("yes", "With tags"), ("no", "Without tags")),
        lambda name: "with tags" if name == "yes" else "without tags",
        lambda name: (Bound("tagged", "=", int(name == "yes")),),
        doc="yes: videos with any tag; no: videos without one.",
        title="Tagged",
        words={"has:tags": "yes", "no:tags": "no"},
    ),
    Filter(
        "subtitles",
        _choice(("yes", "With subtitles"), ("no", "Without subtitles")),
        lambda name: "with subtitles" if name == "yes" else "without subtitles",
        lambda name: (Bound("subtitled", "=", int(name == "yes")),),
        doc="yes: videos with a subtitle track inside the file; no: videos without one.",
        title="Subtitles",
        words={"has:subtitles": "yes", "no:subtitles": "no"},
    ),
    Filter(
        "folder",
        _FOLDER,
        lambda folder: f"in {display_path(folder)}",
        doc="Only videos in this folder or below.",
        word="in",
    ),
    Filter(
        "direct",
        _SWITCH,
        lambda _: "not in folders below",
        doc="1: only videos in the folder itself, not in folders below.",
        word="",
    ),
)


_values = attrgetter(*(each.field or each.name for each in FILTERS))
_UNUSED = tuple(zip(FILTERS, _values(_DEFAULT), strict=True))


def used_filters(query: Query) -> list[Filter]:
    """The filters that a query uses, in the order of the table."""
    values = _values(query)
    return [each for (each, unused), value in zip(_UNUSED, values, strict=True) if value != unused]


def filter_bounds(query: Query) -> list[Bound]:
    """The conditions on numeric columns that a query makes."""
    used = used_filters(query)
    if query.viewer.person:  # the columns are the household's
        used = [each for each in used if each.name != "progress"]
    return [bound for each in used for bound in each.bounds(each.value(query))]
