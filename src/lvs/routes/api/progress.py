"""The JSON API of positions in films and of what was watched."""

from quart import Response

from lvs.models import WatchState
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.web.json_body import json_body
from lvs.web.responses import client, json_response, services


@answers(schemas.VideoProgress, body=schemas.PositionChange, problems=(400, 404, 415, 429))
async def record(media_hash: str) -> Response:
    """Record how far a video was played, in seconds. It is written within a few seconds."""
    change = await json_body(
        schemas.PositionChange, 'Send {"position_s": 61.5}, the seconds from the beginning.'
    )
    state = await services().progress.record(media_hash, change.position_s, client())
    return _answer(state)


@answers(schemas.VideoProgress, body=schemas.WatchedChange, problems=(400, 404, 415, 429))
async def mark(media_hash: str) -> Response:
    """Mark a video as watched, which forgets its position, or as not watched."""
    change = await json_body(schemas.WatchedChange, 'Send {"watched": true} or {"watched": false}.')
    return _answer(await services().progress.mark(media_hash, change.watched, client()))


def _answer(state: WatchState) -> Response:
    return json_response(
        schemas.VideoProgress(position_s=state.position_s or None, watched=state.watched)
    )
