"""Maintenance: health check, scan, backup, cache, posters, probing again."""

from collections.abc import Callable
from typing import cast

from quart import Response, jsonify, redirect, request

from lvs import __version__
from lvs.errors import NotFound
from lvs.routes.admin import dashboard
from lvs.routes.admin.added_dates import span_of
from lvs.services.background_tasks import BackgroundTask
from lvs.web.filters import parse_query
from lvs.web.request_args import arguments
from lvs.web.responses import client, page, partial, redirect_back, services, wants_partial
from lvs.web.urls import query_string

DASHBOARD = "/admin/performance"
JOBS = "/admin/jobs"
QUICK_S = 0.8


async def ping() -> Response:
    """Answer a health check; `deep=1` also checks database, library folders and workers (503)."""
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


async def scan() -> Response:
    """Scan every library folder in the background."""
    services().watcher.scan_soon()
    if wants_partial():
        return await dashboard.fresh("library")
    if _from_a_page():
        return redirect_back("/")
    response = jsonify(status="accepted", what="scan")
    response.status_code = 202
    return response


async def cache_status() -> Response:
    return jsonify(services().cache.status())


async def cache_refresh() -> Response:
    """Clear the cache of database answers."""
    dropped = services().cache.clear()
    if wants_partial():
        return await dashboard.fresh("cache")
    return redirect_back(DASHBOARD) if _from_a_page() else jsonify(status="ok", dropped=dropped)


async def probe_again(media_hash: str) -> Response:
    """Probe a video again, before all others."""
    video = await services().videos.get(media_hash)
    await services().jobs.reprobe([video.id])
    if wants_partial():
        return await dashboard.fresh("workers")
    if _from_a_page():
        return redirect_back(DASHBOARD)
    response = jsonify(status="accepted", what="look")
    response.status_code = 202
    return response


async def task(name: str) -> Response:
    """The progress of a background task."""
    found = services().background_tasks.latest(name)
    if found is None:
        raise NotFound("No such task was started since LVS started.")
    if not wants_partial():
        return cast("Response", redirect(JOBS, 302))
    return partial("admin_task.html", trigger="" if found.running else "jobs:changed", task=found)


async def begin(name: str) -> Response:
    """Start a background task: scan, backup or cache; posters, for the videos of a query; or dates,
    for days.
    """
    maintenance = services().maintenance
    begin_it: dict[str, Callable[[], BackgroundTask]] = {
        "scan": maintenance.scan,
        "backup": maintenance.back_up,
        "cache": maintenance.refresh_cache,
        "posters": lambda: maintenance.reprobe(parse_query(arguments())),
        "dates": lambda: maintenance.repair_dates(span_of(arguments()), client()),
    }
    if name not in begin_it:
        raise NotFound("Unknown action.")
    begun = begin_it[name]()
    await services().background_tasks.wait_briefly(name, QUICK_S)
    if wants_partial():
        return partial("admin_task.html", task=begun)
    return cast("Response", redirect(JOBS, 303))


async def preview_posters() -> Response:
    """Preview the number of videos whose posters would be remade."""
    query = parse_query(arguments())
    address = query_string(query)
    return page(
        "admin_posters.html",
        total=await services().gallery.count(query),
        chosen=query.filtered,
        gallery=f"/{address}",
        action=f"/admin/errands/posters{address}",
        task=services().background_tasks.latest("posters"),
        current="admin",
    )


def _from_a_page() -> bool:
    return "html" in request.headers.get("Accept", "")
