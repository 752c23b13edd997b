"""The JSON API of the history."""

from quart import Response

from lvs.clock import iso_utc_clamped
from lvs.models import Cursor
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.services.household.history import HistoryLine
from lvs.web.json_body import json_body
from lvs.web.request_args import arguments, cursor, limit, row_id, text
from lvs.web.responses import addresses, json_response, services
from lvs.web.urls import encode_cursor

DEFAULT, LARGEST = 100, 500


@answers(schemas.HistoryLines, problems=(400,))
async def lines() -> Response:
    """The history, latest first; hidden videos only with `hidden=1`.

    `next` in an answer is the `before` of the next request.
    """
    args = arguments()
    size, at = limit(args, DEFAULT, LARGEST), cursor(args, "before")
    before = (int(at.key), at.video_id) if at and not isinstance(at.key, str) else None
    hidden = text(args, "hidden") == "1"
    found = await services().history.lines(size + 1, before, hidden=hidden)
    last = found[size - 1] if len(found) > size else None
    return json_response(
        schemas.HistoryLines(
            on=await services().history.is_on(),
            lines=[_line(each) for each in found[:size]],
            next=encode_cursor(Cursor(last.at, last.id)) if last else None,
        )
    )


@answers(schemas.Done, body=schemas.HistorySwitch, problems=(400, 415, 429))
async def switch() -> Response:
    """Switch the history on or off."""
    wanted = await json_body(schemas.HistorySwitch, 'Send {"on": true} or {"on": false}.')
    await services().history.switch(wanted.on)
    return json_response(schemas.Done())


@answers(schemas.Done, problems=(400,))
async def remove() -> Response:
    """Remove every line of a day for good; without `day` all lines of all days."""
    day = text(arguments(), "day")
    if day:
        await services().history.remove_day(day)
    else:
        await services().history.remove_all()
    return json_response(schemas.Done())


@answers(schemas.Done, problems=(400, 404))
async def remove_line(line_id: str) -> Response:
    """Remove one line for good."""
    await services().history.remove(row_id(line_id))
    return json_response(schemas.Done())


def _line(line: HistoryLine) -> schemas.HistoryEntry:
    return schemas.HistoryEntry(
        id=line.id,
        day=line.day,
        played_at=iso_utc_clamped(line.at),
        media_hash=line.media_hash,
        title=line.title,
        missing=line.card is None,
        url=addresses().watch(line.card) if line.card else None,
    )
