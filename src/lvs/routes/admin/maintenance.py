"""Maintenance: scan, cache, another look at a film, and whether the server is well."""

from quart import Blueprint, Response, jsonify, request

from lvs import __version__
from lvs.routes.admin import dashboard
from lvs.web.responses import back, services, wants_partial

bp = Blueprint("admin", __name__)

DASHBOARD = "/admin/performance"


@bp.get("/ping")
async def ping() -> Response:
    """Whether the server answers; with `deep=1` whether database, library folders and workers do
    their part, 503 if not.
    """
    about = {"version": __version__, "uptime_seconds": round(services().metrics.uptime_s, 1)}
    if request.args.get("deep", "") in ("", "0"):
        return jsonify(status="ok", **about)
    checks = await services().health.checks()
    well = all(check.ok for check in checks.values())
    response = jsonify(
        status="ok" if well else "trouble",
        checks={name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()},
        **about,
    )
    response.status_code = 200 if well else 503
    return response


@bp.post("/admin/scan")
async def scan() -> Response:
    """Look at every file again, in the background."""
    services().watcher.scan_soon()
    if wants_partial():
        return await dashboard.fresh("library")
    if _from_a_page():
        return back("/")
    response = jsonify(status="accepted", what="scan")
    response.status_code = 202
    return response


@bp.get("/admin/cache/status")
async def cache_status() -> Response:
    return jsonify(services().cache.status())


@bp.post("/admin/cache/refresh")
async def cache_refresh() -> Response:
    """Forget what was cached; the next look asks the database."""
    dropped = services().cache.clear()
    if wants_partial():
        return await dashboard.fresh("cache")
    return back(DASHBOARD) if _from_a_page() else jsonify(status="ok", dropped=dropped)


@bp.post("/admin/look-again/<hash:media_hash>")
async def look_again(media_hash: str) -> Response:
    """Look into a film again that could not be looked into, before all others."""
    video = await services().videos.get(media_hash)
    await services().jobs.look_again([video.id])
    if wants_partial():
        return await dashboard.fresh("workers")
    if _from_a_page():
        return back(DASHBOARD)
    response = jsonify(status="accepted", what="look")
    response.status_code = 202
    return response


def _from_a_page() -> bool:
    return "html" in request.headers.get("Accept", "")
