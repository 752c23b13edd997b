"""The page that LVS begins with, for each person and for the household."""

from lvs.models import HOUSEHOLD
from lvs.routes.pages.seen_views import seen_views
from lvs.viewer import viewer
from lvs.web.responses import services

VIEW = "/view/"


async def start_page() -> str:
    """The page that LVS begins with for the person who watches; empty for all videos, and where it
    is a saved view that was deleted, or that they do not see.
    """
    person = viewer().person
    if person == HOUSEHOLD:
        chosen = await services().preferences.start_page()
    else:
        chosen = services().people.get(person).start_page
    if chosen.startswith(VIEW):
        known = {VIEW + view.view_id for view in await seen_views()}
        return chosen if chosen in known else ""
    return chosen


async def begin_with_view(view_id: str, wanted: bool) -> None:
    """Have LVS begin with a view, or with it no longer; another start page stays."""
    if wanted:
        await choose_start_page(VIEW + view_id)
    elif await start_page() == VIEW + view_id:
        await choose_start_page("")


async def choose_start_page(address: str) -> None:
    """Have LVS begin with this page for the person who watches. Raises Invalid."""
    person = viewer().person
    if person == HOUSEHOLD:
        await services().preferences.choose_start_page(address)
    else:
        await services().people.choose_start_page(person, address)
