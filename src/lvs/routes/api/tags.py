"""The JSON API of tags."""

from bisect import bisect_right

from quart import Response

from lvs.errors import Invalid
from lvs.filters import readable
from lvs.models import tag_key
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.web import request_args
from lvs.web.json_body import json_body
from lvs.web.request_args import arguments, text
from lvs.web.responses import answer, client, services

MAX_TAGS = 1000
TAG_SENTENCE = 'Send {"tag": "a word or phrase"}.'


@answers(schemas.TagPage, query=schemas.TagsQuery, problems=(400,))
async def tags() -> Response:
    """Every tag with the number of its videos, in alphabetical order."""
    args = arguments()
    limit = request_args.limit(args, MAX_TAGS, MAX_TAGS)
    every = await services().gallery.tags()
    after = readable(text(args, "after"), "tag")
    start = bisect_right(every, tag_key(after), key=lambda tag: tag_key(tag.name)) if after else 0
    found = [schemas.TagCount.of(tag) for tag in every[start : start + limit]]
    return answer(
        schemas.TagPage(tags=found, next=found[-1].name if start + limit < len(every) else None)
    )


@answers(schemas.VideoTags)
async def tags_of_video(media_hash: str) -> Response:
    """A video's tags."""
    return answer(schemas.VideoTags(tags=list(await services().tags.get(media_hash))))


@answers(schemas.VideoTags, body=schemas.TagChange, problems=(400, 404, 415))
async def add_tag(media_hash: str) -> Response:
    """Add a tag to a video. A tag that it already has changes nothing."""
    change = await json_body(schemas.TagChange, TAG_SENTENCE)
    return answer(
        schemas.VideoTags(tags=list(await services().tags.add(media_hash, change.tag, client())))
    )


@answers(schemas.VideoTags, problems=(400, 404))
async def put_tag(media_hash: str, tag: str) -> Response:
    """Add a tag to a video, named in the address."""
    return answer(
        schemas.VideoTags(tags=list(await services().tags.add(media_hash, _tag(tag), client())))
    )


@answers(schemas.VideoTags, problems=(400, 404))
async def remove_tag(media_hash: str, tag: str) -> Response:
    """Remove a tag from a video. A tag that it does not have changes nothing."""
    return answer(
        schemas.VideoTags(tags=list(await services().tags.remove(media_hash, _tag(tag), client())))
    )


def _tag(tag: str) -> str:
    """A tag in the address; undecodable bytes have become U+FFFD there."""
    if "\ufffd" in tag:
        raise Invalid("The tag holds bytes that are not UTF-8 text.")
    return tag
