"""The JSON API of ratings."""

from quart import Response

from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.web.json_body import json_body
from lvs.web.responses import client, json_response, services

RATING_SENTENCE = (
    'Send {"value": 1} to {"value": 5} for stars, or {"value": null} to remove the rating.'
)


@answers(schemas.RatingSummary)
async def rating(media_hash: str) -> Response:
    """A video's rating."""
    return json_response(
        schemas.RatingSummary.from_stars((await services().ratings.get(media_hash)).value)
    )


@answers(
    schemas.RatingSummary,
    (201, schemas.RatingSummary),
    body=schemas.RatingChange,
    problems=(400, 404, 415, 429),
)
async def rate(media_hash: str) -> Response:
    """Rate a video, or remove its rating with null. 201 for a first rating, else 200."""
    change = await json_body(schemas.RatingChange, RATING_SENTENCE)
    if change.value is None:
        return await _clear(media_hash)
    services().ratings_limiter.check(client())
    changed = await services().ratings.rate(media_hash, change.value, client())
    return json_response(
        schemas.RatingSummary.from_stars(changed.value), 201 if changed.created else 200
    )


@answers(schemas.RatingSummary, problems=(404, 429))
async def unrate(media_hash: str) -> Response:
    """Remove a video's rating."""
    return await _clear(media_hash)


async def _clear(media_hash: str) -> Response:
    services().ratings_limiter.check(client())
    return json_response(
        schemas.RatingSummary.from_stars(
            (await services().ratings.clear(media_hash, client())).value
        )
    )
