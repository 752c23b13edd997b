"""The JSON API of changes to many videos at once, and of the undo."""

from collections.abc import Mapping
from typing import Any

from quart import Response

from lvs.errors import Conflict, Invalid, NotFound
from lvs.filters import readable
from lvs.models import Query
from lvs.routes.api import schemas
from lvs.routes.api.openapi import answers
from lvs.services.curation.bulk import BulkEdit, checked
from lvs.web.filters import PARAMETERS, parse_query
from lvs.web.json_body import json_body
from lvs.web.request_args import row_id
from lvs.web.responses import client, json_response, services

BULK_MESSAGE = (
    'Send {"where": {"tag": "alps"}, "set": {"rating": 4}}, or "media_hashes" instead of "where".'
    " Known are rating, favorite, tags_add, tags_remove, hidden, watched, later, playlist, title."
)


@answers(schemas.BulkDone, body=schemas.BulkRequest, problems=(400, 404, 415, 429))
async def change() -> Response:
    """Change many videos at once: all of it or nothing, and with one undo."""
    wanted = await json_body(schemas.BulkRequest, BULK_MESSAGE)
    if (wanted.where is None) == (wanted.media_hashes is None):
        raise Invalid("Name the videos by either where or media_hashes.")
    edit = checked(_edit(wanted.set))
    bulk = services().bulk
    if wanted.where is not None:
        ids = await bulk.selected(query_of(wanted.where))
    else:
        ids = await bulk.named([readable(name, "hash") for name in wanted.media_hashes or ()])
    result = await bulk.apply(ids, edit, client())
    return json_response(schemas.BulkDone(changed=result.changed, change_id=result.change_id))


@answers(schemas.UndoDone, problems=(400, 404, 409, 429))
async def undo(change_id: str) -> Response:
    """Take a change back. 409 where it was changed again since, or is taken back already."""
    if not change_id.isascii() or not change_id.isdigit():
        raise NotFound("There is no such change.")
    if services().saved_views.made(row_id(change_id)):
        undo_id = await services().saved_views.undo(row_id(change_id), client())
        return json_response(schemas.UndoDone(changed=0, skipped=0, change_id=undo_id))
    if services().tag_management.made(row_id(change_id)):
        result = await services().tag_management.undo(row_id(change_id), client())
        return json_response(
            schemas.UndoDone(changed=result.films, skipped=0, change_id=result.change_id)
        )
    undone = await services().journal.undo(row_id(change_id), client())
    if undone.reason:
        raise Conflict(undone.reason)
    return json_response(
        schemas.UndoDone(changed=undone.videos, skipped=undone.skipped, change_id=undone.change_id)
    )


def query_of(where: Mapping[str, Any]) -> Query:
    """The query that gallery parameters as JSON mean. Raises Invalid, also for unknown ones: a
    misspelled filter would select everything.
    """
    args: dict[str, list[str]] = {}
    for name, value in where.items():
        if name not in PARAMETERS:
            raise Invalid(f"There is no filter “{readable(name[:40], 'filter')}”.")
        parts = value if isinstance(value, list) else [value]
        args[name] = [_text(part) for part in parts]
    return parse_query(args)


def _text(value: str | int | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _edit(wanted: schemas.BulkSet) -> BulkEdit:
    rating = wanted.rating or 0 if "rating" in wanted.model_fields_set else None
    names = [*wanted.tags_add, *wanted.tags_remove, wanted.title or ""]
    for name in names:
        readable(name, "text")
    return BulkEdit(
        rating=rating,
        favorite=wanted.favorite,
        tags_add=tuple(wanted.tags_add),
        tags_remove=tuple(wanted.tags_remove),
        hidden=wanted.hidden,
        watched=wanted.watched,
        later=wanted.later,
        playlist=wanted.playlist,
        title=wanted.title,
    )
