"""The saved views in the bar of every page, with their numbers of videos.

A browser that opens a page has them counted, where the library or a view changed since the last
time; every other request costs nothing.
"""

from quart import Quart, g, request

from lvs.routes.pages.seen_views import counted, seen_views
from lvs.web.responses import wants_partial
from lvs.web.site_map import access


def install(app: Quart) -> None:
    """Have the views counted before a page is put together."""

    @app.before_request
    async def find_views() -> None:
        if request.endpoint in (None, "static") or access().open:  # nobody need have signed in
            return
        g.saved_views = await seen_views()
        opens = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if g.saved_views and opens and not wants_partial():
            await counted()
