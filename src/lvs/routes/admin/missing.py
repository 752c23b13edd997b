"""Missing videos, and the recycle bin."""

from typing import cast
from urllib.parse import urlencode

from quart import Response, redirect, request

from lvs.clock import now_ms
from lvs.errors import Invalid
from lvs.services.curation.recycle_bin import DAYS_KEPT, days_left
from lvs.web.request_args import (
    MAX_ID,
    MAX_TIME,
    Arguments,
    arguments,
    chosen_ids,
    form_ids,
    form_number,
    number,
    text,
)
from lvs.web.responses import client, page, services

MISSING, BIN = "/admin/missing", "/admin/bin"


async def missing() -> Response:
    """List missing videos with their ratings and tags."""
    args = arguments()
    videos, following = await services().recycle_bin.page(_after(args))
    return page(
        "admin_missing.html",
        videos=videos,
        sum=await services().recycle_bin.missing_totals(),
        binned=(await services().recycle_bin.forgotten_totals()).videos,
        offline=services().library.progress().offline,
        restored=number(args, "restored", MAX_ID),
        seen_at=now_ms(),
        next_url=_next(MISSING, following),
        days=DAYS_KEPT,
        current="admin",
    )


async def preview_forget() -> Response:
    """Preview the videos to forget."""
    args = arguments()
    ids, until = _chosen(args), number(args, "until", MAX_TIME)
    preview = await services().recycle_bin.preview(ids, until)
    return page(
        "admin_forget.html", going=preview, ids=ids, until=until, days=DAYS_KEPT, current="admin"
    )


async def forget() -> Response:
    """Move the previewed videos to the recycle bin."""
    form = await request.form
    ids = None if form.get("all") == "1" else await form_ids()
    if ids == []:
        raise Invalid("Select the videos to forget.")
    forgotten = await services().recycle_bin.forget(
        ids, await form_number("until", MAX_TIME), client()
    )
    return cast("Response", redirect(f"{BIN}?forgotten={forgotten}", 303))


async def recycle_bin() -> Response:
    """List forgotten videos that can be restored."""
    args = arguments()
    videos, following = await services().recycle_bin.forgotten(_after(args))
    return page(
        "admin_bin.html",
        videos=[(video, days_left(video.forgotten_at or 0)) for video in videos],
        sum=await services().recycle_bin.forgotten_totals(),
        forgotten=number(args, "forgotten", MAX_ID),
        seen_at=now_ms(),
        next_url=_next(BIN, following),
        days=DAYS_KEPT,
        current="admin",
    )


async def restore() -> Response:
    """Restore videos from the recycle bin."""
    form = await request.form
    ids = None if form.get("all") == "1" else await form_ids()
    if ids == []:
        raise Invalid("Select the videos to restore.")
    restored = await services().recycle_bin.restore(
        ids, await form_number("until", MAX_TIME), client()
    )
    return cast("Response", redirect(f"{MISSING}?restored={restored}", 303))


def _chosen(args: Arguments) -> list[int] | None:
    """The ticked videos; None for all of them."""
    if text(args, "all") == "1":
        return None
    ids = chosen_ids(list(args.get("id", ())))
    if not ids:
        raise Invalid("Select the videos to forget.")
    return ids


def _after(args: Arguments) -> tuple[int, int] | None:
    return (
        (number(args, "since", MAX_TIME), number(args, "after", MAX_ID))
        if text(args, "after")
        else None
    )


def _next(address: str, following: tuple[int, int] | None) -> str | None:
    return (
        f"{address}?{urlencode({'since': following[0], 'after': following[1]})}"
        if following
        else None
    )
