"""The JSON API of tags."""

from bisect import bisect_right

from quart import Response

from lvs.errors import Invalid
from lvs.filters import readable
from lvs.models import tag_key
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.services.curation.tag_management import TagDetails, TagEdit, TagResult
from lvs.web import request_args
from lvs.web.json_body import json_body
from lvs.web.request_args import arguments, text
from lvs.web.responses import client, json_response, services

MAX_TAGS = 1000
UPDATE_MESSAGE = (
    'Send any of {"rename", "alias", "aliases", "parent", "colour", "description", "keep_name"}.'
)
MERGE_MESSAGE = 'Send {"into": "the other tag"}.'
TAG_SENTENCE = 'Send {"tag": "a word or phrase"}.'


@answers(schemas.TagPage, query=schemas.TagsQuery, problems=(400,))
async def tags() -> Response:
    """Every tag with the number of its videos, in alphabetical order."""
    args = arguments()
    limit = request_args.limit(args, MAX_TAGS, MAX_TAGS)
    every = await services().gallery.tags()
    after = readable(text(args, "after"), "tag")
    start = bisect_right(every, tag_key(after), key=lambda tag: tag_key(tag.name)) if after else 0
    found = [schemas.TagCount.from_tag(tag) for tag in every[start : start + limit]]
    return json_response(
        schemas.TagPage(tags=found, next=found[-1].name if start + limit < len(every) else None)
    )


@answers(schemas.TagEntry)
async def tag(name: str) -> Response:
    """A tag with its aliases, its colour, its description and its place below other tags."""
    return json_response(_entry(await services().tag_management.get(_tag(name))))


@answers(schemas.TagChanged, body=schemas.TagUpdate, problems=(400, 404, 409, 415))
async def change_tag(name: str) -> Response:
    """Rename a tag, give it aliases, a colour, a description or a parent."""
    sent = await json_body(schemas.TagUpdate, UPDATE_MESSAGE)
    edit = TagEdit(
        name=sent.rename,
        colour=_text(sent, "colour"),
        description=_text(sent, "description"),
        parent=_text(sent, "parent"),
        aliases=tuple(sent.aliases) if sent.aliases is not None else None,
        more_aliases=(sent.alias,) if sent.alias else (),
        keep_name=sent.keep_name,
    )
    return await _changed(await services().tag_management.edit(_tag(name), edit, client()))


@answers(schemas.TagChanged, body=schemas.TagMerge, problems=(400, 404, 415))
async def merge_tag(name: str) -> Response:
    """Merge a tag into another one: every video gets that one instead."""
    sent = await json_body(schemas.TagMerge, MERGE_MESSAGE)
    management = services().tag_management
    return await _changed(await management.merge(_tag(name), sent.into, client(), sent.keep_name))


@answers(schemas.TagChanged)
async def delete_tag(name: str) -> Response:
    """Delete a tag. The videos stay and lose it."""
    return await _changed(await services().tag_management.delete(_tag(name), client()))


async def _changed(result: TagResult) -> Response:
    tag = await services().tag_management.get(result.name) if result.name is not None else None
    return json_response(
        schemas.TagChanged(
            tag=_entry(tag) if tag else None, changed=result.films, change_id=result.change_id
        )
    )


def _text(sent: schemas.TagUpdate, name: str) -> str | None:
    """A member of the body: null clears what is there, a missing one leaves it."""
    value: str | None = getattr(sent, name)
    return value or "" if name in sent.model_fields_set else None


def _entry(tag: TagDetails) -> schemas.TagEntry:
    return schemas.TagEntry(
        name=tag.name,
        count=tag.films,
        colour=tag.colour or None,
        description=tag.description or None,
        parent=tag.parent,
        aliases=list(tag.aliases),
        children=list(tag.children),
    )


@answers(schemas.VideoTags)
async def tags_of_video(media_hash: str) -> Response:
    """A video's tags."""
    return json_response(schemas.VideoTags(tags=list(await services().tags.get(media_hash))))


@answers(schemas.VideoTags, body=schemas.TagChange, problems=(400, 404, 415))
async def add_tag(media_hash: str) -> Response:
    """Add a tag to a video. A tag that it already has changes nothing."""
    change = await json_body(schemas.TagChange, TAG_SENTENCE)
    return json_response(
        schemas.VideoTags(tags=list(await services().tags.add(media_hash, change.tag, client())))
    )


@answers(schemas.VideoTags, problems=(400, 404))
async def put_tag(media_hash: str, tag: str) -> Response:
    """Add a tag to a video, named in the address."""
    return json_response(
        schemas.VideoTags(tags=list(await services().tags.add(media_hash, _tag(tag), client())))
    )


@answers(schemas.VideoTags, problems=(400, 404))
async def remove_tag(media_hash: str, tag: str) -> Response:
    """Remove a tag from a video. A tag that it does not have changes nothing."""
    return json_response(
        schemas.VideoTags(tags=list(await services().tags.remove(media_hash, _tag(tag), client())))
    )


def _tag(tag: str) -> str:
    """A tag in the address; undecodable bytes have become U+FFFD there."""
    if "\ufffd" in tag:
        raise Invalid("The tag holds bytes that are not UTF-8 text.")
    return tag
