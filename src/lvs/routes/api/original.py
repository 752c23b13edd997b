"""The JSON calls of the original Local Video Server; a video is named by its file name.

docs/api.md says where they differ from the original's.
"""

import os
import re
from collections.abc import AsyncIterator

from quart import Response

from lvs.errors import Invalid, NotFound
from lvs.models import Card, Query, Sort, Video
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.services.library.walk import legacy_alias
from lvs.web.json_body import json_body
from lvs.web.request_args import arguments, text
from lvs.web.responses import client, json_response, raw_path, services

MAX_LISTED = 10_000
POPULAR, MOST_POPULAR = 50, 200
PROBLEMS = (400, 404, 415)
NAME_SENTENCE = 'Send {"filename": "the name of the file"}.'
RATING_SENTENCE = 'Send {"filename": "the name of the file", "rating": 1 to 5}.'
TAG_SENTENCE = 'Send {"filename": "the name of the file", "tag": "a word or phrase"}.'

_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)


@answers(
    schemas.LegacyRating,
    body=schemas.NamedRating,
    problems=(*PROBLEMS, 429),
    problem=schemas.LegacyProblem,
)
async def rate() -> Response:
    """Rate a video."""
    sent = await json_body(schemas.NamedRating, RATING_SENTENCE)
    video = await _video(sent.filename)
    services().ratings_limiter.check(client())
    await services().ratings.rate(video.media_hash, sent.rating, client())
    return json_response(schemas.LegacyRating(rating=sent.rating))


@answers(
    schemas.LegacyFavorites,
    body=schemas.NamedVideo,
    problems=PROBLEMS,
    problem=schemas.LegacyProblem,
)
async def favorite() -> Response:
    """Toggle a favorite."""
    video = await _video((await json_body(schemas.NamedVideo, NAME_SENTENCE)).filename)
    now = await services().favorites.toggle(video.media_hash, client())
    names = [_name(card) async for card in _cards(Query(favorite=True, sort=Sort.FAVORITED))]
    return json_response(schemas.LegacyFavorites(favorites=names, is_favorite=now))


@answers(
    schemas.LegacyTags, body=schemas.NamedTag, problems=PROBLEMS, problem=schemas.LegacyProblem
)
async def tag() -> Response:
    """Add a tag to a video."""
    sent = await json_body(schemas.NamedTag, TAG_SENTENCE)
    video = await _video(sent.filename)
    return json_response(
        schemas.LegacyTags(
            tags=_hashed(await services().tags.add(video.media_hash, sent.tag, client()))
        )
    )


@answers(
    schemas.LegacyTags, body=schemas.NamedTag, problems=PROBLEMS, problem=schemas.LegacyProblem
)
async def delete_tag() -> Response:
    """Remove a tag from a video."""
    sent = await json_body(schemas.NamedTag, TAG_SENTENCE)
    if not sent.tag.strip():
        raise Invalid(TAG_SENTENCE)
    video = await _video(sent.filename)
    return json_response(
        schemas.LegacyTags(
            tags=_hashed(await services().tags.remove(video.media_hash, sent.tag, client()))
        )
    )


@answers(
    schemas.LegacyViews, body=schemas.NamedVideo, problems=PROBLEMS, problem=schemas.LegacyProblem
)
async def view() -> Response:
    """Count a view."""
    video = await _video((await json_body(schemas.NamedVideo, NAME_SENTENCE)).filename)
    return json_response(
        schemas.LegacyViews(views=await services().views.count(video.media_hash, client()))
    )


@answers(
    schemas.AllViews, query=schemas.NameQuery, problems=(400, 404), problem=schemas.LegacyProblem
)
async def get_views() -> Response:
    """Views of every watched video by name; with `filename` those of one video."""
    filename = text(arguments(), "filename")
    if filename:
        return json_response(schemas.ViewCount(views=(await _video(filename)).views))
    played = Query(viewed=True, sort=Sort.VIEWS)
    return json_response(
        schemas.AllViews({_name(card): card.views async for card in _cards(played)})
    )


@answers(
    schemas.LegacyPopularTags,
    query=schemas.PopularQuery,
    problems=(400,),
    problem=schemas.LegacyProblem,
)
async def popular_tags() -> Response:
    """The most used tags."""
    limit = text(arguments(), "limit").strip() or str(POPULAR)
    if not _NUMBER.fullmatch(limit):
        raise Invalid(f"limit is a whole number from 1 to {MOST_POPULAR}.")
    count = min(max(int(limit), 1), MOST_POPULAR)
    most = sorted(await services().gallery.tags(), key=lambda tag: -tag.count)[:count]
    return json_response(
        schemas.LegacyPopularTags(
            tags=[schemas.LegacyPopularTag(tag=f"#{tag.name}", count=tag.count) for tag in most]
        )
    )


@answers(
    schemas.LegacyVideoTags,
    query=schemas.NameQuery,
    problems=(400, 404),
    problem=schemas.LegacyProblem,
)
async def tags_of_named_video() -> Response:
    """A video's tags."""
    return await _tags_of(text(arguments(), "filename").encode("utf-8", "surrogateescape"))


@answers(schemas.LegacyVideoTags, problem=schemas.LegacyProblem)
async def tags_of_video(filename: str) -> Response:
    """A video's tags, with the name in the address."""
    return await _tags_of(raw_path("/api/tags/video/"))


async def _tags_of(name: bytes) -> Response:
    video = await _video_at(name)
    roots = services().library.roots
    shown = schemas.shown_path(roots, video.file.root_id, video.file.path)
    return json_response(schemas.LegacyVideoTags(filename=shown, tags=_hashed(video.tags)))


async def _video(filename: str) -> Video:
    """The video with this name. Raises Invalid, NotFound."""
    return await _video_at(filename.encode("utf-8", "surrogateescape"))


async def _video_at(name: bytes) -> Video:
    if not name.strip():
        raise Invalid("filename is missing. Send the name of the video's file.")
    for spelling in dict.fromkeys((name, name.strip())):
        found = await services().videos.at(services().library.places(spelling))
        if found is not None:
            return found[0]
    # The original knew bare names: one that lies in a folder below answers to its own.
    try:
        return await services().videos.get(legacy_alias(os.fsdecode(name.strip())))
    except NotFound:
        raise NotFound("There is no video of this name.") from None


async def _cards(query: Query) -> AsyncIterator[Card]:
    """The first MAX_LISTED cards of a list."""
    listed, after = 0, None
    while listed < MAX_LISTED:
        page = await services().gallery.browse(query, 500, after)
        for card in page.cards:
            yield card
        listed += len(page.cards)
        after = page.next
        if after is None:
            break


def _name(card: Card) -> str:
    return schemas.shown_path(services().library.roots, card.root_id, card.path)


def _hashed(tags: tuple[str, ...]) -> list[str]:
    return [f"#{tag}" for tag in tags]
