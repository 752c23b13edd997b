"""The page on which a person chooses a video's poster."""

from typing import Any, cast

from quart import Response, redirect

from lvs.routes.pages.video_scenes import MOST_TRIES, wait_s
from lvs.web.request_args import arguments, digit, form_words, number
from lvs.web.responses import client, leave_undo, page, partial, services, wants_partial
from lvs.web.undo import Undo


async def show(media_hash: str) -> Response:
    """The pictures that may become the poster; htmx asks again until they are drawn."""
    tried = number(arguments(), "tried", MOST_TRIES)
    video = await services().videos.get(media_hash)
    candidates = await services().poster_choice.candidates(video)
    values: dict[str, Any] = {
        "video": video,
        "candidates": candidates,
        "again_url": f"/videos/{media_hash}/poster?tried={tried + 1}" if tried < MOST_TRIES else "",
        "wait_s": wait_s(tried),
    }
    if wants_partial():
        return partial("poster_candidates.html", **values)
    return page("choose_poster.html", **values)


async def choose(media_hash: str) -> Response:
    value = await form_words("place")
    place = digit(value, "a picture's number, or nothing for the best", 7) if value else None
    before = await services().poster_choice.choose(media_hash, place, client())
    undo = Undo("poster", media_hash, "" if before is None else str(before))
    answer = cast("Response", redirect(f"/v/{media_hash}", 303))
    return answer if before == place else leave_undo(answer, undo)
