"""Times as LVS keeps them (Unix milliseconds) and as other programs want them."""

import time
from datetime import UTC, date, datetime, timedelta

LVS_BEGAN_MS = 1_735_689_600_000  # 2025: a clock that says less is wrong
LATEST_MS = 253_402_300_799_000  # the end of the year 9999

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999


def now_ms() -> int:
    """The current time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def utc(unix_ms: int) -> datetime:
    """The time in UTC, clamped to what a calendar can say."""
    return datetime.fromtimestamp(_clamped(unix_ms), UTC)


def local_date(unix_ms: int) -> date:
    """The calendar day of a time in the server's time zone, clamped to what a calendar can say."""
    return date.fromtimestamp(_clamped(unix_ms))  # noqa: DTZ012 - the server's own day is wanted


def iso_utc(unix_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, `2026-11-22T13:30:00.000Z`.

    Raises ValueError where no calendar has the time: a file's clock may be wrong by millennia.
    """
    if not 0 <= unix_ms <= LATEST_MS:
        raise ValueError(f"no calendar has {unix_ms} ms")
    return iso_utc_clamped(unix_ms)


def iso_utc_clamped(unix_ms: int) -> str:
    """ISO 8601 as `iso_utc` has it, with any other time clamped to the years 1 to 9999."""
    moment = _EPOCH + timedelta(milliseconds=min(max(unix_ms, _FIRST_MS), _LAST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clamped(unix_ms: int) -> float:
    """Unix seconds, clamped to what a calendar can say."""
    return (unix_ms if 0 <= unix_ms <= LATEST_MS else min(max(unix_ms, 0), LATEST_MS)) / 1000
