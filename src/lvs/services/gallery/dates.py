"""Lists in an order by date: months, years, and when a video was recorded."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

from lvs.clock import local_date
from lvs.models import Card, Cursor, Page, Query, Sort, Video

DATED = (Sort.ADDED, Sort.RECORDED)
EPOCH_YEAR, END_YEAR = 1970, 2200
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
NO_DATE = "Date unknown"
PLAUSIBLE_NS = range(31_536_000 * 10**9, 4_133_980_800 * 10**9)  # 1971 to 2100


class RecordedTime(NamedTuple):
    """The time a video was recorded (Unix milliseconds), and its source."""

    at: int
    by: Literal["container", "file"]


def recorded_of(video: Video) -> RecordedTime | None:
    """The time a video was recorded: as its container says, else the time of its file; None if
    neither is plausible.
    """
    if video.probe and video.probe.recorded_at:
        return RecordedTime(video.probe.recorded_at, "container")
    mtime_ns = video.file.mtime_ns
    return RecordedTime(mtime_ns // 10**6, "file") if mtime_ns in PLAUSIBLE_NS else None


def date_of(card: Card, sort: Sort) -> int:
    """The date by which a list in this order shows a card."""
    return card.recorded_at if sort is Sort.RECORDED else card.added_at


def months_of(query: Query, page: Page) -> dict[int, str]:
    """The headings of a run in an order by date, by the id of the card that each stands above."""
    if query.sort not in DATED:
        return {}
    before = _month(int(page.start.key)) if page.start else None
    names = [before, *(_month(date_of(card, query.sort)) for card in page.cards)]
    return {
        card.id: after or NO_DATE
        for card, (previous, after) in zip(page.cards, pairwise(names), strict=True)
        if previous != after
    }


def start_of_year(year: int, descending: bool) -> Cursor:
    """The place in an order by date just before the first video of a year."""
    if descending:
        return Cursor(_start_ms(year + 1), 0)
    return Cursor(_start_ms(year) - 1, 2**62)


@lru_cache(1)
def starts_of_years() -> Sequence[int]:
    """The beginning of each year from EPOCH_YEAR on, in the server's time zone."""
    return [_start_ms(year) for year in range(EPOCH_YEAR, END_YEAR)]


def _month(unix_ms: int) -> str:
    if unix_ms <= 0:
        return NO_DATE
    day = local_date(unix_ms)
    return f"{MONTHS[day.month - 1]} {day.year}"


def _start_ms(year: int) -> int:
    start = datetime(year, 1, 1, tzinfo=UTC)
    if year > EPOCH_YEAR:  # not every system converts earlier times to local ones
        start = datetime.combine(date(year, 1, 1), datetime.min.time()).astimezone()
    return int(start.timestamp() * 1000)
