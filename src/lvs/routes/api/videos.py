"""The JSON API below /api/. docs/api.md describes it to people, /api/openapi.json to programs."""

import re
from bisect import bisect_right
from typing import cast

from pydantic import BaseModel
from quart import Blueprint, Quart, Response
from quart.blueprints import BlueprintSetupState

from lvs.errors import Invalid
from lvs.models import Cursor, tag_key
from lvs.routes.api import openapi, schemas
from lvs.routes.api.openapi import answers
from lvs.routes.media.subtitles import subtitles_of
from lvs.services.media.projection import by_person
from lvs.web.filters import Arguments, arguments, cursor, parse_query, readable, text
from lvs.web.json_body import json_body
from lvs.web.responses import addresses, client, services
from lvs.web.urls import encode_cursor

bp = Blueprint("api", __name__, url_prefix="/api")

PAGE_SIZE, MAX_PAGE_SIZE = 60, 500
MAX_TAGS = 1000
RATING_SENTENCE = (
    'Send {"value": 1} to {"value": 5} for stars, or {"value": null} to take them away.'
)
PROJECTION_SENTENCE = (
    'Send {"shape": "equirect180", "stereo": "sbs"} with a shape of flat, equirect180, equirect360,'
    " fisheye and eac, and a stereo of mono, sbs and tb, or null for the shape that was found."
)
TAG_SENTENCE = 'Send {"tag": "a word or phrase"}.'

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@bp.record_once
def document(state: BlueprintSetupState) -> None:
    openapi.install(cast("Quart", state.app))


