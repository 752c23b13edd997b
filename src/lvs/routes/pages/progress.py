"""Positions that players send, and the marks of watched films."""

from typing import cast

from quart import Response, redirect

from lvs.services.household.preferences import LANGUAGES
from lvs.web.request_args import (
    MAX_TIME,
    arguments,
    digit,
    form_number,
    form_seconds,
    form_words,
    video_hash,
)
from lvs.web.responses import (
    client,
    page_or_partial,
    partial,
    partial_of_video,
    redirect_back,
    services,
    wants_partial,
)


async def record(media_hash: str) -> Response:
    """Record a position. `at` (Unix ms) stands in what a browser has kept since an earlier time."""
    position_s, at = await form_seconds("position_s"), await form_number("at", MAX_TIME)
    await services().progress.record(media_hash, position_s, client(), at_ms=at or None)
    return Response(status=204)


async def mark(media_hash: str) -> Response:
    watched = digit(await form_words("value"), "1 or 0", 1) == 1
    state = await services().progress.mark(media_hash, watched, client())
    if wants_partial():
        return partial_of_video(
            "watched.html", "progress:changed", media_hash, watched=state.watched
        )
    return redirect_back(f"/v/{media_hash}")


async def choose_language() -> Response:
    """Keep the language of `subtitles` (or off) or of `sound` that was chosen in the player."""
    for name in LANGUAGES:
        if value := await form_words(name):
            await services().preferences.choose_language(name, value, client())
    return Response(status=204)


async def show() -> Response:
    """The films to go on with; `dismissed` names the one whose dismissal can be taken back."""
    dismissed = video_hash(arguments(), "dismissed")
    undo = (await services().triage.seen(dismissed)).media_hash if dismissed else ""
    return page_or_partial(
        "continue.html",
        "continue_watching.html",
        started=await services().progress.started(),
        undo=undo,
        current="continue",
    )


async def dismiss(media_hash: str) -> Response:
    dismissed = digit(await form_words("value"), "1 or 0", 1) == 1
    await services().progress.dismiss(media_hash, dismissed)
    undo = media_hash if dismissed else ""
    if wants_partial():
        started = await services().progress.started()
        return partial("continue_watching.html", started=started, undo=undo)
    if dismissed:
        return cast("Response", redirect(f"/continue?dismissed={undo}", 303))
    return redirect_back("/")
