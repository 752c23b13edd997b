"""Usage: what is watched and rated, and how much of it."""

from quart import Response

from lvs.services.monitoring.usage import statistics
from lvs.web.responses import page, services


async def usage() -> Response:
    """Views, ratings and tags in numbers."""
    return page("admin_usage.html", usage=await statistics(services().database), current="admin")
