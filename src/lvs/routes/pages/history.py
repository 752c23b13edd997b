"""The history: what was played, by day."""

from typing import cast

from quart import Response, redirect

from lvs.models import Cursor
from lvs.services.household.history import by_day
from lvs.web.request_args import (
    MAX_ID,
    arguments,
    cursor,
    digit,
    form_words,
    number,
    row_id,
    text,
)
from lvs.web.responses import page, services
from lvs.web.urls import encode_cursor

PAGE_SIZE = 100


async def show() -> Response:
    """A page of the history; `removed` is the number of lines that were removed last."""
    args = arguments()
    before = _before(cursor(args, "before"))
    hidden = text(args, "hidden") == "1"
    lines = await services().history.lines(PAGE_SIZE + 1, before, hidden=hidden)
    shown = lines[:PAGE_SIZE]
    following = Cursor(shown[-1].at, shown[-1].id) if len(lines) > PAGE_SIZE else None
    return page(
        "history.html",
        days=by_day(shown),
        on=await services().history.is_on(),
        first=before is None,
        more=encode_cursor(following) if following else "",
        removed=number(args, "removed", MAX_ID),
        hidden=hidden,
        left_out=0 if hidden else await services().history.count_hidden(),
        current="playlists",
    )


def _before(at: Cursor | None) -> tuple[int, int] | None:
    return (int(at.key), at.video_id) if at and not isinstance(at.key, str) else None


async def remove_line(line_id: str) -> Response:
    await services().history.remove(row_id(line_id))
    return _back(1)


async def remove_day() -> Response:
    """Remove the lines of the day that the form names; all of them where it says `all`."""
    day = await form_words("day")
    if day == "all":
        return _back(await services().history.remove_all())
    return _back(await services().history.remove_day(day))


async def switch() -> Response:
    on = digit(await form_words("value"), "1 or 0", 1) == 1
    await services().history.switch(on)
    return cast("Response", redirect("/history", 303))


def _back(removed: int) -> Response:
    return cast("Response", redirect(f"/history?removed={removed}", 303))
