"""Dates of addition that a wrong clock gave: their list, before they are set right."""

from datetime import UTC, date, datetime, timedelta

from quart import Response

from lvs.errors import Invalid
from lvs.services.curation.added_dates import AddedDateRange
from lvs.web.request_args import Arguments, arguments, text
from lvs.web.responses import page, services


def span_of(args: Arguments) -> AddedDateRange:
    """The days that the address names: `from` and `to`, both as YYYY-MM-DD. Raises Invalid."""
    first, last = _day(args, "from"), _day(args, "to")
    end = None if last is None else _start_of(last + timedelta(days=1))
    return AddedDateRange(None if first is None else _start_of(first), end)


async def preview_dates() -> Response:
    """Preview the dates of addition that would be set right."""
    args = arguments()
    span = span_of(args)
    preview = await services().added_dates.preview(span)
    return page(
        "admin_dates.html",
        preview=preview,
        first=text(args, "from"),
        last=text(args, "to"),
        chosen=span != AddedDateRange(),
        current="admin",
    )


def _day(args: Arguments, name: str) -> date | None:
    value = text(args, name)
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise Invalid(f"{name} is a day such as 2026-03-01.") from None
    if not 1900 <= day.year <= 9998:
        raise Invalid(f"{name} is a day from 1900 to 9998.")
    return day


def _start_of(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
