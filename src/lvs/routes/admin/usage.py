"""Usage: what is watched and rated, and how much of it."""

from quart import Response

from lvs.web.responses import page, services


async def usage() -> Response:
    """Views, ratings and tags in numbers."""
    return page("admin_usage.html", usage=await services().usage.statistics(), current="admin")
