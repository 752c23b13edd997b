"""Saved views: the page of one, and the page where they are named, ordered and deleted."""

from typing import cast
from urllib.parse import urlencode

from quart import Response, redirect

from lvs.models import Query
from lvs.routes.pages import gallery
from lvs.routes.pages.seen_views import counted, seen_view, seen_views
from lvs.routes.pages.start_page import begin_with_view, start_page
from lvs.services.curation.saved_views import SavedView, ViewJournalLine
from lvs.viewer import viewer
from lvs.web.filters import chips, parse_query, parse_stored
from lvs.web.request_args import arguments, digit, form_number, form_words, number, row_id, text
from lvs.web.responses import client, page, services
from lvs.web.templates import SORT_LABELS
from lvs.web.urls import query_string

MAX_CHANGE = 2**53
VERBS = {"add": "added", "edit": "changed", "delete": "deleted", "move": "moved"}


async def show(view_id: str) -> Response:
    """The gallery as a view selects it."""
    view = await seen_view(view_id)
    query, dropped = parse_stored(view.query)
    return await gallery.listing(
        query, arguments(), view.name, "views", view={"view": view, "dropped": dropped}
    )


async def every() -> Response:
    """All views; `changed` names the change that was made last. With a query of the gallery in the
    address, and `name`, it offers to name that selection.
    """
    args = arguments()
    may_change = viewer().limits is None
    views = await seen_views()
    counts = await counted()
    changed = number(args, "changed", MAX_CHANGE) if may_change else 0
    query = parse_query(args)
    naming = text(args, "save") == "1"
    return page(
        "saved_views.html",
        views=[(view, counts.get(view.view_id, 0), *_described(view)) for view in views],
        notice=await services().saved_views.change(changed) if changed else None,
        in_words=in_words,
        start=await start_page(),
        naming=naming,
        naming_query=query_string(query),
        suggested=_suggested(query) if naming else "",
        selection=_in_words(query),
        total=await services().gallery.count(query) if naming else 0,
        may_change=may_change,
        current="views",
    )


def _described(view: SavedView) -> tuple[str, list[str]]:
    query, dropped = parse_stored(view.query)
    return _in_words(query), dropped


def _in_words(query: Query) -> str:
    """A selection in words, such as `unrated · under 10 min, by title`."""
    words = " · ".join(chip.label for chip in chips(query)) or "all videos"
    words = words[:1].upper() + words[1:]
    if query.sort is query.usual_sort and query.descending:
        return words
    return f"{words}, by {SORT_LABELS[query.sort].lower()}"


def _suggested(query: Query) -> str:
    """A name for a selection that its maker need only accept."""
    return ", ".join(chip.heading for chip in chips(query))[:100]


async def create() -> Response:
    """Name the selection that the query in the address makes."""
    query = query_string(parse_query(arguments()))
    view = await services().saved_views.create(await form_words("name"), query, client())
    return cast("Response", redirect(f"/view/{view.view_id}", 303))


async def rename(view_id: str) -> Response:
    """Rename a view; with `selection` it becomes what the query in the address selects."""
    name = await form_words("name")
    args = arguments()
    query = query_string(parse_query(args)) if await form_words("selection") == "1" else None
    await services().saved_views.edit(view_id, name, query, client())
    return _to(f"/view/{view_id}" if query is not None else "/views")


async def move(view_id: str) -> Response:
    """Move a view one place `up` (1) or down (0), or to the place of another (`to`)."""
    views = [view.view_id for view in await services().saved_views.every()]
    await services().saved_views.get(view_id)
    if await form_words("to"):
        target = await form_number("to")
    else:
        up = digit(await form_words("up"), "1 or 0", 1) == 1
        target = max(0, views.index(view_id) + (-1 if up else 1))
    await services().saved_views.move(view_id, target, client())
    return _to(f"/views#view-{view_id}")


async def delete(view_id: str) -> Response:
    change_id = await services().saved_views.delete(view_id, client())
    return _to(f"/views?{urlencode({'changed': change_id})}")


async def undo(change_id: str) -> Response:
    """Take a change of views back."""
    await services().saved_views.undo(row_id(change_id), client())
    return _to("/views")


async def start(view_id: str) -> Response:
    """Have LVS begin with a view for the person who watches, or no longer (`value` 0)."""
    await seen_view(view_id)
    wanted = digit(await form_words("value"), "1 or 0", 1) == 1
    await begin_with_view(view_id, wanted)
    return _to("/views")


def in_words(line: ViewJournalLine) -> str:
    """A change of views in words."""
    verb = VERBS.get(line.what, line.what)
    names = [state.name for state in line.after.values()]
    if line.what == "edit" and line.undoes is None and names and names[0] != line.name:
        verb = f"renamed to “{names[0]}”"
    words = f"View “{line.name}” {verb}"
    return f"Undone: {words}" if line.undoes else words


def _to(address: str) -> Response:
    return cast("Response", redirect(address, 303))
