"""The saved views as the person who watches sees them, with their numbers of videos."""

from collections.abc import Mapping, Sequence

from lvs.errors import NotFound
from lvs.services.curation.saved_views import SavedView
from lvs.viewer import viewer
from lvs.web.filters import parse_stored
from lvs.web.responses import services


async def counted() -> Mapping[str, int]:
    """The number of videos in each view, for the person who watches. What only they change, such
    as films they watched, may be counted a little late.
    """
    ours = services()
    edition = (ours.gallery.edition, ours.cache.generation)

    async def count(views: Sequence[SavedView]) -> list[int]:
        return await ours.gallery.counts([parse_stored(view.query)[0] for view in views])

    return await ours.saved_views.counts(viewer(), edition, count)


async def seen_views() -> Sequence[SavedView]:
    """Every view in its order; for a person with limits those that select something of theirs, as
    the name of another one tells of what they may not see.
    """
    views = await services().saved_views.every()
    if viewer().limits is None or not views:
        return views
    counts = await counted()
    return [view for view in views if counts.get(view.view_id)]


async def seen_view(view_id: str) -> SavedView:
    """A view that the person who watches sees. Raises NotFound."""
    view = await services().saved_views.get(view_id)
    if view not in await seen_views():
        raise NotFound("There is no such view.")
    return view
