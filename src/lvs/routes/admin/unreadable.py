"""Files that cannot be read as video, with the reason, and the button that tries again."""

from typing import cast
from urllib.parse import urlencode

from quart import Response, redirect, request

from lvs.errors import NotFound
from lvs.filters import readable
from lvs.web.request_args import MAX_ID, arguments, form_number, form_text, number, text
from lvs.web.responses import page, services

UNREADABLE_SHOWN = 100
UNREADABLE = "/admin/unreadable"


async def unreadable() -> Response:
    """List files that cannot be read as video, with the reasons."""
    args = arguments()
    reason = readable(text(args, "reason"), "reason") if "reason" in args else None
    found = await services().gallery.unreadable(
        UNREADABLE_SHOWN, number(args, "after", MAX_ID), reason
    )
    overview = await services().overviews.now()
    following = {"after": str(found[-1].file_id)} if len(found) == UNREADABLE_SHOWN else None
    return page(
        "admin_unreadable.html",
        files=[(file, services().library.roots[file.root_id].name) for file in found],
        reasons=[
            (why, count, f"{UNREADABLE}?{urlencode({'reason': why})}")
            for why, count in overview.reasons
        ],
        reason=reason,
        total=overview.unreadable,
        again=number(args, "again", MAX_ID),
        next_url=f"{UNREADABLE}?{urlencode(following | ({'reason': reason} if reason else {}))}"
        if following
        else None,
        current="admin",
    )


async def probe_again() -> Response:
    """Probe again: one video, those with one reason, or all."""
    form = await request.form
    if form.get("id"):
        video_id = await form_number("id")
        if video_id not in await services().overviews.titles([video_id]):
            raise NotFound("There is no such video.")
        await services().jobs.reprobe([video_id])
        tried = 1
    else:
        tried = await services().maintenance.reprobe_unreadable(
            await form_text("reason") if "reason" in form else None
        )
    return cast("Response", redirect(f"{UNREADABLE}?again={tried}", 303))
