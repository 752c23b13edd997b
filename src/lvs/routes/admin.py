"""Maintenance: scan, cache, and whether the server is there at all."""

import time

from quart import Blueprint, Response, jsonify, request

from lvs import __version__
from lvs.routes.context import back, services, wants_partial

bp = Blueprint("admin", __name__)

STARTED = time.monotonic()


@bp.get("/ping")
async def ping() -> Response:
    return jsonify(status="ok", version=__version__, uptime_seconds=round(time.monotonic() - STARTED, 1))


@bp.post("/admin/scan")
async def scan() -> Response:
    """Look at every file again, in the background."""
    services().watcher.scan_soon()
    return _accepted("scan")


@bp.get("/admin/cache/status")
async def cache_status() -> Response:
    return jsonify(services().cache.status())


@bp.post("/admin/cache/refresh")
async def cache_refresh() -> Response:
    """Forget what was cached; the next look asks the database."""
    return jsonify(status="ok", dropped=services().cache.clear()) if not _from_a_page() else back("/admin/performance")


def _accepted(what: str) -> Response:
    if _from_a_page() and not wants_partial():
        return back("/")
    response = jsonify(status="accepted", what=what)
    response.status_code = 202
    return response


def _from_a_page() -> bool:
    return "html" in request.headers.get("Accept", "") or wants_partial()