@bp.after_request
async def never_stale(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-cache")
    return response


# --- Ratings ---


@bp.get("/ratings/<media_hash>")
@answers(schemas.RatingSummary)
async def rating(media_hash: str) -> Response:
    """A video's stars."""
    return answer(schemas.RatingSummary.of((await services().ratings.of(media_hash)).value))


@bp.post("/ratings/<media_hash>")
@answers(
    schemas.RatingSummary,
    (201, schemas.RatingSummary),
    body=schemas.RatingChange,
    problems=(400, 404, 415, 429),
)
async def rate(media_hash: str) -> Response:
    """Give a video stars, or take them away with null. 201 where it had none, 200 where they
    changed.
    """
    change = await json_body(schemas.RatingChange, RATING_SENTENCE)
    if change.value is None:
        return await _clear(media_hash)
    services().ratings_limiter.check(client())
    changed = await services().ratings.rate(media_hash, change.value, client())
    return answer(schemas.RatingSummary.of(changed.value), 201 if changed.created else 200)


@bp.delete("/ratings/<media_hash>")
@answers(schemas.RatingSummary, problems=(404, 429))
async def unrate(media_hash: str) -> Response:
    """Take a video's stars away."""
    return await _clear(media_hash)


async def _clear(media_hash: str) -> Response:
    services().ratings_limiter.check(client())
    return answer(
        schemas.RatingSummary.of((await services().ratings.clear(media_hash, client())).value)
    )


# --- Videos ---


@bp.get("/videos")
@answers(schemas.VideoPage, query=schemas.VideosQuery, problems=(400,))
async def videos() -> Response:
    """A run of videos, filtered and sorted as the gallery is."""
    args = arguments()
    limit, after = _limit(args, PAGE_SIZE, MAX_PAGE_SIZE), cursor(args, "after")
    if text(args, "state"):
        return await _unreadable(args, limit, after)
    page = await services().gallery.browse(parse_query(args), limit, after)
    roots = services().library.roots
    found = [schemas.summary_of(card, roots, addresses()) for card in page.cards]
    return answer(
        schemas.VideoPage(videos=found, next=encode_cursor(page.next) if page.next else None)
    )


async def _unreadable(args: Arguments, limit: int, after: Cursor | None) -> Response:
    if text(args, "state") != "unreadable" or parse_query(args).filtered:
        raise Invalid("state can only be “unreadable”, and no filter goes with it.")
    if after is not None and not isinstance(after.key, int):
        raise Invalid("This page address does not belong to the list of unreadable files.")
    files = await services().gallery.unreadable(limit + 1, int(after.key) if after else 0)
    roots = services().library.roots
    found = [
        schemas.detail_of(await services().videos.get(file.media_hash), roots, addresses())
        for file in files[:limit]
    ]
    following = (
        Cursor(files[limit - 1].file_id, files[limit - 1].video_id) if len(files) > limit else None
    )
    return answer(
        schemas.VideoPage(videos=found, next=encode_cursor(following) if following else None)
    )


@bp.get("/videos/<media_hash>")
@answers(schemas.VideoDetail)
async def video(media_hash: str) -> Response:
    """Everything that is known of a video."""
    return answer(
        schemas.detail_of(
            await services().videos.get(media_hash), services().library.roots, addresses()
        )
    )


@bp.get("/videos/<media_hash>/tags")
@answers(schemas.VideoTags)
async def tags_of_video(media_hash: str) -> Response:
    """A video's tags."""
    return answer(schemas.VideoTags(tags=list(await services().tags.of(media_hash))))


@bp.post("/videos/<media_hash>/tags")
@answers(schemas.VideoTags, body=schemas.TagChange, problems=(400, 404, 415))
async def add_tag(media_hash: str) -> Response:
    """Put a tag on a video. One that it has already changes nothing."""
    change = await json_body(schemas.TagChange, TAG_SENTENCE)
    return answer(
        schemas.VideoTags(tags=list(await services().tags.add(media_hash, change.tag, client())))
    )


@bp.put("/videos/<media_hash>/tags/<path:tag>")
@answers(schemas.VideoTags, problems=(400, 404))
async def put_tag(media_hash: str, tag: str) -> Response:
    """Put a tag on a video, named in the address."""
    return answer(
        schemas.VideoTags(tags=list(await services().tags.add(media_hash, _tag(tag), client())))
    )


@bp.delete("/videos/<media_hash>/tags/<path:tag>")
@answers(schemas.VideoTags, problems=(400, 404))
async def remove_tag(media_hash: str, tag: str) -> Response:
    """Take a tag off a video. One that it does not have changes nothing."""
    return answer(
        schemas.VideoTags(tags=list(await services().tags.remove(media_hash, _tag(tag), client())))
    )


@bp.get("/videos/<media_hash>/favorite")
@answers(schemas.Favorite)
async def favorite(media_hash: str) -> Response:
    """Whether a video is a favorite."""
    return answer(schemas.Favorite(favorite=await services().favorites.of(media_hash)))


@bp.put("/videos/<media_hash>/favorite")
@answers(schemas.Favorite)
async def add_favorite(media_hash: str) -> Response:
    """Make a video a favorite."""
    return answer(
        schemas.Favorite(favorite=await services().favorites.set(media_hash, True, client()))
    )


@bp.delete("/videos/<media_hash>/favorite")
@answers(schemas.Favorite)
async def remove_favorite(media_hash: str) -> Response:
    """Make a video a favorite no longer."""
    return answer(
        schemas.Favorite(favorite=await services().favorites.set(media_hash, False, client()))
    )


@bp.put("/videos/<media_hash>/projection")
@answers(schemas.VideoProjection, body=schemas.ProjectionChange, problems=(400, 404, 415))
async def put_projection(media_hash: str) -> Response:
    """Say what shape a film has, or with null take that back. It is journaled and can be undone."""
    change = (await json_body(schemas.ProjectionChange, PROJECTION_SENTENCE)).root
    chosen = by_person(**change.model_dump()) if change else None
    found = await services().projections.choose(media_hash, chosen, client())
    return answer(schemas.VideoProjection.of(found))


@bp.get("/videos/<media_hash>/views")
@answers(schemas.ViewCount)
async def views(media_hash: str) -> Response:
    """How often a video was played."""
    return answer(schemas.ViewCount(views=await services().views.of(media_hash)))


@bp.post("/videos/<media_hash>/views")
@answers(schemas.ViewCount)
async def count_view(media_hash: str) -> Response:
    """Note that somebody plays a video. No body is needed."""
    return answer(schemas.ViewCount(views=await services().views.count(media_hash, client())))


@bp.get("/videos/<media_hash>/subtitles")
@answers(schemas.VideoSubtitles)
async def subtitles(media_hash: str) -> Response:
    """The subtitle files beside a video."""
    found = await subtitles_of(await services().videos.get(media_hash))
    tracks = [
        schemas.SubtitleItem(url=url, label=label, language=language or None)
        for url, label, language in found
    ]
    return answer(schemas.VideoSubtitles(subtitles=tracks))


# --- Tags ---


@bp.get("/tags")
@answers(schemas.TagPage, query=schemas.TagsQuery, problems=(400,))
async def tags() -> Response:
    """Every tag with how many videos carry it, in alphabetical order."""
    args = arguments()
    limit = _limit(args, MAX_TAGS, MAX_TAGS)
    every = await services().gallery.tags()
    after = readable(text(args, "after"), "tag")
    start = bisect_right(every, tag_key(after), key=lambda tag: tag_key(tag.name)) if after else 0
    found = [schemas.TagCount.of(tag) for tag in every[start : start + limit]]
    return answer(
        schemas.TagPage(tags=found, next=found[-1].name if start + limit < len(every) else None)
    )


def answer(model: BaseModel, status: int = 200) -> Response:
    """The model as JSON."""
    return Response(model.model_dump_json(), status, content_type="application/json")


def _tag(tag: str) -> str:
    """A tag from the address; undecodable bytes have become U+FFFD there."""
    if "\ufffd" in tag:
        raise Invalid("The tag holds bytes that are not UTF-8 text.")
    return tag


def _limit(args: Arguments, default: int, largest: int) -> int:
    value = text(args, "limit").strip()
    if not value:
        return default
    if not _NUMBER.fullmatch(value) or not 1 <= int(value) <= largest:
        raise Invalid(f"limit is a whole number from 1 to {largest}.")
    return int(value)
