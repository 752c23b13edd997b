"""The dashboard: a page of tiles that refresh themselves, each with an address of its own.

A tile's address says which state of it the page has; a tile that would look the same is answered
with 204 and no body.
"""

from markupsafe import Markup
from quart import Response

from lvs.errors import NotFound
from lvs.routes.admin import report, tiles
from lvs.routes.api.openapi import answers
from lvs.services.monitoring.health import Level
from lvs.web.request_args import arguments, text
from lvs.web.responses import html, json_response, page, pages, services, wants_partial


async def dashboard() -> Response:
    """The page of tiles, those with issues first."""
    levels = await tiles.levels()
    names = [
        "health",
        *sorted(
            set(tiles.TILES) - {"health"},
            key=lambda name: (-max(levels.get(name, 0), Level.BUSY), tiles.ORDER[name]),
        ),
    ]
    # Escaped where it was rendered.
    drawn = [Markup((await tiles.draw(name, levels))[0]) for name in names]  # noqa: S704
    response = page("performance.html", tiles=drawn, current="admin")
    response.headers["Cache-Control"] = "no-store"
    return response


async def tile(name: str) -> Response:
    """One tile, or 204 where `seen` names its present state."""
    if name not in tiles.TILES:
        raise NotFound("Unknown tile.")
    drawn, seen = await tiles.draw(name, await tiles.levels())
    unchanged = wants_partial() and text(arguments(), "seen") == seen
    response = Response(status=204) if unchanged else html(drawn)
    response.headers["Cache-Control"] = "no-store"
    return response


@answers(report.PerformanceReport, problems=())
async def performance_json() -> Response:
    """Numbers of requests, caches, database, workers, library and storage."""
    response = json_response(await report.build_report(services(), pages()))
    response.headers["Cache-Control"] = "no-store"
    return response


async def fresh(name: str) -> Response:
    """A tile after a button in it was pressed."""
    return html((await tiles.draw(name, await tiles.levels()))[0])
