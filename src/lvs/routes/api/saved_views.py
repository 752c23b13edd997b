"""The JSON API of saved views."""

from quart import Response

from lvs.clock import iso_utc_clamped
from lvs.filters import readable
from lvs.routes.api import schemas
from lvs.routes.api.bulk import query_of
from lvs.routes.api.openapi import answers
from lvs.routes.pages.seen_views import counted, seen_views
from lvs.routes.pages.start_page import VIEW, begin_with_view, start_page
from lvs.services.curation.saved_views import SavedView
from lvs.web.filters import parse_stored
from lvs.web.json_body import json_body
from lvs.web.responses import client, json_response, services
from lvs.web.urls import query_string

MESSAGE = 'Send {"name": "Unrated", "where": {"unrated": 1}}.'


@answers(schemas.SavedViewList, problems=())
async def every() -> Response:
    """Saved views in their order, each with its number of videos.

    A person with limits is told of those that select something of theirs.
    """
    return json_response(schemas.SavedViewList(views=await _entries()))


@answers((201, schemas.SavedViewEntry), body=schemas.NewSavedView, problems=(400, 409, 415, 429))
async def create() -> Response:
    """Name a selection. 409 where there is a view of that name."""
    wanted = await json_body(schemas.NewSavedView, MESSAGE)
    query = query_string(query_of(wanted.where))
    name = readable(wanted.name, "name")
    view = await services().saved_views.create(name, query, client())
    return json_response(await _entry(view), 201)


@answers(schemas.SavedViewEntry, body=schemas.SavedViewChange, problems=(400, 404, 409, 415, 429))
async def change(view_id: str) -> Response:
    """Rename a view, select something else, move it, or begin with it; what is left out stays."""
    wanted = await json_body(schemas.SavedViewChange, MESSAGE)
    views, view = services().saved_views, await services().saved_views.get(view_id)
    if wanted.name is not None or wanted.where is not None:
        name = view.name if wanted.name is None else readable(wanted.name, "name")
        query = None if wanted.where is None else query_string(query_of(wanted.where))
        await views.edit(view_id, name, query, client())
    if wanted.position is not None:
        await views.move(view_id, wanted.position, client())
    if wanted.start_page is not None:
        await begin_with_view(view_id, wanted.start_page)
    return json_response(await _entry(await views.get(view_id)))


@answers(schemas.SavedViewDeleted, problems=(404, 429))
async def remove(view_id: str) -> Response:
    """Delete a view. `POST /api/changes/<change_id>/undo` brings it back for 30 days."""
    change_id = await services().saved_views.delete(view_id, client())
    return json_response(schemas.SavedViewDeleted(change_id=change_id))


async def _entry(view: SavedView) -> schemas.SavedViewEntry:
    return next(each for each in await _entries() if each.id == view.view_id)


async def _entries() -> list[schemas.SavedViewEntry]:
    counts, start = await counted(), await start_page()
    entries = []
    for position, view in enumerate(await seen_views()):
        query, dropped = parse_stored(view.query)
        entries.append(
            schemas.SavedViewEntry(
                id=view.view_id,
                name=view.name,
                query=query_string(query).removeprefix("?"),
                dropped=dropped,
                position=position,
                count=counts.get(view.view_id, 0),
                start_page=start == VIEW + view.view_id,
                created_at=iso_utc_clamped(view.created_at),
                url=VIEW + view.view_id,
            )
        )
    return entries
